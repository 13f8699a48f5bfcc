/** What operators ask about the brokers of a cluster, and of a group's master. */
import type { ReplicationStatus } from './cluster-view';

/** What the master of a broker group is asked about its group. A part of `BrokerApi`. */
export interface ReplicasApi {
  status(): Promise<ReplicationStatus>;
  /**
   * Stops leading, for another replica to lead. Resolves when this broker no longer does.
   * @param to id of the replica; `undefined`: any that is in sync
   * @throws StatusError UNSUPPORTED (nobody else can lead: a broker alone, or roles by configuration),
   *   BAD_REQUEST (that replica is not in sync)
   */
  handOver(to: number | undefined): Promise<void>;
}

/** A broker as the name servers know it. */
export interface BrokerView {
  readonly cluster: string;
  readonly brokerName: string;
  /** 0 leads its group; others are their replica id plus 1. */
  readonly brokerId: number;
  /** `host:port` where proxies reach it; '' inside one process. */
  readonly address: string;
  readonly epoch: number;
  /** How many it holds, those of the system counted. */
  readonly topics: number;
  /** It serves reads while the master is away. */
  readonly standsIn: boolean;
}

/** A broker group, as its master tells. */
export interface GroupView {
  readonly brokerName: string;
  /** `undefined` when there is no master or it did not answer. */
  readonly status: ReplicationStatus | undefined;
  /** Why there is no status; '' with one. */
  readonly reason: string;
}

export interface ClusterView {
  /** Sorted by name and id. */
  readonly brokers: readonly BrokerView[];
  /** Sorted by name. */
  readonly groups: readonly GroupView[];
}

export interface HandOver {
  readonly brokerName: string;
  /** As in `ReplicasApi`. */
  readonly to: number | undefined;
}
