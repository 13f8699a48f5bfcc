import { draftRecord } from '../../../../src/message/record-draft';
import { encodeProperties } from '../../../../src/message/properties';
import { Code } from '../../../../src/message/status';
import { readyBench, type BrokerBench } from '../../../support/broker-bench';
import { idsOf } from '../../../support/test-broker';

/** A retry topic with a message that was delivered `reconsumeTimes` times before. */
async function retried(
  bench: BrokerBench,
  topic: string,
  id: string,
  reconsumeTimes = 1,
): Promise<void> {
  const draft = draftRecord({
    ...{ topic, body: Buffer.from(`body of ${id}`), tag: '', bornTimestamp: 1, reconsumeTimes },
    properties: encodeProperties([['UNIQ_KEY', id]]),
  });
  await bench.drive(bench.broker.send({ queueId: 0, draft }));
}

describe.each(['%RETRY%g', '%RETRY%g_t', '%RETRY%g+t'])('a message in %s', (topic) => {
  async function scene(): Promise<BrokerBench> {
    const bench = await readyBench();
    // `+` is no character of names that clients may make; a move brings it.
    const path = '/broker/config/topics.json';
    await bench.drive(bench.running?.stop() ?? Promise.resolve());
    const before = (await bench.platform.files.readFile(path))?.toString() ?? '';
    const entry = `"${topic}":{"readQueueNums":1,"writeQueueNums":1},`;
    const table = '"topicConfigTable":{';
    await bench.platform.files.writeFile(path, before.replace(table, table + entry));
    await bench.open();
    return bench;
  }

  it('comes to a pop of its group, with the deliveries before counted', async () => {
    const bench = await scene();
    await retried(bench, topic, 'again', 3);
    await bench.send('t', 'new');
    const [first] = await bench.pop();
    expect(idsOf(first === undefined ? [] : [first])).toEqual(['again']);
    expect(first?.attempt).toBe(4);
    expect(idsOf(await bench.pop())).toEqual(['new']);
  });

  it('is acknowledged among others, and does not come again', async () => {
    const bench = await scene();
    await retried(bench, topic, 'again');
    await bench.send('t', 'new');
    const both = [...(await bench.pop()), ...(await bench.pop())];
    expect(idsOf(both)).toEqual(['again', 'new']);
    expect(await bench.ack([...both].reverse())).toEqual([Code.OK, Code.OK]);
    await bench.sim.advance(11_000);
    expect(await bench.pop()).toEqual([]);
    await bench.restart();
    expect(await bench.pop()).toEqual([]);
  });

  it('comes again when it is not acknowledged, to a poll that waits', async () => {
    const bench = await scene();
    await retried(bench, topic, 'again');
    await bench.pop();
    const waiting = bench.broker.pop(
      {
        ...{ group: 'g', topic: 't', clientId: 'client-1', attemptId: '', maxMessages: 32 },
        ...{ filter: { type: 'TAG', expression: '*' }, invisibleMs: 10_000, pollMs: 20_000 },
        autoRenew: false,
      },
      new AbortController().signal,
    );
    for (let second = 0; second < 12; second++) await bench.sim.advance(1000);
    const result = await bench.drive(waiting);
    expect(idsOf(result)).toEqual(['again']);
    expect(result.map(({ attempt }) => attempt)).toEqual([3]);
  });

  it('does not come to another group', async () => {
    const bench = await scene();
    await retried(bench, topic, 'again');
    await bench.subscribe('other', 't');
    expect(await bench.pop({ group: 'other' })).toEqual([]);
  });
});
