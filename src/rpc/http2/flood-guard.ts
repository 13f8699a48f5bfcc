import { ConnectionError, ErrorCode } from './error-code';

/** What a second of patience is worth. */
const REFILL_PER_SECOND = 100;

/**
 * A budget for what costs a server work and brings nobody on. Honest use earns what it spends; the clock is
 * asked only when the budget is used up, so that counting costs next to nothing.
 */
export class FloodGuard {
  private left: number;
  private refilledMs: number;

  /**
   * @param burst how much may be spent at once
   * @param what names what is spent, for the peer
   * @param monotonicMs the clock that refills
   */
  constructor(
    private readonly burst: number,
    private readonly what: string,
    private readonly monotonicMs: () => number,
  ) {
    this.left = burst;
    this.refilledMs = monotonicMs();
  }

  /** Gives back for progress that was made. */
  earn(amount: number): void {
    const left = this.left + amount;
    this.left = left > this.burst ? this.burst : left;
  }

  /** @throws ConnectionError ENHANCE_YOUR_CALM when the budget is used up */
  spend(): void {
    if (--this.left < 0) this.refill();
  }

  private refill(): void {
    const nowMs = this.monotonicMs();
    this.earn(Math.floor(((nowMs - this.refilledMs) * REFILL_PER_SECOND) / 1000));
    if (this.left < 0) {
      throw new ConnectionError(ErrorCode.ENHANCE_YOUR_CALM, `too many ${this.what}`);
    }
    this.refilledMs = nowMs;
  }
}
