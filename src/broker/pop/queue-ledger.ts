/**
 * What one consumer group has done with one queue of one topic.
 *
 *     0 ......... committed ............................ next ............. end of queue
 *       finished      |  each offset: finished, or a row    |   never looked at
 *                     |  of the InflightTable (in flight    |
 *                     |  or ready again)                    |
 *
 * `committed` is the smallest unfinished offset; `next` the first one that no pop has looked at.
 * Between them a page of 128 slots holds a row number or FINISHED for each offset; pages are made
 * when `next` enters them and freed when `committed` leaves them.
 */
import { MessageGroups } from './message-groups';
import { OffsetHeap } from './offset-heap';

const PAGE_OFFSETS = 128;
const FINISHED = -1;

export class QueueLedger {
  /** Offsets that may be ready, of each message group the first; `LedgerBook.nextReady` checks them. */
  readonly ready = new OffsetHeap();
  /** Message groups with unfinished messages; empty unless the group of consumers is FIFO. */
  readonly messageGroups = new MessageGroups();
  /** Offsets that have a row. */
  unfinished = 0;
  /** `undefined` while there is none: a group on many queues has few with something unfinished. */
  private pages: Map<number, Int32Array> | undefined;
  private committedOffset: number;
  private nextOffset: number;

  constructor(
    /** Index of this ledger, the `queue` column of its rows. */
    readonly index: number,
    readonly queueId: number,
    /** Of the group on the topic, and one more for each reset of the queue; handles of an older one are void. */
    readonly generation: number,
    start: number,
  ) {
    this.committedOffset = start;
    this.nextOffset = start;
  }

  get committed(): number {
    return this.committedOffset;
  }

  get next(): number {
    return this.nextOffset;
  }

  /** The row of an unfinished offset; `undefined` when it is finished or was never looked at. */
  row(offset: number): number | undefined {
    if (offset < this.committedOffset || offset >= this.nextOffset) return undefined;
    const slot = this.slot(offset);
    return slot === FINISHED ? undefined : slot;
  }

  /** Takes `next` as finished (filtered out, or a filler) and moves on. */
  skipNext(): void {
    const offset = this.nextOffset++;
    if (offset === this.committedOffset) this.committedOffset++;
    else this.setSlot(offset, FINISHED);
  }

  /** Gives `next` to a row and moves on. */
  takeNext(row: number): void {
    this.setSlot(this.nextOffset++, row);
  }

  /** Moves `next` up; what lies between counts as finished. For messages that retention has removed. */
  skipTo(offset: number): void {
    while (this.nextOffset < offset) {
      if (this.committedOffset === this.nextOffset) {
        this.committedOffset = offset;
        this.nextOffset = offset;
        return;
      }
      this.skipNext();
    }
  }

  /** Finishes an offset that has a row; the row is the caller's to free. */
  finish(offset: number): void {
    this.setSlot(offset, FINISHED);
    if (offset !== this.committedOffset) return;
    let committed = offset;
    while (committed < this.nextOffset && this.slot(committed) === FINISHED) {
      committed++;
      if (committed % PAGE_OFFSETS === 0) this.pages?.delete(committed / PAGE_OFFSETS - 1);
    }
    this.committedOffset = committed;
    if (committed === this.nextOffset) this.pages = undefined;
  }

  /** Calls `visit` with each unfinished offset below `next` and its row, in order. */
  forEachRow(visit: (offset: number, row: number) => void): void {
    for (let offset = this.committedOffset; offset < this.nextOffset; offset++) {
      const slot = this.slot(offset);
      if (slot !== FINISHED) visit(offset, slot);
    }
  }

  /** Forgets all rows: another ledger stands for the queue, and whoever still holds this one finds nothing. */
  clear(): void {
    this.committedOffset = this.nextOffset;
    this.pages = undefined;
  }

  private slot(offset: number): number {
    const page = this.pages?.get(Math.floor(offset / PAGE_OFFSETS));
    return page?.[offset % PAGE_OFFSETS] ?? FINISHED;
  }

  private setSlot(offset: number, value: number): void {
    const number = Math.floor(offset / PAGE_OFFSETS);
    this.pages ??= new Map();
    let page = this.pages.get(number);
    if (page === undefined) {
      page = new Int32Array(PAGE_OFFSETS).fill(FINISHED);
      this.pages.set(number, page);
    }
    page[offset % PAGE_OFFSETS] = value;
  }
}
