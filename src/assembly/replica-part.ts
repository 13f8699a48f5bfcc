/** The replica of a broker process that belongs to a group: its store, and the broker on it while it leads. */
import type { BrokerDialer } from '../api/broker-dialer';
import type { MasterStream, ReplicationServer } from '../api/replication-api';
import type { RouteApi } from '../api/route-api';
import type { Broker } from '../broker/broker';
import { BrokerHost } from '../broker/replication/broker-host';
import { ReplicaStore } from '../broker/replication/replica-store';
import { leadByConfiguration, StaticRoles } from '../broker/replication/static-roles';
import { replicationClient } from '../link/replication-client';
import { Code, StatusError } from '../message/status';
import type { Readiness } from '../observe/http';
import { openBrokerOn, openStoreOf, type BrokerPartOptions, type BrokerPlace } from './open-broker';
import type { Surroundings } from './role';
import { replicaMetrics } from './role-metrics';

export interface ReplicaOptions extends BrokerPartOptions {
  readonly replication: {
    readonly mode: 'off' | 'static';
    readonly role: 'master' | 'replica';
    /** `host:port`, '' for none. */
    readonly master: string;
    readonly ack: 'async' | 'sync';
    readonly minInSync: number;
    readonly ackTimeoutMs: number;
    readonly lagMs: number;
    readonly windowBytes: number;
  };
  readonly broker: BrokerPartOptions['broker'] & { readonly replicaId: number };
}

/** What is known once the process listens. */
interface Reached {
  readonly place: BrokerPlace;
  /** Where other brokers and proxies reach it. */
  readonly address: string;
  readonly routes: RouteApi;
  readonly dial: BrokerDialer;
}

export class ReplicaPart implements ReplicationServer {
  private host: BrokerHost | undefined;

  constructor(
    private readonly options: ReplicaOptions,
    private readonly surroundings: Surroundings,
    private readonly readiness: Readiness,
  ) {
    const { mode, role, master } = options.replication;
    if (mode === 'static' && role === 'replica' && master === '') {
      throw new Error('replication.master is empty: say where the master of this replica is');
    }
  }

  /** The broker while it leads its group. */
  leader(): Broker | undefined {
    return this.host?.leader();
  }

  accept(stream: MasterStream): void {
    if (this.host === undefined) stream.abort('this broker is not open yet');
    else this.host.accept(stream);
  }

  /** Opens the store and takes the role that the configuration says; a master serves when this resolves. */
  async open({ place, address, routes, dial }: Reached): Promise<void> {
    const { options, surroundings, readiness } = this;
    const { platform, logger } = surroundings;
    const { replication, broker, flush } = options;
    const log = logger.child({ part: 'replication' });
    const replica = await ReplicaStore.open({
      directory: options.dataDir,
      platform,
      log,
      openStore: () => openStoreOf(options, place, surroundings, readiness),
    });
    const { replicaId } = broker;
    const host = new BrokerHost(
      {
        ...{ replica, platform, log, api: replicationClient() },
        settings: {
          ...replication,
          ...{ brokerName: broker.name, replicaId, address, syncedAcks: flush === 'sync' },
        },
        openBroker: (store, lead) => openBrokerOn(options, surroundings, { store, dial, ...lead }),
        handOver: () => Promise.reject(configured(broker.name)),
        register: (leader) => leader.register(routes, address),
      },
      new StaticRoles(replication.role === 'master', log),
    );
    this.host = host;
    readiness.metrics.add(replicaMetrics(host.replicas));
    if (replication.role === 'master') {
      await leadByConfiguration(host, replicaId, replica.newestEpoch, platform.clock);
    } else {
      await host.follow({ replicaId: 0, address: replication.master }, 0);
    }
  }

  async close(): Promise<void> {
    await this.host?.close();
  }
}

function configured(brokerName: string): StatusError {
  return new StatusError(
    Code.UNSUPPORTED,
    `the roles of the replicas of broker ${brokerName} are set by configuration: restart them with other roles`,
  );
}
