/**
 * The files of ConsumeQueues: `fileEntries` entries each, sparse until written, named by the
 * position of their first byte. What was written and not synced is remembered until it is.
 *
 * long: one class owns the files, from their making to their end, and knows what of them is unsynced
 */
import { join, dirname } from 'node:path';
import type { FileHandle, Files } from '../platform/platform';
import { Gate } from './gate';
import { HandleCache } from './handle-cache';
import { type Layout, positionName, positionOfName } from './layout';
import type { Pause } from './pass';
import { ENTRY_BYTES, isFiller, isUnwritten, readPhysicalOffset, writeFiller } from './queue-entry';
import { UnsyncedFiles } from './unsynced-files';

/** Reads at once; with those of the log one of the four threads for files is left to the writer. */
const READS_AT_ONCE = 1;
/** Queue files kept open. */
const OPEN_QUEUE_FILES = 256;
/** Entries of one step when entries are looked at one after the other. */
const STEP_ENTRIES = 1024;
/** Entries before the first message kept that are looked at. */
const DELETED_LOOKED_AT = 3;

/** A queue's name: its directory is consumequeue/TOPIC/QUEUE. */
export interface QueueName {
  readonly topic: string;
  readonly queueId: number;
}

/** What the files of a queue hold. */
export interface StoredQueue extends QueueName {
  /** Offset of the first file's first entry. */
  readonly start: number;
  readonly min: number;
  /** One beyond the last entry that counts. */
  readonly max: number;
  /** One beyond the last entry that was found whole, at least `max`. */
  readonly seen: number;
  /** Physical offset of the first message, `undefined` without one. */
  readonly firstPhysicalOffset: number | undefined;
}

export class QueueFiles {
  private readonly handles: HandleCache;
  private readonly gate = new Gate(READS_AT_ONCE);
  private readonly unsynced: UnsyncedFiles;

  constructor(
    private readonly files: Files,
    private readonly layout: Layout,
    readonly fileEntries: number,
  ) {
    this.handles = new HandleCache(files, 'write', OPEN_QUEUE_FILES);
    this.unsynced = new UnsyncedFiles(files, this.handles);
  }

  /** All queues that have a directory. */
  async list(): Promise<QueueName[]> {
    const names: QueueName[] = [];
    for (const topic of await this.files.list(this.layout.consumeQueue)) {
      for (const queue of await this.files.list(this.layout.topicDirectory(topic))) {
        if (/^\d{1,10}$/.test(queue)) names.push({ topic, queueId: Number(queue) });
      }
    }
    return names;
  }

  /** Names of the directories of topics. */
  topics(): Promise<string[]> {
    return this.files.list(this.layout.consumeQueue);
  }

  /** Writes entries from queue offset `from` on; all belong into one file, which is made if absent. */
  async write(queue: QueueName, from: number, buffers: readonly Buffer[]): Promise<void> {
    const path = this.pathOf(queue, from);
    const index = from % this.fileEntries;
    await this.create(path, index);
    this.unsynced.add(path);
    await this.handles.use(path, (handle) => handle.write(buffers, index * ENTRY_BYTES));
  }

  /** Reads `count` entries from queue offset `from` on, at most to the end of their file. */
  read(queue: QueueName, from: number, count: number): Promise<Buffer> {
    return this.gate.run(() => this.readNow(queue, from, count));
  }

  private async readNow(queue: QueueName, from: number, count: number): Promise<Buffer> {
    const index = from % this.fileEntries;
    const bytes = Buffer.allocUnsafe(Math.min(count, this.fileEntries - index) * ENTRY_BYTES);
    const length = await this.handles.use(this.pathOf(queue, from), (handle) =>
      handle.read(bytes, index * ENTRY_BYTES),
    );
    return bytes.subarray(0, length - (length % ENTRY_BYTES));
  }

  /**
   * Syncs all that was written before the first call.
   * @returns false when it has paused: the next call goes on
   */
  sync(pause?: Pause): Promise<boolean> {
    return this.unsynced.sync(pause);
  }

  /** Removes a queue's files that end at or below the offset `start`. */
  async removeBelow(queue: QueueName, start: number): Promise<void> {
    for (const first of await this.startsOf(queue)) {
      if (first + this.fileEntries > start) continue;
      const path = this.pathOf(queue, first);
      this.unsynced.delete(path);
      await this.handles.forget(path);
      await this.files.remove(path);
    }
  }

  /** Makes the file of a queue without messages, whose next one gets the offset `next`. */
  async createEmpty(queue: QueueName, next: number): Promise<void> {
    const path = this.pathOf(queue, next);
    await this.create(path, next % this.fileEntries);
    this.unsynced.add(path);
  }

  /** Removes all queues of a topic. */
  async removeTopic(topic: string): Promise<void> {
    const directory = this.layout.topicDirectory(topic);
    await this.handles.forget(join(directory, '/'));
    this.unsynced.deleteTree(directory);
    await this.files.removeTree(directory);
    await this.files.syncDirectory(this.layout.consumeQueue);
  }

  /** Removes all queues. */
  async removeAll(): Promise<void> {
    await this.handles.closeAll();
    this.unsynced.clear();
    await this.files.removeTree(this.layout.consumeQueue);
    await this.files.makeDirectory(this.layout.consumeQueue);
    await this.files.syncDirectory(this.layout.root);
  }

  /**
   * Finds where a queue begins and ends. Entries that point below `limit` must be whole and in
   * order: what lies behind them does not count.
   *
   * @param logStart position of the first byte that the log still has
   * @param limit `Infinity` when all entries count
   * @param seenLimit entries behind `max` that point below it are counted in `seen`
   * @returns `undefined` when the files are not one behind the other
   */
  async load(
    queue: QueueName,
    logStart: number,
    limit: number,
    seenLimit: number,
  ): Promise<StoredQueue | undefined> {
    const starts = await this.startsOf(queue);
    const [first] = starts;
    if (first === undefined) {
      return { ...queue, start: 0, min: 0, max: 0, seen: 0, firstPhysicalOffset: undefined };
    }
    if (starts.some((start, i) => start !== first + i * this.fileEntries)) return undefined;
    const short = await this.lengthen(queue, starts);
    const end = first + starts.length * this.fileEntries;
    const ends = (at: Buffer): boolean => isUnwritten(at, 0) || readPhysicalOffset(at, 0) >= limit;
    const messagesEnd = await this.search(queue, first, end, ends);
    const max = await this.behindFillers(queue, messagesEnd, end);
    if (short < max) return undefined;
    const kept = (at: Buffer): boolean =>
      !isUnwritten(at, 0) && readPhysicalOffset(at, 0) >= logStart;
    const keptFrom = await this.search(queue, first, max, kept);
    const min = await this.behindFillers(queue, keptFrom, max);
    if (!(await this.endsBelow(queue, keptFrom, first, logStart))) return undefined;
    const firstMessage = min < max ? await this.readNow(queue, min, 1) : undefined;
    return {
      ...queue,
      start: first,
      min,
      max,
      seen: await this.whole(queue, max, end, seenLimit),
      firstPhysicalOffset: firstMessage && readPhysicalOffset(firstMessage, 0),
    };
  }

  /**
   * Whether the files of a queue hold its entries `start` .. `end`: all, not all (`less`), or those and
   * `more` behind. Looks at the files' lengths and at the last entry only.
   */
  async look(queue: QueueName, start: number, end: number): Promise<'all' | 'less' | 'more'> {
    const starts = new Set(await this.startsOf(queue));
    const bytes = this.fileEntries * ENTRY_BYTES;
    for (let at = start - (start % this.fileEntries); at < end; at += this.fileEntries) {
      const stat = starts.has(at) ? await this.files.stat(this.pathOf(queue, at)) : undefined;
      if ((stat?.bytes ?? 0) < bytes) return 'less';
    }
    const last = start < end ? await this.readNow(queue, end - 1, 1) : undefined;
    if (last !== undefined && (last.length === 0 || isUnwritten(last, 0))) return 'less';
    if ([...starts].some((at) => at > end)) return 'more';
    if (!starts.has(end - (end % this.fileEntries))) return 'all';
    const next = await this.readNow(queue, end, 1);
    return next.length > 0 && !isUnwritten(next, 0) ? 'more' : 'all';
  }

  /** Gives files that are too short their length back; answers the first entry that one lacked, Infinity without. */
  private async lengthen(queue: QueueName, starts: readonly number[]): Promise<number> {
    let short = Infinity;
    for (const start of starts) {
      const path = this.pathOf(queue, start);
      const bytes = (await this.files.stat(path))?.bytes ?? 0;
      if (bytes >= this.fileEntries * ENTRY_BYTES) continue;
      const entries = Math.floor(bytes / ENTRY_BYTES);
      short = Math.min(short, start + entries);
      await this.handles.use(path, (handle) => this.clear(handle, entries));
      this.unsynced.add(path);
    }
    return short;
  }

  /**
   * Whether the entries just before `offset` point below the log's first byte, as all before the
   * first message that is kept do: a damaged one may have led the search astray.
   */
  private async endsBelow(
    queue: QueueName,
    offset: number,
    first: number,
    logStart: number,
  ): Promise<boolean> {
    const from = Math.max(first, offset - DELETED_LOOKED_AT);
    for (let at = from; at < offset; at++) {
      const entry = await this.readNow(queue, at, 1);
      if (isFiller(entry, 0)) continue;
      if (isUnwritten(entry, 0)) return false;
      const position = readPhysicalOffset(entry, 0);
      if (position < 0 || position >= logStart) return false;
    }
    return true;
  }

  /** Removes all entries from `max` on; files behind go. */
  async cut(queue: QueueName, max: number): Promise<void> {
    const directory = this.layout.queueDirectory(queue.topic, queue.queueId);
    await this.handles.forget(join(directory, '/'));
    let removed = false;
    for (const start of await this.startsOf(queue)) {
      const path = this.pathOf(queue, start);
      if (start >= max) {
        await this.files.remove(path);
        this.unsynced.delete(path);
        removed = true;
      } else if (start + this.fileEntries > max) {
        await this.handles.use(path, (handle) => this.clear(handle, max - start));
        this.unsynced.add(path);
      }
    }
    if (removed) this.unsynced.addDirectory(directory);
  }

  close(): Promise<void> {
    return this.handles.closeAll();
  }

  /** Makes a queue's file if it is not there; entries before the `index`th become fillers. */
  private async create(path: string, index: number): Promise<void> {
    if (this.unsynced.has(path) || (await this.files.stat(path)) !== undefined) return;
    const directory = dirname(path);
    await this.files.makeDirectory(directory);
    const make = async (handle: FileHandle): Promise<void> => {
      await handle.truncate(this.fileEntries * ENTRY_BYTES);
      await this.writeFillers(handle, index);
    };
    // It stays open for what is written next.
    await this.handles.use(path, make, 'create');
    for (const name of [directory, dirname(directory), this.layout.consumeQueue]) {
      this.unsynced.addDirectory(name);
    }
  }

  private async writeFillers(handle: FileHandle, count: number): Promise<void> {
    const step = Buffer.alloc(Math.min(count, STEP_ENTRIES) * ENTRY_BYTES);
    for (let at = 0; at < step.length; at += ENTRY_BYTES) writeFiller(step, at);
    for (let done = 0; done < count; done += STEP_ENTRIES) {
      const bytes = step.subarray(0, (count - done) * ENTRY_BYTES);
      await handle.write([bytes], done * ENTRY_BYTES);
    }
  }

  private async clear(handle: FileHandle, entries: number): Promise<void> {
    await handle.truncate(entries * ENTRY_BYTES);
    await handle.truncate(this.fileEntries * ENTRY_BYTES);
  }

  /** First entries of the files, ascending. */
  private async startsOf(queue: QueueName): Promise<number[]> {
    const directory = this.layout.queueDirectory(queue.topic, queue.queueId);
    const fileBytes = this.fileEntries * ENTRY_BYTES;
    return (await this.files.list(directory)).map((name) => {
      const position = positionOfName(name);
      if (position === undefined || position % fileBytes !== 0) {
        throw new Error(`${directory} holds '${name}', which is no file of ${fileBytes} bytes`);
      }
      return position / ENTRY_BYTES;
    });
  }

  /**
   * First offset in `from` .. `to` for whose entry `test` holds, `to` without one; it must hold for
   * all behind. A filler counts as the first message behind it does.
   */
  private async search(
    queue: QueueName,
    from: number,
    to: number,
    test: (entry: Buffer) => boolean,
  ): Promise<number> {
    let low = from;
    let high = to;
    while (low < high) {
      const middle = low + Math.floor((high - low) / 2);
      const probe = await this.messageFrom(queue, middle, high);
      if (probe === undefined || test(probe.entry)) high = middle;
      else low = probe.offset + 1;
    }
    return low;
  }

  /** The first entry from `offset` on that is no filler; `undefined` when none is below `to`. */
  private async messageFrom(
    queue: QueueName,
    offset: number,
    to: number,
  ): Promise<{ offset: number; entry: Buffer } | undefined> {
    let count = 1;
    for (let next = offset; next < to; count = STEP_ENTRIES) {
      const block = await this.readNow(queue, next, Math.min(count, to - next));
      // A file that lost its length has no entries there.
      if (block.length === 0) return undefined;
      for (let at = 0; at < block.length; at += ENTRY_BYTES, next++) {
        if (!isFiller(block, at))
          return { offset: next, entry: block.subarray(at, at + ENTRY_BYTES) };
      }
    }
    return undefined;
  }

  /** The first offset from `from` on, at most `to`, that holds no filler. */
  private async behindFillers(queue: QueueName, from: number, to: number): Promise<number> {
    for (let next = from; next < to;) {
      const block = await this.readNow(queue, next, Math.min(STEP_ENTRIES, to - next));
      if (block.length === 0) return next;
      for (let at = 0; at < block.length; at += ENTRY_BYTES, next++) {
        if (!isFiller(block, at)) return next;
      }
    }
    return to;
  }

  /** One beyond the last of the entries from `from` on that follow each other and point below `limit`. */
  private async whole(queue: QueueName, from: number, to: number, limit: number): Promise<number> {
    let next = from;
    while (next < to) {
      const block = await this.readNow(queue, next, Math.min(STEP_ENTRIES, to - next));
      if (block.length === 0) return next;
      for (let at = 0; at < block.length; at += ENTRY_BYTES, next++) {
        if (isUnwritten(block, at) || readPhysicalOffset(block, at) >= limit) return next;
      }
    }
    return next;
  }

  private pathOf(queue: QueueName, offset: number): string {
    const start = offset - (offset % this.fileEntries);
    const directory = this.layout.queueDirectory(queue.topic, queue.queueId);
    return join(directory, positionName(start * ENTRY_BYTES));
  }
}
