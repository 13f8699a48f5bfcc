/**
 * The keys that a record is filed under, in Apache RocketMQ's order:
 *
 *     TOPIC#UNIQ_KEY     TOPIC#key for each of KEYS (split at blanks)     TOPIC#T#TAGS
 */
import { Property } from '../../message/properties';
import { SysFlag, type StoredRecord } from '../../message/record';
import { propertiesTextOf, topicOf } from '../../message/record-property';
import { absolute } from './index-file';

/** What a record can be looked up by. */
export interface RecordKeys {
  readonly topic: string;
  /** '' without one. */
  readonly uniqueId: string;
  /** Separated by blanks. */
  readonly keys: string;
  readonly tags: string;
}

/** Reads the keys of a whole, checked record. Hot path of the index. */
export function keysOf(record: Buffer): RecordKeys {
  return keysIn(topicOf(record), propertiesTextOf(record));
}

function keysIn(topic: string, text: string): RecordKeys {
  let uniqueId = '';
  let keys = '';
  let tags = '';
  for (let start = 0; start < text.length;) {
    let end = text.indexOf('\u0002', start);
    if (end < 0) end = text.length;
    const separator = text.indexOf('\u0001', start);
    if (separator > start && separator < end - 1) {
      if (isKey(text, start, separator, Property.UNIQ_KEY)) {
        uniqueId = text.slice(separator + 1, end);
      } else if (isKey(text, start, separator, Property.KEYS)) {
        keys = text.slice(separator + 1, end);
      } else if (isKey(text, start, separator, Property.TAGS)) {
        tags = text.slice(separator + 1, end);
      }
    }
    start = end + 1;
  }
  return { topic, uniqueId, keys, tags };
}

function isKey(text: string, start: number, end: number, key: string): boolean {
  return end - start === key.length && text.startsWith(key, start);
}

/**
 * The hashes that a record's entries get, in order; none for a record that takes a transaction back.
 * Hot path of the index.
 */
export function hashesOf(record: Buffer): number[] {
  if ((record.readInt32BE(36) & SysFlag.TRANSACTION_MASK) === SysFlag.ROLLBACK) return [];
  return hashesOfKeys(keysOf(record));
}

/** The same for a record that was taken apart. */
export function hashesOfStored({ sysFlag, topic, properties }: StoredRecord): number[] {
  if ((sysFlag & SysFlag.TRANSACTION_MASK) === SysFlag.ROLLBACK) return [];
  return hashesOfKeys(keysIn(topic, properties));
}

function hashesOfKeys({ topic, uniqueId, keys, tags }: RecordKeys): number[] {
  const hashes: number[] = [];
  const prefix = extend(extend(0, topic), '#');
  if (uniqueId !== '') hashes.push(absolute(extend(prefix, uniqueId)));
  if (keys !== '') {
    for (const key of keys.split(' ')) {
      if (key !== '') hashes.push(absolute(extend(prefix, key)));
    }
  }
  if (tags !== '') hashes.push(absolute(extend(extend(prefix, 'T#'), tags)));
  return hashes;
}

/** Goes on with Java's `String.hashCode`. */
function extend(hash: number, text: string): number {
  let extended = hash;
  for (let i = 0; i < text.length; i++) {
    extended = (Math.imul(31, extended) + text.charCodeAt(i)) | 0;
  }
  return extended;
}
