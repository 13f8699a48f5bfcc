/** The replica of a broker process that belongs to a group: its store, and the broker on it while it leads. */
import type { BrokerApi } from '../api/broker-api';
import type { BrokerDialer } from '../api/broker-dialer';
import type { MasterStream, ReplicationServer } from '../api/replication-api';
import type { RouteApi } from '../api/route-api';
import { AnnouncedHost } from '../broker/replication/announced-host';
import { BrokerHost } from '../broker/replication/broker-host';
import { ReplicaStore } from '../broker/replication/replica-store';
import type { StandInOptions } from '../broker/stand-in/substitute';
import { replicationClient } from '../link/replication-client';
import type { ClientTls } from '../rpc/client-credentials';
import type { Readiness } from '../observe/http';
import {
  brokerSettingsOf,
  openBrokerOn,
  openStoreOf,
  type BrokerPartOptions,
  type BrokerPlace,
} from './open-broker';
import {
  configuredRoles,
  electedRoles,
  type EtcdSettings,
  type ReplicaRoles,
  type RoleSeeker,
} from './replica-roles';
import type { Surroundings } from './role';
import { replicaMetrics } from './role-metrics';

export interface ReplicaOptions extends BrokerPartOptions {
  readonly replication: {
    readonly mode: 'off' | 'static' | 'etcd';
    readonly role: 'master' | 'replica';
    /** `host:port`, '' for none. */
    readonly master: string;
    readonly ack: 'async' | 'sync';
    readonly minInSync: number;
    readonly ackTimeoutMs: number;
    readonly lagMs: number;
    readonly windowBytes: number;
    /** How long a master is away before its replica stands in for it, where roles are set by configuration, ms; 0: never. */
    readonly standInMs: number;
  };
  readonly etcd: EtcdSettings;
  readonly broker: BrokerPartOptions['broker'] & { readonly replicaId: number };
}

/** What is known once the process listens. */
interface Reached {
  readonly place: BrokerPlace;
  /** Where other brokers and proxies reach it. */
  readonly address: string;
  readonly routes: RouteApi;
  readonly dial: BrokerDialer;
  /** How masters are reached; `undefined`: in plaintext. */
  readonly tls: ClientTls | undefined;
}

export class ReplicaPart implements ReplicationServer {
  private host: BrokerHost | undefined;
  private announced: AnnouncedHost | undefined;
  private roles: ReplicaRoles | undefined;

  constructor(
    private readonly options: ReplicaOptions,
    private readonly surroundings: Surroundings,
    private readonly readiness: Readiness,
  ) {}

  /** The broker while it leads its group, or while it stands in for the one that does. */
  serving(): BrokerApi | undefined {
    return this.host?.leader() ?? this.host?.standIn;
  }

  /** The id that proxies know what it serves by. */
  get servedId(): number {
    return this.host?.standIn === undefined ? 0 : this.options.broker.replicaId + 1;
  }

  accept(stream: MasterStream): void {
    if (this.host === undefined) stream.abort('this broker is not open yet');
    else this.host.accept(stream);
  }

  /**
   * Opens the store and takes the role that the configuration says, or begins to look for one; a master by
   * configuration serves when this resolves.
   */
  async open({ place, address, routes, dial, tls }: Reached): Promise<void> {
    const { options, surroundings, readiness } = this;
    const { platform, logger } = surroundings;
    const { replication, broker, flush } = options;
    const api = replicationClient(platform, tls);
    const { cluster, name: brokerName, replicaId } = broker;
    const log = logger.child({ part: 'replication' });
    const replica = await ReplicaStore.open({
      directory: options.dataDir,
      platform,
      log,
      openStore: () => openStoreOf(options, place, surroundings, readiness),
      settings: brokerSettingsOf(options),
    });
    const self = { cluster, brokerName, replicaId, address };
    const seeker: RoleSeeker = { ...self, replica, log, host: () => announced };
    const roles = await this.rolesOf(seeker).catch(async (error: unknown) => {
      await replica.close();
      throw error;
    });
    this.roles = roles;
    const host = new BrokerHost(
      {
        ...{ replica, platform, log, api },
        settings: {
          ...replication,
          ...{ brokerName, replicaId, address, syncedAcks: flush === 'sync' },
        },
        openBroker: (store, lead) => openBrokerOn(options, surroundings, { store, dial, ...lead }),
        handOver: roles.handOver,
        standIn: this.standIn((place) => announced.standIn(place)),
        register: (leader) => leader.register(routes, address),
      },
      roles.keeper,
    );
    this.host = host;
    const announced: AnnouncedHost = new AnnouncedHost(host, routes, self, log);
    this.announced = announced;
    readiness.metrics.add(replicaMetrics(host.replicas));
    if (replication.mode === 'etcd') readiness.ask('replica', () => notInSync(host));
    await roles.begin();
  }

  /** Stops leading, or following, and closes the store. */
  async close(): Promise<void> {
    await this.roles?.end();
    await this.announced?.close();
    await this.host?.close();
  }

  /** A replica that others may lead in the place of needs none. */
  private standIn(announce: StandInOptions['announce']): StandInOptions | undefined {
    const { replication, dataDir: directory } = this.options;
    const { mode, standInMs: afterMs } = replication;
    if (mode !== 'static' || afterMs === 0) return undefined;
    return { directory, settings: brokerSettingsOf(this.options), afterMs, announce };
  }

  private async rolesOf(seeker: RoleSeeker): Promise<ReplicaRoles> {
    const { options, surroundings } = this;
    const { mode, role, master } = options.replication;
    if (mode === 'etcd') return electedRoles(seeker, options.etcd, surroundings);
    return configuredRoles(seeker, role === 'master' ? undefined : master, surroundings);
  }
}

/** Why a replica is not as good as another one, for those who stop them one after the other; '' while it is. */
function notInSync(host: BrokerHost): string {
  const { role, replicaId, inSync } = host.status();
  const follows = role === 'replica' && inSync.includes(replicaId);
  if (follows || host.leader() !== undefined) return '';
  return `replica ${replicaId} neither leads nor is in sync`;
}
