/**
 * All ConsumeQueues of a store: gives out queue offsets, takes entries of records that became
 * visible, writes them to the queues' files in batches, and reads them again.
 *
 * long: one class knows all queues, what of them is in memory, in files, and yet to be told
 */
import type { MessageRange, QueueEntry } from './message-store';
import type { EntryMender } from './entry-mender';
import { ConsumeQueue, type QueueBlock, type QueueBounds } from './consume-queue';
import type { EmptyQueue } from './empty-queues';
import { Pass, type Pause } from './pass';
import { ENTRY_BYTES, readEntry } from './queue-entry';
import { firstAtOrAbove } from './queue-search';
import type { QueueFiles, QueueName } from './queue-files';
import type { QueueOpener } from './queue-opener';
import type { QueueChanges } from './queue-table';

/** Queues looked at before the event loop gets its turn again. */
const QUEUES_A_TURN = 256;
/** Memory for entries that the files have as well, bytes. */
const RECENT_BYTES = 16 * 1024 * 1024;
/** Queues whose files are made and written at once: two of the four threads for files stay for the log. */
const WRITES_AT_ONCE = 2;
/** Buffers of one write. */
const BUFFERS_A_WRITE = 512;

export interface QueueTotals {
  /** Queues with at least one entry, deleted entries counted. */
  readonly count: number;
  /** Sum of their maximum offsets. */
  readonly endSum: number;
  /** Sum of the offsets with which their first files begin. */
  readonly startSum: number;
}

export class ConsumeQueues {
  private readonly topics = new Map<string, Map<number, ConsumeQueue>>();
  /** Queues with entries that no file has yet, the oldest first. */
  private readonly dirty = new Set<ConsumeQueue>();
  private flushing: Pass<ConsumeQueue> | undefined;
  private flushLimit = Infinity;
  /** All blocks in memory, in the order they were made. */
  private blocks: QueueBlock[] = [];
  private blocksHead = 0;
  private blockBytes = 0;
  private unwritten = 0;
  private queues = 0;
  private ends = 0;
  private starts = 0;

  /** Queues that the table of queues does not know as they are; `undefined` when one is gone. */
  private changedQueues: ConsumeQueue[] | undefined = [];
  private keptFromPosition = 0;

  private mender: EntryMender | undefined;
  private readonly onBlock = (block: QueueBlock): void => {
    this.addBlock(block);
  };
  private readonly every = (): Iterable<ConsumeQueue> => this.all();

  /** @param opener without one files are taken for what they should be */
  constructor(
    private readonly files: QueueFiles,
    private readonly opener?: QueueOpener,
  ) {}

  /** From now on entries that are out of order are mended when they are read from a file. */
  useMender(mender: EntryMender): void {
    this.mender = mender;
  }

  /** What all queues with at least one entry come to: it tells whether a file is missing or short. */
  get totals(): QueueTotals {
    return { count: this.queues, endSum: this.ends, startSum: this.starts };
  }

  /** Entries that no file has yet. */
  get unwrittenEntries(): number {
    return this.unwritten;
  }

  /** Messages below this position of the log are hidden: all queues begin behind them. */
  get keptFrom(): number {
    return this.keptFromPosition;
  }

  /** Takes a queue as its files hold it; `checked` when somebody has looked into them. */
  addStored(stored: QueueName & QueueBounds, checked: boolean): void {
    const queue = this.makeQueue(stored.topic, stored.queueId, stored);
    queue.checked = checked;
    if (queue.max > 0) this.began(queue);
  }

  /** Says that all queues begin at or behind the position `keptFrom` of the log. */
  beginAt(keptFrom: number): void {
    this.keptFromPosition = keptFrom;
  }

  /** Forgets all queues; their files stay. */
  clear(): void {
    for (const topic of [...this.topics.keys()]) this.forgetTopic(topic);
    this.distrustTable();
  }

  /** Says that the table of queues names others than these: it is to be written anew. */
  distrustTable(): void {
    this.changedQueues = undefined;
  }

  /**
   * What is to be said to the table of queues; from now on only later changes are.
   * @param position see `QueueState.position`
   */
  takeChanges(position: number): QueueChanges {
    const changed = this.changedQueues;
    for (const queue of changed ?? this.all()) queue.changed = false;
    this.changedQueues = [];
    const { keptFrom, queues: count } = this;
    return { position, keptFrom, count, changed, rows: this.used() };
  }

  find(topic: string, queueId: number): ConsumeQueue | undefined {
    return this.topics.get(topic)?.get(queueId);
  }

  /** The queue, made if it is new. Hot path. */
  open(topic: string, queueId: number): ConsumeQueue {
    return this.find(topic, queueId) ?? this.makeQueue(topic, queueId);
  }

  ofTopic(topic: string): ConsumeQueue[] {
    return [...(this.topics.get(topic)?.values() ?? [])];
  }

  /** Appends the entry of a record that became visible. Hot path. */
  add(queue: ConsumeQueue, physicalOffset: number, bytes: number, tagsCode: number): void {
    queue.add(physicalOffset, bytes, tagsCode);
    this.grown(queue);
  }

  /** Begins a new queue at an offset above 0: its earlier records are gone from the log. */
  startAt(queue: ConsumeQueue, offset: number): void {
    queue.startAt(offset);
    // Only recovery does this, which has looked into the files or removed them.
    queue.checked = true;
    this.began(queue);
  }

  /** Gives the slots up to `offset`, whose records are lost, fillers. */
  fillTo(queue: ConsumeQueue, offset: number): void {
    while (queue.max < offset) {
      queue.addFiller();
      this.grown(queue);
    }
  }

  /** Visible entries of `from` .. `from + count`; an array when all are in memory. Hot path. */
  entries(
    queue: ConsumeQueue,
    from: number,
    count: number,
  ): readonly QueueEntry[] | Promise<readonly QueueEntry[]> {
    const start = Math.max(from, queue.min);
    const end = Math.min(start + count, queue.max);
    if (start < end && start < queue.firstInMemory) return this.readEntries(queue, start, end);
    const entries: QueueEntry[] = [];
    queue.read(start, end, entries);
    return entries;
  }

  /**
   * The messages that lie below the physical offset `position`, queue by queue.
   * @param turn lets others have their turn of the event loop
   */
  async below(position: number, turn: () => Promise<void>): Promise<MessageRange[]> {
    const ranges: MessageRange[] = [];
    let looked = 0;
    for (const queue of [...this.topics.values()].flatMap((queues) => [...queues.values()])) {
      if (++looked % QUEUES_A_TURN === 0) await turn();
      const { topic, queueId, min: from, max } = queue;
      if (queue.deleted || from === max || queue.firstPhysical >= position) continue;
      const first = await firstAtOrAbove((start, count) => this.entries(queue, start, count), {
        from,
        to: max,
        position,
      });
      if (first?.queueOffset === from) queue.firstPhysical = first.physicalOffset;
      const to = first?.queueOffset ?? max;
      if (to > from) ranges.push({ topic, queueId, from, to });
    }
    return ranges;
  }

  /** Lets queues begin behind messages that are going to be removed: those below the position `keptFrom`. */
  raiseMin(ranges: readonly MessageRange[], keptFrom: number): void {
    for (const { topic, queueId, to } of ranges) {
      const queue = this.find(topic, queueId);
      if (queue === undefined) continue;
      queue.raiseMin(to);
      this.noteChange(queue);
    }
    this.keptFromPosition = Math.max(this.keptFromPosition, keptFrom);
  }

  /** Gives up the files that hold nothing any more; answers the queues that have some. */
  raiseStart(ranges: readonly MessageRange[]): ConsumeQueue[] {
    const changed: ConsumeQueue[] = [];
    for (const { topic, queueId } of ranges) {
      const queue = this.find(topic, queueId);
      if (queue === undefined) continue;
      const before = queue.start;
      if (!queue.raiseStart()) continue;
      this.starts += queue.start - before;
      this.noteChange(queue);
      changed.push(queue);
    }
    return changed;
  }

  /** Queues that had messages and have none any more. */
  empty(): EmptyQueue[] {
    const empty: EmptyQueue[] = [];
    for (const queues of this.topics.values()) {
      for (const { topic, queueId, min, max } of queues.values()) {
        if (max > 0 && min === max) empty.push({ topic, queueId, next: max });
      }
    }
    return empty;
  }

  /** Lets the next `flush` write all entries that are there now, instead of going on with one that has paused. */
  beginFlush(): void {
    this.flushing = undefined;
  }

  /**
   * Writes all entries that were there when it was first called.
   * @param limit only entries of records below this position of the log: what is in a file must not speak
   *   of a record that a crash can take back
   * @returns false when it has paused: the next call goes on
   */
  async flush(limit = Infinity, pause?: Pause): Promise<boolean> {
    this.flushLimit = limit;
    this.flushing ??= new Pass([...this.dirty], WRITES_AT_ONCE, (queue) => this.flushQueue(queue));
    const done = await this.flushing.run(pause);
    if (done) this.flushing = undefined;
    this.shrink();
    return done;
  }

  /** Syncs all that `flush` has written; false when it has paused. */
  sync(pause?: Pause): Promise<boolean> {
    return this.files.sync(pause);
  }

  /** Forgets a topic's queues; their files stay. */
  forgetTopic(topic: string): void {
    for (const queue of this.ofTopic(topic)) {
      queue.deleted = true;
      this.unwritten -= queue.max - queue.flushed;
      this.dirty.delete(queue);
      if (queue.max > 0) {
        this.queues--;
        this.ends -= queue.max;
        this.starts -= queue.start;
      }
    }
    if (this.topics.delete(topic)) this.distrustTable();
  }

  private *all(): Generator<ConsumeQueue> {
    for (const queues of this.topics.values()) yield* queues.values();
  }

  /** Queues that ever had an entry. */
  private *used(): Generator<ConsumeQueue> {
    for (const queue of this.all()) if (queue.max > 0) yield queue;
  }

  /** Hot path. */
  private noteChange(queue: ConsumeQueue): void {
    if (queue.changed) return;
    queue.changed = true;
    this.changedQueues?.push(queue);
  }

  private makeQueue(topic: string, queueId: number, bounds?: QueueBounds): ConsumeQueue {
    let queues = this.topics.get(topic);
    const [sibling] = queues?.values() ?? [];
    const topicBytes = sibling?.topicBytes ?? Buffer.from(topic);
    const { fileEntries } = this.files;
    const queue = new ConsumeQueue(topic, topicBytes, queueId, fileEntries, this.onBlock, bounds);
    if (queues === undefined) {
      queues = new Map<number, ConsumeQueue>();
      this.topics.set(topic, queues);
    }
    queues.set(queueId, queue);
    return queue;
  }

  private began(queue: ConsumeQueue): void {
    this.queues++;
    this.ends += queue.max;
    this.starts += queue.start;
    this.noteChange(queue);
  }

  /** One entry more. Hot path. */
  private grown(queue: ConsumeQueue): void {
    if (queue.max === 1) this.queues++;
    this.ends++;
    this.unwritten++;
    this.dirty.add(queue);
    this.noteChange(queue);
  }

  private async flushQueue(queue: ConsumeQueue): Promise<void> {
    if (!this.dirty.delete(queue)) return;
    const limit = this.flushLimit;
    const end = limit === Infinity ? queue.max : queue.endBelow(limit);
    if (end < queue.max) this.dirty.add(queue);
    if (!queue.checked && queue.flushed < end) await this.opener?.open(queue, this.every);
    while (queue.flushed < end && !queue.deleted) {
      const from = queue.flushed;
      const fileEnd = from - (from % this.files.fileEntries) + this.files.fileEntries;
      const buffers = queue.bytesOf(from, Math.min(end, fileEnd)).slice(0, BUFFERS_A_WRITE);
      const bytes = buffers.reduce((sum, buffer) => sum + buffer.length, 0);
      await this.files.write(queue, from, buffers);
      // Deleted while it was written: `forgetTopic` has counted these entries.
      if (queue.deleted) return;
      queue.flushed += bytes / ENTRY_BYTES;
      this.unwritten -= bytes / ENTRY_BYTES;
    }
  }

  private async readEntries(
    queue: ConsumeQueue,
    from: number,
    to: number,
  ): Promise<readonly QueueEntry[]> {
    const entries: QueueEntry[] = [];
    if (!queue.checked) await this.opener?.open(queue, this.every);
    let next = from;
    while (next < to && next < queue.firstInMemory) {
      const block = await this.files.read(queue, next, Math.min(to, queue.firstInMemory) - next);
      if (block.length === 0) break;
      for (let at = 0; at < block.length; at += ENTRY_BYTES, next++) {
        entries.push(readEntry(block, at, next));
      }
    }
    queue.read(next, to, entries);
    await this.mender?.mendOutOfOrder(queue, entries);
    return entries;
  }

  private addBlock(block: QueueBlock): void {
    this.blocks.push(block);
    this.blockBytes += block.bytes.length;
    if (this.blockBytes > RECENT_BYTES) this.shrink();
  }

  /** Drops the oldest blocks beyond the bound, as far as the files have them. */
  private shrink(): void {
    while (this.blockBytes > RECENT_BYTES) {
      const block = this.blocks[this.blocksHead];
      if (block === undefined || !block.queue.drop(block)) break;
      this.blockBytes -= block.bytes.length;
      this.blocksHead++;
    }
    if (this.blocksHead * 2 > this.blocks.length) {
      this.blocks = this.blocks.slice(this.blocksHead);
      this.blocksHead = 0;
    }
  }
}
