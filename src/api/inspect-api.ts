/** What a proxy asks of a broker for operators: how full topics are, how far groups of consumers. A part of `BrokerApi`. */

/**
 * Stands for a queue where all lite topics of a LITE topic are told of together: offsets are 0 and the number of
 * messages, times 0.
 */
export const ALL_LITE_TOPICS = -1;

/** A queue of a topic. Times are store times, milliseconds since the epoch; 0: there is no message. */
export interface QueueStatus {
  readonly queueId: number;
  /** The first offset that is kept, and the one that the next message gets. */
  readonly minOffset: number;
  readonly maxOffset: number;
  readonly firstStoredMs: number;
  readonly lastStoredMs: number;
}

export interface TopicStatus {
  /** The name of the broker that tells. */
  readonly broker: string;
  readonly queues: readonly QueueStatus[];
  /** Messages that wait for their delivery time; they are in no queue yet. */
  readonly delayed: number;
}

/** How far a group is with a queue. Counts are messages. */
export interface QueueLag {
  readonly queueId: number;
  /** Committed progress: the smallest offset that the group has not finished. */
  readonly committed: number;
  readonly maxOffset: number;
  /**
   * Neither finished nor held by a consumer: those that it may receive, those that wait for another one of their
   * message group, and those that its filter will pass over when it comes to them.
   */
  readonly ready: number;
  /** Delivered and neither finished nor ready again. */
  readonly inFlight: number;
  /** Store time of the oldest ready one, milliseconds since the epoch; 0: none is ready. */
  readonly readyStoredMs: number;
  /** Store time of the message before `committed`; 0: it is not there. */
  readonly finishedStoredMs: number;
}

export interface TopicLag {
  /** The name of the broker that tells. */
  readonly broker: string;
  readonly topic: string;
  readonly queues: readonly QueueLag[];
  /** Messages of the topic that wait for their delivery time; they are not in `ready`. */
  readonly delayed: number;
}

export interface LagRequest {
  readonly group: string;
  /** At most 1,000; none: all on which the group has begun. Those on which it has not are left out of the answer. */
  readonly topics: readonly string[];
  /** Only this lite topic, of those parents where it is and the group has begun on it. */
  readonly liteTopic?: string;
}

/** A group of consumers on a topic. */
export interface GroupTopicRef {
  readonly group: string;
  readonly topic: string;
}

/** What a broker holds of a topic. Counts are messages. */
export interface TopicHolding {
  readonly topic: string;
  /** In its queues, whether groups have finished them or not. */
  readonly messages: number;
  /** That wait for their delivery time. */
  readonly delayed: number;
  /** Whose transaction has not ended. */
  readonly transactions: number;
  /** The groups that have begun on it here. */
  readonly groups: readonly GroupHolding[];
}

/** What a group has not finished of a topic on a broker. */
export interface GroupHolding {
  readonly group: string;
  readonly ready: number;
  readonly inFlight: number;
}

export interface InspectApi {
  /** @throws StatusError TOPIC_NOT_FOUND */
  topicStatus(topic: string): Promise<TopicStatus>;
  /** @throws StatusError CONSUMER_GROUP_NOT_FOUND, BAD_REQUEST (too many topics) */
  groupLag(request: LagRequest): Promise<readonly TopicLag[]>;
  /**
   * Which groups have begun on which topics.
   * @param of '' for any group, any topic; one of both must be given
   * @throws StatusError BAD_REQUEST (neither is given)
   */
  begun(of: GroupTopicRef): Promise<readonly GroupTopicRef[]>;
  /**
   * Forgets how far a group is with a topic; what it receives next it begins anew. Durable.
   * @throws StatusError OFFSET_NOT_FOUND (it has not begun there)
   */
  forget(of: GroupTopicRef): Promise<void>;
  /** What the broker holds of each topic, lite topics too; those of which it holds nothing are left out. */
  holdings(): Promise<readonly TopicHolding[]>;
}
