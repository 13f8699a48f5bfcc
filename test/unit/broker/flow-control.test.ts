import { never, readyBench, type BrokerBench } from '../../support/broker-bench';
import { idsOf, popRequest } from '../../support/test-broker';

const ids = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, i) => `m${from + i}`);

async function sendAll(bench: BrokerBench, names: readonly string[], queueId = 0): Promise<void> {
  for (const id of names) await bench.send('t', id, '', queueId);
}

describe('messages in flight', () => {
  it('are bounded for each queue; what is acknowledged makes room', async () => {
    const bench = await readyBench({ settings: { maxInflightPerQueue: 3 } }, 2);
    await sendAll(bench, ids(1, 5), 0);
    await sendAll(bench, ids(6, 7), 1);
    const first = await bench.pop();
    expect(idsOf(first).sort()).toEqual([...ids(1, 3), ...ids(6, 7)].sort());
    expect(await bench.pop()).toEqual([]);
    await bench.ack(first.filter((_, i) => idsOf(first)[i] === 'm2'));
    expect(idsOf(await bench.pop())).toEqual(['m4']);
  });

  it('are bounded for each group, over all its topics, and not for others', async () => {
    const bench = await readyBench({ settings: { maxInflightPerGroup: 3 } });
    await bench.topic('t2');
    await bench.subscribe('g', 't2');
    await bench.subscribe('other', 't');
    await sendAll(bench, ids(1, 2));
    for (const id of ids(3, 5)) await bench.send('t2', id);
    const pop = (group: string, topic: string): Promise<string[]> =>
      bench.drive(bench.broker.pop(popRequest(group, topic), never)).then(idsOf);
    expect(await pop('g', 't')).toEqual(ids(1, 2));
    expect(await pop('g', 't2')).toEqual(['m3']);
    expect(await pop('g', 't2')).toEqual([]);
    expect(await pop('other', 't')).toEqual(ids(1, 2));
  });

  it('are bounded for the broker', async () => {
    const bench = await readyBench({ settings: { maxInflight: 3 } });
    await bench.subscribe('other', 't');
    await sendAll(bench, ids(1, 2));
    expect(idsOf(await bench.pop())).toEqual(ids(1, 2));
    const other = popRequest('other', 't');
    expect(idsOf(await bench.drive(bench.broker.pop(other, never)))).toEqual(['m1']);
    expect(await bench.drive(bench.broker.pop(other, never))).toEqual([]);
  });

  it.each([
    ['queue', { maxInflightPerQueue: 2 }],
    ['group', { maxInflightPerGroup: 2 }],
    ['broker', { maxInflight: 2 }],
    ['window', { maxWindow: 2 }],
  ])(
    'that reach the bound of the %s let a waiting receive go on when one is finished',
    async (_name, settings) => {
      const bench = await readyBench({ settings });
      await sendAll(bench, ids(1, 3));
      const first = await bench.pop();
      expect(idsOf(first)).toEqual(ids(1, 2));
      let ended = false;
      const waiting = bench.broker.pop(popRequest('g', 't', { pollMs: 20_000 }), never);
      void waiting.finally(() => {
        ended = true;
      });
      await bench.sim.advance(1000);
      expect(ended).toBe(false);
      await bench.ack(first.slice(0, 1));
      await bench.sim.advance(10);
      expect(idsOf(await bench.drive(waiting))).toEqual(['m3']);
    },
  );

  it('come again although the bound is reached', async () => {
    const bench = await readyBench({ settings: { maxInflightPerQueue: 2 } });
    await sendAll(bench, ids(1, 4));
    await bench.pop();
    await bench.sim.advance(10_100);
    const again = await bench.pop();
    expect(idsOf(again)).toEqual(ids(1, 2));
    expect(again.map(({ attempt }) => attempt)).toEqual([2, 2]);
  });

  it('are counted again after a restart', async () => {
    const bench = await readyBench({ settings: { maxInflightPerGroup: 2 } });
    await sendAll(bench, ids(1, 3));
    const first = await bench.pop();
    await bench.restart();
    expect(await bench.pop()).toEqual([]);
    await bench.ack(first);
    expect(idsOf(await bench.pop())).toEqual(['m3']);
  });

  it('leave no count behind when their topic goes', async () => {
    const bench = await readyBench({ settings: { maxInflightPerGroup: 2 } });
    await bench.topic('t2');
    await bench.subscribe('g', 't2');
    await sendAll(bench, ids(1, 2));
    await bench.send('t2', 'other');
    await bench.pop();
    await bench.drive(bench.broker.deleteTopic('t'));
    const rest = await bench.drive(bench.broker.pop(popRequest('g', 't2'), never));
    expect(idsOf(rest)).toEqual(['other']);
  });

  it('of a consumer that never acknowledges take no more room, and no more log, than the bound', async () => {
    const bench = await readyBench({ settings: { maxInflightPerGroup: 200 } });
    await sendAll(bench, ids(1, 1000));
    for (let i = 0; i < 20; i++) await bench.pop();
    const logBytes = bench.running?.store.visible ?? 0;
    for (let i = 0; i < 200; i++) expect(await bench.pop()).toEqual([]);
    await bench.sim.advance(1);
    expect(bench.running?.store.visible).toBe(logBytes);
  });
});
