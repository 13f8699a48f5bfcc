/** What a broker says of its part in its group: who leads, who follows, how far. */

/** A follower as its master sees it. */
export interface FollowerStatus {
  readonly replicaId: number;
  /** `host:port` of its listener. */
  readonly address: string;
  readonly connected: boolean;
  readonly inSync: boolean;
  /** Bytes of the master's log that it has not acknowledged. */
  readonly lagBytes: number;
  /** For how long it has not had all of the master's log, ms; 0: it has it. */
  readonly lagMs: number;
  /** Its wall clock minus the master's, ms, as far as can be told. */
  readonly clockOffsetMs: number;
}

export interface ReplicationStatus {
  readonly brokerName: string;
  readonly replicaId: number;
  /** `alone`: a broker without replication; `stand-in`: a replica that serves reads while its master is away. */
  readonly role: 'alone' | 'master' | 'replica' | 'resting' | 'stand-in';
  readonly epoch: number;
  readonly minPosition: number;
  readonly endPosition: number;
  readonly confirmedPosition: number;
  /** Replica ids, the master's among them. A replica knows them from its master. */
  readonly inSync: readonly number[];
  /** Only a master has any. */
  readonly followers: readonly FollowerStatus[];
}
