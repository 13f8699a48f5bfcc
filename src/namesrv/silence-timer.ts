import type { Platform, TimerHandle } from '../platform/platform';

/** What can fall silent. */
export interface Heard {
  /** Monotonic milliseconds of the last sign of life. */
  heardMs: number;
}

/**
 * Finds members that have been silent for too long, with one timer: set for the member that would
 * be due first. A sign of life does not touch the timer; when it fires early it is set anew.
 */
export class SilenceTimer<T extends Heard> {
  private timer: TimerHandle | undefined;

  constructor(
    private readonly platform: Pick<Platform, 'clock' | 'timers'>,
    private readonly limitMs: number,
    private readonly members: ReadonlySet<T>,
    private readonly onSilent: (member: T) => void,
  ) {}

  /** To be called when a member was added. */
  start(): void {
    if (this.timer === undefined) this.arm();
  }

  stop(): void {
    this.timer?.cancel();
    this.timer = undefined;
  }

  private arm(): void {
    let firstMs = Infinity;
    for (const member of this.members) firstMs = Math.min(firstMs, member.heardMs + this.limitMs);
    if (firstMs === Infinity) return;
    const delayMs = firstMs - this.platform.clock.monotonicMs();
    this.timer = this.platform.timers.after(delayMs, () => this.fire());
  }

  private fire(): void {
    this.timer = undefined;
    const dueMs = this.platform.clock.monotonicMs() - this.limitMs;
    for (const member of [...this.members]) {
      if (member.heardMs <= dueMs) this.onSilent(member);
    }
    if (this.timer === undefined) this.arm();
  }
}
