/**
 * When the log may be written in the event loop itself. That spares the way through the thread pool
 * and back, most of what a small write costs (docs/decisions/0003-asynchronous-writes.md), but while
 * the kernel makes writers wait, everything here would wait. So one slow write stops it for a while.
 */
import type { Clock } from '../platform/platform';

/** A write that took so long was slow: a page cache takes `MOST_BYTES` in a fraction of it. */
const SLOW_MS = 2;
/** So long after a slow one the thread pool writes. */
const REST_MS = 10_000;
/** More is written by the thread pool: beside so much the way there is nothing, and this thread has time for other things. */
const MOST_BYTES = 64 * 1024;

export class WritePace {
  private restUntilMs = -Infinity;

  constructor(private readonly clock: Clock) {}

  /** Whether `bytes` may be written in the event loop now. */
  mayBlock(bytes: number): boolean {
    return bytes <= MOST_BYTES && this.clock.monotonicMs() >= this.restUntilMs;
  }

  /** Runs a write that blocks, and remembers when it was slow. */
  block(write: () => void): void {
    const startMs = this.clock.monotonicMs();
    write();
    const endMs = this.clock.monotonicMs();
    if (endMs - startMs > SLOW_MS) this.restUntilMs = endMs + REST_MS;
  }
}
