import type { BrokerRegistration } from '../../../src/api/route-api';
import type { RouteChange } from '../../../src/api/route-registry';
import { Code } from '../../../src/message/status';
import { RouteTable } from '../../../src/namesrv/route-table';
import { registration, topics } from '../../support/registration';
import { SimClock } from '../../support/sim-clock';

const names = (brokers: readonly BrokerRegistration[]): string[] =>
  brokers.map(({ brokerName, brokerId }) => `${brokerName}/${brokerId}`);

describe('the route table', () => {
  let sim: SimClock;
  let table: RouteTable;

  beforeEach(() => {
    sim = new SimClock();
    table = new RouteTable(sim);
  });

  afterEach(() => table.close());

  it('answers which brokers hold a topic', async () => {
    await table.register(registration({ brokerName: 'b', topics: topics('orders') }));
    await table.register(registration({ brokerName: 'a', topics: topics('orders', 'bills') }));
    expect(names(table.brokersOf('orders'))).toEqual(['a/0', 'b/0']);
    expect(names(table.brokersOf('bills'))).toEqual(['a/0']);
    expect(table.brokersOf('none')).toEqual([]);
  });

  it('tells a watcher all brokers at once and after each change, before the change resolves', async () => {
    const lease = await table.register(registration());
    const seen: string[][] = [];
    const watch = table.watch((brokers) => {
      seen.push(brokers.map((b) => `${b.brokerName}:${b.topics.map((t) => t.name).join()}`));
    });
    expect(seen).toEqual([['a:']]);
    await lease.update(registration({ version: 2, topics: topics('t') }));
    expect(seen).toEqual([['a:'], ['a:t']]);
    await lease.close();
    expect(seen.at(-1)).toEqual([]);
    watch.close();
    await table.register(registration());
    expect(seen).toHaveLength(3);
  });

  it('drops a remote broker after 120 s without a sign of life, and not before', async () => {
    const entry = table.attach(registration(), { remote: true });
    await sim.advance(100_000);
    expect(entry.keepAlive()).toBe(true);
    await sim.advance(119_999);
    expect(names(table.brokers())).toEqual(['a/0']);
    await sim.advance(1);
    expect(table.brokers()).toEqual([]);
    expect(entry.keepAlive()).toBe(false);
    await expect(entry.update(registration({ version: 2 }))).rejects.toMatchObject({
      code: Code.FORBIDDEN,
    });
  });

  it('sets one timer, however many brokers there are, and none without brokers', async () => {
    for (let id = 0; id < 50; id++) {
      table.attach(registration({ brokerId: id }), { remote: true });
      await sim.advance(100);
    }
    expect(sim.pending).toBe(1);
    await sim.advance(120_000 - 50 * 100);
    expect(table.brokers()).toHaveLength(49);
    await sim.advance(10_000);
    expect(table.brokers()).toEqual([]);
    expect(sim.pending).toBe(0);
  });

  it('keeps a broker of the same process without signs of life', async () => {
    await table.register(registration());
    await sim.advance(1_000_000);
    expect(names(table.brokers())).toEqual(['a/0']);
  });

  it('refuses a lower epoch while a higher one is registered', async () => {
    const old = table.attach(registration({ epoch: 4 }), { remote: true });
    table.attach(registration({ epoch: 5, address: 'new:1' }), { remote: true });
    expect(() => table.attach(registration({ epoch: 4 }), { remote: true })).toThrow(
      'broker a/0 registers with epoch 4, epoch 5 is registered',
    );
    await expect(old.update(registration({ epoch: 6 }))).rejects.toMatchObject({
      code: Code.FORBIDDEN,
    });
    await old.detach();
    expect(table.brokers().map(({ address }) => address)).toEqual(['new:1']);
  });

  it('tells a master at once that a newer one has its place', async () => {
    const reasons: string[] = [];
    const displaced = (reason: string): void => void reasons.push(reason);
    const old = table.attach(registration({ epoch: 4, address: 'old:1' }), {
      remote: true,
      displaced,
    });
    table.attach(registration({ epoch: 5, address: 'new:1' }), { remote: true });
    expect(reasons).toEqual(['broker a/0 has registered with epoch 5 from new:1']);
    expect(old.keepAlive()).toBe(false);
    await old.broken();
    expect(table.brokers().map(({ address }) => address)).toEqual(['new:1']);
  });

  it('refuses a second master with the same epoch at another address, but not the same one again', () => {
    table.attach(registration({ epoch: 4, address: 'old:1' }), { remote: true });
    expect(() =>
      table.attach(registration({ epoch: 4, address: 'new:1' }), { remote: true }),
    ).toThrow('broker a/0 registers with epoch 4 from new:1, but old:1 has that epoch');
    table.attach(registration({ epoch: 4, address: 'old:1', version: 2 }), { remote: true });
    expect(table.brokers()).toMatchObject([{ address: 'old:1', version: 2 }]);
  });

  it('keeps older masters out for 120 s after one was lost, but not followers', async () => {
    const lost = table.attach(registration({ epoch: 5 }), { remote: true });
    await lost.broken();
    const older = registration({ epoch: 4, address: 'old:1' });
    expect(() => table.attach(older, { remote: true })).toThrow('epoch 5 is registered');
    table.attach({ ...older, brokerId: 1 }, { remote: true });
    await sim.advance(119_999);
    expect(() => table.attach(older, { remote: true })).toThrow('epoch 5 is registered');
    await sim.advance(1);
    table.attach(older, { remote: true });
    expect(names(table.brokers())).toContain('a/0');
  });

  it('remembers no epoch of a master that has said goodbye: its clock may have been set back', async () => {
    const stopped = table.attach(registration({ epoch: 5 }), { remote: true });
    await stopped.detach();
    table.attach(registration({ epoch: 4 }), { remote: true });
    expect(names(table.brokers())).toEqual(['a/0']);
  });

  it('remembers as many lost masters as it holds brokers, and forgets the first one then', async () => {
    const small = new RouteTable(sim, { brokersMax: 1 });
    for (const brokerName of ['a', 'b']) {
      await small.attach(registration({ brokerName, epoch: 5 }), { remote: true }).broken();
    }
    const older = (brokerName: string): void =>
      void small.attach(registration({ brokerName, epoch: 4 }), { remote: true });
    expect(() => older('b')).toThrow('epoch 5 is registered');
    expect(() => older('a')).not.toThrow();
    small.close();
  });

  it('refuses an update that lowers its epoch or names another broker', async () => {
    const lease = await table.register(registration({ epoch: 4 }));
    await expect(lease.update(registration({ epoch: 3 }))).rejects.toMatchObject({
      code: Code.BAD_REQUEST,
    });
    await expect(lease.update(registration({ epoch: 5, brokerId: 1 }))).rejects.toMatchObject({
      code: Code.BAD_REQUEST,
      message: 'broker a/0 cannot register as a/1',
    });
  });

  it('resolves an update when every observer has acknowledged it', async () => {
    const lease = await table.register(registration());
    let acknowledge = (): void => undefined;
    table.observe({ changed: () => new Promise<void>((resolve) => (acknowledge = resolve)) });
    let done = false;
    const update = lease.update(registration({ version: 2 })).then(() => (done = true));
    await sim.advance(1_999);
    expect(done).toBe(false);
    acknowledge();
    await update;
    expect(sim.pending).toBe(0);
  });

  it('answers an update after 2 s when an observer is silent', async () => {
    const lease = await table.register(registration());
    table.observe({ changed: () => new Promise<void>(() => undefined) });
    let done = false;
    void lease.update(registration({ version: 2 })).then(() => (done = true));
    await sim.advance(1_999);
    expect(done).toBe(false);
    await sim.advance(1);
    expect(done).toBe(true);
  });

  it('tells an observer one change at a time', async () => {
    const seen: RouteChange[] = [];
    table.observe({ changed: (change) => void seen.push(change) });
    const lease = await table.register(registration({ brokerId: 2 }));
    await lease.close();
    await lease.close();
    expect(seen).toEqual([
      { kind: 'put', broker: registration({ brokerId: 2 }) },
      { kind: 'gone', brokerName: 'a', brokerId: 2 },
    ]);
  });

  it('has limits for brokers, their topics and watchers, and says them', () => {
    const small = new RouteTable(sim, { brokersMax: 1, topicsMax: 1, observersMax: 1 });
    small.attach(registration(), { remote: true });
    small.attach(registration({ version: 2 }), { remote: true });
    expect(() => small.attach(registration({ brokerId: 1 }), { remote: true })).toThrow(
      'broker a/1 is one too many: the name server holds at most 1 brokers',
    );
    expect(() =>
      small.attach(registration({ topics: topics('x', 'y') }), { remote: true }),
    ).toThrow('broker a/0 has 2 topics, the limit is 1');
    small.watch(() => undefined);
    expect(() => small.watch(() => undefined)).toThrow('at most 1 watchers');
    small.close();
  });
});

describe('a master that is back while a replica stands in for it', () => {
  const standIn = registration({ brokerId: 2, standIn: { confirmedPosition: 1 } });
  const HAND_OVER_MS = 5_000;
  let sim: SimClock;
  let table: RouteTable;
  let seen: string[];

  beforeEach(() => {
    sim = new SimClock();
    table = new RouteTable(sim);
    seen = [];
    table.observe({
      changed: (change) => {
        seen.push(
          change.kind === 'put'
            ? `${change.broker.brokerId}${change.broker.standIn ? ' stands in' : ''}`
            : `${change.brokerId} is gone`,
        );
      },
    });
  });

  afterEach(() => table.close());

  it('is told of when that has handed over, before it serves no more', async () => {
    const replica = await table.register(standIn);
    await table.register(registration());
    await sim.advance(HAND_OVER_MS - 1);
    expect(seen).toEqual(['2 stands in']);
    expect(names(table.brokers())).toEqual(['a/2']);
    await replica.update(registration({ brokerId: 2, version: 2 }));
    expect(seen).toEqual(['2 stands in', '0', '2']);
    expect(names(table.brokers())).toEqual(['a/0', 'a/2']);
    await sim.advance(2 * HAND_OVER_MS);
    expect(seen).toHaveLength(3);
  });

  it('is told of when that is gone', async () => {
    const replica = table.attach(standIn, { remote: true });
    const other = await table.register({ ...standIn, brokerId: 3 });
    await table.register(registration());
    await replica.broken();
    expect(seen).toEqual(['2 stands in', '3 stands in', '2 is gone']);
    await other.close();
    expect(seen.slice(3)).toEqual(['0', '3 is gone']);
  });

  it('is told of after 5 s all the same, as it is by then', async () => {
    await table.register(standIn);
    const master = await table.register(registration());
    await master.update(registration({ version: 2, topics: topics('late') }));
    await sim.advance(HAND_OVER_MS);
    expect(seen).toEqual(['2 stands in', '0']);
    expect(names(table.brokersOf('late'))).toEqual(['a/0']);
  });

  it('waits for nobody when it registers again meanwhile, or for the stand-in of another', async () => {
    await table.register({ ...standIn, brokerName: 'other' });
    await table.register(registration({ epoch: 1 }));
    expect(names(table.brokers())).toEqual(['a/0', 'other/2']);
    await table.register(standIn);
    await table.register(registration({ epoch: 2 }));
    expect(seen).toEqual(['2 stands in', '0', '2 stands in', '0']);
  });

  it('is forgotten without a word when it goes before', async () => {
    await table.register(standIn);
    const first = await table.register(registration({ epoch: 1 }));
    await table.register(registration({ epoch: 2 }));
    await first.close();
    const entry = table.attach(registration({ epoch: 3 }), { remote: true });
    await entry.detach();
    await sim.advance(HAND_OVER_MS);
    expect(seen).toEqual(['2 stands in']);
    expect(sim.pending).toBe(0);
  });
});
