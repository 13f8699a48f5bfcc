/**
 * One entry of a period's file (gantry/timer), 40 bytes, big-endian:
 *
 *      0 kind 1    1 crc 3    4 bytes 4    8 dueMs 8    16 position 8    24 queueOffset 8    32 idHash 4 + 4
 *
 * A message begins to wait with `WAITING`; the other kinds end that wait and fill only `dueMs` and
 * `position`, which is the physical offset of the waiting record. `crc`: the low 24 bits of the CRC-32 of all
 * behind it, with the kind as its start.
 */
import { crc32 } from 'node:zlib';
import type { EndKind } from '../../message/delayed';
import { readInt64, writeInt64 } from '../../message/int64';

export const ENTRY_BYTES = 40;

export const EntryKind = { WAITING: 1, DELIVERED: 2, RECALLED: 3, DROPPED: 4, ROLLED: 5 } as const;
export type EntryKind = (typeof EntryKind)[keyof typeof EntryKind];

/** The kind of the entry for a wait that ended otherwise than by our delivery. */
export const ENDED_BY: Readonly<Record<EndKind, EntryKind>> = {
  recalled: EntryKind.RECALLED,
  dropped: EntryKind.DROPPED,
  elsewhere: EntryKind.DELIVERED,
};

export interface TimerEntry {
  readonly kind: EntryKind;
  /** Length of the waiting record. */
  readonly bytes: number;
  readonly dueMs: number;
  readonly position: number;
  /** The record's offset in the timer's queue. */
  readonly queueOffset: number;
  readonly idHash: IdHash;
}

/** Two 32 bit hashes of topic and message id. */
export interface IdHash {
  readonly high: number;
  readonly low: number;
}

export const NO_HASH: IdHash = { high: 0, low: 0 };

/** An entry that ends a wait. */
export function ending(kind: EntryKind, dueMs: number, position: number): TimerEntry {
  return { kind, dueMs, position, bytes: 0, queueOffset: 0, idHash: NO_HASH };
}

export function idHashOf(topic: string, messageId: string): IdHash {
  const bytes = Buffer.from(`${topic}\u0001${messageId}`);
  return { high: crc32(bytes, 0x9747b28c), low: fnv1a(bytes) };
}

export function writeEntry(target: Buffer, at: number, entry: TimerEntry): void {
  target.writeUInt32BE(entry.bytes, at + 4);
  writeInt64(target, entry.dueMs, at + 8);
  writeInt64(target, entry.position, at + 16);
  writeInt64(target, entry.queueOffset, at + 24);
  target.writeUInt32BE(entry.idHash.high, at + 32);
  target.writeUInt32BE(entry.idHash.low, at + 36);
  target.writeUInt8(entry.kind, at);
  target.writeUIntBE(crcOf(target, at, entry.kind), at + 1, 3);
}

/** @throws RangeError when the entry is damaged */
export function readEntry(source: Buffer, at: number): TimerEntry {
  const kind = source.readUInt8(at);
  if (!isKind(kind) || source.readUIntBE(at + 1, 3) !== crcOf(source, at, kind)) {
    throw new RangeError('a timer entry is damaged');
  }
  return {
    kind,
    bytes: source.readUInt32BE(at + 4),
    dueMs: readInt64(source, at + 8),
    position: readInt64(source, at + 16),
    queueOffset: readInt64(source, at + 24),
    idHash: { high: source.readUInt32BE(at + 32), low: source.readUInt32BE(at + 36) },
  };
}

function isKind(kind: number): kind is EntryKind {
  return kind >= EntryKind.WAITING && kind <= EntryKind.ROLLED;
}

function crcOf(source: Buffer, at: number, kind: EntryKind): number {
  return crc32(source.subarray(at + 4, at + ENTRY_BYTES), kind) & 0xffffff;
}

function fnv1a(bytes: Buffer): number {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
