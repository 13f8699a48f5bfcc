/**
 * Who leads a broker group is decided elsewhere: by configuration, or by leases. The deciding part tells a
 * `ReplicaHost` what to be, and is asked by it through `RoleKeeper`.
 */

/** Where a master listens for its followers. */
export interface Leader {
  readonly replicaId: number;
  /** `host:port`. */
  readonly address: string;
}

/**
 * Owns the store of a replica. Each call ends what it was before, also when that has not come about yet; calls
 * run one after the other, and of those that wait only the last one counts.
 */
export interface ReplicaHost {
  /**
   * Becomes master: notes the epoch, opens the broker on the log as it is, serves, registers. Resolves when it
   * serves.
   * @param epoch higher than any before
   * @param inSync the in-sync set that is agreed for this epoch, this replica in it
   * @param lost of these the one whose leadership has ended by itself, or with its process: it is not given time to come back
   * @throws Error when a later call came before, or the store is broken
   */
  lead(epoch: number, inSync: readonly number[], lost?: number): Promise<void>;
  /** Follows a master: serves nobody, and keeps trying to reach it. Resolves when it no longer serves. */
  follow(leader: Leader, epoch: number): Promise<void>;
  /**
   * Is neither. Resolves when it no longer serves.
   * @param handsOver whether another leads as soon as this has resolved; default false
   */
  rest(handsOver?: boolean): Promise<void>;
  /** The end of the log, bytes; 0 before a first role. */
  readonly endPosition: number;
}

/** What a replica host asks of who gives it its role, and tells it. */
export interface RoleKeeper {
  /**
   * Asked by a master before it answers anything: whether it still is one, by the monotonic clock. Cheap.
   */
  leads(epoch: number): boolean;
  /**
   * Tells a master of a follower's hello, before its welcome. From now on no older stream of this replica counts.
   * Answers whether the in-sync set means this very store. A replica that the set lists and that is not meant lost
   * what it had: the master has it taken out of the set before it welcomes it.
   */
  met(replicaId: number, storeId: string): boolean;
  /**
   * Changes the in-sync set. One that joins is waited for before this is called, one that leaves until this has
   * resolved.
   * @throws Error when the change is not agreed: it may or may not be in force
   */
  changeInSync(epoch: number, members: readonly number[]): Promise<void>;
  /** How long followers are asked to promise that they do not campaign, ms; 0: not asked. */
  readonly askPromiseMs: number;
  /**
   * Asked of a follower by its master's heartbeat; answers what it promises, ms from now on at least.
   * 0: nothing.
   */
  promise(epoch: number, promiseMs: number): number;
  /** Tells a master that a follower has promised, counted from the master's monotonic `sentMs`. */
  promised(replicaId: number, sentMs: number, promiseMs: number): void;
  /** Tells a follower's lag behind its master's log end, from each heartbeat. */
  behind(bytes: number): void;
  /**
   * Tells a master of a follower's wall clock, from each acknowledgement.
   * @param aheadMs its own wall clock when that came, minus the follower's when it was sent
   * @returns how far the follower's is off the group's, ms: what its next heartbeat says
   */
  clockSeen(replicaId: number, aheadMs: number): number;
  /** Tells a follower what its master's heartbeat says of its clock. */
  clockOff(offMs: number): void;
  /** Tells that a message spoke of a higher epoch than one's own. */
  newerEpoch(epoch: number): void;
}
