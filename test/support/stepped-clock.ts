import type { Clock, TimerHandle, Timers } from '../../src/platform/platform';

interface Task {
  readonly dueMs: number;
  readonly order: number;
  /** Gone once it has run or was cancelled. */
  run: (() => void) | undefined;
}

/**
 * A clock that stands still until it is moved, in an event loop that runs as always: real files work with it, and
 * nobody needs to drive what waits for them. Many timers cost little, other than in ./sim-clock.
 */
export class SteppedClock {
  private nowMs = 0;
  private order = 0;
  /** A binary heap, the earliest first; what was cancelled leaves it at its time. */
  private readonly heap: Task[] = [];

  constructor(private readonly wallStartMs = 1_700_000_000_000) {}

  readonly clock: Clock = {
    wallMs: () => Math.floor(this.wallStartMs + this.nowMs),
    monotonicMs: () => this.nowMs,
  };

  readonly timers: Timers = {
    after: (delayMs, run): TimerHandle => {
      const task: Task = { dueMs: this.nowMs + Math.max(0, delayMs), order: this.order++, run };
      this.push(task);
      return { cancel: () => void (task.run = undefined) };
    },
    nextTurn: (task) => void setImmediate(task),
  };

  /** Moves the time on and runs what is due; what follows from that runs in the turns after. */
  advance(ms: number): void {
    const endMs = this.nowMs + ms;
    for (let next = this.heap[0]; next !== undefined && next.dueMs <= endMs; next = this.heap[0]) {
      this.pop();
      const { run } = next;
      if (run === undefined) continue;
      this.nowMs = Math.max(this.nowMs, next.dueMs);
      run();
    }
    this.nowMs = endMs;
  }

  private push(task: Task): void {
    let at = this.heap.push(task) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = this.heap[parent];
      if (above === undefined || isBefore(above, task)) break;
      this.heap[at] = above;
      at = parent;
    }
    this.heap[at] = task;
  }

  private pop(): void {
    const last = this.heap.pop();
    if (last === undefined || this.heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      const [left, right] = [this.heap[child], this.heap[child + 1]];
      if (left === undefined) break;
      if (right !== undefined && isBefore(right, left)) child++;
      const below = this.heap[child];
      if (below === undefined || isBefore(last, below)) break;
      this.heap[at] = below;
      at = child;
    }
    this.heap[at] = last;
  }
}

function isBefore(a: Task, b: Task): boolean {
  return a.dueMs === b.dueMs ? a.order < b.order : a.dueMs < b.dueMs;
}
