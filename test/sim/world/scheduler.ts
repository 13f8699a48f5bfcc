/**
 * Simulated time. What happens is a list of events; one runs at a time, with all promises that follow from it, then
 * the time moves on to the next. The same events in the same order come out of the same seed: the digest tells.
 */

/** Who an event happens to. */
export interface Actor {
  readonly id: number;
  /** What happens to the dead does not happen. */
  readonly alive: boolean;
  /** Until then nothing happens to it; it happens afterwards. */
  readonly stoppedUntilMs: number;
}

export interface Event {
  readonly atMs: number;
  readonly order: number;
  readonly actor: Actor | undefined;
  /** Gone once it has run or was cancelled. */
  run: (() => void) | undefined;
}

/** Events at one time beyond which it is a livelock. */
const AT_ONCE_MAX = 200_000;
/** Events for one round of Node's event loop, which empties the queue of promises after each. */
const ROUND = 64;

export class Scheduler {
  nowMs = 0;
  /** Events that have run. */
  count = 0;
  private order = 0;
  private atOnce = 0;
  private high = 0x811c9dc5;
  private low = 0x01000193;
  /** A binary heap, the earliest first. */
  private readonly heap: Event[] = [];

  /**
   * @param failed told of what an event threw, and whose it was
   * @param look called when an event and all that follows from it has happened
   */
  constructor(
    private readonly failed: (error: unknown, actor: Actor | undefined) => void,
    private readonly look: (nowMs: number) => void = () => undefined,
  ) {}

  /** What has happened so far, as one number in hex. */
  get digest(): string {
    return hex(this.high) + hex(this.low);
  }

  after(delayMs: number, actor: Actor | undefined, run: () => void): Event {
    const event = { atMs: this.nowMs + Math.max(0, delayMs), order: this.order++, actor, run };
    this.push(event);
    return event;
  }

  /** Adds a fact to the digest. */
  mix(value: number): void {
    this.high = Math.imul(this.high ^ value, 0x01000193) >>> 0;
    this.low = Math.imul(this.low ^ (value + this.high), 0x85ebca6b) >>> 0;
  }

  /** Runs what is due until then. */
  run(untilMs: number): Promise<void> {
    return new Promise((resolve) => {
      let over = false;
      let left = 0;
      const one = (): void => {
        left--;
        if (over) return;
        this.look(this.nowMs);
        over = !this.step(untilMs);
        if (over) resolve();
        else if (left === 0) round();
      };
      const round = (): void => {
        left = ROUND;
        for (let i = 0; i < ROUND; i++) setImmediate(one);
      };
      round();
    });
  }

  /** False when nothing more is due. */
  private step(untilMs: number): boolean {
    for (;;) {
      const [event] = this.heap;
      if (event === undefined || event.atMs > untilMs) {
        this.nowMs = Math.max(this.nowMs, untilMs);
        return false;
      }
      this.pop();
      if (event.run === undefined || event.actor?.alive === false) continue;
      this.advanceTo(event.atMs);
      const { actor, run } = event;
      if (actor !== undefined && actor.stoppedUntilMs > this.nowMs) {
        // The same object, so that it can still be cancelled.
        this.push(Object.assign(event, { atMs: actor.stoppedUntilMs }));
        continue;
      }
      event.run = undefined;
      this.count++;
      this.mix((event.atMs * 1000) | 0);
      this.mix(event.order);
      this.mix(actor?.id ?? 0);
      try {
        run();
      } catch (error) {
        this.failed(error, actor);
      }
      return true;
    }
  }

  private advanceTo(atMs: number): void {
    if (atMs > this.nowMs) {
      this.nowMs = atMs;
      this.atOnce = 0;
    } else if (++this.atOnce > AT_ONCE_MAX) {
      throw new Error(`more than ${AT_ONCE_MAX} events at ${this.nowMs} ms: a livelock`);
    }
  }

  private push(event: Event): void {
    const { heap } = this;
    let at = heap.push(event) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || isBefore(above, event)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = event;
  }

  private pop(): void {
    const { heap } = this;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      const [left, right] = [heap[child], heap[child + 1]];
      if (left === undefined) break;
      if (right !== undefined && isBefore(right, left)) child++;
      const below = heap[child];
      if (below === undefined || isBefore(last, below)) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.atMs === b.atMs ? a.order < b.order : a.atMs < b.atMs;
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0');
}
