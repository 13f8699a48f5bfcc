import { recordProperties } from '../../../../src/message/record';
import { DEFAULT_RETENTION } from '../../../../src/store/retention';
import { SimClock } from '../../../support/sim-clock';
import { transactionBench, type TransactionBench } from '../../../support/transaction-bench';

const HOUR_MS = 3_600_000;
const HALF = 'RMQ_SYS_TRANS_HALF_TOPIC';
const retention = {
  ...DEFAULT_RETENTION,
  hour: new Date(new SimClock().clock.wallMs()).getHours(),
};

/** Lets all that is in the log now expire, and go. */
async function age(bench: TransactionBench): Promise<void> {
  await bench.sim.advance(11_000);
  bench.sim.jumpWall(72 * HOUR_MS);
  for (let i = 0; i < 2; i++) await bench.sim.advance(11_000);
}

describe('when old segments are removed', () => {
  it.each([['kill'], ['restart']] as const)(
    'pending transactions live on, with their checks, also after a %s',
    async (how) => {
      const bench = await transactionBench(
        { maxChecks: 2 },
        { store: { segmentBytes: 16 * 1024, retention } },
      );
      await bench.begin('a', { colour: 'blue' });
      await bench.begin('b');
      await bench.sim.advance(6100);
      expect(await bench.askedIds()).toEqual(['a', 'b']);
      for (let i = 0; i < 200; i++) await bench.send('t', `m${i}`);
      const before = await bench.stored(HALF);
      await age(bench);
      // The first half messages are gone, they were written anew.
      expect(bench.running?.store.minOffset(HALF, 0)).toBe(2);
      const [again] = await bench.stored(HALF);
      expect(again?.physicalOffset).toBeGreaterThan(before[1]?.physicalOffset ?? 0);
      expect(again && Object.fromEntries(recordProperties(again))).toMatchObject({
        ...{ UNIQ_KEY: 'a', REAL_TOPIC: 't', REAL_QID: '0', colour: 'blue' },
        TRANSACTION_CHECK_TIMES: '1',
      });
      await bench[how]();
      expect(await bench.pendingIds()).toEqual(['a', 'b']);
      while ((await bench.received()).length > 0);
      await bench.commit('a');
      expect(await bench.received()).toEqual(['a']);
      // One check more for the other, then it is over.
      await bench.sim.advance(30_100);
      expect(await bench.askedIds()).toEqual(['b']);
      await bench.sim.advance(30_100);
      expect(await bench.pendingIds()).toEqual([]);
    },
  );
});
