/**
 * Walks the visible log in slices, so that nothing else waits long: from memory where the newest
 * part of it is, else from the files.
 */
import { readInt64 } from '../../message/int64';
import { FIXED_BYTES, MAGIC_BLANK } from '../../message/record';
import { LogScanner } from '../log-scanner';
import type { Segments } from '../segments';

/** Records of one turn of the event loop. */
const RECORDS_A_SLICE = 256;

/** What the index needs of the CommitLog. */
export interface IndexedLog {
  readonly writer: {
    readonly visible: number;
    readonly failure: Error | undefined;
    syncTo(position: number): Promise<void>;
  };
  /** A view of the log from `position` on, at most to `limit`; `undefined` when it is not in memory. */
  recent(position: number, limit: number): Buffer | undefined;
  recordAt(position: number): Promise<Buffer | undefined>;
}

/** Called with each record; its bytes are valid until the call, or its promise, is done. */
export type RecordVisitor = (record: Buffer, position: number) => Promise<void> | undefined;

export class LogReader {
  private scanner: LogScanner | undefined;
  private scannerLimit = 0;

  constructor(
    private readonly log: IndexedLog,
    private readonly segments: Segments,
  ) {}

  /**
   * Visits some records from `position` on, a record's first byte, that end below `limit`, up to
   * where the log is visible.
   * @returns where to go on; `limit` when there is no more
   */
  async slice(position: number, limit: number, visit: RecordVisitor): Promise<number> {
    const recent = this.log.recent(position, limit);
    if (recent !== undefined) {
      this.rest();
      return this.visitRecent(recent, position, limit, visit);
    }
    return this.visitFiles(position, limit, visit);
  }

  /** Frees the memory for reading files. */
  rest(): void {
    this.scanner = undefined;
  }

  private async visitRecent(
    recent: Buffer,
    position: number,
    limit: number,
    visit: RecordVisitor,
  ): Promise<number> {
    let at = 0;
    for (let count = 0; count < RECORDS_A_SLICE && at + 8 <= recent.length; count++) {
      const bytes = recent.readInt32BE(at);
      // A blank record has only its head in memory.
      if (recent.readInt32BE(at + 4) === MAGIC_BLANK) return Math.min(position + at + bytes, limit);
      // What a master had damaged on its disk, and this replica has from it.
      if (bytes < FIXED_BYTES || at + bytes > recent.length) {
        return this.visitFiles(position + at, limit, visit);
      }
      const visited = visit(recent.subarray(at, at + bytes), position + at);
      if (visited !== undefined) await visited;
      at += bytes;
    }
    return position + at;
  }

  private async visitFiles(position: number, limit: number, visit: RecordVisitor): Promise<number> {
    if (this.scanner === undefined || this.scannerLimit < limit) {
      // What another one has read may have been written since.
      this.scanner = new LogScanner(this.segments);
      this.scannerLimit = limit;
    }
    let next = position;
    for (let count = 0; count < RECORDS_A_SLICE; count++) {
      const found = this.scanner.next(next, limit);
      const record = found instanceof Promise ? await found : found;
      if (record === undefined) return limit;
      const at = readInt64(record, 28);
      const visited = visit(record, at);
      if (visited !== undefined) await visited;
      next = at + record.length;
      if (next >= limit || this.log.recent(next, limit) !== undefined) return next;
    }
    return next;
  }
}
