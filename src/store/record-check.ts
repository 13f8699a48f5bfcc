/** Checks that bytes of the log are the record that a ConsumeQueue entry speaks of. */
import {
  FIXED_BYTES,
  isRecordIntact,
  MAGIC_V2,
  MAX_RECORD_BYTES,
  SysFlag,
} from '../message/record';
import { readInt64 } from '../message/int64';
import type { QueueEntry } from './message-store';

/** Whether `record` is a whole record that says it lies at `position`, its checksum right. Hot path. */
export function isRecordAt(record: Buffer, position: number): boolean {
  try {
    return isRecordIntact(record, 0) && readInt64(record, 28) === position;
  } catch {
    return false;
  }
}

/** Bytes of a record before its body, with two IPv4 hosts. */
const HEADER_BYTES = 88;
/** Records of other writers may be larger than ours. */
const MAX_SCANNED_RECORD_BYTES = 8 * MAX_RECORD_BYTES;

/**
 * Whether `record` has the entry's length and the topic, queue and offsets that led to it.
 * Does not look at checksums. Hot path.
 */
export function isRecordOf(
  record: Buffer,
  topic: Buffer,
  queueId: number,
  entry: QueueEntry,
): boolean {
  if (record.length !== entry.bytes || record.length < HEADER_BYTES + 3) return false;
  if (record.readInt32BE(0) !== record.length || record.readInt32BE(12) !== queueId) return false;
  if (readInt64(record, 20) !== entry.queueOffset) return false;
  if (readInt64(record, 28) !== entry.physicalOffset) return false;
  const sysFlag = record.readInt32BE(36);
  let bodyAt = HEADER_BYTES;
  if ((sysFlag & SysFlag.BORNHOST_V6) !== 0) bodyAt += 12;
  if ((sysFlag & SysFlag.STOREHOST_V6) !== 0) bodyAt += 12;
  if (bodyAt + 3 > record.length) return false;
  const lengthAt = bodyAt + record.readInt32BE(bodyAt - 4);
  if (lengthAt < bodyAt || lengthAt + 3 > record.length) return false;
  const isV2 = record.readInt32BE(4) === MAGIC_V2;
  const topicBytes = isV2 ? record.readInt16BE(lengthAt) : record.readInt8(lengthAt);
  const topicAt = lengthAt + (isV2 ? 2 : 1);
  if (topicBytes !== topic.length || topicAt + topicBytes > record.length) return false;
  return topic.compare(record, topicAt, topicAt + topicBytes) === 0;
}

/** Whether an entry that is no filler may lead to a record in `from` .. `to` of the log. */
export function isPlausible(entry: QueueEntry, from: number, to: number): boolean {
  const { physicalOffset, bytes } = entry;
  if (bytes < FIXED_BYTES || bytes > MAX_SCANNED_RECORD_BYTES) return false;
  return physicalOffset >= from && physicalOffset + bytes <= to;
}
