/**
 * What `gantry store repair` puts where damaged bytes were, so that all other records keep their
 * places: records of transaction type ROLLBACK, which no ConsumeQueue and no index takes up, neither
 * of ours nor of Apache RocketMQ's. Their bodies are zeros.
 */
import { hostOf } from '../../message/host';
import {
  bodyCrc,
  FIXED_BYTES,
  MAGIC_BLANK,
  MAGIC_V1,
  MAX_BODY_BYTES,
  SysFlag,
} from '../../message/record';
import { writeInt64 } from '../../message/int64';

/** Cannot be read or written by clients, as all `rmq_sys_` topics. */
const TOPIC = Buffer.from('rmq_sys_GANTRY_LOST');
/** The smallest filler: a topic of one character. */
export const LEAST_FILLER_BYTES = FIXED_BYTES + 1;
/** One filler takes no more, so that what is left is never less than another one takes. */
const MOST_FILLER_BYTES = MAX_BODY_BYTES;

const HOST = hostOf('127.0.0.1', 0);

/** Fillers that take exactly the bytes of `from` .. `to`, at least LEAST_FILLER_BYTES. */
export function* fillerRecords(
  from: number,
  to: number,
  storeTimestamp: number,
): Generator<{ readonly position: number; readonly bytes: Buffer }> {
  for (let position = from; position < to;) {
    const bytes = fillerRecord(fillerBytes(to - position), position, storeTimestamp);
    yield { position, bytes };
    position += bytes.length;
  }
}

/** How long the first of the fillers is that take `bytes` bytes together. */
function fillerBytes(bytes: number): number {
  if (bytes <= MOST_FILLER_BYTES) return bytes;
  return Math.min(MOST_FILLER_BYTES, bytes - LEAST_FILLER_BYTES);
}

/** A filler of exactly `bytes` bytes for a place in the log. */
function fillerRecord(bytes: number, physicalOffset: number, storeTimestamp: number): Buffer {
  const record = Buffer.alloc(bytes);
  const topic = bytes >= FIXED_BYTES + TOPIC.length ? TOPIC : TOPIC.subarray(0, 1);
  const body = record.subarray(88, bytes - 3 - topic.length);
  record.writeInt32BE(bytes, 0);
  record.writeInt32BE(MAGIC_V1, 4);
  record.writeInt32BE(bodyCrc(body), 8);
  writeInt64(record, physicalOffset, 28);
  record.writeInt32BE(SysFlag.ROLLBACK, 36);
  writeInt64(record, storeTimestamp, 40);
  record.set(HOST.address, 48);
  record.writeInt32BE(HOST.port, 52);
  writeInt64(record, storeTimestamp, 56);
  record.set(HOST.address, 64);
  record.writeInt32BE(HOST.port, 68);
  record.writeInt32BE(body.length, 84);
  record.writeUInt8(topic.length, 88 + body.length);
  record.set(topic, 89 + body.length);
  return record;
}

/** The head of a blank record: the segment ends after `bytes` bytes. */
export function blankHead(bytes: number): Buffer {
  const head = Buffer.alloc(8);
  head.writeInt32BE(bytes, 0);
  head.writeInt32BE(MAGIC_BLANK, 4);
  return head;
}
