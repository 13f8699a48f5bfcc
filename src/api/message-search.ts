/** Looking for messages that are stored, whether they were consumed or not. */

/** What is known of the messages. Store times are milliseconds, both ends included. */
export interface MessageSearch {
  /** '' only in a search by id: then all topics are searched. */
  readonly topic: string;
  /**
   * `id`: the message id that producers and consumers see, or the one of Apache RocketMQ that says
   * where the message lies. `key`: one of its keys. `time`: all of the topic, the oldest first.
   */
  readonly by: 'id' | 'key' | 'time';
  /** The id or the key; '' in a search by time. */
  readonly key: string;
  /** 1 to 64. */
  readonly maxMessages: number;
  readonly beginMs: number;
  readonly endMs: number;
}

export interface FoundMessage {
  /** The name of the broker that has it. */
  readonly broker: string;
  /** The stored record, unchanged. */
  readonly record: Buffer;
}

export interface FoundMessages {
  /** By id or key the newest first, by time the oldest. */
  readonly messages: readonly FoundMessage[];
  /** False when there may be more: beyond `maxMessages`, or not indexed yet. */
  readonly complete: boolean;
}
