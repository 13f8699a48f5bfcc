/**
 * What brokers and proxies ask of a name server. The same in one process and over gRPC. Name
 * servers know nothing of each other: a broker registers with all of them.
 */
import type { TopicConfig } from './topic';

/** A broker and what it holds. `brokerName` names a group of replicas; id 0 is the master. */
export interface BrokerRegistration {
  readonly cluster: string;
  readonly brokerName: string;
  readonly brokerId: number;
  /** `host:port` where proxies reach it; '' inside one process. */
  readonly address: string;
  /** Raised at each start and change of role; a registration of a lower one is refused. */
  readonly epoch: number;
  /** Raised at each change of `topics`. */
  readonly version: number;
  readonly topics: readonly TopicConfig[];
  /** It is to take no new messages: those that it holds come to their end. Default false. */
  readonly draining?: boolean;
  /** A replica that serves reads while the master of its name is away, and of which topics. */
  readonly standIn?: StandInPlace;
}

/** Of several that stand in for one master the one with the most is asked. */
export interface StandInPlace {
  /** Up to where of the log it serves, bytes. */
  readonly confirmedPosition: number;
}

/** Registers at once when made, then every 30 s, and at once on each `update`. */
export interface RegistrationLease {
  /** Resolves when every name server that is reachable, and the watchers they have, know the change. */
  update(registration: BrokerRegistration): Promise<void>;
  /** Unregisters and stops. */
  close(): Promise<void>;
}

export interface RouteWatch {
  close(): void;
}

export interface RouteApi {
  /** Registers a broker and keeps it registered until the lease is closed. */
  register(registration: BrokerRegistration): Promise<RegistrationLease>;
  /**
   * Calls `listener` with all live brokers: at once with those known, and after each change. Where
   * several name servers answer, the newest registration (epoch, then version) of each broker counts.
   */
  watch(listener: (brokers: readonly BrokerRegistration[]) => void): RouteWatch;
}
