import { NameServersClient } from '../../../src/link/route-client';
import { follow } from '../../support/follow';
import { keptLog } from '../../support/kept-log';
import { MemoryNameServer } from '../../support/memory-name-server';
import { registration, topics } from '../../support/registration';
import { SimClock } from '../../support/sim-clock';

describe('a name server that is watched', () => {
  let sim: SimClock;
  let one: MemoryNameServer;

  beforeEach(() => {
    sim = new SimClock();
    one = new MemoryNameServer(sim, 'ns1:9876');
  });

  const client = (): NameServersClient => {
    const random = { bytes: (count: number) => Buffer.alloc(count), uint32: () => 0 };
    const platform = { clock: sim.clock, timers: sim.timers, random };
    return new NameServersClient([one], { platform, log: keptLog() });
  };
  const watch = (proxy: NameServersClient): string[][] => {
    const seen: string[][] = [];
    proxy.watch((brokers) => {
      seen.push(
        brokers.map((b) => `${b.brokerName}/${b.brokerId}:${b.topics.map((t) => t.name).join()}`),
      );
    });
    return seen;
  };

  it('gives a watcher that was stuck a new snapshot instead of all that it missed', async () => {
    const seen = watch(client());
    const registering = client().register(registration());
    await sim.settle();
    const lease = await registering;
    const stuck = one.watches[0];
    stuck?.client.stall(true);
    for (let version = 2; version <= 200; version++) {
      void lease.update(registration({ version, topics: topics(`t${version}`) }));
      await sim.settle();
    }
    expect(stuck?.client.waitingMax).toBeLessThan(30);
    stuck?.client.stall(false);
    const last = follow(lease.update(registration({ version: 201, topics: topics('last') })));
    await sim.settle();
    expect(last.done).toBe(true);
    expect(seen.at(-1)).toEqual(['a/0:last']);
    expect(one.watches).toHaveLength(1);
  });

  it('tells large routes without end or repetition', async () => {
    for (let id = 0; id < 100; id++)
      one.table.attach(registration({ brokerId: id }), { remote: true });
    const seen = watch(client());
    await sim.settle();
    expect(seen).toHaveLength(2);
    expect(seen[1]).toHaveLength(100);
    expect(one.watches[0]?.server.written).toBe(102);
  });
});
