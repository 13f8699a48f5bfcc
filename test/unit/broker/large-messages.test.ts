import { encodeProperties, Property } from '../../../src/message/properties';
import { readRecord } from '../../../src/message/record';
import { draftRecord, type RecordDraft } from '../../../src/message/record-draft';
import { BrokerBench } from '../../support/broker-bench';

const LARGE = 4 * 1024 * 1024;

/** A message with a body of so many bytes; its id is its body's first letter. */
function sized(id: string, bytes: number, properties: Record<string, string> = {}): RecordDraft {
  return draftRecord({
    topic: 't',
    body: Buffer.alloc(bytes, id),
    properties: encodeProperties([[Property.UNIQ_KEY, id], ...Object.entries(properties)]),
    tag: '',
    bornTimestamp: 1,
  });
}

async function benchWith(fifo: boolean, messages: readonly RecordDraft[]): Promise<BrokerBench> {
  const bench = await new BrokerBench({ store: { segmentBytes: 64 * 1024 * 1024 } }).open();
  await bench.drive(bench.broker.putTopic({ name: 't', type: 'MIXED', queues: 1 }));
  await bench.group({
    ...{ maxAttempts: 2, fifo, startFrom: 'beginning' },
    backoff: { kind: 'customized', nextMs: [1000] },
  });
  await bench.subscribe('g', 't');
  for (const draft of messages) await bench.drive(bench.broker.send({ queueId: 0, draft }));
  return bench;
}

async function received(bench: BrokerBench): Promise<string> {
  const popped = await bench.pop();
  return popped.map(({ record }) => readRecord(record, 0).body.toString('utf8', 0, 1)).join('');
}

describe('a message with a body of 4 MiB', () => {
  it.each([
    ['of an ordinary group', false],
    ['of a FIFO group', true],
  ])('is alone in its answer, first and again, and the rest goes on: %s', async (_what, fifo) => {
    const properties = { filling: 'x'.repeat(16_000), [Property.SHARDINGKEY]: 'order' };
    const other = { [Property.SHARDINGKEY]: 'other' };
    const bench = await benchWith(fifo, [
      sized('a', 10, other),
      sized('L', LARGE, properties),
      sized('b', 10, other),
    ]);
    expect(await received(bench)).toBe('a');
    expect(await received(bench)).toBe('L');
    // In a FIFO group b waits for a.
    expect(await received(bench)).toBe(fifo ? '' : 'b');
    await bench.sim.advance(10_100);
    const again = [await received(bench), await received(bench), await received(bench)];
    expect(again).toContain('L');
    expect([...again.join('')].toSorted().join('')).toBe('Lab');
    // Both attempts are over, but for the one that came later.
    await bench.sim.advance(10_100);
    expect(bench.running?.store.maxOffset('%DLQ%g', 0)).toBe(fifo ? 2 : 3);
    expect(await received(bench)).toBe(fifo ? 'b' : '');
  });

  it('is not alone when it is small enough for every client', async () => {
    const bench = await benchWith(false, [
      sized('a', 2_000_000),
      sized('b', 2_000_000),
      sized('c', LARGE - 8 * 1024),
    ]);
    expect(await received(bench)).toBe('abc');
  });
});
