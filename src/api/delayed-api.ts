/** Messages that wait for their delivery time. */

/** Names a message that waits for its delivery time. */
export interface RecallRequest {
  readonly topic: string;
  readonly messageId: string;
  /** The delivery time that it was sent with, wall clock ms. */
  readonly deliverMs: number;
}

export interface ListDelayedRequest {
  /** '' for all topics. */
  readonly topic: string;
  /** '' for all. */
  readonly messageId: string;
  /** 0 to 1000; 0 for the counts alone. */
  readonly maxMessages: number;
}

/** A message that waits. */
export interface DelayedView {
  /** The name of the broker that has it. */
  readonly broker: string;
  readonly topic: string;
  readonly messageId: string;
  /** Wall clock, milliseconds. */
  readonly dueMs: number;
  readonly sentMs: number;
}

/** How many messages of a topic are due within an hour. */
export interface DelayedCount {
  readonly topic: string;
  /** Start of the hour, milliseconds. */
  readonly hourMs: number;
  readonly messages: number;
}

export interface DelayedMessages {
  /** The earliest due first. */
  readonly messages: readonly DelayedView[];
  /** By topic and hour, sorted; 10,000 at most. */
  readonly counts: readonly DelayedCount[];
  /** All messages of the topics asked for, also those beyond the limits. */
  readonly total: number;
}

export interface DelayedRef extends RecallRequest {
  /** The name of the broker that has it. */
  readonly broker: string;
}
