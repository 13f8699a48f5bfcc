/**
 * IndexFile: a hash index over keys, as Apache RocketMQ writes it. A file has exactly
 * 40 + 4 x slots + 20 x entries bytes, sparse until written:
 *
 *     header (40)
 *       0 beginTimestamp 8     16 beginPhyOffset 8     32 hashSlotCount 4 (slots in use)
 *       8 endTimestamp 8       24 endPhyOffset 8       36 indexCount 4 (number of the next entry)
 *
 *     slots, 4 bytes each: number of the newest entry of the chain, 0 without one
 *
 *     entries, 20 bytes each; number 0 is never used
 *       0 keyHash 4     4 phyOffset 8     12 timeDiff 4     16 previous entry of the chain 4
 *
 * An entry's slot is keyHash mod slots. timeDiff is in whole seconds since beginTimestamp.
 */
import { readInt64, writeInt64 } from '../../message/int64';
import { javaHashCode } from '../../message/java-hash';

export const INDEX_HEADER_BYTES = 40;
export const SLOT_BYTES = 4;
export const INDEX_ENTRY_BYTES = 20;
/** A number of entries or slots is a Java int. */
export const MAX_INT = 0x7fffffff;
const SMALLEST_INT = -0x80000000;

/** What all index files of a store have in common. */
export interface IndexGeometry {
  /** Hash slots of a file. */
  readonly slots: number;
  /** Room for entries; one of them, number 0, is never used. */
  readonly entries: number;
}

export interface IndexHeader {
  /** Store times of the first and the last entry's record, milliseconds. */
  readonly beginTimestamp: number;
  readonly endTimestamp: number;
  /** Positions of the first and the last entry's record in the log. */
  readonly beginPhysicalOffset: number;
  readonly endPhysicalOffset: number;
  readonly slotsInUse: number;
  /** Number of the next entry: 1 in a file without any. */
  readonly next: number;
}

export interface IndexEntry {
  readonly keyHash: number;
  readonly physicalOffset: number;
  readonly timeDiffSeconds: number;
  /** Number of the entry before it in its chain, 0 for none. */
  readonly previous: number;
}

export const EMPTY_HEADER: IndexHeader = {
  beginTimestamp: 0,
  endTimestamp: 0,
  beginPhysicalOffset: 0,
  endPhysicalOffset: 0,
  slotsInUse: 0,
  next: 1,
};

export function indexFileBytes({ slots, entries }: IndexGeometry): number {
  return INDEX_HEADER_BYTES + SLOT_BYTES * slots + INDEX_ENTRY_BYTES * entries;
}

/** Where a slot lies in its file. */
export function slotPosition(slot: number): number {
  return INDEX_HEADER_BYTES + SLOT_BYTES * slot;
}

/** Where an entry lies in its file. */
export function entryPosition({ slots }: IndexGeometry, number: number): number {
  return INDEX_HEADER_BYTES + SLOT_BYTES * slots + INDEX_ENTRY_BYTES * number;
}

/** The hash under which a key is filed: the absolute value of Java's hash of `topic#key`. */
export function keyHashOf(text: string): number {
  return absolute(javaHashCode(text));
}

/** Java's `Math.abs`, and 0 for the number that has none. */
export function absolute(hash: number): number {
  return hash === SMALLEST_INT ? 0 : Math.abs(hash);
}

/** Seconds from a file's first record to another one, as an entry holds them. */
export function timeDiffOf(storeTimestamp: number, beginTimestamp: number): number {
  const seconds = Math.trunc((storeTimestamp - beginTimestamp) / 1000);
  return Math.min(Math.max(seconds, 0), MAX_INT);
}

export function writeIndexHeader(target: Buffer, header: IndexHeader): void {
  writeInt64(target, header.beginTimestamp, 0);
  writeInt64(target, header.endTimestamp, 8);
  writeInt64(target, header.beginPhysicalOffset, 16);
  writeInt64(target, header.endPhysicalOffset, 24);
  target.writeInt32BE(header.slotsInUse, 32);
  target.writeInt32BE(header.next, 36);
}

/** @throws RangeError when a number in it is beyond 2^53 - 1 */
export function readIndexHeader(source: Buffer): IndexHeader {
  return {
    beginTimestamp: readInt64(source, 0),
    endTimestamp: readInt64(source, 8),
    beginPhysicalOffset: readInt64(source, 16),
    endPhysicalOffset: readInt64(source, 24),
    slotsInUse: source.readInt32BE(32),
    next: source.readInt32BE(36),
  };
}

/** Hot path. */
export function writeIndexEntry(
  target: Buffer,
  at: number,
  keyHash: number,
  physicalOffset: number,
  timeDiffSeconds: number,
  previous: number,
): void {
  target.writeInt32BE(keyHash, at);
  writeInt64(target, physicalOffset, at + 4);
  target.writeInt32BE(timeDiffSeconds, at + 12);
  target.writeInt32BE(previous, at + 16);
}

/** @throws RangeError when its physical offset is beyond 2^53 - 1 */
export function readIndexEntry(source: Buffer, at: number): IndexEntry {
  return {
    keyHash: source.readInt32BE(at),
    physicalOffset: readInt64(source, at + 4),
    timeDiffSeconds: source.readInt32BE(at + 12),
    previous: source.readInt32BE(at + 16),
  };
}

/** Whether a head can be one of a file of these lengths. */
export function isPlausibleHeader(header: IndexHeader, { slots, entries }: IndexGeometry): boolean {
  return (
    header.next >= 1 &&
    header.next <= entries &&
    header.slotsInUse >= 0 &&
    header.slotsInUse <= Math.min(slots, header.next - 1) &&
    header.beginPhysicalOffset >= 0 &&
    header.beginPhysicalOffset <= header.endPhysicalOffset &&
    header.beginTimestamp >= 0
  );
}

const NAME = /^\d{17}$/;

/** Whether a file's name is one of an index file: local time of creation, `yyyyMMddHHmmssSSS`. */
export function isIndexFileName(name: string): boolean {
  return NAME.test(name);
}

/**
 * The name of a file made now. Names order the files, so one is always behind the name before it,
 * also when the clock, or the time zone's, has gone back.
 */
export function indexFileName(wallMs: number, before: string): string {
  const now = new Date(wallMs);
  const parts: readonly (readonly [number, number])[] = [
    [now.getFullYear(), 4],
    [now.getMonth() + 1, 2],
    [now.getDate(), 2],
    [now.getHours(), 2],
    [now.getMinutes(), 2],
    [now.getSeconds(), 2],
    [now.getMilliseconds(), 3],
  ];
  const name = parts.map(([value, digits]) => String(value).padStart(digits, '0')).join('');
  if (name > before) return name;
  return String(BigInt(before) + 1n).padStart(17, '0');
}
