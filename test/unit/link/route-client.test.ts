import type { BrokerRegistration } from '../../../src/api/route-api';
import { NameServersClient } from '../../../src/link/route-client';
import { Code } from '../../../src/message/status';
import { follow } from '../../support/follow';
import { keptLog } from '../../support/kept-log';
import { MemoryNameServer } from '../../support/memory-name-server';
import { registration, topics } from '../../support/registration';
import { SimClock } from '../../support/sim-clock';

describe('routes over name servers that know nothing of each other', () => {
  let sim: SimClock;
  let one: MemoryNameServer;
  let two: MemoryNameServer;
  const clients: NameServersClient[] = [];

  beforeEach(() => {
    sim = new SimClock();
    one = new MemoryNameServer(sim, 'ns1:9876');
    two = new MemoryNameServer(sim, 'ns2:9876');
    clients.length = 0;
  });

  const client = (...servers: MemoryNameServer[]): NameServersClient => {
    const random = { bytes: (count: number) => Buffer.alloc(count), uint32: () => 0 };
    const platform = { clock: sim.clock, timers: sim.timers, random };
    const all = servers.length === 0 ? [one, two] : servers;
    const made = new NameServersClient(all, { platform, log: keptLog() });
    clients.push(made);
    return made;
  };
  /** A lease that is ready. */
  const register = async (
    broker: NameServersClient,
    fields: Partial<BrokerRegistration> = {},
  ): Promise<Awaited<ReturnType<NameServersClient['register']>>> => {
    const registering = broker.register(registration(fields));
    await sim.advance(1_000);
    return registering;
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

  it('registers with every name server, and tells watchers', async () => {
    const seen = watch(client());
    expect(seen).toEqual([[]]);
    const registering = follow(client().register(registration({ topics: topics('t') })));
    await sim.settle();
    expect(registering.done).toBe(true);
    expect(one.names).toEqual(['a/0']);
    expect(two.names).toEqual(['a/0']);
    expect(seen).toEqual([[], ['a/0:t']]);
  });

  it('has a change in force at all watchers when the update resolves', async () => {
    const lease = await register(client());
    const proxies = [client(), client(one), client(two)].map(watch);
    await sim.settle();
    const update = lease.update(registration({ version: 2, topics: topics('new') })).then(() => {
      expect(proxies.map((seen) => seen.at(-1))).toEqual(proxies.map(() => ['a/0:new']));
    });
    const done = follow(update);
    await sim.settle();
    expect(done.error).toBeUndefined();
    expect(done.done).toBe(true);
  });

  it('waits for a watcher that is slow, at most 2 s', async () => {
    const lease = await register(client());
    watch(client(one));
    await sim.settle();
    one.watches[0]?.client.stall(true);
    const slow = follow(lease.update(registration({ version: 2 })));
    await sim.advance(1_999);
    expect(slow.done).toBe(false);
    await sim.advance(1);
    expect(slow.done).toBe(true);
    one.watches[0]?.client.stall(false);
    await sim.settle();
    one.watches[0]?.client.stall(true);
    const next = follow(lease.update(registration({ version: 3 })));
    await sim.advance(500);
    expect(next.done).toBe(false);
    one.watches[0]?.client.stall(false);
    await sim.settle();
    expect(next.done).toBe(true);
  });

  it('does not wait for a name server that is away, which gets the newest registration when it is back', async () => {
    const lease = await register(client());
    two.kill();
    await sim.settle();
    const first = follow(lease.update(registration({ version: 2, topics: topics('t2') })));
    await sim.advance(999);
    expect(first.done).toBe(false);
    await sim.advance(1);
    expect(first).toMatchObject({ done: true });
    expect(first.error).toBeUndefined();
    const second = follow(lease.update(registration({ version: 3, topics: topics('t3') })));
    await sim.settle();
    expect(second.done).toBe(true);
    two.restart();
    await sim.advance(1_000);
    expect(two.table.brokersOf('t3')).toHaveLength(1);
  });

  it('registers with what is there when a name server is away from the start', async () => {
    two.kill();
    const registering = follow(client().register(registration()));
    await sim.advance(1_000);
    expect(registering.error).toBeUndefined();
    expect(registering.done).toBe(true);
    expect(one.names).toEqual(['a/0']);
  });

  it('drops a broker at once when its stream breaks, everywhere', async () => {
    const seen = watch(client());
    await register(client(), { brokerName: 'b' });
    await register(client(), { brokerName: 'a' });
    expect(seen.at(-1)).toHaveLength(2);
    one.registers[0]?.cut();
    two.registers[0]?.cut();
    await sim.settle();
    expect(seen.at(-1)).toEqual(['a/0:']);
    // It lives, and registers again.
    await sim.advance(100);
    expect(seen.at(-1)).toHaveLength(2);
  });

  it('believes a name server that has just started about those that it has seen go', async () => {
    const seen = watch(client(one));
    await register(client(one));
    one.registers[0]?.cut();
    await sim.settle();
    expect(one.table.ageMs).toBeLessThan(5_000);
    expect(seen.at(-1)).toEqual([]);
  });

  it('keeps a broker that only one name server has lost', async () => {
    const seen = watch(client());
    await register(client());
    const before = seen.length;
    one.registers[0]?.cut();
    await sim.advance(10_000);
    expect(seen.length).toBe(before);
  });

  it('keeps a broker registered by signs of life, and loses one that has none', async () => {
    await register(client());
    await sim.advance(600_000);
    expect(one.names).toEqual(['a/0']);
    const stuck = one.registers[0];
    stuck?.server.stall(true);
    await sim.advance(120_000);
    expect(one.names).toEqual([]);
    // It comes back to its senses: what it says on the old stream makes it register anew.
    stuck?.server.stall(false);
    await sim.advance(31_000);
    expect(one.names).toEqual(['a/0']);
    expect(one.registers).toHaveLength(2);
  });

  it('uses the last known routes while all name servers are away', async () => {
    const seen = watch(client());
    await register(client());
    const before = seen.length;
    one.kill();
    two.kill();
    await sim.advance(300_000);
    expect(seen.length).toBe(before);
    expect(seen.at(-1)).toEqual(['a/0:']);
  });

  it('does not take a broker for gone because a name server has just started', async () => {
    const seen = watch(client(one));
    const lease = await register(client(one), { brokerName: 'a' });
    await register(client(one), { brokerName: 'gone' });
    expect(seen.at(-1)).toEqual(['a/0:', 'gone/0:']);
    one.kill();
    await sim.advance(10_000);
    await clients[2]?.close();
    one.restart();
    await sim.advance(4_900);
    expect(one.names).toEqual(['a/0']);
    for (const routes of seen.slice(3)) expect(routes).toHaveLength(2);
    await sim.advance(100);
    expect(seen.at(-1)).toEqual(['a/0:']);
    const closing = lease.close();
    await sim.settle();
    await closing;
  });

  it('believes the newest registration, epoch before version, where name servers differ', async () => {
    const proxy = client();
    const seen: number[][] = [];
    proxy.watch(
      (brokers) => void seen.push(brokers.map(({ epoch, version }) => epoch * 10 + version)),
    );
    await register(client(one), { epoch: 2, version: 1 });
    await register(client(two), { epoch: 1, version: 9 });
    expect(seen.at(-1)).toEqual([21]);
    const lease = await register(client(two), { epoch: 2, version: 5 });
    expect(seen.at(-1)).toEqual([25]);
    const closing = lease.close();
    await sim.settle();
    await closing;
    expect(seen.at(-1)).toEqual([21]);
  });

  it('refuses a registration of a lower epoch, with the reason', async () => {
    await register(client(), { epoch: 5 });
    const refused = follow(client().register(registration({ epoch: 4 })));
    await sim.advance(1_000);
    expect(refused.error).toMatchObject({
      code: Code.BAD_REQUEST,
      message: 'broker a/0 registers with epoch 4, epoch 5 is registered',
    });
    const attempts = one.registers.length;
    await sim.advance(60_000);
    expect(one.registers).toHaveLength(attempts);
  });

  it('unregisters before its close resolves', async () => {
    const seen = watch(client());
    const lease = await register(client());
    const closed = lease.close().then(() => expect(seen.at(-1)).toEqual([]));
    const done = follow(closed);
    await sim.settle();
    expect(done).toMatchObject({ done: true });
    expect(done.error).toBeUndefined();
    expect(one.names).toEqual([]);
  });

  it('says when routes are known, and when they are not in time', async () => {
    const proxy = client();
    one.kill();
    two.kill();
    watch(proxy);
    const soon = follow(proxy.ready(500));
    await sim.advance(500);
    expect(soon.value).toBe(false);
    const later = follow(proxy.ready(60_000));
    two.restart();
    await sim.advance(1_000);
    expect(later.value).toBe(true);
    expect(proxy.reachable).toBe(1);
  });

  it('leaves no timer and no stream behind when it is closed', async () => {
    const proxy = client();
    watch(proxy);
    const broker = client();
    await register(broker);
    const closing = [proxy.close(), broker.close()];
    await sim.settle();
    await Promise.all(closing);
    await sim.settle();
    expect(sim.pending).toBe(0);
    await sim.advance(60_000);
    expect([one.registers.length, one.watches.length]).toEqual([1, 1]);
  });
});
