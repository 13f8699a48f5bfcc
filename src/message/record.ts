/**
 * One record of the CommitLog, big-endian (IPv4 hosts; an IPv6 host takes 12 bytes more):
 *
 *      0 totalSize 4        20 queueOffset 8       56 storeTimestamp 8     88 body n
 *      4 magic 4            28 physicalOffset 8    64 storeHost 4 + 4         topicLength 1 (v2: 2)
 *      8 bodyCRC 4          36 sysFlag 4           72 reconsumeTimes 4        topic n
 *     12 queueId 4          40 bornTimestamp 8     76 preparedOffset 8        propertiesLength 2
 *     16 flag 4             48 bornHost 4 + 4      84 bodyLength 4            properties n
 *
 * Every record that we write ends its properties with the record CRC, 20 bytes: `__CRC32#` 0x01,
 * ten decimal digits (least significant first), 0x02: the CRC-32 (31 bits) of all before them.
 */
import { crc32 } from 'node:zlib';
import type { Host } from './host';
import { readInt64, writeInt64 } from './int64';
import { parseProperties, Property } from './properties';

export const MAGIC_V1 = 0xdaa320a7 | 0;
export const MAGIC_V2 = 0xdaa320ab | 0;
/** Fills the rest of a segment: totalSize, this magic, anything. */
export const MAGIC_BLANK = 0xcbd43194 | 0;

/** Bits of `sysFlag`. */
export const SysFlag = {
  COMPRESSED: 0x1,
  PREPARED: 0x4,
  COMMIT: 0x8,
  ROLLBACK: 0xc,
  TRANSACTION_MASK: 0xc,
  BORNHOST_V6: 0x10,
  STOREHOST_V6: 0x20,
  COMPRESSION_MASK: 0x700,
} as const;

/** Bytes of a v1 record with IPv4 hosts beside body, topic and properties. */
export const FIXED_BYTES = 91;
const CRC_PREFIX = Buffer.from(`${Property.CRC32}\u0001`, 'latin1');
/** Bytes of the record CRC at the end of the properties. */
export const CRC_PROPERTY_BYTES = CRC_PREFIX.length + 11;

/** With so many of its bytes wrong a record CRC still counts as a damaged one. */
const CRC_BYTES_HARMED = 4;

/** Largest body and largest whole record, bytes. */
export const MAX_BODY_BYTES = 4 * 1024 * 1024;
export const MAX_RECORD_BYTES = MAX_BODY_BYTES + 64 * 1024;
/** Largest properties text, bytes, the record CRC included (a signed short). */
export const MAX_PROPERTIES_BYTES = 32767;

/** What the broker decides about a record when it appends it. */
export interface RecordPlace {
  readonly queueId: number;
  readonly queueOffset: number;
  readonly physicalOffset: number;
  readonly storeTimestamp: number;
  /** IPv4. */
  readonly storeHost: Host;
}

/** Writes the place into a drafted record at `at` and then the record CRC. Hot path. */
export function placeRecord(target: Buffer, at: number, place: RecordPlace): void {
  const bytes = target.readInt32BE(at);
  const bornV6 = (target.readInt32BE(at + 36) & SysFlag.BORNHOST_V6) !== 0;
  const storeAt = at + (bornV6 ? 68 : 56);
  target.writeInt32BE(place.queueId, at + 12);
  writeInt64(target, place.queueOffset, at + 20);
  writeInt64(target, place.physicalOffset, at + 28);
  writeInt64(target, place.storeTimestamp, storeAt);
  target.set(place.storeHost.address, storeAt + 8);
  target.writeInt32BE(place.storeHost.port, storeAt + 12);
  const crcAt = at + bytes - CRC_PROPERTY_BYTES;
  writeRecordCrc(target, crcAt, crc32(target.subarray(at, crcAt)) & 0x7fffffff);
}

function writeRecordCrc(target: Buffer, crcAt: number, crc: number): void {
  target.set(CRC_PREFIX, crcAt);
  let at = crcAt + CRC_PREFIX.length;
  let rest = crc;
  for (let i = 0; i < 10; i++) {
    target[at++] = 0x30 + (rest % 10);
    rest = (rest / 10) | 0;
  }
  target[at] = 0x02;
}

/** Whether the bytes at `crcAt` are those that `writeRecordCrc` writes. Hot path. */
function isRecordCrc(source: Buffer, crcAt: number, crc: number): boolean {
  let at = crcAt + CRC_PREFIX.length;
  let rest = crc;
  for (let i = 0; i < 10; i++) {
    if (source[at++] !== 0x30 + (rest % 10)) return false;
    rest = (rest / 10) | 0;
  }
  return source[at] === 0x02;
}

/** A record read from bytes. `body` is a view, not a copy. */
export interface StoredRecord {
  readonly totalBytes: number;
  readonly bodyCrc: number;
  readonly queueId: number;
  readonly flag: number;
  readonly queueOffset: number;
  readonly physicalOffset: number;
  readonly sysFlag: number;
  readonly bornTimestamp: number;
  readonly bornHost: Host;
  readonly storeTimestamp: number;
  readonly storeHost: Host;
  readonly reconsumeTimes: number;
  readonly preparedOffset: number;
  readonly body: Buffer;
  readonly topic: string;
  /** Property text, the record CRC included; see `recordProperties`. */
  readonly properties: string;
}

/** Where the parts of a record lie, as positions in its buffer. */
export interface RecordLayout {
  readonly start: number;
  readonly end: number;
  readonly sysFlag: number;
  readonly bornHostBytes: number;
  readonly storeHostBytes: number;
  /** The store time, and behind it the store host. */
  readonly storeAt: number;
  /** `reconsumeTimes`, and behind it what comes before the body. */
  readonly tailAt: number;
  readonly bodyAt: number;
  readonly bodyEnd: number;
  readonly topicAt: number;
  readonly topicEnd: number;
  /** The record CRC included; they end with the record. */
  readonly propertiesAt: number;
}

/**
 * Finds the parts of the record at `start`; lengths are checked against each other and the buffer, checksums are
 * not. Hot path.
 * @throws RangeError when the bytes are no whole record.
 */
export function recordLayout(source: Buffer, start: number): RecordLayout {
  if (source.length - start < FIXED_BYTES) throw new RangeError('record is cut off');
  const totalBytes = source.readInt32BE(start);
  const magic = source.readInt32BE(start + 4);
  if (magic !== MAGIC_V1 && magic !== MAGIC_V2) {
    throw new RangeError(`no record magic: 0x${(magic >>> 0).toString(16)}`);
  }
  const end = start + totalBytes;
  if (totalBytes < FIXED_BYTES || end > source.length) {
    throw new RangeError(`record of ${totalBytes} bytes does not fit its ${source.length - start}`);
  }
  const sysFlag = source.readInt32BE(start + 36);
  const bornHostBytes = (sysFlag & SysFlag.BORNHOST_V6) !== 0 ? 16 : 4;
  const storeHostBytes = (sysFlag & SysFlag.STOREHOST_V6) !== 0 ? 16 : 4;
  const storeAt = start + 52 + bornHostBytes;
  const tailAt = storeAt + 12 + storeHostBytes;
  if (tailAt + 16 > end) throw new RangeError('record header is cut off');
  const bodyBytes = source.readInt32BE(tailAt + 12);
  const bodyAt = tailAt + 16;
  const bodyEnd = bodyAt + bodyBytes;
  if (bodyBytes < 0 || bodyEnd + 3 > end) {
    throw new RangeError(`body of ${bodyBytes} bytes leaves its record`);
  }
  const v2 = magic === MAGIC_V2;
  const topicBytes = v2 ? source.readInt16BE(bodyEnd) : source.readInt8(bodyEnd);
  const topicAt = bodyEnd + (v2 ? 2 : 1);
  const topicEnd = topicAt + topicBytes;
  if (topicBytes < 0 || topicEnd + 2 > end) {
    throw new RangeError(`topic of ${topicBytes} bytes leaves its record`);
  }
  const propertiesBytes = source.readInt16BE(topicEnd);
  const propertiesAt = topicEnd + 2;
  if (propertiesBytes < 0 || propertiesAt + propertiesBytes !== end) {
    throw new RangeError(`properties of ${propertiesBytes} bytes do not end with their record`);
  }
  return {
    start,
    end,
    sysFlag,
    bornHostBytes,
    storeHostBytes,
    storeAt,
    tailAt,
    bodyAt,
    bodyEnd,
    topicAt,
    topicEnd,
    propertiesAt,
  };
}

/**
 * Reads the record at `start`; see `recordLayout` for what is checked.
 * @throws RangeError when the bytes are no whole record.
 */
export function readRecord(source: Buffer, start: number): StoredRecord {
  const layout = recordLayout(source, start);
  const { storeAt, tailAt } = layout;
  return {
    totalBytes: layout.end - start,
    bodyCrc: source.readInt32BE(start + 8),
    queueId: source.readInt32BE(start + 12),
    flag: source.readInt32BE(start + 16),
    queueOffset: readInt64(source, start + 20),
    physicalOffset: readInt64(source, start + 28),
    sysFlag: layout.sysFlag,
    bornTimestamp: readInt64(source, start + 40),
    bornHost: readHost(source, start + 48, layout.bornHostBytes),
    storeTimestamp: readInt64(source, storeAt),
    storeHost: readHost(source, storeAt + 8, layout.storeHostBytes),
    reconsumeTimes: source.readInt32BE(tailAt),
    preparedOffset: readInt64(source, tailAt + 4),
    body: source.subarray(layout.bodyAt, layout.bodyEnd),
    topic: source.toString('utf8', layout.topicAt, layout.topicEnd),
    properties: source.toString('utf8', layout.propertiesAt, layout.end),
  };
}

/** A record's properties without the record CRC. */
export function recordProperties(record: StoredRecord): Map<string, string> {
  const properties = parseProperties(record.properties);
  properties.delete(Property.CRC32);
  return properties;
}

/** The id that the producer gave a stored message, '' without one. */
export function uniqueKeyOf(record: Buffer): string {
  return recordProperties(readRecord(record, 0)).get(Property.UNIQ_KEY) ?? '';
}

/**
 * Whether a whole record's checksums are right: the record CRC where it has one, else the body CRC.
 * `record` must have been read from `source` at `at`.
 */
export function recordIntact(source: Buffer, at: number, record: StoredRecord): boolean {
  const end = at + record.totalBytes;
  const recordCrc = recordCrcRight(source, at, end);
  if (recordCrc !== undefined) return recordCrc;
  // No record CRC: of another writer, or ours with its end never written. Properties end in text, unwritten bytes are 0.
  const unwritten = record.properties !== '' && source[end - 1] === 0;
  return !unwritten && bodyCrc(record.body) === record.bodyCrc;
}

/**
 * As `recordIntact`, of the record at `at` that nobody has read yet. Hot path.
 * @throws RangeError when the bytes are no whole record.
 */
export function isRecordIntact(source: Buffer, at: number): boolean {
  // Without a record CRC each field is looked at as well.
  return (
    recordCrcRight(source, at, recordLayout(source, at).end) ??
    recordIntact(source, at, readRecord(source, at))
  );
}

/** Whether the record CRC is right; `undefined` for a record without one. */
function recordCrcRight(source: Buffer, at: number, end: number): boolean | undefined {
  const crcAt = end - CRC_PROPERTY_BYTES;
  if (crcAt <= at || !looksLikeRecordCrc(source, crcAt)) return undefined;
  const crc = crc32(source.subarray(at, crcAt)) & 0x7fffffff;
  return hasCrcPrefix(source, crcAt) && isRecordCrc(source, crcAt, crc);
}

function hasCrcPrefix(source: Buffer, crcAt: number): boolean {
  for (let i = 0; i < CRC_PREFIX.length; i++) {
    if (source[crcAt + i] !== CRC_PREFIX[i]) return false;
  }
  return true;
}

/**
 * Whether a record CRC stands here, or what damage has made of one: a record that had one must not pass
 * as one that never did. Of its 20 bytes all but a few are as they must be.
 */
function looksLikeRecordCrc(source: Buffer, crcAt: number): boolean {
  let right = source[crcAt + CRC_PROPERTY_BYTES - 1] === 0x02 ? 1 : 0;
  for (let i = 0; i < CRC_PREFIX.length; i++) if (source[crcAt + i] === CRC_PREFIX[i]) right++;
  for (let i = CRC_PREFIX.length; i < CRC_PROPERTY_BYTES - 1; i++) {
    const byte = source[crcAt + i] ?? 0;
    if (byte >= 0x30 && byte <= 0x39) right++;
  }
  return right >= CRC_PROPERTY_BYTES - CRC_BYTES_HARMED;
}

/** CRC-32 of a body, 31 bits; 0 for none. */
export function bodyCrc(body: Uint8Array): number {
  return body.length === 0 ? 0 : crc32(body) & 0x7fffffff;
}

/** The host at `at`, its address a view. */
export function readHost(source: Buffer, at: number, addressBytes: number): Host {
  return {
    address: source.subarray(at, at + addressBytes),
    port: source.readInt32BE(at + addressBytes),
  };
}
