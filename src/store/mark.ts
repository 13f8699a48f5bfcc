/**
 * gantry/mark: what is known to be on stable storage. Two slots of 512 bytes at 0 and at 4096,
 * written in turn, so that a write which a crash breaks off leaves the other one; the valid slot
 * with the larger sequence counts.
 *
 *      0 'GANTRYM1' 8       24 queuesPosition 8   48 queueStartSum 8      72 storeTimestamp 8
 *      8 sequence 8         32 queueCount 8       56 segmentBytes 8       80 cleanEnd 8
 *     16 syncedPosition 8   40 queueEndSum 8      64 queueFileEntries 8   88 CRC-32 of all before 4
 */
import { crc32 } from 'node:zlib';
import { readInt64, writeInt64 } from '../message/int64';
import type { Files } from '../platform/platform';
import type { Layout } from './layout';

const MAGIC = Buffer.from('GANTRYM1', 'latin1');
const SLOT_BYTES = 512;
const SECOND_SLOT_AT = 4096;
const CRC_AT = 88;

export interface Mark {
  /** All below this position of the log was synced. */
  readonly syncedPosition: number;
  /** All records below this position have their entries in synced ConsumeQueue files ... */
  readonly queuesPosition: number;
  /** ... which then were so many ... */
  readonly queueCount: number;
  /** ... with maximum offsets of this sum ... */
  readonly queueEndSum: number;
  /** ... and first files that begin at offsets of at most this sum (files no longer needed may still be there). */
  readonly queueStartSum: number;
  readonly segmentBytes: number;
  readonly queueFileEntries: number;
  /** The largest store time of a record so far. */
  readonly storeTimestamp: number;
  /** After a clean stop the log's end; -1 while a process runs, and after one that crashed. */
  readonly cleanEnd: number;
}

interface SequencedMark {
  readonly sequence: number;
  readonly mark: Mark;
}

/** One of the two copies in the file. */
export interface MarkSlot {
  readonly at: number;
  /** Whether nothing was ever written there. */
  readonly empty: boolean;
  /** `undefined` when it is empty or damaged. */
  readonly mark: SequencedMark | undefined;
}

/** Both copies in a mark's bytes. */
export function slotsOf(file: Buffer): readonly MarkSlot[] {
  return [0, SECOND_SLOT_AT].map((at) => ({
    at,
    empty: file.subarray(at, at + SLOT_BYTES).every((byte) => byte === 0),
    mark: readSlot(file, at),
  }));
}

export class MarkFile {
  private sequence = 0;

  private constructor(
    private readonly files: Files,
    private readonly path: string,
    readonly found: Mark | undefined,
  ) {}

  /** Reads the mark; `found` is `undefined` when there is none, or none that is whole. */
  static async open(files: Files, layout: Layout): Promise<MarkFile> {
    const bytes = (await files.readFile(layout.mark)) ?? Buffer.alloc(0);
    let newest: SequencedMark | undefined;
    for (const { mark: slot } of slotsOf(bytes)) {
      if (slot && (!newest || slot.sequence > newest.sequence)) newest = slot;
    }
    const file = new MarkFile(files, layout.mark, newest?.mark);
    file.sequence = newest?.sequence ?? 0;
    return file;
  }

  /** Writes a mark; it is on stable storage when this resolves (its file's name after the first sync of the directory). */
  async write(mark: Mark): Promise<void> {
    this.sequence++;
    const handle = await this.files.open(this.path, 'create');
    try {
      const at = this.sequence % 2 === 0 ? 0 : SECOND_SLOT_AT;
      await handle.write([encodeSlot(this.sequence, mark)], at);
      await handle.datasync();
    } finally {
      await handle.close();
    }
  }
}

function encodeSlot(sequence: number, mark: Mark): Buffer {
  const slot = Buffer.alloc(SLOT_BYTES);
  slot.set(MAGIC);
  const fields = [
    sequence,
    mark.syncedPosition,
    mark.queuesPosition,
    mark.queueCount,
    mark.queueEndSum,
    mark.queueStartSum,
    mark.segmentBytes,
    mark.queueFileEntries,
    mark.storeTimestamp,
    mark.cleanEnd,
  ];
  fields.forEach((value, i) => {
    writeInt64(slot, value, 8 + i * 8);
  });
  slot.writeUInt32BE(crc32(slot.subarray(0, CRC_AT)), CRC_AT);
  return slot;
}

function readSlot(file: Buffer, at: number): SequencedMark | undefined {
  const slot = file.subarray(at, at + SLOT_BYTES);
  if (slot.length < SLOT_BYTES || !slot.subarray(0, 8).equals(MAGIC)) return undefined;
  if (slot.readUInt32BE(CRC_AT) !== crc32(slot.subarray(0, CRC_AT))) return undefined;
  return {
    sequence: readInt64(slot, 8),
    mark: {
      syncedPosition: readInt64(slot, 16),
      queuesPosition: readInt64(slot, 24),
      queueCount: readInt64(slot, 32),
      queueEndSum: readInt64(slot, 40),
      queueStartSum: readInt64(slot, 48),
      segmentBytes: readInt64(slot, 56),
      queueFileEntries: readInt64(slot, 64),
      storeTimestamp: readInt64(slot, 72),
      cleanEnd: readInt64(slot, 80),
    },
  };
}
