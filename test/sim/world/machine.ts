import type { Clock, Files } from '../../../src/platform/platform';
import type { Chance } from '../../support/seeded';
import { type DiskPace, SimulatedDisk } from '../../support/simulated-disk';
import { Process } from './process';
import type { Scheduler } from './scheduler';

/** What the wall clocks would say if all were right at the start, ms. */
export const EPOCH_MS = 1_700_000_000_000;

/** A disk's time for one operation, ms: as SSDs have it, and what chance adds while it is slow. */
const WRITE_MS = 0.2;
const SYNC_MS = 1;

/** A machine: a disk and a clock that outlive its processes, one at a time. */
export class Machine {
  process: Process | undefined;
  /** What a slow disk adds to each operation at most, ms. */
  diskSlowMs = 0;
  private diskNow: SimulatedDisk;
  private offsetMs = 0;
  private bootedMs = 0;
  readonly clock: Clock;

  /** @param rate how fast its monotonic clock and its timers go, 1 = true time; its wall clock is kept right */
  constructor(
    readonly name: string,
    private readonly scheduler: Scheduler,
    private readonly chance: Chance,
    readonly rate: number,
  ) {
    this.diskNow = new SimulatedDisk(chance, this.pace());
    this.clock = {
      wallMs: () => Math.floor(EPOCH_MS + scheduler.nowMs + this.offsetMs),
      monotonicMs: () => (scheduler.nowMs - this.bootedMs) * rate,
    };
  }

  /** Sets the wall clock on or back, as an operator or NTP would. */
  jumpClock(deltaMs: number): void {
    this.offsetMs += deltaMs;
  }

  /** Starts a process; there is none. */
  start(id: number): Process {
    if (this.process !== undefined) throw new Error(`${this.name} runs already`);
    const { scheduler, clock, rate, chance, diskNow: files } = this;
    this.process = new Process(id, this.name, { scheduler, clock, rate, chance, files });
    return this.process;
  }

  /** As `kill -9`: what was written stays. Its connections are the network's to end. */
  kill(): Process | undefined {
    const { process } = this;
    if (process !== undefined) process.alive = false;
    this.process = undefined;
    return process;
  }

  /** The power goes off and on: of what was not synced chance decides. */
  losePower(): Process | undefined {
    const process = this.kill();
    this.diskNow = this.diskNow.afterPowerLoss();
    this.bootedMs = this.scheduler.nowMs;
    return process;
  }

  /** As `losePower`, and all that was on the disk is gone. */
  loseDisk(): Process | undefined {
    const process = this.losePower();
    this.diskNow = new SimulatedDisk(this.chance, this.pace());
    return process;
  }

  /** What lies on its disk, as the process sees it. */
  get disk(): Files {
    return this.diskNow;
  }

  private pace(): DiskPace {
    const slowMs = (): number => (this.diskSlowMs === 0 ? 0 : this.chance.next() * this.diskSlowMs);
    return {
      wait: (what) => {
        const ms = (what === 'sync' ? SYNC_MS : WRITE_MS) * (0.5 + this.chance.next()) + slowMs();
        const { process } = this;
        // The disk goes on when the process is stopped; what is under way when it dies is not done any more.
        return new Promise((resolve) => {
          this.scheduler.after(ms, undefined, () => {
            if (process?.alive === true) resolve();
          });
        });
      },
      stall: () => {
        const { process } = this;
        const ms = slowMs();
        if (process === undefined || ms === 0) return;
        process.stoppedUntilMs = Math.max(process.stoppedUntilMs, this.scheduler.nowMs + ms);
      },
    };
  }
}
