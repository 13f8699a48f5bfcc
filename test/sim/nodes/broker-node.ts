import type { LeadingBroker } from '../../../src/api/leading-broker';
import { Broker } from '../../../src/broker/broker';
import { deletionOf } from '../../../src/broker/metadata';
import { AnnouncedHost } from '../../../src/broker/replication/announced-host';
import { BrokerHost } from '../../../src/broker/replication/broker-host';
import { Election } from '../../../src/broker/replication/election';
import { memberOf } from '../../../src/broker/replication/member-book';
import { ReplicaStore } from '../../../src/broker/replication/replica-store';
import type { ReplicationSettings } from '../../../src/broker/replication/replication-settings';
import { DEFAULT_BROKER_SETTINGS } from '../../../src/broker/settings';
import { BrokerLinkServer } from '../../../src/link/broker-link-server';
import { servedMethods } from '../../../src/link/broker-methods';
import { LINK_LIMITS } from '../../../src/link/link-limits';
import { brokerDefinition } from '../../../src/link/services';
import { OpenStreams } from '../../../src/link/stream-service';
import { ANY_HOST } from '../../../src/message/host';
import { openStore } from '../../../src/store/open-store';
import { LEASE_MS } from '../world/etcd';
import { codecPipe } from '../world/wire';
import {
  dialerOf,
  LINK,
  type NodeSurroundings,
  replicationOf,
  routesOf,
  type RunningNode,
  serveReplication,
} from './surroundings';

const KIB = 1024;
export const DIRECTORY = '/broker';
const GRACE_MS = 5000;
/** Small, so that files roll, snapshots are made and the log is cut often. */
export const FILES = {
  segmentBytes: 256 * KIB,
  queueFileEntries: 100,
  index: { slots: 100, entries: 400 },
  tailBytes: 512 * KIB,
};
const SETTINGS = {
  snapshotEveryBytes: 8 * KIB,
  transactions: { firstCheckMs: 1000, checkIntervalMs: 1000, maxChecks: 1000, maxPending: 1000 },
};
const REPLICATION = {
  ack: 'sync' as const,
  ...{ ackTimeoutMs: 3000, lagMs: 3000, windowBytes: 64 * KIB, syncedAcks: true },
};

export interface ReplicaSpec {
  readonly brokerName: string;
  readonly replicaId: number;
  readonly minInSync: number;
}

/** A replica of a broker group that runs. */
export interface ReplicaNode extends RunningNode {
  readonly host: Pick<BrokerHost, 'leader' | 'status' | 'replicas'>;
}

/** A replica as `gantry broker` puts it together, on the simulated network. */
export async function startReplica(
  spec: ReplicaSpec,
  surroundings: NodeSurroundings,
): Promise<ReplicaNode> {
  const { process, logger, etcd } = surroundings;
  const { platform } = process;
  const log = logger.child({ part: 'replication' });
  const replica = await ReplicaStore.open({
    ...{ directory: DIRECTORY, platform, log },
    openStore: () =>
      openStore({
        ...{ directory: DIRECTORY, platform, flush: 'sync', storeHost: ANY_HOST, ...FILES },
        ...{ deletionOf, log: logger.child({ part: 'store' }) },
      }),
    settings: { ...DEFAULT_BROKER_SETTINGS, ...SETTINGS },
  });
  const routes = routesOf(surroundings);
  const dial = dialerOf(surroundings);
  const address = process.machine;
  const { brokerName, replicaId } = spec;
  const settings: ReplicationSettings = { ...REPLICATION, ...spec, address };
  const broker = { ...DEFAULT_BROKER_SETTINGS, ...SETTINGS, brokerName };
  const lease = etcd.leaseOf(brokerName, process);
  const election: Election = new Election({
    ...{ lease, platform, log, promiseMs: LEASE_MS },
    self: {
      address,
      get member() {
        return memberOf(replicaId, replica.storeId);
      },
    },
    get host() {
      return announced;
    },
  });
  const host = new BrokerHost(
    {
      ...{ replica, platform, log, settings, api: replicationOf(surroundings) },
      openBroker: (store, lead) =>
        Broker.open({
          ...{ ...lead, store, directory: DIRECTORY, platform, dial, settings: broker },
          logger: logger.child({ part: 'broker' }),
        }),
      register: (leading) => leading.register(routes, address),
      handOver: (to) => election.handOver(to),
    },
    election,
  );
  const place = { cluster: broker.cluster, brokerName, replicaId, address };
  const announced: AnnouncedHost = new AnnouncedHost(host, routes, place, log);
  const streams = serveLink(surroundings, host.leader, brokerName);
  serveReplication(surroundings, host);
  election.start();
  return {
    host,
    stop: async () => {
      await election.stop();
      await streams.close(platform.timers, GRACE_MS);
      await announced.close();
      await host.close();
      await lease.close();
      await routes.close();
    },
  };
}

/** Serves the broker of this process to proxies, while it leads. */
function serveLink(
  { process, logger }: NodeSurroundings,
  leading: LeadingBroker,
  brokerName: string,
): OpenStreams {
  const streams = new OpenStreams();
  const { Link } = brokerDefinition();
  const methods = servedMethods();
  const { platform } = process;
  const log = logger.child({ part: 'link' });
  const settings = { platform, log, brokerName, brokerId: () => 0, limits: LINK_LIMITS };
  process.services.set(LINK, (end) => {
    const pipe = codecPipe(end, Link.responseSerialize, Link.requestDeserialize);
    streams.add(new BrokerLinkServer(leading, methods, pipe, settings, streams.remove));
  });
  return streams;
}
