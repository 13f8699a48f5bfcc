/** How many a second, over the last ten whole seconds. */
import type { Clock } from '../platform/platform';

const SECONDS = 10;
/** One more: the second that runs. */
const SLOTS = SECONDS + 1;

export class RateMeter {
  /** Counts by second, in a ring. */
  private readonly counts = new Float64Array(SLOTS);
  private second: number;

  constructor(private readonly clock: Pick<Clock, 'monotonicMs'>) {
    this.second = this.now();
  }

  /** Hot path. */
  add(count: number): void {
    this.turn();
    const slot = this.second % SLOTS;
    this.counts[slot] = (this.counts[slot] ?? 0) + count;
  }

  perSecond(): number {
    this.turn();
    const running = this.second % SLOTS;
    let sum = 0;
    this.counts.forEach((count, slot) => (sum += slot === running ? 0 : count));
    return sum / SECONDS;
  }

  /** Clears the seconds that have begun since the last look. */
  private turn(): void {
    const now = this.now();
    if (now === this.second) return;
    const first = Math.max(this.second + 1, now - SLOTS + 1);
    for (let second = first; second <= now; second++) this.counts[second % SLOTS] = 0;
    this.second = now;
  }

  private now(): number {
    return Math.floor(this.clock.monotonicMs() / 1000);
  }
}
