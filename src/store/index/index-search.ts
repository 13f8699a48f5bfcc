/** Searches of an index: its files, and what of the log it has not reached yet. */
import type { Logger } from 'pino';
import { Code, StatusError } from '../../message/status';
import { storeTimestampOf } from '../../message/record-property';
import type { Platform } from '../../platform/platform';
import { Gate } from '../gate';
import type { FoundMessages, MessageQuery } from '../message-store';
import type { Segments } from '../segments';
import { CorruptIndexError } from './corrupt-index';
import { keyHashOf } from './index-file';
import type { IndexFiles } from './index-files';
import { hashesOf, keysOf } from './index-keys';
import { filedUnder, type Budget } from './index-query';
import { LogReader, type IndexedLog } from './log-reader';
import { errorText } from '../../platform/error-text';

/** Searches at once, and waiting for their turn beside them. */
const SEARCHES_AT_ONCE = 2;
const MAX_SEARCHES = 64;
/** What one search may look at. */
const MAX_STEPS = 200_000;
const MAX_SCANNED_BYTES = 256 * 1024 * 1024;
/** Bytes of all records that one search answers. */
const MAX_FOUND_BYTES = 32 * 1024 * 1024;

export interface IndexSearchOptions {
  readonly platform: Platform;
  readonly log: Logger;
  readonly files: IndexFiles;
  readonly segments: Segments;
  readonly commitLog: IndexedLog;
  readonly isDeleted: (topic: string, physicalOffset: number) => boolean;
}

export class IndexSearch {
  private readonly gate = new Gate(SEARCHES_AT_ONCE);
  private searches = 0;

  constructor(private readonly options: IndexSearchOptions) {}

  /** @param isDamaged told of what goes wrong; true: the answer is what was found until then */
  async find(query: MessageQuery, isDamaged: (error: unknown) => boolean): Promise<FoundMessages> {
    if (this.searches >= MAX_SEARCHES) {
      throw new StatusError(
        Code.TOO_MANY_REQUESTS,
        `${this.searches} searches for messages run or wait, the limit is ${MAX_SEARCHES}`,
      );
    }
    this.searches++;
    try {
      return await this.gate.run(() => this.findNow(query, isDamaged));
    } finally {
      this.searches--;
    }
  }

  private async findNow(
    query: MessageQuery,
    isDamaged: (error: unknown) => boolean,
  ): Promise<FoundMessages> {
    const search = new Search(query, this.options);
    const { files } = this.options;
    const { generation } = files;
    try {
      await search.scanTail();
      for (const topic of query.topics) await search.searchFiles(topic);
    } catch (error) {
      if (!isDamaged(error) && files.generation === generation) {
        if (error instanceof StatusError) throw error;
        const why = errorText(error);
        const text = `the index cannot be read: ${why}`;
        throw new StatusError(Code.INTERNAL_SERVER_ERROR, text, { cause: error });
      }
      search.complete = false;
    }
    if (files.generation !== generation) search.complete = false;
    return search.outcome();
  }
}

class Search {
  complete = true;
  /** By position in the log. */
  private readonly found = new Map<number, Buffer>();
  private foundBytes = 0;
  private readonly topics: ReadonlySet<string>;
  private readonly budget: Budget = { steps: MAX_STEPS };

  constructor(
    private readonly query: MessageQuery,
    private readonly options: IndexSearchOptions,
  ) {
    this.topics = new Set(query.topics);
  }

  /** Goes through what the index has not reached yet. */
  async scanTail(): Promise<void> {
    const { segments, commitLog, files, platform } = this.options;
    const reader = new LogReader(commitLog, segments);
    const from = Math.max(files.position, segments.first);
    const end = commitLog.writer.visible;
    const limit = Math.min(end, from + MAX_SCANNED_BYTES);
    for (let position = from; position < limit;) {
      position = await reader.slice(position, limit, (record, at) => {
        if (this.matches(record, at)) this.keep(at, Buffer.from(record));
        return undefined;
      });
      await new Promise<void>((resolve) => {
        platform.timers.nextTurn(resolve);
      });
    }
    if (limit < end) this.complete = false;
  }

  async searchFiles(topic: string): Promise<void> {
    const { files, platform, commitLog, segments } = this.options;
    const { key, maxMessages } = this.query;
    const hash = keyHashOf(`${topic}#${key}`);
    const hits = filedUnder(files, platform.timers, hash, this.query, this.budget);
    for await (const { file, position } of hits) {
      if (this.found.has(position)) continue;
      if (this.found.size >= maxMessages || this.foundBytes >= MAX_FOUND_BYTES) {
        this.complete = false;
        return;
      }
      const record = await commitLog.recordAt(position);
      if (position < segments.first) continue;
      // Where no whole record lies none is indexed when the file is built anew, so that this ends.
      if (record === undefined || !hashesOf(record).includes(hash)) {
        throw new CorruptIndexError(file, `there is no record of its key at ${position}`);
      }
      if (this.matches(record, position)) this.keep(position, record);
    }
    if (this.budget.steps <= 0) this.complete = false;
  }

  /** Newest first. */
  outcome(): FoundMessages {
    const records = [...this.found].sort(([a], [b]) => b - a).map(([, record]) => record);
    return { records, complete: this.complete };
  }

  private keep(position: number, record: Buffer): void {
    if (this.found.has(position)) return;
    this.found.set(position, record);
    this.foundBytes += record.length;
    while (this.found.size > this.query.maxMessages || this.foundBytes > MAX_FOUND_BYTES) {
      if (this.found.size === 1) return;
      const oldest = Math.min(...this.found.keys());
      this.foundBytes -= this.found.get(oldest)?.length ?? 0;
      this.found.delete(oldest);
      this.complete = false;
    }
  }

  private matches(record: Buffer, position: number): boolean {
    const { by, key, beginMs, endMs } = this.query;
    const storedMs = storeTimestampOf(record);
    if (storedMs < beginMs || storedMs > endMs) return false;
    const { topic, uniqueId, keys } = keysOf(record);
    if (!this.topics.has(topic)) return false;
    const isMatch = by === 'id' ? uniqueId === key : keys.split(' ').includes(key);
    return isMatch && !this.options.isDeleted(topic, position);
  }
}
