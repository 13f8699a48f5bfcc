import type { Platform, TimerHandle } from '../platform/platform';

/** Waits between attempts to reconnect, milliseconds: the first, doubled up to the last. */
const FIRST_MS = 50;
const LAST_MS = 1_000;

/** Tries something again and again, at growing distances that never exceed a second. */
export class Backoff {
  private waitMs = FIRST_MS;
  private timer: TimerHandle | undefined;

  constructor(private readonly platform: Pick<Platform, 'timers' | 'random'>) {}

  /** The attempt before has failed: runs `attempt` after the next wait. */
  retry(attempt: () => void): void {
    this.timer?.cancel();
    // Up to a quarter less, so that those who lost the same server do not return in step.
    const delayMs = this.waitMs * (1 - (this.platform.random.uint32() / 2 ** 32) * 0.25);
    this.waitMs = Math.min(this.waitMs * 2, LAST_MS);
    this.timer = this.platform.timers.after(delayMs, attempt);
  }

  /** An attempt has succeeded. */
  reset(): void {
    this.waitMs = FIRST_MS;
  }

  stop(): void {
    this.timer?.cancel();
    this.timer = undefined;
  }
}
