/**
 * The index of a store: follows the visible log behind the hot path, and looks records up by it.
 *
 * It may lag: what it has not reached yet is searched in the log itself. It is a view: whatever is
 * wrong with its files, they are built anew from the log. When they cannot be written (a full disk)
 * it says so and tries again each minute; messages are stored and delivered all the same.
 */
import type { Logger } from 'pino';
import { storeTimestampOf } from '../../message/record-property';
import type { Platform, TimerHandle } from '../../platform/platform';
import type { Layout } from '../layout';
import type { FoundMessages, MessageQuery } from '../message-store';
import type { Segments } from '../segments';
import { CorruptIndexError } from './corrupt-index';
import type { IndexGeometry } from './index-file';
import { IndexFiles } from './index-files';
import { hashesOf } from './index-keys';
import { IndexSearch } from './index-search';
import { LogReader, type IndexedLog } from './log-reader';

/** From a record's becoming visible to its being indexed, at most, as long as not much waits. */
const FOLLOW_MS = 200;
/** Between two notes of what is on stable storage: about what a crash makes it read again. */
const SYNC_MS = 30_000;
/** The slots' memory is given back when nothing was indexed for so long. */
const RELEASE_MS = 60_000;
const RETRY_MS = 60_000;
/** Entries are written when so many bytes of them are in memory. */
const WRITE_BYTES = 1024 * 1024;
/** An orderly stop waits for the index to catch up with so much of the log. */
const CATCH_UP_BYTES = 64 * 1024 * 1024;

export interface MessageIndexOptions {
  readonly platform: Platform;
  readonly log: Logger;
  readonly layout: Layout;
  readonly geometry: IndexGeometry;
  readonly segments: Segments;
  readonly commitLog: IndexedLog;
  /** Whether a record belongs to a topic that was deleted since. */
  readonly isDeleted: (topic: string, physicalOffset: number) => boolean;
}

export class MessageIndex {
  private readonly files: IndexFiles;
  private readonly reader: LogReader;
  private readonly search: IndexSearch;
  private line: Promise<void> = Promise.resolve();
  private timer: TimerHandle | undefined;
  private soon = false;
  private closing = false;
  private closed: Promise<void> | undefined;
  private syncedPosition = 0;
  private lastSyncMs: number;
  private failure: Error | undefined;

  constructor(private readonly options: MessageIndexOptions) {
    const { platform, layout, geometry, log, segments, commitLog } = options;
    this.files = new IndexFiles({ files: platform.files, layout, geometry, log });
    this.reader = new LogReader(commitLog, segments);
    this.search = new IndexSearch({ ...options, files: this.files });
    this.lastSyncMs = platform.clock.monotonicMs();
  }

  /** All records below it are in the index. */
  get position(): number {
    return this.files.position;
  }

  /** Store time of the last record in the newest full file, milliseconds; 0 without one. */
  get sealedTimestamp(): number {
    const { sealed } = this.files;
    return sealed[sealed.length - 1]?.header.endTimestamp ?? 0;
  }

  /** Takes the files as they are and begins to follow the log. */
  async begin(): Promise<void> {
    await this.run(() => this.load());
    this.touch();
  }

  /** More of the log has become visible. Hot path. */
  touch(): void {
    if (this.soon || this.closing || this.failure !== undefined || this.waitingBytes <= 0) return;
    this.soon = true;
    this.arm(FOLLOW_MS);
  }

  /**
   * Finds records by key, newest first.
   * @throws StatusError TOO_MANY_REQUESTS when too many searches wait, INTERNAL_SERVER_ERROR when
   *   the index cannot be read
   */
  async find(query: MessageQuery): Promise<FoundMessages> {
    const found = await this.search.find(query, (error) => this.isDamaged(error));
    this.armNext();
    return this.failure === undefined ? found : { ...found, complete: false };
  }

  /** Removes files of whose records the log, which begins at `logStart` now, has none any more. */
  async deleteBelow(logStart: number): Promise<void> {
    if (this.failure === undefined) await this.run(() => this.files.deleteBelow(logStart));
  }

  /** Catches up if that is not far, and leaves all on stable storage. */
  close(): Promise<void> {
    this.closed ??= this.shutDown();
    return this.closed;
  }

  private async shutDown(): Promise<void> {
    this.closing = true;
    this.timer?.cancel();
    await this.line;
    if (this.failure === undefined) {
      await this.run(async () => {
        if (this.waitingBytes <= CATCH_UP_BYTES) await this.follow();
        if (this.unsynced) await this.sync();
      });
    }
    this.timer?.cancel();
    await this.files.close();
  }

  private get waitingBytes(): number {
    return this.options.commitLog.writer.visible - this.files.position;
  }

  private async load(): Promise<void> {
    const { segments, commitLog } = this.options;
    await this.files.load(segments.first, commitLog.writer.visible);
    this.syncedPosition = this.files.position;
  }

  private arm(delayMs: number): void {
    this.timer?.cancel();
    this.timer = this.options.platform.timers.after(delayMs, () => {
      void this.run(() => this.tick());
    });
  }

  private async tick(): Promise<void> {
    this.soon = false;
    if (this.closing) return;
    const { clock } = this.options.platform;
    const before = this.files.position;
    await this.follow();
    const due = clock.monotonicMs() - this.lastSyncMs >= SYNC_MS;
    if (this.unsynced && due) await this.sync();
    else if (this.files.position === before && !this.unsynced) this.files.current?.release();
    this.armNext();
  }

  /** What is left to do later: a sync, or giving memory back. */
  private armNext(): void {
    this.touch();
    if (this.soon || this.closing || this.failure !== undefined) return;
    const sinceMs = this.options.platform.clock.monotonicMs() - this.lastSyncMs;
    if (this.unsynced) this.arm(Math.max(0, SYNC_MS - sinceMs));
    else if (this.files.current?.loaded === true) this.arm(RELEASE_MS);
  }

  /** Whether there is something to note, and a log that can be synced. */
  private get unsynced(): boolean {
    if (this.options.commitLog.writer.failure !== undefined) return false;
    return this.files.position > this.syncedPosition;
  }

  /** Indexes what is visible now. */
  private async follow(): Promise<void> {
    const { files, reader } = this;
    const { segments, commitLog, platform } = this.options;
    if (files.position < segments.first) {
      files.position = segments.first;
      files.skip = 0;
    }
    const limit = commitLog.writer.visible;
    while (files.position < limit) {
      const visit = (record: Buffer, position: number): Promise<void> | undefined =>
        this.add(record, position);
      const next = await reader.slice(files.position, limit, visit);
      files.position = next;
      files.skip = 0;
      if ((files.current?.pendingBytes ?? 0) >= WRITE_BYTES) await files.current?.writeEntries();
      // A stop does not wait for a long way.
      if (this.closing && limit - next > CATCH_UP_BYTES) break;
      await new Promise<void>((resolve) => {
        platform.timers.nextTurn(resolve);
      });
    }
    reader.rest();
  }

  /** Files one record; a promise only when a file must be opened or made. Hot path of the index. */
  private add(record: Buffer, position: number): Promise<void> | undefined {
    const hashes = hashesOf(record);
    const { files } = this;
    if (files.skip > 0 && position === files.position) hashes.splice(0, files.skip);
    if (hashes.length === 0) return undefined;
    return this.put(hashes, 0, position, storeTimestampOf(record));
  }

  private put(
    hashes: readonly number[],
    from: number,
    position: number,
    storeTimestamp: number,
  ): Promise<void> | undefined {
    for (let i = from; i < hashes.length; i++) {
      const { current } = this.files;
      if (current === undefined || current.full || !current.loaded) {
        return this.prepare().then(() => this.put(hashes, i, position, storeTimestamp));
      }
      current.put(hashes[i] ?? 0, position, storeTimestamp);
    }
    return undefined;
  }

  private async prepare(): Promise<void> {
    const { current } = this.files;
    if (current === undefined || current.full) {
      await this.files.add(this.options.platform.clock.wallMs());
    } else {
      await current.load();
    }
  }

  /** Notes what is indexed so far, once it and the log below are on stable storage. */
  private async sync(): Promise<void> {
    const { position } = this.files;
    await this.options.commitLog.writer.syncTo(position);
    await this.files.sync();
    this.syncedPosition = position;
    this.lastSyncMs = this.options.platform.clock.monotonicMs();
  }

  /** Whether an error of a search is the file's: then it is built anew. */
  private isDamaged(error: unknown): boolean {
    if (!(error instanceof CorruptIndexError)) return false;
    if (!this.closing && this.failure === undefined) {
      void this.run(() => Promise.reject(error));
    }
    return true;
  }

  /** Runs a task after those before it, and mends what made it fail. */
  private run(task: () => Promise<void>): Promise<void> {
    this.line = this.line.then(task).catch((error: unknown) => this.mend(error));
    return this.line;
  }

  private async mend(error: unknown): Promise<void> {
    this.soon = false;
    try {
      if (!(error instanceof CorruptIndexError)) throw error;
      // Several searches may have met the same damage.
      if (!this.files.newestFirst.some(({ name }) => name === error.file)) return;
      this.options.log.error({ err: error }, 'the index is damaged and is built anew from here');
      await this.files.dropFrom(error.file, this.options.segments.first);
      this.syncedPosition = this.files.position;
      this.touch();
    } catch (failure) {
      this.fail(failure);
    }
  }

  private fail(failure: unknown): void {
    this.failure = failure instanceof Error ? failure : new Error(String(failure));
    if (this.closing) return;
    this.options.log.error(
      { err: failure },
      'the index stands still; it is tried again each minute',
    );
    this.timer?.cancel();
    this.timer = this.options.platform.timers.after(RETRY_MS, () => {
      this.failure = undefined;
      void this.run(async () => {
        // What is in memory and not in the files is not known any more: back to what was noted.
        await this.load();
        this.touch();
      });
    });
  }
}
