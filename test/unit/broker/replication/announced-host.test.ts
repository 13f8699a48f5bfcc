import type { ReplicaHost } from '../../../../src/api/replica-host';
import type { RouteApi } from '../../../../src/api/route-api';
import { AnnouncedHost } from '../../../../src/broker/replication/announced-host';
import { RouteTable } from '../../../../src/namesrv/route-table';
import { nodePlatform } from '../../../../src/platform/node-platform';
import { registration } from '../../../support/registration';
import { until } from '../../../support/until';

const place = { cluster: 'c1', brokerName: 'a', address: 'host:1', replicaId: 1 };
const leader = { replicaId: 0, address: 'host:0' };
const routes = new RouteTable(nodePlatform());

function announced(to: RouteApi = routes): {
  host: AnnouncedHost;
  warn: jest.Mock;
  done: string[];
} {
  const done: string[] = [];
  const does = (what: string) => () => Promise.resolve(void done.push(what));
  const host: ReplicaHost = {
    endPosition: 7,
    ...{ lead: does('lead'), follow: does('follow'), rest: does('rest') },
  };
  const warn = jest.fn();
  return { host: new AnnouncedHost(host, to, place, { warn }), warn, done };
}

async function knownWith(epoch: number): Promise<void> {
  await until(`epoch ${epoch} to be known`, 5_000, () =>
    routes.brokers().some((broker) => broker.epoch === epoch) ? true : undefined,
  );
}

describe('a replica that name servers know', () => {
  afterEach(() => expect(routes.brokers()).toEqual([]));

  it('is its replica id plus 1 while it follows, with the epoch of its master, and nothing while it leads', async () => {
    const { host, done } = announced();
    await host.follow(leader, 5);
    await host.follow(leader, 6);
    await knownWith(6);
    const { cluster, brokerName, address } = place;
    const told = { cluster, brokerName, address, brokerId: 2, epoch: 6, version: 1 };
    expect(routes.brokers()).toEqual([registration(told)]);
    await host.rest();
    expect(routes.brokers()).toHaveLength(1);
    await host.lead(7, [1]);
    await host.close();
    expect(done).toEqual(['follow', 'follow', 'rest', 'lead']);
  });

  it('has topics while it stands in, each change with a higher version, and loses them with the role', async () => {
    const { host } = announced();
    await host.follow(leader, 5);
    const topics = [{ name: 't', type: 'NORMAL', queues: 1 }] as const;
    await host.standIn({ topics, confirmedPosition: 77 });
    const [first] = routes.brokers();
    expect(first).toMatchObject({ brokerId: 2, topics, standIn: { confirmedPosition: 77 } });
    await host.follow(leader, 5);
    expect(routes.brokers()).toEqual([first]);
    await host.standIn(undefined);
    const [second] = routes.brokers();
    expect(second).toMatchObject({ brokerId: 2, topics: [] });
    expect(second?.standIn).toBeUndefined();
    expect(second?.version).toBeGreaterThan(first?.version ?? Infinity);
    await host.lead(6, [1]);
    await host.standIn({ topics, confirmedPosition: 77 });
    expect(routes.brokers()).toEqual([]);
  });

  it('follows also when name servers refuse it, and is told of with the next master', async () => {
    let refusals = 1;
    const { host, warn, done } = announced({
      watch: (listener) => routes.watch(listener),
      register: (what) =>
        refusals-- > 0 ? Promise.reject(new Error('too many')) : routes.register(what),
    });
    await host.follow(leader, 5);
    await host.follow(leader, 6);
    await host.rest();
    expect(done).toEqual(['follow', 'follow', 'rest']);
    await knownWith(6);
    expect(warn).toHaveBeenCalledTimes(1);
    await host.close();
  });
});
