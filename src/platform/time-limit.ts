/** One time limit for many promises, with one timer in all. Hot path. */
import type { Platform, TimerHandle } from './platform';

/** Linked in the order of their ends, since all wait equally long. */
interface Waiting {
  readonly dueMs: number;
  readonly expire: () => void;
  before: Waiting | undefined;
  behind: Waiting | undefined;
}

export class TimeLimit {
  private first: Waiting | undefined;
  private last: Waiting | undefined;
  private timer: TimerHandle | undefined;

  /** @param limitMs how long each promise may take */
  constructor(
    private readonly platform: Pick<Platform, 'clock' | 'timers'>,
    private readonly limitMs: number,
  ) {}

  /** What `work` answers; rejects with `late()` when it takes too long. The work itself goes on. */
  guard<T>(work: Promise<T>, late: () => Error): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const entry = this.add(() => reject(late()));
      work.then(
        (value) => {
          this.remove(entry);
          resolve(value);
        },
        (error: unknown) => {
          this.remove(entry);
          reject(error);
        },
      );
    });
  }

  close(): void {
    this.timer?.cancel();
    this.timer = undefined;
  }

  private add(expire: () => void): Waiting {
    const dueMs = this.platform.clock.monotonicMs() + this.limitMs;
    const entry: Waiting = { dueMs, expire, before: this.last, behind: undefined };
    if (this.last === undefined) this.first = entry;
    else this.last.behind = entry;
    this.last = entry;
    if (this.timer === undefined) this.arm();
    return entry;
  }

  private remove(entry: Waiting): void {
    const { before, behind } = entry;
    if (before !== undefined) before.behind = behind;
    else if (this.first === entry) this.first = behind;
    else return; // it has expired
    if (behind !== undefined) behind.before = before;
    else this.last = before;
    entry.before = undefined;
    entry.behind = undefined;
  }

  private arm(): void {
    if (this.first === undefined) return;
    const delayMs = this.first.dueMs - this.platform.clock.monotonicMs();
    this.timer = this.platform.timers.after(delayMs, () => this.expire());
  }

  private expire(): void {
    this.timer = undefined;
    const now = this.platform.clock.monotonicMs();
    for (let entry = this.first; entry !== undefined && entry.dueMs <= now; entry = this.first) {
      this.remove(entry);
      entry.expire();
    }
    this.arm();
  }
}
