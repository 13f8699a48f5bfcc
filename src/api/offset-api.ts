/** What a proxy asks of a broker about the progress of consumer groups: a part of `BrokerApi`. */
import type { FilterExpression } from '../message/filter';

/** A queue on the broker that is asked. */
export interface QueueRef {
  readonly topic: string;
  readonly queueId: number;
}

export interface GroupQueueRef extends QueueRef {
  readonly group: string;
}

export interface PullRequest extends GroupQueueRef {
  readonly clientId: string;
  /** The first one wanted. */
  readonly offset: number;
  readonly filter: FilterExpression;
  /** 1 .. 32. */
  readonly maxMessages: number;
  /** Longest wait for a first message, milliseconds; 0 answers at once. */
  readonly pollMs: number;
}

export interface PullResult {
  /** Stored records, unchanged, in the order of their offsets; empty when the wait ended without one. */
  readonly records: readonly Buffer[];
  /** Where the next pull goes on. */
  readonly nextOffset: number;
  /** The offset asked for is not in the queue, and `nextOffset` is the nearest that is: which there are; else ''. */
  readonly illegal: string;
}

export interface UpdateOffsetRequest extends GroupQueueRef {
  readonly clientId: string;
  /** The smallest one that the group has not finished. */
  readonly offset: number;
}

/** `timeMs`: the first message stored then or later, milliseconds since the epoch. */
export type OffsetPolicy =
  | { readonly at: 'beginning' }
  | { readonly at: 'end' }
  | { readonly at: 'time'; readonly timeMs: number };

export interface QueryOffsetRequest extends QueueRef {
  readonly policy: OffsetPolicy;
}

export type ResetTarget = OffsetPolicy | { readonly at: 'offset'; readonly offset: number };

export interface ResetRequest {
  readonly group: string;
  readonly topic: string;
  /** `undefined`: all queues. */
  readonly queueId: number | undefined;
  readonly to: ResetTarget;
  /** Only tells what it would do. */
  readonly dryRun: boolean;
}

export interface GroupReset extends ResetRequest {
  /** The name of the broker; '' for all that hold the topic. */
  readonly broker: string;
}

/** What a reset does to one queue. */
export interface QueueReset {
  /** The name of the broker that has it. */
  readonly broker: string;
  readonly queueId: number;
  /** Committed progress before it, and the offset that the group goes on with. */
  readonly from: number;
  readonly to: number;
  /** Messages that the group has had and gets again; those that a filter passed over are among them. */
  readonly again: number;
  /** Messages that it has not finished and does not get any more. */
  readonly skipped: number;
  /** Messages in flight; their handles are void. */
  readonly cancelled: number;
}

export interface OffsetApi {
  /**
   * Reads messages of a queue from an offset on, waiting for a first one. The group's progress does not move.
   * @returns `undefined` when `signal` has ended the wait
   * @throws StatusError TOPIC_NOT_FOUND, BAD_REQUEST (no such queue), ILLEGAL_FILTER_EXPRESSION, TOO_MANY_REQUESTS
   */
  pull(request: PullRequest, signal: AbortSignal): Promise<PullResult | undefined>;

  /**
   * Committed progress: the smallest offset that the group has not finished.
   * @throws StatusError TOPIC_NOT_FOUND, BAD_REQUEST, OFFSET_NOT_FOUND (the group has not begun on the topic)
   */
  get(request: GroupQueueRef): Promise<number>;

  /**
   * Sets committed progress: all below is finished, what is in flight above stays so. Set back, all from there on
   * comes again, as by a reset. The group is made, and begins on the topic, as by a first receive. Durable.
   * @throws StatusError TOPIC_NOT_FOUND, BAD_REQUEST, CONSUMER_GROUP_NOT_FOUND, ILLEGAL_OFFSET
   */
  update(request: UpdateOffsetRequest): Promise<void>;

  /** @throws StatusError TOPIC_NOT_FOUND, BAD_REQUEST */
  query(request: QueryOffsetRequest): Promise<number>;

  /**
   * Moves a group on a topic. What was in flight is cancelled. On stable storage when it resolves.
   * @throws StatusError TOPIC_NOT_FOUND, BAD_REQUEST, CONSUMER_GROUP_NOT_FOUND, OFFSET_NOT_FOUND (the group has
   *   not begun on the topic), ILLEGAL_OFFSET
   */
  reset(request: ResetRequest): Promise<readonly QueueReset[]>;
}
