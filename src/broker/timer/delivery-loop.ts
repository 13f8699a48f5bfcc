/**
 * Delivers delayed messages at their time. The rows of at most two periods are in memory for that: the
 * earliest one with messages that wait, and the next. One timer stands for the earliest message; while
 * anything waits it runs once a second at least, since the wall clock may jump.
 */
import type { Logger } from 'pino';
import { dueDraft, readTimerRecord } from '../../message/delayed';
import { TIMER_TOPIC } from '../../message/names';
import { readRecord } from '../../message/record';
import { Code, StatusError } from '../../message/status';
import type { Platform, TimerHandle } from '../../platform/platform';
import type { MessageStore } from '../../store/message-store';
import type { PeriodRows } from './period-rows';
import { ending, EntryKind, type TimerEntry } from './timer-entry';
import type { Period, TimerIndex } from './timer-index';

/** A period's rows are in memory so long before it begins. */
const AHEAD_MS = 10_000;
const MOST_ACTIVE = 2;
/** Between two looks at the wall clock, at most. */
const LOOK_MS = 1000;
/** After the log took no message. */
const PAUSE_MS = 50;
/** After a record or a period's file could not be read. */
const RETRY_MS = 60_000;
const BATCH_MESSAGES = 256;
const BATCH_BYTES = 4 * 1024 * 1024;

export interface DeliveryParts {
  readonly store: MessageStore;
  readonly platform: Platform;
  readonly logger: Logger;
  readonly index: TimerIndex;
  readonly queuesOf: (topic: string) => number;
  /** Called for each delivery, with the end of its record. */
  readonly delivered: (endOffset: number) => void;
  /** Ends the wait of a message that has no place to go to. */
  readonly drop: (entry: TimerEntry, topic: string, messageId: string) => void;
}

interface Taken {
  readonly rows: PeriodRows;
  readonly row: number;
  readonly period: Period;
}

export class DeliveryLoop {
  private timer: TimerHandle | undefined;
  /** Wall clock for which the timer is set. */
  private armedMs = Infinity;
  private active: readonly Period[] = [];
  /** Start of the first period that is not in memory and has messages that wait. */
  private nextStartMs = 0;
  private readonly pinned = new Map<Period, number>();
  /** Periods with something unreadable, and when to try again, by the monotonic clock. */
  private readonly retryAt = new Map<number, number>();
  private pauseUntil = 0;
  private running: Promise<void> | undefined;
  private stopped = true;

  constructor(private readonly parts: DeliveryParts) {}

  start(): void {
    this.stopped = false;
    this.arm(0);
  }

  /** Resolves when nothing is under way any more. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.timer?.cancel();
    this.timer = undefined;
    await this.running;
  }

  /** A message has begun to wait. */
  added(dueMs: number): void {
    const period = this.parts.index.find(dueMs);
    if (period === undefined || this.stopped) return;
    if (this.active.includes(period)) {
      if (dueMs < this.armedMs) this.arm();
      return;
    }
    this.nextStartMs = Math.min(this.nextStartMs, period.startMs);
    if (this.running === undefined && period.startMs - AHEAD_MS < this.armedMs) this.arm();
  }

  /** Runs `task` while a period's rows are in memory; what follows in its turn still sees them. */
  async pin<T>(period: Period, task: (rows: PeriodRows) => Promise<T>): Promise<T> {
    this.pinned.set(period, (this.pinned.get(period) ?? 0) + 1);
    try {
      return await task(await this.parts.index.load(period));
    } finally {
      // In a later turn: the caller goes on with the rows.
      this.parts.platform.timers.nextTurn(() => this.unpin(period));
    }
  }

  private unpin(period: Period): void {
    const left = (this.pinned.get(period) ?? 1) - 1;
    if (left > 0) this.pinned.set(period, left);
    else this.pinned.delete(period);
    if (left <= 0 && !this.active.includes(period)) this.forgetOthers();
  }

  /** Sets the timer for what comes next. */
  private arm(atLeastMs = 0): void {
    this.timer?.cancel();
    this.timer = undefined;
    this.armedMs = Infinity;
    const { index, platform, store } = this.parts;
    if (this.stopped || this.running !== undefined || store.failure !== undefined) return;
    if (index.counts.total === 0) return;
    const nowMs = platform.clock.wallMs();
    let next = this.nextStartMs - AHEAD_MS;
    for (const { rows } of this.active) next = Math.min(next, rows?.nextDueMs ?? Infinity);
    const pauseMs = this.pauseUntil - platform.clock.monotonicMs();
    const waitMs = Math.max(atLeastMs, pauseMs, Math.min(LOOK_MS, Math.max(0, next - nowMs)));
    this.armedMs = nowMs + waitMs;
    this.timer = platform.timers.after(waitMs, () => this.wake());
  }

  private wake(): void {
    if (this.running !== undefined || this.stopped) return;
    this.timer = undefined;
    this.running = this.deliverDue()
      .catch((err: unknown) => {
        this.pauseUntil = this.parts.platform.clock.monotonicMs() + LOOK_MS;
        this.parts.logger.error({ err }, 'delivering delayed messages failed, tried again');
      })
      .finally(() => {
        this.running = undefined;
        this.arm();
      });
  }

  private async deliverDue(): Promise<void> {
    do {
      if (this.shouldRefresh()) await this.refresh();
    } while (!this.stopped && (await this.deliverBatch()));
  }

  private shouldRefresh(): boolean {
    const { clock } = this.parts.platform;
    if (clock.wallMs() + AHEAD_MS >= this.nextStartMs) return true;
    if (this.active.some(({ waiting, rows }) => waiting === 0 || rows === undefined)) return true;
    return [...this.retryAt.values()].some((at) => at <= clock.monotonicMs());
  }

  /** Brings the rows of the periods at hand into memory and forgets the others. */
  private async refresh(): Promise<void> {
    const { index, platform, logger } = this.parts;
    const nowMs = platform.clock.wallMs();
    const monotonicMs = platform.clock.monotonicMs();
    for (const [startMs, at] of this.retryAt) if (at <= monotonicMs) this.retryAt.delete(startMs);
    const pending = index.pending().filter(({ startMs }) => !this.retryAt.has(startMs));
    const near = pending.filter(({ startMs }) => startMs <= nowMs + AHEAD_MS);
    this.active = near.slice(0, MOST_ACTIVE);
    this.nextStartMs = pending[this.active.length]?.startMs ?? Infinity;
    this.forgetOthers();
    for (const period of this.active) {
      try {
        await index.load(period);
      } catch (err) {
        this.retryLater(period);
        logger.error(
          { err, startMs: period.startMs },
          'a period of delayed messages cannot be read, tried again in a minute',
        );
      }
    }
  }

  private forgetOthers(): void {
    this.parts.index.keepOnly(new Set([...this.active, ...this.pinned.keys()]));
  }

  private retryLater(period: Period): void {
    this.retryAt.set(period.startMs, this.parts.platform.clock.monotonicMs() + RETRY_MS);
    this.active = this.active.filter((other) => other !== period);
  }

  /** Delivers some of what is due; false when nothing more is to be done now. */
  private async deliverBatch(): Promise<boolean> {
    const { platform } = this.parts;
    if (this.pauseUntil > platform.clock.monotonicMs()) return false;
    const batch = this.take(platform.clock.wallMs());
    if (batch.length === 0) return false;
    const records = await Promise.all(batch.map((taken) => this.read(taken)));
    let delivered = true;
    batch.forEach((taken, i) => {
      const record = records[i];
      // Recalled, or written anew, while it was read.
      if (!taken.rows.waits(taken.row) || record === undefined) return;
      try {
        this.deliver(taken, record);
      } catch (error) {
        taken.rows.giveBack(taken.row);
        delivered = false;
        this.refused(error);
      }
    });
    await new Promise<void>((resolve) => platform.timers.nextTurn(resolve));
    return delivered;
  }

  private take(nowMs: number): Taken[] {
    const batch: Taken[] = [];
    let bytes = 0;
    for (const period of this.active) {
      const { rows } = period;
      if (rows === undefined) continue;
      while (batch.length < BATCH_MESSAGES && bytes < BATCH_BYTES) {
        const row = rows.takeDue(nowMs);
        if (row === undefined) break;
        bytes += rows.entry(row).bytes;
        batch.push({ period, rows, row });
      }
    }
    return batch;
  }

  /** The waiting record; `undefined` when it cannot be read now. */
  private async read({ rows, row, period }: Taken): Promise<Buffer | undefined> {
    const entry = rows.entry(row);
    const { position: physicalOffset, queueOffset, bytes } = entry;
    try {
      const { store } = this.parts;
      return await store.record(TIMER_TOPIC, 0, {
        physicalOffset,
        queueOffset,
        bytes,
        tagsCode: 0,
      });
    } catch (err) {
      this.retryLater(period);
      this.parts.logger.error(
        { err, queueOffset, physicalOffset, dueMs: entry.dueMs },
        'a delayed message cannot be read, tried again in a minute',
      );
      return undefined;
    }
  }

  private deliver({ rows, row }: Taken, bytes: Buffer): void {
    const { store, index, queuesOf, delivered, drop, logger } = this.parts;
    const entry = rows.entry(row);
    const told = readTimerRecord(readRecord(bytes, 0));
    if (told === undefined || 'positions' in told) {
      throw new StatusError(Code.INTERNAL_SERVER_ERROR, 'not a record of a delayed message');
    }
    const { topic, queueId, messageId } = told;
    if (queueId < 0 || queueId >= queuesOf(topic)) {
      logger.warn(
        { topic, queueId, messageId },
        'a delayed message has no queue to go to: dropped',
      );
      drop(entry, topic, messageId);
      return;
    }
    const { physicalOffset, endOffset } = store.append(dueDraft(bytes, topic), queueId);
    index.end(ending(EntryKind.DELIVERED, entry.dueMs, entry.position), topic, physicalOffset);
    delivered(endOffset);
  }

  private refused(error: unknown): void {
    const { platform, logger } = this.parts;
    this.pauseUntil = platform.clock.monotonicMs() + PAUSE_MS;
    if (error instanceof StatusError && error.code === Code.TOO_MANY_REQUESTS) return;
    this.pauseUntil = platform.clock.monotonicMs() + LOOK_MS;
    logger.error({ err: error }, 'a delayed message could not be delivered, tried again');
  }
}
