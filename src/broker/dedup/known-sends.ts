/** The messages that clients have sent lately, by topic and message id: where each lies in the log. */
import { readInt64 } from '../../message/int64';
import { isDerivedTopic } from '../../message/names';
import { storeTimestampOf } from '../../message/record-property';
import { DuplicateTable } from './duplicate-table';
import type { IdHash } from './id-hash';
import { sentMessageOf } from './sent-message';

export class KnownSends {
  readonly table: DuplicateTable;

  /** @param maxEntries beyond, the oldest one is forgotten; at least 1 */
  constructor(
    readonly hash: IdHash,
    maxEntries: number,
  ) {
    this.table = new DuplicateTable(maxEntries);
  }

  /** Knows the message of a stored record, behind all others, if a client has sent it. */
  take(record: Buffer): void {
    const message = sentMessageOf(record);
    // What lies in topics of retries and dead letters, the broker has copied there.
    if (message === undefined || isDerivedTopic(message.topic)) return;
    this.hash.of(message.topic, message.messageId);
    const storedMs = storeTimestampOf(record);
    this.table.add(this.hash.low, this.hash.high, readInt64(record, 28), storedMs);
  }
}
