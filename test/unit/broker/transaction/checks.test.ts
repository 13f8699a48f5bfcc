import { recordProperties } from '../../../../src/message/record';
import { Code } from '../../../../src/message/status';
import { transactionBench } from '../../../support/transaction-bench';

const UNANSWERED = 'TRANS_CHECK_MAX_TIME_TOPIC';
const NOTES = 'rmq_sys_GANTRY_TRANSACTION';

describe('checks of a transaction', () => {
  it('begin after 6 s and repeat every 30 s', async () => {
    const bench = await transactionBench();
    const startMs = bench.sim.clock.monotonicMs();
    await bench.begin('a');
    const atMs: number[] = [];
    for (let step = 0; step < 1000 && atMs.length < 3; step++) {
      if ((await bench.askedIds()).length > 0) atMs.push(bench.sim.clock.monotonicMs() - startMs);
      await bench.sim.advance(100);
    }
    for (const [i, at] of [6000, 36_000, 66_000].entries()) {
      expect(atMs[i]).toBeGreaterThanOrEqual(at);
      expect(atMs[i]).toBeLessThan(at + 500);
    }
  });

  it('begin when the message says', async () => {
    const bench = await transactionBench();
    await bench.begin('late', { CHECK_IMMUNITY_TIME_IN_SECONDS: '60' });
    await bench.begin('early', { CHECK_IMMUNITY_TIME_IN_SECONDS: '2' });
    await bench.sim.advance(2200);
    expect(await bench.askedIds()).toEqual(['early']);
    await bench.sim.advance(57_600);
    expect(await bench.askedIds()).toEqual(['early']);
    await bench.sim.advance(400);
    expect(await bench.askedIds()).toEqual(['late']);
  });

  it.each([
    [15, {}],
    [5, { maxChecks: 5 }],
  ])('are %i, then it is rolled back and an operator sees a copy', async (max, settings) => {
    const bench = await transactionBench(settings);
    expect(await bench.copiesById('a')).toEqual([]);
    await bench.begin('a', { colour: 'blue' });
    await bench.sim.advance(6100);
    for (let check = 1; check <= max; check++) {
      expect(await bench.askedIds()).toEqual(['a']);
      expect(await bench.pendingIds()).toEqual(['a']);
      await bench.sim.advance(30_100);
    }
    expect(await bench.askedIds()).toEqual([]);
    expect(await bench.pendingIds()).toEqual([]);
    const [copy] = await bench.stored(UNANSWERED);
    expect(copy?.body.toString()).toBe('body of a');
    const properties = copy && Object.fromEntries(recordProperties(copy));
    expect(properties).toMatchObject({
      ...{ REAL_TOPIC: 't', UNIQ_KEY: 'a', colour: 'blue' },
      TRANSACTION_CHECK_TIMES: String(max),
    });
    expect(await bench.copiesById('a')).toEqual(await bench.storedBytes(UNANSWERED));
    await expect(bench.commit('a')).rejects.toMatchObject({
      code: Code.BAD_REQUEST,
      message:
        'transaction a of topic t was rolled back after its last check, it cannot be committed',
    });
    await bench.rollback('a');
    expect(await bench.received()).toEqual([]);
    expect(await bench.stored(NOTES)).toHaveLength(max);
  });

  it('do not count when no producer was reached', async () => {
    const bench = await transactionBench({ maxChecks: 1 });
    await bench.begin('a');
    // Nobody waits for an hour.
    await bench.sim.advance(3_600_000);
    expect(await bench.pendingIds()).toEqual(['a']);
    // A proxy takes it and says that it had no producer, another one dies with it.
    const { transactions } = bench.broker;
    expect(await bench.checks('p1')).toHaveLength(1);
    await transactions.reportChecks([{ topic: 't', transactionId: 'a', reached: false }]);
    await bench.sim.advance(1100);
    expect(await bench.checks('p2')).toHaveLength(1);
    await bench.sim.advance(5100);
    expect(await bench.askedIds('p3')).toEqual(['a']);
    await bench.sim.advance(30_100);
    expect(await bench.pendingIds()).toEqual([]);
  });

  it('stop when it ends', async () => {
    const bench = await transactionBench();
    for (const id of ['a', 'b', 'c']) await bench.begin(id);
    await bench.commit('a');
    await bench.sim.advance(6100);
    expect(await bench.askedIds()).toEqual(['b', 'c']);
    await bench.rollback('b');
    await bench.sim.advance(30_100);
    expect(await bench.askedIds()).toEqual(['c']);
  });

  it.each([['kill'], ['restart']] as const)('are counted on after a %s', async (how) => {
    const bench = await transactionBench({ maxChecks: 3 });
    await bench.begin('a');
    await bench.sim.advance(6100);
    expect(await bench.askedIds()).toEqual(['a']);
    await bench.sim.advance(10_000);
    await bench[how]();
    await bench.sim.advance(19_000);
    expect(await bench.askedIds()).toEqual([]);
    await bench.sim.advance(1200);
    expect(await bench.askedIds()).toEqual(['a']);
    await bench[how]();
    await bench.sim.advance(30_200);
    expect(await bench.askedIds()).toEqual(['a']);
    await bench.sim.advance(30_100);
    expect(await bench.pendingIds()).toEqual([]);
    await bench[how]();
    await expect(bench.commit('a')).rejects.toMatchObject({ code: Code.BAD_REQUEST });
  });

  it('are many in one record of the log, and in few answers', async () => {
    const bench = await transactionBench();
    for (let i = 0; i < 100; i++) await bench.begin(`id-${i}`);
    await bench.sim.advance(6100);
    expect(await bench.askedIds()).toHaveLength(64);
    expect(await bench.askedIds()).toHaveLength(36);
    expect(await bench.stored(NOTES)).toHaveLength(2);
  });

  it('go to another proxy than the last time', async () => {
    const bench = await transactionBench();
    await bench.begin('a');
    const proxies: string[] = [];
    for (let round = 0; round < 4; round++) {
      await bench.sim.advance(round === 0 ? 6100 : 30_100);
      const wait = new AbortController();
      const { transactions } = bench.broker;
      const waits = ['p1', 'p2'].map(async (proxyId) => {
        const request = { proxyId, topics: ['t'], pollMs: 60_000 };
        const checks = await transactions.takeChecks(request, wait.signal);
        if (checks.length > 0) proxies.push(proxyId);
      });
      await bench.sim.settle();
      wait.abort();
      await bench.drive(Promise.all(waits));
      await transactions.reportChecks([{ topic: 't', transactionId: 'a', reached: true }]);
    }
    expect(proxies).toEqual(['p1', 'p2', 'p1', 'p2']);
  });

  it('are bounded: proxies that wait, and their topics', async () => {
    const bench = await transactionBench();
    const { transactions } = bench.broker;
    const request = { proxyId: 'p', topics: ['t'], pollMs: 1000 };
    const never = (): AbortSignal => new AbortController().signal;
    const topics = Array.from({ length: 10_001 }, (_, i) => `t${i}`);
    await expect(transactions.takeChecks({ ...request, topics }, never())).rejects.toMatchObject({
      code: Code.BAD_REQUEST,
      message: 'topics has 10001 entries, the limit is 10000',
    });
    const waits = Array.from({ length: 1000 }, () => transactions.takeChecks(request, never()));
    await expect(transactions.takeChecks(request, never())).rejects.toMatchObject({
      code: Code.TOO_MANY_REQUESTS,
      message: '1000 proxies wait for checks, the limit is 1000',
    });
    await bench.sim.advance(1000);
    expect((await bench.drive(Promise.all(waits))).flat()).toEqual([]);
  });
});
