/** One time limit for many promises, with one timer in all. Hot path. */
import type { Platform, TimerHandle } from '../platform/platform';

interface Waiting {
  readonly dueMs: number;
  readonly expire: () => void;
}

export class TimeLimit {
  /** In the order of their ends, since all wait equally long. */
  private readonly waiting = new Set<Waiting>();
  private timer: TimerHandle | undefined;

  /** @param limitMs how long each promise may take */
  constructor(
    private readonly platform: Pick<Platform, 'clock' | 'timers'>,
    private readonly limitMs: number,
  ) {}

  /** What `work` answers; rejects with `late()` when it takes too long. The work itself goes on. */
  guard<T>(work: Promise<T>, late: () => Error): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const dueMs = this.platform.clock.monotonicMs() + this.limitMs;
      const entry: Waiting = { dueMs, expire: () => reject(late()) };
      this.waiting.add(entry);
      this.arm();
      work.then(resolve, reject).finally(() => this.waiting.delete(entry));
    });
  }

  close(): void {
    this.timer?.cancel();
    this.timer = undefined;
  }

  private arm(): void {
    if (this.timer !== undefined) return;
    const [first] = this.waiting;
    if (first === undefined) return;
    const delayMs = first.dueMs - this.platform.clock.monotonicMs();
    this.timer = this.platform.timers.after(delayMs, () => this.expire());
  }

  private expire(): void {
    this.timer = undefined;
    const now = this.platform.clock.monotonicMs();
    for (const entry of this.waiting) {
      if (entry.dueMs > now) break;
      this.waiting.delete(entry);
      entry.expire();
    }
    this.arm();
  }
}
