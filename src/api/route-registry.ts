/**
 * What a name server's route table shows to the links of other processes' brokers and watchers.
 * `RouteApi` is made of it: there for calls in the same process, over gRPC in `src/link`.
 */
import type { BrokerRegistration, RouteWatch } from './route-api';

/** One change of the table: a broker that is new or has changed, or one that is gone. */
export type RouteChange =
  | { readonly kind: 'put'; readonly broker: BrokerRegistration }
  | { readonly kind: 'gone'; readonly brokerName: string; readonly brokerId: number };

/** Sees the table's changes one by one. It must not throw. */
export interface RouteObserver {
  /** A promise resolves when the change is in force where the observer passes it on; it must not reject. */
  changed(change: RouteChange): Promise<void> | void;
  /** The table is closed. */
  closed?(): void;
}

/** A broker's place in the table. */
export interface RouteEntry {
  /** Resolves when all observers have acknowledged the first registration, or had their time. */
  readonly inForce: Promise<void>;
  /**
   * Replaces the registration. Resolves when all observers have acknowledged it, or had their time.
   * @throws StatusError FORBIDDEN when the place was lost (silence, or another process took it),
   *   BAD_REQUEST when the registration is of another broker, of a lower epoch, or beyond a limit
   */
  update(registration: BrokerRegistration): Promise<void>;
  /** A sign of life. False when the place was lost. */
  keepAlive(): boolean;
  /** Gives the place up, as the broker asks; nothing happens when it was lost. */
  detach(): Promise<void>;
  /** The broker is gone without a word: as `detach`, but no older master may have the place for a while. */
  broken(): Promise<void>;
}

export interface AttachOptions {
  /** The broker is in another process, and gone when it is silent for too long. */
  readonly remote: boolean;
  /** Told when a newer registration takes the place; what says so can be shown to the broker. */
  readonly displaced?: (reason: string) => void;
}

export interface RouteRegistry {
  /** Milliseconds since the table was made: how long brokers have had to register. */
  readonly ageMs: number;
  /** All live brokers, by name, then id. */
  brokers(): readonly BrokerRegistration[];
  /**
   * Registers a broker. It takes the place of an earlier registration of that name and id unless that has a higher
   * epoch. A master, id 0, does not get in with an epoch below that of a master that was lost less than 120 s ago, nor
   * with the epoch of one that is registered from another address. One that comes while a replica stands in for it is told
   * of when that does so no more, or after 5 s.
   * @throws StatusError BAD_REQUEST (a lower epoch, a nameless broker, too many topics),
   *   TOO_MANY_REQUESTS (too many brokers)
   */
  attach(registration: BrokerRegistration, options: AttachOptions): RouteEntry;
  /**
   * Sees all changes from now on; `brokers()` read in the same turn is the state before them.
   * @throws StatusError TOO_MANY_REQUESTS when there are too many observers
   */
  observe(observer: RouteObserver): RouteWatch;
}
