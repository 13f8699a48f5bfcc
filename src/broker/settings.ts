import type { TransactionSettings } from './transaction/transactions';

/** What a broker may be told; every limit has its documented answer. */
export interface BrokerSettings {
  /** Name of the broker group; part of receipt handles. Default `broker-a`. */
  readonly brokerName: string;
  /** Default `DefaultCluster`. */
  readonly cluster: string;
  /** Whether a consumer group is made when it first subscribes. Default true; else CONSUMER_GROUP_NOT_FOUND. */
  readonly autoCreateGroups: boolean;
  /** Messages in flight on the whole broker, at most; beyond, pops give nothing new. Default 2,000,000. */
  readonly maxInflight: number;
  /** Messages of one consumer group in flight, at most; beyond, its pops give nothing new. Default 1,500,000. */
  readonly maxInflightPerGroup: number;
  /** Messages of one queue that a group has in flight, at most; beyond, nothing new of that queue. Default 1,000,000. */
  readonly maxInflightPerQueue: number;
  /** Offsets between a queue's committed one and the newest delivered one, at most. Default 1,048,576. */
  readonly maxWindow: number;
  /**
   * Messages of one queue that a FIFO group of consumers has come to and that wait for their message
   * group, at most; beyond, pops give nothing new of that queue. Default 16,384.
   */
  readonly maxFifoLookAhead: number;
  /**
   * How long receives pass over a priority of a PRIORITY topic that has something ready, ms; after that the next
   * one takes from it first. Default 30 s.
   */
  readonly maxPassedOverMs: number;
  /** Polls waiting on one group and topic, at most; beyond: TOO_MANY_REQUESTS. Default 10,000. */
  readonly maxPollsPerLedger: number;
  /** Polls waiting on the whole broker, at most; beyond: TOO_MANY_REQUESTS. Default 100,000. */
  readonly maxPolls: number;
  /** Bytes of records in one pop, at most (one record always fits). Default 8 MiB. */
  readonly maxPopBytes: number;
  /** Topics, at most; beyond: FORBIDDEN. Default 100,000. */
  readonly maxTopics: number;
  /** Consumer groups, at most; beyond: FORBIDDEN. Default 100,000. */
  readonly maxGroups: number;
  /** How long a repeated send is answered with the first result, ms of store time; 0: never. Default 2 minutes. */
  readonly dedupWindowMs: number;
  /** Message ids known for that, at most; beyond, the oldest one is forgotten before its time. Default 1,000,000. */
  readonly dedupMaxEntries: number;
  /** Delayed messages due within the same five minutes, at most; beyond: TOO_MANY_REQUESTS. Default 4,000,000. */
  readonly maxDelayedPerPeriod: number;
  /** Ledger records between two snapshots, bytes: bounds what a restart replays. Default 32 MiB. */
  readonly snapshotEveryBytes: number;
  /** Lite topics, of all parents; beyond: LITE_TOPIC_QUOTA_EXCEEDED. Default 200,000. */
  readonly maxLiteTopics: number;
  /** Lite topics of one parent; beyond: the same. Default 150,000. */
  readonly maxLitePerParent: number;
  /**
   * Lite topics that one client receives, where its group says nothing; beyond: LITE_SUBSCRIPTION_QUOTA_EXCEEDED.
   * Default 2000.
   */
  readonly maxLitePerClient: number;
  /** Lite topics that the clients of one group receive, each counted for each client; beyond: the same. Default 200,000. */
  readonly maxLitePerGroup: number;
  /** Lite topics that all clients receive, each counted for each client; beyond: the same. Default 400,000. */
  readonly maxLiteSubscriptions: number;
  /**
   * A lite topic that nobody has sent to or received from for this long is removed, where its parent says nothing,
   * ms; 0: never. Default 3 days.
   */
  readonly liteTopicIdleMs: number;
  /** A client that has not repeated its lite topics for this long receives none of them, ms. Default 3 minutes. */
  readonly liteClientSilentMs: number;
  /** Transactions. Default: checks from 6 s on, each 30 s, 15 times; 1,000,000 pending. */
  readonly transactions: TransactionSettings;
}

export const DEFAULT_BROKER_SETTINGS: BrokerSettings = {
  brokerName: 'broker-a',
  cluster: 'DefaultCluster',
  autoCreateGroups: true,
  maxInflight: 2_000_000,
  maxInflightPerGroup: 1_500_000,
  maxInflightPerQueue: 1_000_000,
  maxWindow: 1_048_576,
  maxFifoLookAhead: 16_384,
  maxPassedOverMs: 30_000,
  maxPollsPerLedger: 10_000,
  maxPolls: 100_000,
  maxPopBytes: 8 * 1024 * 1024,
  maxTopics: 100_000,
  maxGroups: 100_000,
  dedupWindowMs: 120_000,
  dedupMaxEntries: 1_000_000,
  maxDelayedPerPeriod: 4_000_000,
  snapshotEveryBytes: 32 * 1024 * 1024,
  maxLiteTopics: 200_000,
  maxLitePerParent: 150_000,
  maxLitePerClient: 2000,
  maxLitePerGroup: 200_000,
  maxLiteSubscriptions: 400_000,
  liteTopicIdleMs: 3 * 24 * 3_600_000,
  liteClientSilentMs: 180_000,
  transactions: {
    firstCheckMs: 6000,
    checkIntervalMs: 30_000,
    maxChecks: 15,
    maxPending: 1_000_000,
  },
};
