/** A dead letter as commands show it. */
import type { FoundMessage } from '../api/message-search';
import { Property } from '../message/properties';
import { readRecord, recordProperties } from '../message/record';
import { messageView, type StoredMessage } from './message-view';

export interface DeadLetter extends StoredMessage {
  /** Where the message was when its group gave it up; '' when its record does not say. */
  readonly originTopic: string;
  /** Deliveries before. */
  readonly attempts: number;
}

export function deadLetterView(found: FoundMessage): DeadLetter {
  const record = readRecord(found.record, 0);
  return {
    ...messageView(found),
    originTopic: recordProperties(record).get(Property.DLQ_ORIGIN_TOPIC) ?? '',
    attempts: record.reconsumeTimes,
  };
}
