import { standInGone, type KnownRoutes } from '../../../../src/broker/stand-in/stand-in-gone';
import { RouteTable } from '../../../../src/namesrv/route-table';
import { follow, type Followed } from '../../../support/follow';
import { registration } from '../../../support/registration';
import { SimClock } from '../../../support/sim-clock';

const standIn = registration({ brokerId: 2, standIn: { confirmedPosition: 1 } });

/** Routes that are known after a while, or never. */
function scene(knownAfterMs: number) {
  const sim = new SimClock();
  const table = new RouteTable(sim);
  let known = false;
  const listeners = new Set<() => void>();
  sim.timers.after(knownAfterMs, () => {
    known = true;
    for (const tell of listeners) tell();
  });
  const routes: KnownRoutes = {
    register: (broker) => table.register(broker),
    watch: (listener) => {
      const tell = (): void => listener(known ? table.brokers() : []);
      listeners.add(tell);
      return table.watch(tell);
    },
    ready: (withinMs) =>
      new Promise((resolve) => {
        sim.timers.after(Math.min(withinMs, knownAfterMs), () => resolve(knownAfterMs <= withinMs));
      }),
  };
  const waiting = (): Followed<void> => follow(standInGone(routes, 'a', sim.timers));
  return { sim, table, waiting };
}

describe('a master that starts', () => {
  it('serves at once when no replica stands in for it', async () => {
    const { sim, table, waiting } = scene(10);
    await table.register(registration({ brokerId: 2 }));
    await table.register({ ...standIn, brokerName: 'other' });
    const gone = waiting();
    await sim.advance(20);
    expect(gone.done).toBe(true);
  });

  it('waits for the one that does until it has handed over', async () => {
    const { sim, table, waiting } = scene(10);
    const lease = await table.register(standIn);
    const gone = waiting();
    await sim.advance(4000);
    expect(gone.done).toBe(false);
    await lease.update(registration({ brokerId: 2, version: 2 }));
    await sim.settle();
    expect(gone.done).toBe(true);
  });

  it('waits for 5 s at most', async () => {
    const { sim, table, waiting } = scene(10);
    await table.register(standIn);
    const gone = waiting();
    await sim.advance(5000);
    expect(gone.done).toBe(false);
    await sim.advance(20);
    expect(gone.done).toBe(true);
  });

  it('waits a second for name servers that are away', async () => {
    const { sim, table, waiting } = scene(60_000);
    await table.register(standIn);
    const gone = waiting();
    await sim.advance(900);
    expect(gone.done).toBe(false);
    await sim.advance(200);
    expect(gone.done).toBe(true);
  });
});
