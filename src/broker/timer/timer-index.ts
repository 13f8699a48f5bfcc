// long: one view, in memory and in its files, whose parts change together.
/**
 * Which messages wait until when: a view of the log, on disk by the period in which they are due, in
 * memory only for the periods that are at hand.
 *
 *     gantry/timer/<startMs>          the period's entries, in log order (./timer-entry)
 *     gantry/timer/checkpoint.json    a position of the log, and how long each file is that tells of all below it
 *
 * Entries are appended to a period's buffer as their records are appended to the log, and to its file
 * some time later. What files hold beyond the checkpoint is cut off at start and read from the log again.
 */
import { join } from 'node:path';
import type { Files, Platform } from '../../platform/platform';
import { Pass } from '../../store/pass';
import { PeriodRows } from './period-rows';
import { PendingCounts } from './pending-counts';
import {
  CHECKPOINT,
  PERIOD_MS,
  readCheckpoint,
  startOf,
  writeCheckpoint,
} from './timer-checkpoint';
import { ENTRY_BYTES, readEntry, type TimerEntry, writeEntry } from './timer-entry';

/** Entries read from a file at once. */
const READ_ENTRIES = 16_384;
/** Entries that wait for their files, about: then they are written. */
const FLUSH_ENTRIES = 16_384;
/** Files that are synced at a time; the log needs some of Node's four file threads. */
const SYNCS_AT_ONCE = 2;

/** What is known of one period. */
export interface Period {
  readonly startMs: number;
  /** Messages that wait. */
  waiting: number;
  /** No waiting record lies below this position. */
  lowest: number;
  /** The last entry's position in the log is not above this one. */
  highest: number;
  /** Bytes of its file, the ones that are being written included. */
  fileBytes: number;
  buffer: Buffer;
  buffered: number;
  dirty: boolean;
  rows: PeriodRows | undefined;
  loading: Promise<PeriodRows> | undefined;
}

export class TimerIndex {
  readonly counts = new PendingCounts();
  private readonly periods = new Map<number, Period>();
  private buffered = 0;
  private damaged = false;
  /** Files that go with the next checkpoint. */
  private forgotten: string[] = [];
  private work: Promise<void> = Promise.resolve();
  private readonly directory: string;
  private readonly files: Files;

  constructor(directory: string, platform: Pick<Platform, 'files'>) {
    this.directory = join(directory, 'gantry', 'timer');
    this.files = platform.files;
  }

  /** Entries that are not in their files yet. */
  get unwritten(): number {
    return this.buffered;
  }

  /** Whether enough entries wait for their files. */
  get shouldFlush(): boolean {
    return this.buffered >= FLUSH_ENTRIES;
  }

  /**
   * Reads the checkpoint; without a good one, or with one beyond the log's end, all is empty.
   * @returns the position from which the log tells what the index does not know
   */
  async open(logEnd: number): Promise<number> {
    await this.files.makeDirectory(this.directory);
    const checkpoint = await readCheckpoint(this.files, this.directory, logEnd);
    const known = new Map(checkpoint?.periods.map((period) => [String(period[0]), period]));
    for (const name of await this.files.list(this.directory)) {
      if (name === CHECKPOINT) continue;
      const period = known.get(name);
      const path = join(this.directory, name);
      const bytes = period?.[1] ?? 0;
      if (bytes === 0) await this.files.remove(path);
      else if ((await this.files.stat(path))?.bytes !== bytes) await this.cut(path, bytes);
    }
    if (checkpoint === undefined) return 0;
    for (const [startMs, fileBytes, waiting, lowest, highest] of checkpoint.periods) {
      this.periods.set(startMs, {
        ...newPeriod(startMs),
        ...{ fileBytes, waiting, lowest, highest },
      });
    }
    this.counts.restore(checkpoint.topics);
    return checkpoint.position;
  }

  /** A message begins to wait. */
  begin(entry: TimerEntry, topic: string): void {
    const period = this.periodOf(entry.dueMs);
    period.waiting++;
    period.lowest = Math.min(period.lowest, entry.position);
    this.counts.add(topic, entry.dueMs, 1);
    this.put(period, entry, entry.position);
  }

  /**
   * A message waits no longer.
   * @param at position of the record that says so
   */
  end(entry: TimerEntry, topic: string, at: number): void {
    const period = this.periodOf(entry.dueMs);
    period.waiting = Math.max(0, period.waiting - 1);
    this.counts.add(topic, entry.dueMs, -1);
    this.put(period, entry, at);
  }

  /** Messages that wait in the period of a time. */
  waitingAt(dueMs: number): number {
    return this.periods.get(startOf(dueMs))?.waiting ?? 0;
  }

  /** Periods with messages that wait, the earliest first. */
  pending(): Period[] {
    const pending = [...this.periods.values()].filter(({ waiting }) => waiting > 0);
    return pending.sort((a, b) => a.startMs - b.startMs);
  }

  find(dueMs: number): Period | undefined {
    return this.periods.get(startOf(dueMs));
  }

  /** The rows of a period, from its file where they are not in memory. */
  load(period: Period): Promise<PeriodRows> {
    if (period.rows !== undefined) return Promise.resolve(period.rows);
    period.loading ??= this.inTurn(async () => {
      const rows = await this.readRows(period).catch((error: unknown) => this.distrust(error));
      for (let i = 0; i < period.buffered; i++) {
        rows.apply(readEntry(period.buffer, i * ENTRY_BYTES));
      }
      period.rows = rows;
      return rows;
    }).finally(() => {
      period.loading = undefined;
    });
    return period.loading;
  }

  /** Forgets the rows of all periods but some; they can be loaded again. */
  keepOnly(kept: ReadonlySet<Period>): void {
    for (const period of this.periods.values()) {
      if (!kept.has(period)) period.rows = undefined;
    }
  }

  /** Appends what is buffered to the files. */
  flush(): Promise<void> {
    return this.inTurn(async () => {
      for (const period of [...this.periods.values()]) await this.flushPeriod(period);
    });
  }

  /**
   * Makes the index durable for all of the log below `position`, which all entries so far are below.
   * @param synced resolves when the log is on stable storage up to there
   */
  checkpoint(position: number, synced: () => Promise<void>): Promise<void> {
    // All that is said is of this moment: entries that come while files are written are not part of it.
    const topics = this.counts.snapshot();
    const forgotten = this.forgotten;
    this.forgotten = [];
    const periods = [...this.periods.values()].map((period) => {
      const { startMs, waiting, lowest, highest, fileBytes, buffered } = period;
      const bytes = fileBytes + buffered * ENTRY_BYTES;
      return [startMs, bytes, waiting, lowest, highest] as const;
    });
    return this.inTurn(async () => {
      for (const period of [...this.periods.values()]) await this.flushPeriod(period);
      await this.syncPeriods();
      await synced();
      if (!this.damaged)
        await writeCheckpoint(this.files, this.directory, { position, periods, topics });
      for (const path of forgotten) await this.files.remove(path);
    });
  }

  /**
   * Forgets periods that are over and of which the log below `below` was the last to tell. Their files
   * go once a checkpoint does not name them any more.
   */
  forgetBelow(below: number, nowMs: number): void {
    for (const period of [...this.periods.values()]) {
      const over = period.startMs + PERIOD_MS < nowMs;
      if (!over || period.waiting > 0 || period.highest >= below || period.loading) continue;
      this.buffered -= period.buffered;
      period.buffered = 0;
      this.periods.delete(period.startMs);
      this.forgotten.push(this.path(period));
    }
  }

  /** Waits until nothing is being read or written. */
  async settled(): Promise<void> {
    await this.inTurn(() => Promise.resolve());
  }

  private put(period: Period, entry: TimerEntry, at: number): void {
    const needed = (period.buffered + 1) * ENTRY_BYTES;
    if (needed > period.buffer.length) {
      const grown = Buffer.alloc(Math.max(needed, 2 * period.buffer.length));
      period.buffer.copy(grown);
      period.buffer = grown;
    }
    writeEntry(period.buffer, period.buffered * ENTRY_BYTES, entry);
    period.buffered++;
    this.buffered++;
    period.highest = Math.max(period.highest, at);
    period.rows?.apply(entry);
  }

  private periodOf(dueMs: number): Period {
    const startMs = startOf(dueMs);
    let period = this.periods.get(startMs);
    if (period === undefined) {
      period = newPeriod(startMs);
      this.periods.set(startMs, period);
    }
    return period;
  }

  private async readRows(period: Period): Promise<PeriodRows> {
    const rows = new PeriodRows();
    if (period.fileBytes === 0) return rows;
    const handle = await this.files.open(this.path(period), 'read');
    try {
      const bytes = Buffer.allocUnsafe(Math.min(READ_ENTRIES * ENTRY_BYTES, period.fileBytes));
      for (let at = 0; at < period.fileBytes; at += bytes.length) {
        const wanted = Math.min(bytes.length, period.fileBytes - at);
        const filled = await handle.read(bytes.subarray(0, wanted), at);
        if (filled < wanted) throw new RangeError(`${handle.path} ends before its entries do`);
        for (let i = 0; i < wanted; i += ENTRY_BYTES) rows.apply(readEntry(bytes, i));
      }
    } finally {
      await handle.close();
    }
    return rows;
  }

  /** A damaged file: there is no checkpoint any more, so that the next start reads everything from the log. */
  private async distrust(error: unknown): Promise<never> {
    if (error instanceof RangeError) {
      this.damaged = true;
      await this.files.remove(join(this.directory, CHECKPOINT));
    }
    throw error;
  }

  private async flushPeriod(period: Period): Promise<void> {
    const { buffer, buffered } = period;
    if (buffered === 0) return;
    const bytes = Buffer.from(buffer.subarray(0, buffered * ENTRY_BYTES));
    const handle = await this.files.open(this.path(period), 'create');
    try {
      await handle.write([bytes], period.fileBytes);
    } finally {
      await handle.close();
    }
    period.dirty = true;
    period.fileBytes += bytes.length;
    // Entries that came meanwhile stay.
    period.buffer = Buffer.from(
      period.buffer.subarray(bytes.length, period.buffered * ENTRY_BYTES),
    );
    period.buffered -= buffered;
    this.buffered -= buffered;
  }

  /** Some at once: file systems sync them together. */
  private async syncPeriods(): Promise<void> {
    const dirty = [...this.periods.values()].filter((period) => period.dirty);
    await new Pass(dirty, SYNCS_AT_ONCE, (period) => this.syncPeriod(period)).run();
  }

  private async syncPeriod(period: Period): Promise<void> {
    const handle = await this.files.open(this.path(period), 'write');
    await handle.datasync();
    await handle.close();
    period.dirty = false;
  }

  private async cut(path: string, bytes: number): Promise<void> {
    const handle = await this.files.open(path, 'write');
    await handle.truncate(bytes);
    await handle.close();
  }

  private path({ startMs }: Period): string {
    return join(this.directory, String(startMs));
  }

  /** Runs after all that was asked for before, whether that worked or not. */
  private inTurn<T>(task: () => Promise<T>): Promise<T> {
    const run = this.work.then(task);
    this.work = run.then(
      () => undefined,
      () => undefined,
    );
    return run;
  }
}

function newPeriod(startMs: number): Period {
  return {
    startMs,
    waiting: 0,
    lowest: Number.MAX_SAFE_INTEGER,
    highest: 0,
    fileBytes: 0,
    buffer: Buffer.alloc(0),
    buffered: 0,
    dirty: false,
    rows: undefined,
    loading: undefined,
  };
}
