import type { Clock, TimerHandle, Timers } from '../../src/platform/platform';

interface Task {
  readonly dueMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** Longest chain of turns that one `settle` runs before it calls it a livelock. */
const TURNS_MAX = 10_000;

/**
 * A clock that stands still until a test moves it, and the timers on it. `sim.clock` and
 * `sim.timers` are what code under test takes in as part of `Platform`.
 */
export class SimClock {
  private nowMs = 0;
  private order = 0;
  private readonly tasks = new Set<Task>();
  private turns: (() => void)[] = [];
  private lookedMs = 0;

  /** How far the monotonic clock moves whenever somebody looks: who limits his time by it stops soon. */
  lookMs = 0;

  /** @param wallStartMs what the wall clock says at the start; the monotonic clock starts at 0. */
  constructor(private wallStartMs = 1_700_000_000_000) {}

  readonly clock: Clock = {
    wallMs: () => Math.floor(this.wallStartMs + this.nowMs),
    monotonicMs: () => this.nowMs + (this.lookedMs += this.lookMs),
  };

  readonly timers: Timers = {
    after: (delayMs, run): TimerHandle => {
      const task = { dueMs: this.nowMs + Math.max(0, delayMs), order: this.order++, run };
      this.tasks.add(task);
      return { cancel: () => void this.tasks.delete(task) };
    },
    nextTurn: (task) => void this.turns.push(task),
  };

  /** Timers that wait. */
  get pending(): number {
    return this.tasks.size;
  }

  /** Moves the wall clock alone, as an operator or NTP would; `deltaMs` may be negative. */
  jumpWall(deltaMs: number): void {
    this.wallStartMs += deltaMs;
  }

  /** Moves the time on, runs each timer at its time, and lets all that follows from it happen. */
  async advance(ms: number): Promise<void> {
    const endMs = this.nowMs + ms;
    await this.settle();
    for (let next = this.next(endMs); next !== undefined; next = this.next(endMs)) {
      this.nowMs = Math.max(this.nowMs, next.dueMs);
      this.tasks.delete(next);
      next.run();
      await this.settle();
    }
    this.nowMs = endMs;
  }

  /** Runs promises and turns that are due now, and those that they cause, without moving the time. */
  async settle(): Promise<void> {
    for (let count = 0; count < TURNS_MAX; count++) {
      if (!(await this.turn())) return;
    }
    throw new Error(`more than ${TURNS_MAX} turns of the event loop without rest`);
  }

  /** Runs promises and turns that are due now, but not those that they cause; answers whether there were any turns. */
  async turn(): Promise<boolean> {
    await new Promise<void>((resolve) => setImmediate(resolve));
    const { turns } = this;
    this.turns = [];
    for (const run of turns) run();
    return turns.length > 0;
  }

  private next(endMs: number): Task | undefined {
    let first: Task | undefined;
    for (const task of this.tasks) {
      if (task.dueMs > endMs) continue;
      if (first === undefined || task.dueMs < first.dueMs) first = task;
      else if (task.dueMs === first.dueMs && task.order < first.order) first = task;
    }
    return first;
  }
}
