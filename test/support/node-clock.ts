import type { Clock, TimerHandle, Timers } from '../../src/platform/platform';
import type { SimClock } from './sim-clock';

/** How one machine's time differs from that of the simulation. */
export interface NodeClockOptions {
  /** How fast its clocks run; 1: as the simulation's. */
  readonly rate?: number;
  /** How far its wall clock is ahead, ms. */
  readonly aheadMs?: number;
}

/**
 * The clock and the timers of one process in a simulation of several. While it is stopped (SIGSTOP) its clock
 * goes on, and what falls due waits.
 */
export class NodeClock {
  private stoppedTasks: Set<() => void> | undefined;
  private dead = false;

  constructor(
    private readonly sim: SimClock,
    private readonly options: NodeClockOptions = {},
  ) {}

  readonly clock: Clock = {
    wallMs: () => this.sim.clock.wallMs() + (this.options.aheadMs ?? 0),
    monotonicMs: () => this.sim.clock.monotonicMs() * this.rate,
  };

  readonly timers: Timers = {
    after: (delayMs, run): TimerHandle => {
      const task = (): void => {
        if (this.dead) return;
        if (this.stoppedTasks === undefined) run();
        else this.stoppedTasks.add(task);
      };
      const timer = this.sim.timers.after(delayMs / this.rate, task);
      return {
        cancel: () => {
          timer.cancel();
          this.stoppedTasks?.delete(task);
        },
      };
    },
    nextTurn: (task) => this.sim.timers.nextTurn(task),
  };

  /** SIGSTOP */
  stop(): void {
    this.stoppedTasks ??= new Set();
  }

  /** SIGCONT */
  resume(): void {
    const due = this.stoppedTasks ?? [];
    this.stoppedTasks = undefined;
    for (const task of due) task();
  }

  /** SIGKILL: nothing runs any more. */
  kill(): void {
    this.dead = true;
  }

  private get rate(): number {
    return this.options.rate ?? 1;
  }
}
