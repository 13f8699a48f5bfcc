/**
 * One entry of a ConsumeQueue, 20 bytes, big-endian; entry k of a queue lies at byte 20 k:
 *
 *      0 physicalOffset 8    8 bytes 4    12 tagsCode 8
 *
 * All zero: not written yet. physicalOffset 0 with bytes 0x7FFFFFFF: a filler, a slot without a message.
 */
import { writeInt64 } from '../message/int64';
import type { QueueEntry } from './message-store';

export const ENTRY_BYTES = 20;
const FILLER_RECORD_BYTES = 0x7fffffff;
const TWO_32 = 4294967296;

export function writeEntry(
  target: Buffer,
  at: number,
  physicalOffset: number,
  bytes: number,
  tagsCode: number,
): void {
  writeInt64(target, physicalOffset, at);
  target.writeInt32BE(bytes, at + 8);
  writeInt64(target, tagsCode, at + 12);
}

export function writeFiller(target: Buffer, at: number): void {
  writeEntry(target, at, 0, FILLER_RECORD_BYTES, 0);
}

/** Whether nothing was written here: the queue ends before this entry. */
export function isUnwritten(source: Buffer, at: number): boolean {
  return source.readInt32BE(at + 8) <= 0;
}

export function isFiller(source: Buffer, at: number): boolean {
  return source.readInt32BE(at + 8) === FILLER_RECORD_BYTES && readLong(source, at) === 0;
}

/** Bytes of an entry that is none: fewer than any record has, and not 0. */
const NO_RECORD_BYTES = 1;

/** Reads an entry; a filler has 0 bytes. One whose length is no length leads nowhere, but is no filler. */
export function readEntry(source: Buffer, at: number, queueOffset: number): QueueEntry {
  if (isFiller(source, at)) return { queueOffset, physicalOffset: 0, bytes: 0, tagsCode: 0 };
  return {
    queueOffset,
    physicalOffset: readLong(source, at),
    bytes: isUnwritten(source, at) ? NO_RECORD_BYTES : source.readInt32BE(at + 8),
    tagsCode: readLong(source, at + 12),
  };
}

export function readPhysicalOffset(source: Buffer, at: number): number {
  return readLong(source, at);
}

/** Beyond 2^53 inexact: only addresses of Apache's extension file are, and those match no tag. */
function readLong(source: Buffer, at: number): number {
  return source.readInt32BE(at) * TWO_32 + source.readUInt32BE(at + 4);
}
