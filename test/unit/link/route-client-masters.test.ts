/** Masters of one broker name, the newer one at another address. */
import type { BrokerRegistration } from '../../../src/api/route-api';
import { NameServersClient } from '../../../src/link/route-client';
import { keptLog } from '../../support/kept-log';
import { MemoryNameServer } from '../../support/memory-name-server';
import { registration } from '../../support/registration';
import { SimClock } from '../../support/sim-clock';

describe('a change of master', () => {
  const sim = new SimClock();
  const random = { bytes: (count: number) => Buffer.alloc(count), uint32: () => 0 };
  let one: MemoryNameServer;
  let two: MemoryNameServer;

  beforeEach(() => {
    one = new MemoryNameServer(sim, 'ns1:9876');
    two = new MemoryNameServer(sim, 'ns2:9876');
  });

  const client = (log = keptLog(), ...servers: MemoryNameServer[]): NameServersClient => {
    const all = servers.length === 0 ? [one, two] : servers;
    const platform = { clock: sim.clock, timers: sim.timers, random };
    return new NameServersClient(all, { platform, log });
  };
  const register = async (
    broker: NameServersClient,
    fields: Partial<BrokerRegistration>,
  ): Promise<void> => {
    const registering = broker.register(registration(fields));
    await sim.advance(0);
    await registering;
  };
  const follow = (proxy: NameServersClient): string[][] => {
    const seen: string[][] = [];
    proxy.watch((brokers) => void seen.push(brokers.map(({ address }) => address)));
    return seen;
  };

  it('is heard of at once, and the old master does not get its place back', async () => {
    const seen = follow(client());
    const log = keptLog();
    await register(client(log), { epoch: 5, address: 'old:1' });
    await register(client(), { epoch: 6, address: 'new:1' });
    expect(seen.at(-1)).toEqual(['new:1']);
    expect(log.lines).toContain('name server refuses this broker');
    await sim.advance(10_000);
    expect(seen.at(-1)).toEqual(['new:1']);
    expect(seen.filter(([address]) => address === 'old:1')).toHaveLength(1);
  });

  it('is not taken back while the name server that knows of it is away', async () => {
    const seen = follow(client());
    await register(client(keptLog(), two), { epoch: 5, address: 'old:1' });
    const newer = client(keptLog(), one);
    await register(newer, { epoch: 6, address: 'new:1' });
    one.kill();
    await sim.advance(20_000);
    expect(seen.at(-1)).toEqual(['new:1']);
    const closing = newer.close();
    await sim.settle();
    await closing;
    one.restart();
    // Nobody registers there: all name servers have had their time, and none knows a newer one.
    await sim.advance(10_000);
    expect(seen.at(-1)).toEqual(['old:1']);
  });
});
