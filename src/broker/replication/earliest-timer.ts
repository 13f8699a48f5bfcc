import type { Platform, TimerHandle } from '../../platform/platform';

/** One timer for the earliest of the times that it was set to. */
export class EarliestTimer {
  private timer: TimerHandle | undefined;
  private dueMs = Infinity;

  constructor(
    private readonly platform: Pick<Platform, 'clock' | 'timers'>,
    private readonly task: () => void,
  ) {}

  /** Runs the task at `dueMs` (monotonic), or when it is due before. */
  at(dueMs: number): void {
    if (dueMs >= this.dueMs) return;
    this.cancel();
    this.dueMs = dueMs;
    const delayMs = dueMs - this.platform.clock.monotonicMs();
    this.timer = this.platform.timers.after(delayMs, () => {
      this.dueMs = Infinity;
      this.task();
    });
  }

  cancel(): void {
    this.timer?.cancel();
    this.dueMs = Infinity;
  }
}
