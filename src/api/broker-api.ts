/**
 * What a proxy asks of one broker. The same in one process (a call) and between processes (one
 * batched gRPC stream, `src/link`). Every method rejects with a StatusError; what may be thrown by
 * all of them is PROXY_TIMEOUT (the broker did not answer) and INTERNAL_SERVER_ERROR.
 */
import type { FilterExpression } from '../message/filter';
import type { RecordDraft } from '../message/record-draft';
import type { Code } from '../message/status';
import type { DelayedMessages, ListDelayedRequest, RecallRequest } from './delayed-api';
import type { FoundMessages, MessageSearch } from './message-search';
import type { ReplicasApi } from './cluster-api';
import type { InspectApi } from './inspect-api';
import type { SyncLiteRequest } from './lite-api';
import type { OffsetApi } from './offset-api';
import type { GroupConfig, TopicConfig } from './topic';
import type { TransactionApi } from './transaction-api';

export interface SendRequest {
  /** The queue on this broker; must be below the topic's queue count. */
  readonly queueId: number;
  /** Topic and size are the draft's; the broker fills in the place. */
  readonly draft: RecordDraft;
  /**
   * For a message group: the generation of the topic that its queue was chosen in, 0 for a topic that has
   * none. A broker that knows a newer one, or that does not have the queue yet, refuses with NOT_FOUND and
   * stores nothing: the queue is to be chosen again.
   */
  readonly generation?: number;
  /** Of a message to a LITE topic: the lite topic, made by its first message; `queueId` only chose the broker. */
  readonly liteTopic?: string;
}

export interface SendResult {
  readonly queueOffset: number;
  readonly physicalOffset: number;
  /** Whether the message waits for its delivery time; the offsets are then those of the record that waits. */
  readonly delayed?: boolean;
}

export interface PopRequest {
  readonly group: string;
  readonly topic: string;
  readonly clientId: string;
  /** Repeats of one logical receive carry the same id; '' for none. */
  readonly attemptId: string;
  readonly filter: FilterExpression;
  /** 1 .. 32. */
  readonly maxMessages: number;
  /** Until a message that is not acknowledged comes again, milliseconds. */
  readonly invisibleMs: number;
  /** Longest wait for a first message, milliseconds; 0 answers at once. */
  readonly pollMs: number;
  /** Whether the broker keeps the messages invisible while the client is heard from. */
  readonly autoRenew: boolean;
}

export interface PoppedMessage {
  /** The stored record, unchanged. */
  readonly record: Buffer;
  readonly receiptHandle: string;
  /** 1 on first delivery. */
  readonly attempt: number;
  readonly invisibleMs: number;
}

/** Empty when the wait ended without a message. */
export type PopResult = readonly PoppedMessage[];

export interface HandleRef {
  readonly receiptHandle: string;
  readonly messageId: string;
}

export interface AckRequest {
  readonly group: string;
  readonly topic: string;
  readonly entries: readonly HandleRef[];
}

/** The outcome for one entry of an acknowledgement. */
export interface EntryStatus {
  readonly code: Code;
  readonly message: string;
}

export interface ChangeInvisibleRequest extends HandleRef {
  readonly group: string;
  readonly topic: string;
  /**
   * From now, milliseconds. 0 makes the message visible at once; one that was received with `autoRenew`
   * then waits as long as the group's backoff says, since some push consumers know no other number.
   */
  readonly invisibleMs: number;
  /** The next delivery does not count as an attempt. */
  readonly suspend: boolean;
}

export interface ForwardRequest extends HandleRef {
  readonly group: string;
  readonly topic: string;
}

export interface Subscription {
  readonly topic: string;
  readonly filter: FilterExpression;
}

/** A consumer makes itself known: with its settings, its heartbeat, or a first receive. */
export interface SubscribeRequest {
  readonly group: string;
  readonly clientId: string;
  readonly subscriptions: readonly Subscription[];
  /** Whether a group made by this call is FIFO. */
  readonly fifoIfNew: boolean;
}

/** What a group's filter could not evaluate on the messages of a topic, since the broker started. */
export interface FilterFault {
  readonly group: string;
  readonly topic: string;
  readonly faults: number;
  /** The latest one: what was wrong, and on which message, when. */
  readonly lastFault: string;
  readonly lastQueueId: number;
  readonly lastOffset: number;
  readonly lastWallMs: number;
}

/** A broker asks another one how far a group of consumers is with a topic that has grown. */
export interface ProgressRequest {
  readonly group: string;
  readonly topic: string;
  /** The answer waits until the group has finished this generation, or until `pollMs` are over. */
  readonly generation: number;
  readonly pollMs: number;
}

export interface GroupProgress {
  /** The newest generation whose messages on this broker the group has finished, all up to where it ended; 0: none. */
  readonly finished: number;
  /** In which generation the group began on the topic, as far as this broker knows; 0: it has not begun here. */
  readonly since: number;
}

export interface BrokerApi {
  readonly transactions: TransactionApi;
  readonly offsets: OffsetApi;
  readonly inspect: InspectApi;
  readonly replicas: ReplicasApi;

  /**
   * Stores one message; one with a delivery time ahead waits for that. Resolves when it is as durable as the flush mode promises.
   * @throws TOPIC_NOT_FOUND, BAD_REQUEST (no such queue), TOO_MANY_REQUESTS (unwritten bytes at
   *   their bound), INTERNAL_SERVER_ERROR (the store is read-only, and why), LITE_TOPIC_QUOTA_EXCEEDED
   */
  send(request: SendRequest): Promise<SendResult>;

  /**
   * Ends the wait of a delayed message: it will not be delivered. As durable as the flush mode promises
   * when it resolves; repeated, it resolves again.
   * @throws MESSAGE_NOT_FOUND: the message was delivered, or is not known
   */
  recall(request: RecallRequest): Promise<void>;

  /**
   * Takes up to `maxMessages` messages for a group, waiting up to `pollMs` for a first one. When
   * `signal` fires during the wait the result is empty and nothing is taken.
   * @throws TOPIC_NOT_FOUND, CONSUMER_GROUP_NOT_FOUND, ILLEGAL_FILTER_EXPRESSION, TOO_MANY_REQUESTS
   */
  pop(request: PopRequest, signal: AbortSignal): Promise<PopResult>;

  /** Finishes messages; one status an entry, in order: OK or INVALID_RECEIPT_HANDLE. */
  ack(request: AckRequest): Promise<readonly EntryStatus[]>;

  /**
   * Sets when a message comes again; the old handle is void, the new one is answered.
   * @throws INVALID_RECEIPT_HANDLE
   */
  changeInvisible(request: ChangeInvisibleRequest): Promise<string>;

  /**
   * Moves a message to the group's dead letter queue, now; again for one that is there already.
   * @throws INVALID_RECEIPT_HANDLE
   */
  forwardToDeadLetterQueue(request: ForwardRequest): Promise<void>;

  /** Gives messages back that never reached their consumer: ready after 1 s, no attempt counted. */
  release(request: AckRequest): Promise<void>;

  /**
   * Makes the group (where auto-creation allows) and fixes where it starts on each topic that it
   * subscribes for the first time; durable when it resolves. Topics unknown to this broker are ignored.
   * @throws CONSUMER_GROUP_NOT_FOUND when the group is unknown and may not be made
   */
  subscribe(request: SubscribeRequest): Promise<GroupConfig>;

  /**
   * Changes which lite topics a client receives; lite topics that are new are made. Where the group begins on them
   * is durable, the subscription lives in memory: clients repeat it, one that is silent for 3 minutes loses it.
   * @returns lite topics that were removed because they were idle, although the client had subscribed to them; told
   *   once, to the `set` that names them
   * @throws TOPIC_NOT_FOUND, ILLEGAL_TOPIC (not the group's parent), ILLEGAL_CONSUMER_GROUP (not a group of lite
   *   topics), CONSUMER_GROUP_NOT_FOUND, LITE_SUBSCRIPTION_QUOTA_EXCEEDED, LITE_TOPIC_QUOTA_EXCEEDED, ILLEGAL_OFFSET
   */
  syncLite(request: SyncLiteRequest): Promise<readonly string[]>;

  /**
   * How far a group of consumers is with a topic that has grown; what it answers outlives a crash.
   * @throws TOPIC_NOT_FOUND, TOO_MANY_REQUESTS (too many wait)
   */
  groupProgress(request: ProgressRequest, signal: AbortSignal): Promise<GroupProgress>;

  /** The client was heard from (a heartbeat). */
  clientSeen(clientId: string): Promise<void>;

  /** The client said goodbye: its unfinished messages are released, its polls end. */
  clientGone(clientId: string): Promise<void>;

  /** Resolves when the broker takes messages; rejects with what keeps it from that. */
  probe(): Promise<void>;

  /**
   * Creates or changes a topic; resolves when it is durable and in force in every route.
   * @param groups consumer groups that are on it elsewhere: they begin at the beginning of what will lie here
   * @throws FORBIDDEN (a limit; it has grown otherwise meanwhile), BAD_REQUEST (fewer queues)
   */
  putTopic(config: TopicConfig, groups?: readonly string[]): Promise<void>;
  /** @throws TOPIC_NOT_FOUND */
  deleteTopic(name: string): Promise<void>;
  listTopics(): Promise<readonly TopicConfig[]>;
  /**
   * While it drains a broker refuses new messages without a message group (NOT_FOUND, nothing stored), and is in no
   * route to send to; where message groups lie the topics say. Durable, and in force in every route when it resolves.
   */
  setDraining(draining: boolean): Promise<void>;
  /** Creates or changes a group; durable when it resolves. */
  putGroup(config: GroupConfig): Promise<void>;
  /** @throws CONSUMER_GROUP_NOT_FOUND */
  deleteGroup(name: string): Promise<void>;
  listGroups(): Promise<readonly GroupConfig[]>;
  /** What filters could not evaluate, for each group and topic; for 10,000 pairs at most. */
  filterFaults(): Promise<readonly FilterFault[]>;
  /**
   * Looks for stored messages; consumers do not notice.
   * @throws TOPIC_NOT_FOUND, BAD_REQUEST, UNSUPPORTED (no index), TOO_MANY_REQUESTS
   */
  findMessages(search: MessageSearch): Promise<FoundMessages>;
  /**
   * Messages that wait for their delivery time, and how many.
   * @throws BAD_REQUEST; by id UNSUPPORTED (no index), TOO_MANY_REQUESTS
   */
  listDelayed(request: ListDelayedRequest): Promise<DelayedMessages>;
}
