import type { TimerHandle, Timers } from '../platform/platform';

/** Longest wait for a stand-in to hand over, ms. */
const HAND_OVER_MS = 5_000;

/**
 * Masters that are back while a replica still stands in for them. Nobody is told of one before the replica has handed
 * over what was acknowledged there, or 5 s have passed: it would deliver that again.
 */
export class ReturningMasters<Place extends object> {
  private readonly waiting = new Map<Place, TimerHandle>();

  constructor(private readonly timers: Pick<Timers, 'after'>) {}

  has(place: Place): boolean {
    return this.waiting.has(place);
  }

  /** @param show called when the time is over, and not when `release` ends the wait before */
  hold(place: Place, show: () => void): void {
    const late = this.timers.after(HAND_OVER_MS, () => {
      this.waiting.delete(place);
      show();
    });
    this.waiting.set(place, late);
  }

  /** Ends the wait. Whether there was one. */
  release(place: Place): boolean {
    this.waiting.get(place)?.cancel();
    return this.waiting.delete(place);
  }

  close(): void {
    for (const place of [...this.waiting.keys()]) this.release(place);
  }
}
