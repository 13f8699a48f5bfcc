/**
 * What a replica asks of the service that decides who leads its broker group: etcd, or a model of it. One
 * `LeaseApi` serves one broker group. The service keeps, per group, who leads (bound to a lease that ends unless
 * it is renewed), the in-sync set, and what the last leader released. docs/decisions tells why this is safe.
 */

/**
 * One store of a broker group, `<replica id>/<store id>`. The store's id is made with the store, so a replica
 * that lost its disk comes back as another member, and what the in-sync set says of the old one is not true of it.
 */
export type Member = string;

export interface Candidate {
  readonly member: Member;
  /** `host:port` where the other replicas reach it. */
  readonly address: string;
}

export interface Leader extends Candidate {
  /** Raised with each leadership of a group, never used twice. */
  readonly epoch: number;
}

/** A leadership that its leader gave up, having stopped all work before. */
export interface Release {
  readonly epoch: number;
  /** Who is to lead next; any in-sync member where none is named. */
  readonly to: Member | undefined;
  /** Whether who gave it up ends: the next leader need not wait for it. */
  readonly ends: boolean;
}

export interface GroupState {
  /** The service's; of two states the one of the higher revision is newer. */
  readonly revision: number;
  readonly leader: Leader | undefined;
  /** Who may lead; `undefined` until the group has had its first leader. */
  readonly inSync: readonly Member[] | undefined;
  /** Where nobody leads since the newest leadership was released: it is over, and so is every older one. */
  readonly released: Release | undefined;
}

export interface GroupWatch {
  close(): void;
}

export interface LeaseApi {
  /**
   * Calls `listener` with the group's state as soon as it is known and after each change, in the order of
   * revisions; some states in between may be left out. The first is one from after this call. While the service
   * is away it hears nothing.
   */
  watch(listener: (state: GroupState) => void): GroupWatch;
  /**
   * Takes the leadership in one transaction: only if nobody has it, and only if the candidate is in the in-sync
   * set. A group without a set gets one of the candidate alone. From then on the lease is renewed, whether or
   * not this process's event loop is busy, until it is lost or released.
   * @param aboveEpoch an epoch that its own is above: the newest one in the candidate's log. Default: none
   * @throws LeaseRefusedError another has it, or the candidate is not in sync
   * @throws LeaseUnavailableError no answer: the service may have given a leadership, which then ends by itself
   */
  campaign(candidate: Candidate, aboveEpoch?: number): Promise<Leadership>;
  /** Ends watches and renewals. A leadership that was not released ends with its lease. */
  close(): Promise<void>;
}

/** A leadership that this process took. */
export interface Leadership {
  readonly epoch: number;
  /** The in-sync set when it was taken. */
  readonly inSync: readonly Member[];
  /** The lease's length, ms. */
  readonly leaseMs: number;
  /**
   * When the newest renewal that succeeded was sent, on this process's monotonic clock, ms. Until `leaseMs` later
   * nobody else leads, give or take how differently two clocks run.
   */
  readonly renewedMs: number;
  /** Called once when the service has said that another leads, or nobody: at the latest with the next renewal. */
  onLost(listener: () => void): void;
  /**
   * Replaces the in-sync set while this leadership lasts. One call at a time.
   * @throws LeaseLostError the leadership is over
   * @throws LeaseUnavailableError no answer: either set may be in force, until a later call succeeds
   */
  setInSync(members: readonly Member[]): Promise<void>;
  /**
   * Gives the leadership up, for the next to take it at once. The caller has stopped all work before. Renewals
   * end in any case.
   * @param to who is to lead next, a member of the in-sync set
   * @param ends see `Release`; default false
   * @throws LeaseUnavailableError no answer: at the latest the lease's end ends it
   */
  release(to?: Member, ends?: boolean): Promise<void>;
}

/** The leadership has ended: another leads, or nobody. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError';
}

/** The lease service did not answer in time; what was asked may have happened or not. */
export class LeaseUnavailableError extends Error {
  override readonly name = 'LeaseUnavailableError';
}

/** The lease service refused a candidate. */
export class LeaseRefusedError extends Error {
  override readonly name = 'LeaseRefusedError';
}
