import type { PullRequest, PullResult } from '../../../../src/api/offset-api';
import { COMMON_MESSAGE_BYTES } from '../../../../src/message/large-message';
import { draftRecord } from '../../../../src/message/record-draft';
import { Code } from '../../../../src/message/status';
import { readyBench, type BrokerBench } from '../../../support/broker-bench';

const request = (changes: Partial<PullRequest> = {}): PullRequest => ({
  ...{ group: 'g', topic: 't', queueId: 0, clientId: 'c', offset: 0, maxMessages: 32, pollMs: 0 },
  filter: { type: 'TAG', expression: '*' },
  ...changes,
});
const never = new AbortController().signal;

async function pull(bench: BrokerBench, offset: number): Promise<readonly [number, number]> {
  const result = await bench.drive(bench.broker.offsets.pull(request({ offset }), never));
  return [result?.records.length ?? -1, result?.nextOffset ?? -1];
}

async function sendBytes(bench: BrokerBench, bytes: number): Promise<void> {
  const body = Buffer.alloc(bytes, 1);
  const draft = draftRecord({ topic: 't', body, properties: '', tag: '', bornTimestamp: 1 });
  await bench.drive(bench.broker.send({ queueId: 0, draft }));
}

describe('a pull', () => {
  it('answers so many bytes as fit, one message at least', async () => {
    const bench = await readyBench({ settings: { maxPopBytes: 5_000 } });
    for (const bytes of [2_000, 2_000, 2_000, 9_000]) await sendBytes(bench, bytes);
    expect(await pull(bench, 0)).toEqual([2, 2]);
    expect(await pull(bench, 2)).toEqual([1, 3]);
    expect(await pull(bench, 3)).toEqual([1, 4]);
  });

  it('answers a message that is too large for some clients alone', async () => {
    const bench = await readyBench();
    for (const bytes of [10, COMMON_MESSAGE_BYTES, 10]) await sendBytes(bench, bytes);
    expect(await pull(bench, 0)).toEqual([1, 1]);
    expect(await pull(bench, 1)).toEqual([1, 2]);
    expect(await pull(bench, 2)).toEqual([1, 3]);
  });

  it('that is filtered goes through a long queue in one call', async () => {
    const bench = await readyBench();
    for (let i = 0; i < 1_500; i++) await sendBytes(bench, 1);
    await bench.send('t', 'wanted', 'tag');
    const filter = { type: 'TAG', expression: 'tag' } as const;
    const waiting = bench.broker.offsets.pull(request({ filter, pollMs: 1_000 }), never);
    expect(await bench.drive(waiting)).toMatchObject({ nextOffset: 1_501, records: [{}] });
    const first = await bench.drive(bench.broker.offsets.pull(request({ filter }), never));
    expect(first).toMatchObject({ records: [] });
    expect(first?.nextOffset).toBeGreaterThanOrEqual(1_024);
  });

  it.each([
    ['on a queue', { maxPollsPerLedger: 1 }, '1 pulls wait on a queue of topic t, the limit is 1'],
    ['on the broker', { maxPolls: 1 }, '1 pulls wait on this broker, the limit is 1'],
  ])('is refused when too many wait %s', async (_where, settings, text) => {
    const bench = await readyBench({ settings });
    const wait = (): Promise<PullResult | undefined> =>
      bench.broker.offsets.pull(request({ pollMs: 5_000 }), never);
    const first = wait();
    await bench.sim.settle();
    await expect(bench.drive(wait())).rejects.toMatchObject({
      ...{ code: Code.TOO_MANY_REQUESTS, message: text },
    });
    await bench.send('t', 'a');
    expect(await bench.drive(first)).toMatchObject({ records: [{}] });
    const again = wait();
    expect(await bench.drive(again)).toMatchObject({ records: [{}] });
  });

  it('that waits ends with its client and with its broker', async () => {
    const bench = await readyBench();
    const gone = bench.broker.offsets.pull(request({ pollMs: 5_000 }), never);
    await bench.drive(bench.broker.clientGone('c'));
    expect(await bench.drive(gone)).toBeUndefined();
    const stopped = bench.broker.offsets.pull(request({ pollMs: 5_000 }), never);
    stopped.catch(() => undefined);
    await bench.drive(bench.running?.stop() ?? Promise.resolve());
    await expect(stopped).rejects.toMatchObject({ code: Code.HA_NOT_AVAILABLE });
  });
});
