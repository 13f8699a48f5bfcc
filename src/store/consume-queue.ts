/**
 * One ConsumeQueue. Its newest entries are in memory in blocks of the file's own bytes:
 *
 *     0 ........ min ............ firstInMemory ..... flushed ....... max ........ next
 *     deleted    only in the file   file and memory    memory only     not visible yet
 *
 * A block's bytes are written once, so what was handed to a write stays right while more are added.
 */
import type { QueueEntry } from './message-store';
import { ENTRY_BYTES, readEntry, readPhysicalOffset, writeEntry, writeFiller } from './queue-entry';

const MIN_BLOCK_ENTRIES = 16;
const MAX_BLOCK_ENTRIES = 4096;

export interface QueueBounds {
  /** Offset of the first file's first entry. */
  readonly start: number;
  readonly min: number;
  readonly max: number;
}

export interface QueueBlock {
  readonly queue: ConsumeQueue;
  /** Queue offset of the first entry. */
  readonly first: number;
  readonly bytes: Buffer;
  entries: number;
}

export class ConsumeQueue {
  /** Entries on their way to the file are in it; those behind are only in memory. */
  flushed: number;
  /** Whether the topic was deleted: nothing is written to its files any more. */
  deleted = false;
  /** Whether its files were compared with what the table of queues says of them. */
  checked = false;
  /** Whether the table of queues is yet to be told of a change. */
  changed = false;

  private blocks: QueueBlock[] = [];
  private nextBlockEntries = MIN_BLOCK_ENTRIES;
  private fileStart: number;
  private minOffset: number;
  private maxOffset: number;
  private nextOffset: number;
  /** Position in the log of the first message, as far as it was looked at: at most the true one. */
  firstPhysical = 0;

  /**
   * @param fileEntries entries of a file: no block crosses from one file into the next
   * @param onBlock told of each new block
   */
  constructor(
    readonly topic: string,
    /** For comparing records with: the topic's name as records hold it. */
    readonly topicBytes: Buffer,
    readonly queueId: number,
    private readonly fileEntries: number,
    private readonly onBlock: (block: QueueBlock) => void,
    bounds: QueueBounds = { start: 0, min: 0, max: 0 },
  ) {
    this.fileStart = bounds.start;
    this.minOffset = bounds.min;
    this.maxOffset = this.nextOffset = this.flushed = bounds.max;
  }

  /** Offset of the first file's first entry, at most `min`. */
  get start(): number {
    return this.fileStart;
  }

  get min(): number {
    return this.minOffset;
  }

  /** One beyond the last visible entry. */
  get max(): number {
    return this.maxOffset;
  }

  /** Offset of the next record appended. */
  get next(): number {
    return this.nextOffset;
  }

  /** Gives out the next offset. */
  take(): number {
    return this.nextOffset++;
  }

  /** Lets an empty queue begin at `offset` (its earlier records are gone from the log). */
  startAt(offset: number): void {
    this.fileStart = offset - (offset % this.fileEntries);
    this.minOffset = this.maxOffset = this.nextOffset = this.flushed = offset;
  }

  /** One beyond the last entry, from `flushed` on, whose record lies below the position `limit` of the log. */
  endBelow(limit: number): number {
    let low = this.flushed;
    let high = this.maxOffset;
    if (low < high && this.physicalAt(high - 1) < limit) return high;
    while (low < high) {
      const middle = low + Math.floor((high - low) / 2);
      if (this.physicalAt(middle) < limit) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Lets the queue begin at `offset`, at most `max`: what lies before is going to be removed. */
  raiseMin(offset: number): void {
    this.minOffset = Math.max(this.minOffset, offset);
  }

  /**
   * Drops the files that hold nothing from `min` on; never the last one, which tells where the queue ends.
   * @returns whether there are any
   */
  raiseStart(): boolean {
    const kept = Math.max(0, Math.min(this.minOffset, this.flushed - 1));
    const start = kept - (kept % this.fileEntries);
    if (start <= this.fileStart) return false;
    this.fileStart = start;
    return true;
  }

  /** Appends an entry at `max`. Hot path. */
  add(physicalOffset: number, bytes: number, tagsCode: number): void {
    const block = this.blockToFill();
    writeEntry(block.bytes, block.entries * ENTRY_BYTES, physicalOffset, bytes, tagsCode);
    this.added(block);
  }

  /** Appends a filler at `max`. */
  addFiller(): void {
    const block = this.blockToFill();
    writeFiller(block.bytes, block.entries * ENTRY_BYTES);
    this.added(block);
  }

  /** First offset whose entry is in memory; `max` when none is. */
  get firstInMemory(): number {
    return this.blocks[0]?.first ?? this.maxOffset;
  }

  /** Adds the entries of `from` .. `to` that are in memory to `into`. */
  read(from: number, to: number, into: QueueEntry[]): void {
    let offset = from;
    for (let i = this.find(from); offset < to; i++) {
      const block = this.blocks[i];
      if (block === undefined) return;
      const end = Math.min(to, block.first + block.entries);
      for (; offset < end; offset++) {
        into.push(readEntry(block.bytes, (offset - block.first) * ENTRY_BYTES, offset));
      }
    }
  }

  /** The file's bytes of the entries `from` .. `to`, which must be in memory. */
  bytesOf(from: number, to: number): Buffer[] {
    const buffers: Buffer[] = [];
    for (let i = this.find(from); i < this.blocks.length; i++) {
      const block = this.blocks[i];
      if (block === undefined || block.first >= to) break;
      const start = Math.max(from, block.first) - block.first;
      const end = Math.min(to - block.first, block.entries);
      buffers.push(block.bytes.subarray(start * ENTRY_BYTES, end * ENTRY_BYTES));
    }
    return buffers;
  }

  /** Forgets the oldest block if it is `block` and the file has all of it. */
  drop(block: QueueBlock): boolean {
    if (this.blocks[0] !== block) return false;
    if (!this.deleted && this.flushed < block.first + block.entries) return false;
    this.blocks.shift();
    return true;
  }

  /** Position of the record of an entry that is in memory; 0 for a filler. */
  private physicalAt(offset: number): number {
    const block = this.blocks[this.find(offset)];
    return block === undefined
      ? Infinity
      : readPhysicalOffset(block.bytes, (offset - block.first) * ENTRY_BYTES);
  }

  private blockToFill(): QueueBlock {
    const last = this.blocks[this.blocks.length - 1];
    if (last !== undefined && last.entries * ENTRY_BYTES < last.bytes.length) return last;
    const first = this.maxOffset;
    const entries = Math.min(this.nextBlockEntries, this.fileEntries - (first % this.fileEntries));
    this.nextBlockEntries = Math.min(this.nextBlockEntries * 2, MAX_BLOCK_ENTRIES);
    const bytes = Buffer.allocUnsafeSlow(entries * ENTRY_BYTES);
    const block: QueueBlock = { queue: this, first, bytes, entries: 0 };
    this.blocks.push(block);
    this.onBlock(block);
    return block;
  }

  private added(block: QueueBlock): void {
    block.entries++;
    this.maxOffset++;
    if (this.nextOffset < this.maxOffset) this.nextOffset = this.maxOffset;
  }

  /** Index of the block that holds `offset`, or of the last one before it. */
  private find(offset: number): number {
    let low = 0;
    let high = this.blocks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.blocks[middle]?.first ?? Infinity) <= offset) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }
}
