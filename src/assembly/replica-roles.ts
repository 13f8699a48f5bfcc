/** What gives a replica its roles: the configuration, or a lease in etcd. */
import type { Logger } from 'pino';
import type { ReplicasApi } from '../api/cluster-api';
import type { ReplicaHost, RoleKeeper } from '../api/replica-host';
import { Election } from '../broker/replication/election';
import { memberOf } from '../broker/replication/member-book';
import type { ReplicaStore } from '../broker/replication/replica-store';
import { leadByConfiguration, StaticRoles } from '../broker/replication/static-roles';
import { etcdLease } from '../link/etcd/etcd-lease';
import { Code, StatusError } from '../message/status';
import { readClientTls, type ClientTlsOptions } from './client-tls';
import type { Clock } from '../platform/platform';
import type { Surroundings } from './role';

export interface ReplicaRoles {
  readonly keeper: RoleKeeper;
  readonly handOver: ReplicasApi['handOver'];
  /** Gives the first role, or begins to look for one. A master by configuration serves when this resolves. */
  begin(): Promise<void>;
  /** Gives no more roles. One that leads by a lease stops doing so, and hands over. */
  end(): Promise<void>;
}

export interface EtcdSettings {
  readonly endpoints: readonly string[];
  readonly user: string;
  readonly password: string;
  readonly leaseSeconds: number;
  readonly tls: ClientTlsOptions;
}

/** Who looks for a role. */
export interface RoleSeeker {
  readonly cluster: string;
  readonly brokerName: string;
  readonly replicaId: number;
  /** Where the others of its group reach it. */
  readonly address: string;
  readonly replica: ReplicaStore;
  /** What is told of the roles; asked for when there is one. */
  readonly host: () => ReplicaHost;
  readonly log: Logger;
}

/** @param master `host:port` of the master; `undefined`: this replica is it */
export function configuredRoles(
  { brokerName, replicaId, replica, host, log }: RoleSeeker,
  master: string | undefined,
  { platform }: Surroundings,
): ReplicaRoles {
  return {
    keeper: new StaticRoles(master === undefined, log),
    handOver: () => Promise.reject(configured(brokerName)),
    begin: () =>
      master === undefined
        ? leadByConfiguration(host(), replicaId, replica.newestEpoch, platform.clock)
        : host().follow({ replicaId: 0, address: master }, 0),
    end: () => Promise.resolve(),
  };
}

/** @throws ConfigError naming a file that cannot be read */
export async function electedRoles(
  seeker: RoleSeeker,
  etcd: EtcdSettings,
  surroundings: Surroundings,
): Promise<ReplicaRoles> {
  const { platform } = surroundings;
  const { cluster, brokerName, replicaId, replica, address, host, log } = seeker;
  const tls = await readClientTls('etcd.tls', etcd.tls, surroundings);
  const lease = etcdLease({
    ...{ cluster, brokerName, platform, log, ownThread: true },
    ...{ user: etcd.user, password: etcd.password, leaseSeconds: etcd.leaseSeconds },
    endpoints: etcd.endpoints,
    ...(tls && { tls }),
  });
  const election = new Election({
    ...{ lease, platform, log, promiseMs: etcd.leaseSeconds * 1000 },
    newestEpoch: () => knownEpoch(replica, platform.clock),
    get host() {
      return host();
    },
    self: {
      address,
      // A replica whose log begins anew is another member from then on.
      get member() {
        return memberOf(replicaId, replica.storeId);
      },
    },
  });
  return {
    keeper: election,
    handOver: (to) => election.handOver(to).catch(badRequest),
    begin: () => {
      election.start();
      return Promise.resolve();
    },
    end: async () => {
      await election.stop();
      await lease.close();
    },
  };
}

/** A broker that was alone noted no epochs in its log; name servers knew it by its wall clock. */
function knownEpoch({ newestEpoch, log }: ReplicaStore, clock: Clock): number {
  const wasAlone = newestEpoch === 0 && log.endPosition > 0;
  return wasAlone ? clock.wallMs() : newestEpoch;
}

function configured(brokerName: string): StatusError {
  return new StatusError(
    Code.UNSUPPORTED,
    `the roles of the replicas of broker ${brokerName} are set by configuration: restart them with other roles`,
  );
}

function badRequest(error: unknown): never {
  if (!(error instanceof RangeError)) throw error;
  throw new StatusError(Code.BAD_REQUEST, error.message, { cause: error });
}
