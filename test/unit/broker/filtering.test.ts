import { javaHashCode } from '../../../src/message/java-hash';
import { Code } from '../../../src/message/status';
import { never, readyBench, type BrokerBench } from '../../support/broker-bench';
import { idsOf, popRequest } from '../../support/test-broker';

const sql = (expression: string): { filter: { type: 'SQL'; expression: string } } => ({
  filter: { type: 'SQL', expression },
});
const tags = (expression: string): { filter: { type: 'TAG'; expression: string } } => ({
  filter: { type: 'TAG', expression },
});

async function sendPrices(bench: BrokerBench, prices: readonly number[]): Promise<void> {
  for (const price of prices) {
    await bench.send('t', `p${price}`, '', 0, { price: String(price) });
  }
}

describe('an SQL filter', () => {
  it('lets through what matches; the rest is gone for the group', async () => {
    const bench = await readyBench();
    await sendPrices(bench, [1, 5, 3, 9]);
    expect(idsOf(await bench.pop(sql('price > 3')))).toEqual(['p5', 'p9']);
    await bench.sim.advance(1);
    expect(await bench.pop()).toEqual([]);
  });

  it('passes over what does not match without taking it in flight', async () => {
    const bench = await readyBench({ settings: { maxInflight: 2 } });
    await sendPrices(bench, [1, 2, 3, 4, 5, 6, 7, 8]);
    expect(idsOf(await bench.pop(sql('price >= 7')))).toEqual(['p7', 'p8']);
  });

  it('sees the tag and keys as properties, and not the body', async () => {
    const bench = await readyBench();
    await bench.send('t', 'one', 'red', 0, { KEYS: 'k1 k2' });
    await bench.send('t', 'two', 'blue', 0, { KEYS: 'k2' });
    expect(idsOf(await bench.pop(sql("TAGS = 'red' AND KEYS CONTAINS 'k2'")))).toEqual(['one']);
    await bench.send('t', 'three', '', 0);
    expect(idsOf(await bench.pop(sql('body IS NOT NULL')))).toEqual([]);
  });

  it('wakes a waiting receive for a match only', async () => {
    const bench = await readyBench();
    const request = popRequest('g', 't', { pollMs: 20_000, ...sql('price = 7') });
    const waiting = bench.broker.pop(request, never);
    await bench.sim.settle();
    await sendPrices(bench, [1, 2, 7]);
    expect(idsOf(await bench.drive(waiting))).toEqual(['p7']);
  });

  it('finds a match behind thousands that do not', async () => {
    const bench = await readyBench();
    for (let i = 0; i < 3000; i++) {
      void bench.broker.send({ queueId: 0, draft: bench.draft('t', `m${i}`, { n: String(i) }) });
    }
    await bench.send('t', 'last', '', 0, { n: 'last' });
    expect(idsOf(await bench.pop(sql("n = 'last' OR n = '2999'")))).toEqual(['m2999', 'last']);
  });

  it('holds after a restart, when records are read from files', async () => {
    const bench = await readyBench();
    await sendPrices(bench, [1, 5, 3, 9]);
    await bench.restart();
    expect(idsOf(await bench.pop(sql('price > 3')))).toEqual(['p5', 'p9']);
  });

  it('that changes decides on what has not been looked at, and on what comes again', async () => {
    const bench = await readyBench();
    await sendPrices(bench, [1, 2, 3, 4, 5, 6]);
    expect(idsOf(await bench.pop({ maxMessages: 2, ...sql('price > 0') }))).toEqual(['p1', 'p2']);
    const even = sql("price IN ('2', '4', '6')");
    expect(idsOf(await bench.pop({ maxMessages: 1, ...even }))).toEqual(['p4']);
    await bench.sim.advance(10_100);
    const again = await bench.pop(even);
    expect(idsOf(again).sort()).toEqual(['p2', 'p4', 'p6']);
    expect(again.map(({ attempt }) => attempt).sort()).toEqual([1, 2, 2]);
    await bench.ack(again);
    await bench.sim.advance(20_000);
    expect(await bench.pop()).toEqual([]);
  });

  it('that was widened while a receive waits gets what comes from then on', async () => {
    const bench = await readyBench();
    const narrow = popRequest('g', 't', { pollMs: 20_000, maxMessages: 1, ...sql('price > 8') });
    const wide = popRequest('g', 't', {
      pollMs: 20_000,
      maxMessages: 1,
      clientId: 'client-2',
      ...sql('TRUE'),
    });
    const first = bench.broker.pop(narrow, never);
    await bench.sim.settle();
    const second = bench.broker.pop(wide, never);
    await bench.sim.settle();
    await sendPrices(bench, [9, 1]);
    expect(idsOf(await bench.drive(first))).toEqual(['p9']);
    expect(idsOf(await bench.drive(second))).toEqual(['p1']);
  });

  it('that cannot be read is refused', async () => {
    const bench = await readyBench();
    await expect(bench.pop(sql('price >'))).rejects.toMatchObject({
      code: Code.ILLEGAL_FILTER_EXPRESSION,
    });
  });

  it('that cannot be evaluated is counted, with the message that it was about', async () => {
    const bench = await readyBench();
    await bench.send('t', 'bad', '', 0, { price: 'cheap' });
    await bench.send('t', 'bad too, wanted', '', 0, { price: 'dear', urgent: 'true' });
    await bench.send('t', 'good', '', 0, { price: '7' });
    const result = await bench.pop(sql('price > 5 OR urgent = TRUE'));
    expect(idsOf(result)).toEqual(['bad too, wanted', 'good']);
    const place = { group: 'g', topic: 't', lastQueueId: 0, lastOffset: 1 };
    const lastFault = 'property price is no number: "dear"';
    const lastWallMs = bench.sim.clock.wallMs();
    expect(await bench.broker.filterFaults()).toEqual([
      { ...place, faults: 2, lastFault, lastWallMs },
    ]);
    await bench.drive(bench.broker.deleteGroup('g'));
    expect(await bench.broker.filterFaults()).toEqual([]);
  });
});

describe('a tag filter', () => {
  it('that changes decides on what comes again by the tag, not by its hash', async () => {
    expect(javaHashCode('Aa')).toBe(javaHashCode('BB'));
    const bench = await readyBench();
    await bench.send('t', 'one', 'Aa');
    await bench.send('t', 'two', 'BB');
    await bench.send('t', 'three', '');
    expect(idsOf(await bench.pop(tags('Aa || BB')))).toEqual(['one', 'two']);
    await bench.sim.advance(10_100);
    expect(idsOf(await bench.pop(tags('BB')))).toEqual(['two']);
  });
});
