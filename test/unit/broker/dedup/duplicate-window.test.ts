import { type BrokerBench, readyBench } from '../../../support/broker-bench';
import { idsOf, messageDraft } from '../../../support/test-broker';

async function sent(
  bench: BrokerBench,
  id: string,
  { topic = 't', queueId = 0 } = {},
): Promise<{ queueOffset: number; physicalOffset: number }> {
  return bench.drive(bench.broker.send({ queueId, draft: messageDraft(topic, id) }));
}

describe('a send that is repeated', () => {
  it('is answered with the first result, and nothing is stored twice', async () => {
    const bench = await readyBench();
    const first = await sent(bench, 'a');
    await sent(bench, 'b');
    expect(await sent(bench, 'a')).toEqual(first);
    expect(idsOf(await bench.pop())).toEqual(['a', 'b']);
  });

  it('while the first is still being written gets the same result at the same time', async () => {
    const bench = await readyBench();
    const send = (): Promise<unknown> =>
      bench.broker.send({ queueId: 0, draft: messageDraft('t', 'a') });
    const all = [send(), send(), send()];
    const answers = await bench.drive(Promise.all(all));
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(idsOf(await bench.pop())).toEqual(['a']);
  });

  it('is one message to its topic only, and whatever queue it is sent to', async () => {
    const bench = await readyBench({}, 2);
    await bench.topic('other');
    const first = await sent(bench, 'a');
    await sent(bench, 'a', { topic: 'other' });
    expect(await sent(bench, 'a', { queueId: 1 })).toEqual(first);
    expect(bench.running?.store.maxOffset('other', 0)).toBe(1);
    expect(bench.running?.store.maxOffset('t', 1)).toBe(0);
  });

  it('is stored again once the window is over, to the millisecond', async () => {
    const bench = await readyBench({ settings: { dedupWindowMs: 5_000 } });
    await sent(bench, 'a');
    await bench.sim.advance(4_999);
    await sent(bench, 'a');
    expect(bench.running?.store.maxOffset('t', 0)).toBe(1);
    await bench.sim.advance(1);
    await sent(bench, 'a');
    expect(bench.running?.store.maxOffset('t', 0)).toBe(2);
  });

  it('is stored again in a new topic of the same name', async () => {
    const bench = await readyBench();
    await sent(bench, 'a');
    await bench.drive(bench.broker.deleteTopic('t'));
    await bench.topic('t');
    await sent(bench, 'a');
    await sent(bench, 'a');
    expect(bench.running?.store.maxOffset('t', 0)).toBe(1);
  });

  it('in many copies at once is stored once, also where the first lies in a topic that was deleted', async () => {
    const bench = await readyBench();
    await sent(bench, 'a');
    await bench.drive(bench.broker.deleteTopic('t'));
    await bench.topic('t');
    const send = (): Promise<unknown> =>
      bench.broker.send({ queueId: 0, draft: messageDraft('t', 'a') });
    await bench.drive(Promise.all([send(), send(), send(), send()]));
    expect(bench.running?.store.maxOffset('t', 0)).toBe(1);
  });

  it('is stored again where suppression is off', async () => {
    const bench = await readyBench({ settings: { dedupWindowMs: 0 } });
    await sent(bench, 'a');
    await sent(bench, 'a');
    expect(idsOf(await bench.pop())).toEqual(['a', 'a']);
  });

  it('without an id is no repetition', async () => {
    const bench = await readyBench();
    await sent(bench, '');
    await sent(bench, '');
    expect(bench.running?.store.maxOffset('t', 0)).toBe(2);
  });

  it('is stored again once as many others as may be known were sent', async () => {
    const bench = await readyBench({ settings: { dedupMaxEntries: 3 } });
    for (const id of ['a', 'b', 'c']) await sent(bench, id);
    await sent(bench, 'a');
    expect(bench.running?.store.maxOffset('t', 0)).toBe(3);
    await sent(bench, 'd');
    await sent(bench, 'a');
    expect(bench.running?.store.maxOffset('t', 0)).toBe(5);
  });

  it.each(['async', 'buffered'] as const)(
    'under flush %s is answered as the first',
    async (flush) => {
      const bench = await readyBench({ flush });
      const send = (): Promise<unknown> =>
        bench.broker.send({ queueId: 0, draft: messageDraft('t', 'a', '', { WAIT: 'false' }) });
      const [first, second] = await bench.drive(Promise.all([send(), send()]));
      expect(second).toEqual(first);
      await bench.sim.advance(1_000);
      expect(bench.running?.store.maxOffset('t', 0)).toBe(1);
    },
  );
});

describe('a restart within the window', () => {
  it.each([
    ['an orderly one', (bench: BrokerBench) => bench.restart()],
    ['a crash', (bench: BrokerBench) => bench.kill()],
  ])('forgets nothing: %s', async (_what, again) => {
    const bench = await readyBench({ settings: { dedupWindowMs: 60_000 } }, 3);
    await bench.topic('other', 2);
    await sent(bench, 'old');
    await bench.sim.advance(50_000);
    const first = new Map<string, unknown>();
    for (let i = 0; i < 60; i++) {
      const at = i % 2 === 0 ? { topic: 't', queueId: i % 3 } : { topic: 'other', queueId: 1 };
      first.set(`m${i}`, await sent(bench, `m${i}`, at));
      await bench.sim.advance(100);
    }
    await again(bench);
    await bench.sim.advance(10_000);
    for (let i = 0; i < 60; i++) {
      const topic = i % 2 === 0 ? 't' : 'other';
      expect(await sent(bench, `m${i}`, { topic })).toEqual(first.get(`m${i}`));
    }
    const before = bench.running?.store.maxOffset('t', 0) ?? 0;
    await sent(bench, 'old');
    expect(bench.running?.store.maxOffset('t', 0)).toBe(before + 1);
  });

  it('does not know a message by the copy in its dead letter queue', async () => {
    const bench = await readyBench();
    await bench.group({ maxAttempts: 1 });
    await sent(bench, 'a');
    expect(idsOf(await bench.pop())).toEqual(['a']);
    await bench.sim.advance(20_000);
    expect(bench.running?.store.maxOffset('%DLQ%g', 0)).toBe(1);
    await bench.restart();
    // A copy of it that is sent on to the dead letter queue by hand is a message of its own.
    await sent(bench, 'a', { topic: '%DLQ%g' });
    expect(bench.running?.store.maxOffset('%DLQ%g', 0)).toBe(2);
    await sent(bench, 'a');
    expect(bench.running?.store.maxOffset('t', 0)).toBe(1);
  });
});
