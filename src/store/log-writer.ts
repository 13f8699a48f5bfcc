/**
 * Brings the tail to disk. Four positions, each at most the one before it:
 *
 *     appended >= written >= synced      visible = synced (flush: sync) or written (async, buffered),
 *                                                  and at most what replicas have, where they are waited for
 *
 * One write at a time takes all that gathered; one sync at a time answers for all bytes whose write
 * had returned before it began. A segment is synced, and the next one's name, before a byte of the
 * next one is written. The first error ends it: what a failed sync left on disk nobody knows.
 */
import type { FileHandle, Platform, TimerHandle } from '../platform/platform';
import type { FlushMode } from './message-store';
import type { Segments } from './segments';
import type { Tail } from './tail';
import { PositionWaiters } from './waiters';
import { WritePace } from './write-pace';
import { errorText } from '../platform/error-text';

/** Unless `flush: sync`: a sync each 500 ms when 4 pages wait for one, and any amount after 10 s (Apache's defaults). */
const SYNC_INTERVAL_MS = 500;
const SYNC_LEAST_BYTES = 4 * 4096;
const SYNC_THOROUGH_MS = 10_000;
/** `flush: buffered`: a write each 200 ms (Apache's default), sooner when so much waits. */
const WRITE_INTERVAL_MS = 200;
const WRITE_MOST_BYTES = 8 * 1024 * 1024;

export interface LogWriterOptions {
  readonly platform: Platform;
  readonly segments: Segments;
  readonly tail: Tail;
  readonly flush: FlushMode;
  /** Where the log ends now; all below it is on disk. */
  readonly position: number;
  /** Called when `visible` has moved, before those who wait for it are told. */
  readonly onVisible: (visible: number) => void;
  /** Called when `written` or `synced` has moved. */
  readonly onProgress: () => void;
  /** Called once, when a write or a sync has failed. */
  readonly onFailure: (failure: Error) => void;
}

export class LogWriter {
  private appendedTo: number;
  private writtenTo: number;
  private syncedTo: number;
  private visibleTo: number;
  /** Nothing beyond becomes visible, see `confirm`. */
  private confirmedTo = Infinity;
  private broken: Error | undefined;
  private abandoned: Error | undefined;

  private handle: FileHandle | undefined;
  private handleStart = -1;
  private writeRun: Promise<void> | undefined;
  private writeScheduled = false;
  private syncRun: Promise<void> | undefined;
  private syncTimer: TimerHandle | undefined;
  private writeTimer: TimerHandle | undefined;
  private lastSyncMs: number;

  private readonly pace: WritePace;
  private readonly writtenWaiters = new PositionWaiters();
  private readonly durableWaiters = new PositionWaiters();

  constructor(private readonly options: LogWriterOptions) {
    this.appendedTo = this.writtenTo = this.syncedTo = this.visibleTo = options.position;
    this.lastSyncMs = options.platform.clock.monotonicMs();
    this.pace = new WritePace(options.platform.clock);
  }

  get appended(): number {
    return this.appendedTo;
  }

  get writtenPosition(): number {
    return this.writtenTo;
  }

  get synced(): number {
    return this.syncedTo;
  }

  get visible(): number {
    return this.visibleTo;
  }

  get failure(): Error | undefined {
    return this.broken;
  }

  /** The tail now ends at `position`: it is written after this turn of the event loop. Hot path. */
  appendedUpTo(position: number): void {
    this.appendedTo = position;
    if (this.writeRun !== undefined || this.writeScheduled || this.broken) return;
    const patient =
      this.options.flush === 'buffered' && position - this.writtenTo < WRITE_MOST_BYTES;
    if (patient) this.armWriteTimer();
    else this.scheduleWrite();
  }

  /** Resolves when all below `position` is written; under `buffered` at once. */
  written(position: number): Promise<void> {
    if (position <= this.writtenTo) return Promise.resolve();
    return this.line(this.writtenWaiters, position, this.options.flush !== 'buffered');
  }

  /** Resolves when all below `position` is visible; under `buffered` at once, unless replicas are waited for. */
  durable(position: number): Promise<void> {
    if (position <= this.visibleTo) return Promise.resolve();
    if (this.abandoned) return Promise.reject(this.abandoned);
    const waits = this.options.flush !== 'buffered' || this.confirmedTo !== Infinity;
    return this.line(this.durableWaiters, position, waits);
  }

  /** Nothing beyond `position` becomes visible until this is called again; `Infinity`: what is as durable as the flush mode wants. */
  confirm(position: number): void {
    this.confirmedTo = position;
    this.moved();
  }

  /** Nothing is waited for any more but the disk; whoever waits for a confirmation does not get it. */
  endConfirming(): void {
    if (this.confirmedTo === Infinity) return;
    this.abandon(new Error('the store is closed'));
    this.confirm(Infinity);
  }

  /** Whoever waits for `durable`, now or later, is told that it does not come about. */
  abandon(reason: Error): void {
    this.abandoned ??= reason;
    this.durableWaiters.fail(reason);
  }

  /** Writes and syncs all below `position`, whatever the flush mode. */
  async syncTo(position: number): Promise<void> {
    if (position > this.writtenTo) {
      this.scheduleWrite();
      await this.line(this.writtenWaiters, position, true);
    }
    while (this.syncedTo < position) {
      if (this.broken) throw this.broken;
      await this.startSync();
    }
  }

  /** Stops writing: nothing may be appended after this, and what is not synced stays so. */
  async close(): Promise<void> {
    this.syncTimer?.cancel();
    this.writeTimer?.cancel();
    await this.writeRun;
    await this.syncRun;
    await this.handle?.close();
    this.handle = undefined;
  }

  private line(waiters: PositionWaiters, position: number, waits: boolean): Promise<void> {
    if (this.broken) return Promise.reject(this.broken);
    if (position > this.appendedTo) {
      return Promise.reject(
        new RangeError(`position ${position} is beyond the log's end ${this.appendedTo}`),
      );
    }
    return waits ? waiters.wait(position) : Promise.resolve();
  }

  private scheduleWrite(): void {
    this.writeTimer?.cancel();
    this.writeTimer = undefined;
    if (this.writeRun !== undefined || this.writeScheduled || this.broken) return;
    this.writeScheduled = true;
    this.options.platform.timers.nextTurn(() => {
      this.writeScheduled = false;
      this.startWrite();
    });
  }

  private armWriteTimer(): void {
    this.writeTimer ??= this.options.platform.timers.after(WRITE_INTERVAL_MS, () => {
      this.writeTimer = undefined;
      this.startWrite();
    });
  }

  private startWrite(): void {
    if (this.writeRun === undefined && this.mustWrite()) this.writeRun = this.writeAll();
  }

  private mustWrite(): boolean {
    return this.writtenTo < this.appendedTo && !this.broken;
  }

  private async writeAll(): Promise<void> {
    try {
      while (this.mustWrite()) await this.writeOnce();
    } catch (error) {
      this.fail('write', error);
    } finally {
      // In the same turn as the last look for work, so that none is left lying.
      this.writeRun = undefined;
    }
  }

  private async writeOnce(): Promise<void> {
    const { segments, tail } = this.options;
    const start = segments.startOf(this.writtenTo);
    if (start !== this.handleStart) await this.enter(start);
    const from = this.writtenTo;
    const to = Math.min(this.appendedTo, start + segments.segmentBytes);
    await this.put(tail.gather(from, to), from - start, to - from);
    if (this.broken) return;
    this.writtenTo = to;
    this.moved();
    this.writtenWaiters.reach(to);
    this.options.onProgress();
    if (this.options.flush === 'sync') void this.startSync();
    else this.armSyncTimer();
  }

  /** Writes `bytes` bytes at `at` of the segment. A write beside a sync of the same file may wait for it, so never in the event loop. */
  private put(buffers: readonly Buffer[], at: number, bytes: number): Promise<void> | undefined {
    const { handle, pace } = this;
    if (handle?.writeNow === undefined || this.syncRun !== undefined || !pace.mayBlock(bytes)) {
      return handle?.write(buffers, at);
    }
    pace.block(() => handle.writeNow?.(buffers, at));
    return undefined;
  }

  /** Goes on in the segment at `start`; the one before is synced first, and the new name. */
  private async enter(start: number): Promise<void> {
    const { segments } = this.options;
    await this.syncTo(this.writtenTo);
    await this.syncRun;
    const before = this.handle;
    this.handle = await segments.openForWriting(start);
    this.handleStart = start;
    await before?.close();
  }

  private startSync(): Promise<void> {
    if (this.syncRun === undefined && this.mustSync()) this.syncRun = this.syncAll();
    return this.syncRun ?? Promise.resolve();
  }

  private mustSync(): boolean {
    return this.syncedTo < this.writtenTo && !this.broken;
  }

  private async syncAll(): Promise<void> {
    try {
      while (this.mustSync()) {
        const target = this.writtenTo;
        await this.handle?.datasync();
        if (this.broken) return;
        this.syncedTo = target;
        this.lastSyncMs = this.options.platform.clock.monotonicMs();
        this.moved();
        this.options.onProgress();
        // Otherwise one round is enough: the next one is the timer's.
        if (this.options.flush !== 'sync') return;
      }
    } catch (error) {
      this.fail('sync', error);
    } finally {
      this.syncRun = undefined;
    }
  }

  private armSyncTimer(): void {
    if (this.syncTimer !== undefined || this.syncedTo === this.writtenTo || this.broken) return;
    this.syncTimer = this.options.platform.timers.after(SYNC_INTERVAL_MS, () => {
      const sinceMs = this.options.platform.clock.monotonicMs() - this.lastSyncMs;
      const due = this.writtenTo - this.syncedTo >= SYNC_LEAST_BYTES || sinceMs >= SYNC_THOROUGH_MS;
      void (due ? this.startSync() : Promise.resolve()).then(() => {
        this.syncTimer = undefined;
        this.armSyncTimer();
      });
    });
  }

  private moved(): void {
    const flushed = this.options.flush === 'sync' ? this.syncedTo : this.writtenTo;
    const visible = Math.min(flushed, this.confirmedTo);
    if (visible <= this.visibleTo) return;
    this.visibleTo = visible;
    this.options.onVisible(visible);
    this.durableWaiters.reach(visible);
  }

  private fail(what: string, cause: unknown): void {
    if (this.broken) return;
    const text = errorText(cause);
    this.broken = new Error(`${what} of the CommitLog failed: ${text}`, { cause });
    this.syncTimer?.cancel();
    this.writeTimer?.cancel();
    this.writtenWaiters.fail(this.broken);
    this.durableWaiters.fail(this.broken);
    this.options.onFailure(this.broken);
  }
}
