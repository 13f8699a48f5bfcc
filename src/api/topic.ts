/** Topics and consumer groups as all parts know them. */

export const TOPIC_TYPES = [
  'NORMAL',
  'FIFO',
  'DELAY',
  'TRANSACTION',
  'PRIORITY',
  'LITE',
  'MIXED',
] as const;
/** What kind of messages a topic takes. MIXED takes NORMAL, FIFO, DELAY and TRANSACTION. */
export type TopicType = (typeof TOPIC_TYPES)[number];

export const DEFAULT_QUEUES = 8;
export const MAX_QUEUES = 1024;
/** The shortest time after which unused lite topics may be removed, ms, and the longest one: ten years. */
export const MIN_LITE_IDLE_MS = 1000;
export const MAX_LITE_IDLE_MS = 10 * 365 * 24 * 3_600_000;
/** The most lite topics that one client may ever receive. */
export const MAX_LITE_QUOTA = 100_000;

/** A topic's queues on one broker: those with the ids 0 .. queues - 1. */
export interface BrokerQueues {
  readonly brokerName: string;
  readonly queues: number;
}

/** The queues over which the message groups of a topic are spread, sorted by broker name. */
export type TopicGeneration = readonly BrokerQueues[];

export interface TopicConfig {
  readonly name: string;
  readonly type: TopicType;
  /** Queues on each broker, 1 .. 1024; reads and writes alike. */
  readonly queues: number;
  /**
   * For a topic with message groups: its queues from its making on, one generation for each time that it has
   * grown, the newest last; see ./topic-generations. `undefined`: over what is there, as for a topic that
   * Apache RocketMQ has made.
   */
  readonly generations?: readonly TopicGeneration[];
  /** Up to this generation (the first is 1) no broker takes messages for an older one. Default 1. */
  readonly settled?: number;
  /**
   * Of a LITE topic: its lite topics are removed when nobody has used them for this long, ms; 0: never. `undefined`:
   * as the broker says.
   */
  readonly liteIdleMs?: number;
  /** Brokers that have left, or were given up: they hold nothing of any generation up to that one. Default none. */
  readonly gone?: readonly { readonly brokerName: string; readonly generation: number }[];
}

/** Whether messages of a topic may have a message group, or belong to lite topics, which lie as message groups do. */
export function hasMessageGroups(type: TopicType): boolean {
  return type === 'FIFO' || type === 'MIXED' || type === 'LITE';
}

/** How long a consumer waits before a message's next attempt. Durations are milliseconds. */
export type BackoffPolicy =
  | {
      readonly kind: 'exponential';
      readonly initialMs: number;
      readonly maxMs: number;
      readonly multiplier: number;
    }
  | { readonly kind: 'customized'; readonly nextMs: readonly number[] };

/** The longest delay of a backoff: what a message may be invisible at most. */
export const MAX_BACKOFF_MS = 12 * 3_600_000;
/** Delays that a customized backoff may have. */
export const MAX_BACKOFF_STEPS = 64;

/**
 * How long after a failed attempt the next one comes, milliseconds.
 * @param attempt the failed one, 1 = first
 */
export function backoffMs(policy: BackoffPolicy, attempt: number): number {
  const retry = Math.max(1, attempt) - 1;
  if (policy.kind === 'customized')
    return policy.nextMs[Math.min(retry, policy.nextMs.length - 1)] ?? 0;
  const { initialMs, maxMs, multiplier } = policy;
  return Math.min(maxMs, Math.round(initialMs * multiplier ** Math.min(retry, 32)));
}

export interface GroupConfig {
  readonly name: string;
  /** Whether messages of one message group are consumed in order. */
  readonly fifo: boolean;
  /** Deliveries before the dead letter queue, the first one counted; at least 1. */
  readonly maxAttempts: number;
  readonly backoff: BackoffPolicy;
  /** The parent topic, for groups of lite topics. */
  readonly liteTopic?: string;
  /** For groups of lite topics: how many one client may receive. `undefined`: as many as the broker says. */
  readonly liteQuota?: number;
  /** Where a first subscription starts: at the end of the queues as of then, or at their beginning. */
  readonly startFrom: 'end' | 'beginning';
}

/** Whether a group's messages are delivered in order: by message groups, or within each lite topic. */
export function isOrdered({ fifo, liteTopic }: GroupConfig): boolean {
  return fifo || liteTopic !== undefined;
}

/** 1 s, 5 s, 10 s, 30 s, 1 .. 10 min, 20 min, 30 min, 1 h, 2 h: the delays of Apache RocketMQ's retries. */
export const DEFAULT_BACKOFF: BackoffPolicy = {
  kind: 'customized',
  nextMs: [
    1, 5, 10, 30, 60, 120, 180, 240, 300, 360, 420, 480, 540, 600, 1200, 1800, 3600, 7200,
  ].map((seconds) => seconds * 1000),
};
export const DEFAULT_MAX_ATTEMPTS = 17;

/** A group as it is when nobody has said more of it than its name. */
export function newGroup(name: string, fifo = false): GroupConfig {
  const maxAttempts = DEFAULT_MAX_ATTEMPTS;
  return { name, fifo, maxAttempts, backoff: DEFAULT_BACKOFF, startFrom: 'end' };
}
