/**
 * When which item is due, in steps of 100 ms: never early, a step late at most. Items of one step share a
 * bucket, one timer of the platform stands for the earliest one.
 */
import type { Platform, TimerHandle } from '../../platform/platform';

const STEP_MS = 100;

export interface Due {
  /** The step that the item waits for; -1 while it waits for none. */
  dueStep: number;
}

export class DueTimes<T extends Due> {
  private readonly buckets = new Map<number, Set<T>>();
  /** Steps of the buckets, the last one the earliest. */
  private readonly steps: number[] = [];
  private timer: TimerHandle | undefined;
  private closed = false;

  constructor(
    private readonly platform: Pick<Platform, 'clock' | 'timers'>,
    private readonly onDue: (items: ReadonlySet<T>) => void,
  ) {}

  /** Lets an item wait; one that waits already waits anew. */
  add(item: T, delayMs: number): void {
    this.delete(item);
    const now = this.platform.clock.monotonicMs();
    const step = Math.ceil((now + Math.max(0, delayMs)) / STEP_MS);
    item.dueStep = step;
    let bucket = this.buckets.get(step);
    if (bucket === undefined) {
      bucket = new Set();
      this.buckets.set(step, bucket);
      this.insert(step);
      this.arm();
    }
    bucket.add(item);
  }

  /** An empty bucket stays until its time. */
  delete(item: T): void {
    if (item.dueStep < 0) return;
    this.buckets.get(item.dueStep)?.delete(item);
    item.dueStep = -1;
  }

  close(): void {
    this.closed = true;
    this.timer?.cancel();
  }

  private insert(step: number): void {
    let low = 0;
    let high = this.steps.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.steps[middle] ?? 0) > step) low = middle + 1;
      else high = middle;
    }
    this.steps.splice(low, 0, step);
  }

  private arm(): void {
    this.timer?.cancel();
    this.timer = undefined;
    const step = this.steps.at(-1);
    if (step === undefined || this.closed) return;
    const delayMs = step * STEP_MS - this.platform.clock.monotonicMs();
    this.timer = this.platform.timers.after(Math.max(0, delayMs), () => this.turn());
  }

  private turn(): void {
    this.timer = undefined;
    const now = this.platform.clock.monotonicMs();
    for (let step = this.steps.at(-1); step !== undefined; step = this.steps.at(-1)) {
      if (step * STEP_MS > now) break;
      this.steps.pop();
      const bucket = this.buckets.get(step);
      this.buckets.delete(step);
      if (bucket === undefined || bucket.size === 0) continue;
      for (const item of bucket) item.dueStep = -1;
      this.onDue(bucket);
    }
    this.arm();
  }
}
