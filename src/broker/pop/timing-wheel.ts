/**
 * Deadlines of the rows of an InflightTable: three levels of 256 buckets, ticks of 8 ms.
 *
 *     level 0: one tick a bucket        2 s ahead
 *     level 1: 256 ticks a bucket       8.7 min ahead
 *     level 2: 65,536 ticks a bucket    37 h ahead
 *
 * A bucket is a doubly linked list through the table's columns, so neither an object nor a timer is
 * spent on a message. One timer of the platform stands for the earliest bucket in use. Tick numbers
 * wrap at 2^32 (397 days); only differences are looked at.
 */
import type { Platform, TimerHandle } from '../../platform/platform';
import { UNLINKED, type InflightTable } from './inflight-table';

export const TICK_MS = 8;
const BUCKETS = 256;
const LEVELS = 3;
/** Longest time ahead, ticks; a later deadline is put here and looked at again then. */
const HORIZON = BUCKETS ** LEVELS - 1;
const NONE = -1;

export class TimingWheel {
  private readonly heads = new Int32Array(BUCKETS * LEVELS).fill(NONE);
  private readonly startMs: number;
  /** All buckets up to this tick have been served. */
  private tick = 0;
  private linked = 0;
  private timer: TimerHandle | undefined;
  private timerTick = 0;
  private closed = false;

  /**
   * @param onDue called with each row whose deadline has passed; the row is in no bucket then
   * @param onTurn called once after a turn in which rows were due
   */
  constructor(
    private readonly table: InflightTable,
    private readonly platform: Pick<Platform, 'clock' | 'timers'>,
    private readonly onDue: (row: number) => void,
    private readonly onTurn: () => void,
  ) {
    this.startMs = platform.clock.monotonicMs();
  }

  /** Puts a row that is in no bucket where it is due in `delayMs`; never early, at most a tick late. */
  link(row: number, delayMs: number): void {
    const now = this.nowMs();
    if (this.linked === 0) this.tick = Math.floor(now / TICK_MS) >>> 0;
    const due = Math.ceil((now + delayMs) / TICK_MS) >>> 0;
    this.table.deadline[row] = due;
    this.place(row);
    this.linked++;
    // The timer's turn serves all buckets up to its tick, those of this row too when it is due then or later.
    if (this.timer === undefined || ((due - this.timerTick) | 0) < 0) this.arm();
  }

  /** Takes a row out of its bucket; one in none stays as it is. */
  unlink(row: number): void {
    const { next, prev } = this.table;
    const before = prev[row] ?? UNLINKED;
    if (before === UNLINKED) return;
    const after = next[row] ?? NONE;
    if (before >= 0) next[before] = after;
    else this.heads[-2 - before] = after;
    if (after !== NONE) prev[after] = before;
    prev[row] = UNLINKED;
    this.linked--;
  }

  /** Milliseconds until a linked row is due, at least 0. */
  remainingMs(row: number): number {
    const due = this.table.deadline[row] ?? 0;
    const nowTicks = this.nowMs() / TICK_MS;
    const base = Math.floor(nowTicks) >>> 0;
    return Math.max(0, ((due - base) | 0) * TICK_MS - (nowTicks % 1) * TICK_MS);
  }

  close(): void {
    this.closed = true;
    this.timer?.cancel();
  }

  private nowMs(): number {
    return this.platform.clock.monotonicMs() - this.startMs;
  }

  private place(row: number): void {
    const due = this.table.deadline[row] ?? 0;
    const ahead = Math.min(Math.max((due - this.tick) | 0, 1), HORIZON);
    const at = (this.tick + ahead) >>> 0;
    let bucket: number;
    if (ahead < BUCKETS) bucket = at & 255;
    else if (ahead < BUCKETS * BUCKETS) bucket = BUCKETS + ((at >>> 8) & 255);
    else bucket = 2 * BUCKETS + ((at >>> 16) & 255);
    const head = this.heads[bucket] ?? NONE;
    this.table.next[row] = head;
    this.table.prev[row] = -2 - bucket;
    if (head !== NONE) this.table.prev[head] = row;
    this.heads[bucket] = row;
  }

  /** Makes the timer stand for the earliest bucket in use. */
  private arm(): void {
    if (this.closed || this.linked === 0) return;
    const ahead = this.ticksToNext();
    const wake = (this.tick + ahead) >>> 0;
    if (this.timer !== undefined) {
      if (((wake - this.timerTick) | 0) >= 0) return;
      this.timer.cancel();
    }
    this.timerTick = wake;
    const elapsed = this.nowMs() / TICK_MS;
    const base = Math.floor(elapsed) >>> 0;
    const delayMs = (((wake - base) | 0) - (elapsed % 1)) * TICK_MS;
    this.timer = this.platform.timers.after(Math.max(0, delayMs), () => this.turn());
  }

  /** Ticks until the first bucket, of any level, that holds a row. */
  private ticksToNext(): number {
    let nearest = HORIZON;
    for (let level = 0; level < LEVELS; level++) {
      const shift = 8 * level;
      const here = (this.tick >>> shift) & 255;
      for (let i = 1; i <= BUCKETS; i++) {
        if (this.heads[level * BUCKETS + ((here + i) & 255)] === NONE) continue;
        nearest = Math.min(nearest, i * 2 ** shift - (this.tick & (2 ** shift - 1)));
        break;
      }
    }
    return nearest;
  }

  private turn(): void {
    this.timer = undefined;
    const goal = Math.floor(this.nowMs() / TICK_MS) >>> 0;
    let any = false;
    while (this.linked > 0 && ((goal - this.tick) | 0) > 0) {
      const ahead = this.ticksToNext();
      if (((goal - (this.tick + ahead)) | 0) < 0) {
        this.tick = goal;
        break;
      }
      this.tick = (this.tick + ahead) >>> 0;
      if ((this.tick & 0xffff) === 0) this.cascade(2 * BUCKETS + ((this.tick >>> 16) & 255));
      if ((this.tick & 0xff) === 0) this.cascade(BUCKETS + ((this.tick >>> 8) & 255));
      if (this.serve(this.tick & 255)) any = true;
    }
    if (any) this.onTurn();
    this.arm();
  }

  /** Spreads a bucket of a higher level over the lower ones. */
  private cascade(bucket: number): void {
    let row = this.heads[bucket] ?? NONE;
    this.heads[bucket] = NONE;
    while (row !== NONE) {
      const next = this.table.next[row] ?? NONE;
      this.placeAgain(row);
      row = next;
    }
  }

  private placeAgain(row: number): void {
    const due = this.table.deadline[row] ?? 0;
    // Due in this very tick: serve() of level 0 comes right after.
    if (((due - this.tick) | 0) <= 0) {
      const bucket = this.tick & 255;
      const head = this.heads[bucket] ?? NONE;
      this.table.next[row] = head;
      this.table.prev[row] = -2 - bucket;
      if (head !== NONE) this.table.prev[head] = row;
      this.heads[bucket] = row;
    } else {
      this.place(row);
    }
  }

  private serve(bucket: number): boolean {
    let row = this.heads[bucket] ?? NONE;
    if (row === NONE) return false;
    this.heads[bucket] = NONE;
    while (row !== NONE) {
      const next = this.table.next[row] ?? NONE;
      this.table.prev[row] = UNLINKED;
      this.linked--;
      if ((((this.table.deadline[row] ?? 0) - this.tick) | 0) > 0) {
        // Beyond the horizon when it was put in.
        this.place(row);
        this.linked++;
      } else {
        this.onDue(row);
      }
      row = next;
    }
    return true;
  }
}
