import { readyBench } from '../../support/broker-bench';
import { groupConfig } from '../../support/model-broker';
import { idsOf } from '../../support/test-broker';

describe('the ledger in the log', () => {
  it('survives restarts through many snapshots', async () => {
    const bench = await readyBench({ settings: { snapshotEveryBytes: 2_000 } }, 4);
    const acked = new Set<string>();
    const held = new Set<string>();
    for (let i = 0; i < 120; i++) {
      await bench.send('t', `m${i}`, '', i % 4);
      const popped = await bench.pop({ invisibleMs: 3_600_000 });
      for (const id of idsOf(popped)) (i % 3 === 0 ? held : acked).add(id);
      if (i % 3 !== 0) await bench.ack(popped);
      if (i % 40 === 39) await bench.restart();
    }
    expect(acked.size + held.size).toBe(120);
    await bench.sim.advance(3_601_000);
    const again: string[] = [];
    for (let i = 0; i < 10; i++) again.push(...idsOf(await bench.pop({ invisibleMs: 3_600_000 })));
    expect(new Set(again)).toEqual(held);
    expect(again).toHaveLength(held.size);
  });

  it('is not logged whole again and again when that takes more than what asks for it', async () => {
    const bench = await readyBench({ settings: { snapshotEveryBytes: 2_000 } });
    for (let i = 0; i < 320; i++) await bench.send('t', `m${i}`);
    for (let i = 0; i < 11; i++) await bench.pop({ invisibleMs: 3_600_000 });
    await bench.sim.settle();
    const end = bench.running?.store.visible;
    for (let i = 0; i < 5; i++) expect(await bench.pop()).toEqual([]);
    await bench.sim.settle();
    expect(bench.running?.store.visible).toBe(end);
  });

  it('is gone with its topic: a new one of that name starts empty', async () => {
    const bench = await readyBench();
    await bench.send('t', 'old');
    await bench.drive(bench.broker.deleteTopic('t'));
    await bench.restart();
    await bench.topic('t');
    await bench.subscribe('g', 't');
    await bench.send('t', 'new');
    expect(idsOf(await bench.pop())).toEqual(['new']);
  });
});

describe('a snapshot that is taken while a change of topics or groups is on its way to disk or replicas', () => {
  it('has it', async () => {
    const bench = await readyBench({ settings: { snapshotEveryBytes: 1 } });
    for (let i = 0; i < 60; i++) await bench.send('t', `m${i}`);
    const { store } = bench.running ?? {};
    store?.replicated.confirm(store.visible);
    const made = bench.broker.putTopic({ name: 'late', type: 'NORMAL', queues: 1 });
    await bench.sim.settle();
    const madeAt = store?.replicated.endPosition ?? 0;
    for (let i = 0; i < 60; i++) await bench.pop({ maxMessages: 1 });
    expect(bench.broker.snapshotPlace.begin).toBeGreaterThanOrEqual(madeAt);
    store?.replicated.confirm(Infinity);
    await bench.drive(made);
    await bench.kill();
    const names = (await bench.broker.listTopics()).map(({ name }) => name);
    expect(names).toContain('late');
  });

  it('does not have a group that was deleted meanwhile, nor has the broker', async () => {
    const bench = await readyBench();
    const { store } = bench.running ?? {};
    store?.replicated.confirm(store.visible);
    const changed = bench.broker.putGroup(groupConfig('g', { maxAttempts: 3 }));
    const deleted = bench.broker.deleteGroup('g');
    await bench.sim.settle();
    store?.replicated.confirm(Infinity);
    await bench.drive(Promise.all([changed, deleted]));
    expect(await bench.broker.listGroups()).toEqual([]);
    await bench.restart();
    expect(await bench.broker.listGroups()).toEqual([]);
  });
});

describe('a bound on what is in flight', () => {
  it('gives nothing new beyond the window, and goes on when some is finished', async () => {
    const bench = await readyBench({ settings: { maxWindow: 2 } });
    for (const id of ['1', '2', '3']) await bench.send('t', id);
    const first = await bench.pop();
    expect(idsOf(first)).toEqual(['1', '2']);
    expect(await bench.pop()).toEqual([]);
    await bench.ack(first.slice(0, 1));
    expect(idsOf(await bench.pop())).toEqual(['3']);
  });
});
