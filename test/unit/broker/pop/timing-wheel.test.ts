import fc from 'fast-check';
import { InflightTable } from '../../../../src/broker/pop/inflight-table';
import { TICK_MS, TimingWheel } from '../../../../src/broker/pop/timing-wheel';
import { SimClock } from '../../../support/sim-clock';

function wheelOf(clock: SimClock): {
  table: InflightTable;
  wheel: TimingWheel;
  due: { row: number; atMs: number }[];
} {
  const table = new InflightTable(1_000_000);
  const due: { row: number; atMs: number }[] = [];
  const wheel = new TimingWheel(
    table,
    clock,
    (row) => due.push({ row, atMs: clock.clock.monotonicMs() }),
    () => undefined,
  );
  return { table, wheel, due };
}

describe('the timing wheel', () => {
  it('serves every deadline once, never early and at most two ticks late, on all levels', async () => {
    const delay = fc.oneof(
      fc.integer({ min: 0, max: 3_000 }),
      fc.integer({ min: 0, max: 700_000 }),
      fc.integer({ min: 0, max: 43_200_000 }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ delay, pause: fc.integer({ min: 0, max: 5_000 }) }), {
          maxLength: 60,
        }),
        async (plan) => {
          const clock = new SimClock();
          const { table, wheel, due } = wheelOf(clock);
          const wanted = new Map<number, number>();
          for (const step of plan) {
            await clock.advance(step.pause);
            const row = table.allocate(0, 0, 1, 0, 0);
            wanted.set(row, clock.clock.monotonicMs() + step.delay);
            wheel.link(row, step.delay);
          }
          await clock.advance(43_300_000);
          expect(due.map(({ row }) => row).sort((a, b) => a - b)).toEqual([...wanted.keys()]);
          for (const { row, atMs } of due) {
            const late = atMs - (wanted.get(row) ?? 0);
            expect(late).toBeGreaterThanOrEqual(0);
            expect(late).toBeLessThanOrEqual(2 * TICK_MS);
          }
        },
      ),
      { seed: 7, numRuns: 150 },
    );
  });

  it('does not serve a row that was taken out, wherever it lay in its bucket', async () => {
    const clock = new SimClock();
    const { table, wheel, due } = wheelOf(clock);
    const rows = [1, 2, 3, 4].map(() => table.allocate(0, 0, 1, 0, 0));
    for (const row of rows) wheel.link(row, 1_000);
    for (const at of [1, 3, 0]) wheel.unlink(rows[at] ?? -1);
    await clock.advance(5_000);
    expect(due.map(({ row }) => row)).toEqual([rows[2]]);
  });

  it('keeps no timer when nothing is linked', async () => {
    const clock = new SimClock();
    const { table, wheel } = wheelOf(clock);
    const row = table.allocate(0, 0, 1, 0, 0);
    wheel.link(row, 100);
    await clock.advance(1_000);
    expect(clock.pending).toBe(0);
  });

  it('tells how long a row has to wait', async () => {
    const clock = new SimClock();
    const { table, wheel } = wheelOf(clock);
    const row = table.allocate(0, 0, 1, 0, 0);
    wheel.link(row, 60_000);
    await clock.advance(20_000);
    expect(wheel.remainingMs(row)).toBeGreaterThanOrEqual(40_000 - TICK_MS);
    expect(wheel.remainingMs(row)).toBeLessThanOrEqual(40_000 + TICK_MS);
  });
});
