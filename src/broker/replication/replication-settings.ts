/** How a broker group replicates; the same on all its members. */
export interface ReplicationSettings {
  readonly brokerName: string;
  /** Unique in the group, 0 or more. */
  readonly replicaId: number;
  /** `host:port` of this replica's listener. */
  readonly address: string;
  /** Whether answers wait for all members of the in-sync set. */
  readonly ack: 'async' | 'sync';
  /** Size of the in-sync set, the master counted, below which writes are refused. */
  readonly minInSync: number;
  /** Longest wait of a send for replicas, ms. */
  readonly ackTimeoutMs: number;
  /** A follower that has not had all of the log for so long leaves the in-sync set, ms. */
  readonly lagMs: number;
  /** Log bytes on their way to one follower, at most. */
  readonly windowBytes: number;
  /** Whether followers acknowledge what is synced, not what is written. */
  readonly syncedAcks: boolean;
}
