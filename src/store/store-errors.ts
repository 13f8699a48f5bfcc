/** What the store answers when it cannot do what it is asked. */
import { Code, StatusError } from '../message/status';
import type { QueueEntry } from './message-store';

/** Nothing can be appended any more. */
export function readOnly(reason: Error): StatusError {
  const text = `the store is read-only: ${reason.message}`;
  return new StatusError(Code.INTERNAL_SERVER_ERROR, text, { cause: reason });
}

/** A topic's queues are on their way out. */
export function beingDeleted(topic: string): StatusError {
  return new StatusError(Code.TOPIC_NOT_FOUND, `topic ${topic} is being deleted`);
}

/** The bytes that an entry speaks of were read, and are not its message. */
export class NotItsRecord extends StatusError {}

/** What `unreadable` says, for bytes that were read. */
export function notItsRecord(
  topic: string,
  queueId: number,
  entry: QueueEntry,
  why: string,
): NotItsRecord {
  const { code, message } = unreadable(topic, queueId, entry, why);
  return new NotItsRecord(code, message);
}

/** The message that an entry speaks of cannot be had. */
export function unreadable(
  topic: string,
  queueId: number,
  entry: QueueEntry,
  why: string,
): StatusError {
  const place = `${topic} queue ${queueId} offset ${entry.queueOffset}`;
  return new StatusError(
    Code.INTERNAL_SERVER_ERROR,
    `message of ${place} cannot be read at ${entry.physicalOffset}: ${why}`,
  );
}
