import fc from 'fast-check';
import { DeadlineWheel, NO_SLOT, type Expiring } from '../../../../src/rpc/grpc/deadline-wheel';
import { SimClock } from '../../../support/sim-clock';

class Call implements Expiring {
  nextExpiring: Expiring | undefined;
  previousExpiring: Expiring | undefined;
  expiringSlot = NO_SLOT;
  endedMs = -1;

  constructor(
    readonly deadlineMs: number,
    private readonly sim: SimClock,
  ) {}

  onDeadline(): void {
    this.endedMs = this.sim.clock.monotonicMs();
  }
}

test('every call ends soon after its deadline and never before, those that were removed never', async () => {
  const waits = fc.array(
    fc.record({
      startMs: fc.nat(2000),
      waitMs: fc.oneof(fc.nat(100), fc.nat(5000), fc.nat(40_000)),
      removed: fc.boolean(),
    }),
    { minLength: 1, maxLength: 30 },
  );
  await fc.assert(
    fc.asyncProperty(waits, async (plan) => {
      const sim = new SimClock();
      const wheel = new DeadlineWheel(sim.clock, sim.timers);
      const calls: { readonly call: Call; readonly removed: boolean }[] = [];
      for (const { startMs, waitMs, removed } of [...plan].sort((a, b) => a.startMs - b.startMs)) {
        await sim.advance(startMs - sim.clock.monotonicMs());
        const call = new Call(startMs + waitMs, sim);
        wheel.add(call);
        calls.push({ call, removed: removed && waitMs > 2000 });
      }
      await sim.advance(2000 - sim.clock.monotonicMs());
      for (const { call, removed } of calls) if (removed) wheel.remove(call);
      await sim.advance(60_000);
      for (const { call, removed } of calls) {
        if (removed) expect(call.endedMs).toBe(-1);
        else expect(call.endedMs - call.deadlineMs).toBeGreaterThanOrEqual(0);
        expect(call.endedMs - call.deadlineMs).toBeLessThanOrEqual(40);
      }
      expect(sim.pending).toBe(0);
    }),
    { seed: 8, numRuns: 60 },
  );
});

test('a call without a deadline costs no timer', () => {
  const sim = new SimClock();
  const wheel = new DeadlineWheel(sim.clock, sim.timers);
  wheel.add(new Call(Infinity, sim));
  expect(sim.pending).toBe(0);
});

test('a far deadline wakes the process once a round, not every slot', async () => {
  const sim = new SimClock();
  let timers = 0;
  const wheel = new DeadlineWheel(sim.clock, {
    ...sim.timers,
    after: (delayMs, task) => {
      timers++;
      return sim.timers.after(delayMs, task);
    },
  });
  const call = new Call(80_000, sim);
  wheel.add(call);
  await sim.advance(81_000);
  expect(call.endedMs).toBeGreaterThanOrEqual(80_000);
  expect(timers).toBeLessThan(25);
});

test('a deadline that has passed already still ends its call, after the caller', async () => {
  const sim = new SimClock();
  await sim.advance(1000);
  const wheel = new DeadlineWheel(sim.clock, sim.timers);
  const call = new Call(900, sim);
  wheel.add(call);
  expect(call.endedMs).toBe(-1);
  await sim.advance(40);
  expect(call.endedMs).toBeGreaterThanOrEqual(1000);
});
