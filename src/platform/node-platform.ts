/** The platform of a real process: the system's clock, timers, files, sockets and randomness. */
import { randomBytes } from 'node:crypto';
import { nodeFiles } from './node-files';
import { nodeSockets } from './node-sockets';
import type { Clock, Platform, Random, TimerHandle, Timers } from './platform';

/** Longest delay that Node's timers keep; a longer one is waited for in parts. */
const MAX_TIMER_MS = 2 ** 31 - 1;
/** Random bytes are drawn from the system in pools of this size. */
const POOL_BYTES = 4096;

/** The platform of this process. Each call makes one, all share the process's resources. */
export function nodePlatform(): Platform {
  return { clock, timers, random: new PooledRandom(), files: nodeFiles(), sockets: nodeSockets() };
}

const clock: Clock = {
  wallMs: () => Date.now(),
  // As `performance.now()`, which begins anew in each thread; this is one clock for all of a process.
  monotonicMs: () => Number(process.hrtime.bigint()) / 1e6,
};

const timers: Timers = {
  after: (delayMs, task) => new NodeTimer(delayMs, task),
  nextTurn: (task) => {
    setImmediate(task);
  },
};

class NodeTimer implements TimerHandle {
  private timeout: NodeJS.Timeout | undefined;

  constructor(
    delayMs: number,
    private readonly task: () => void,
  ) {
    this.arm(Math.max(0, delayMs));
  }

  cancel(): void {
    clearTimeout(this.timeout);
    this.timeout = undefined;
  }

  private arm(delayMs: number): void {
    const step = Math.min(delayMs, MAX_TIMER_MS);
    this.timeout = setTimeout(() => {
      if (delayMs > step) this.arm(delayMs - step);
      else this.task();
    }, step);
    this.timeout.unref();
  }
}

class PooledRandom implements Random {
  private pool = Buffer.alloc(0);
  private used = 0;

  bytes(count: number): Buffer {
    return randomBytes(count);
  }

  uint32(): number {
    if (this.used + 4 > this.pool.length) {
      this.pool = randomBytes(POOL_BYTES);
      this.used = 0;
    }
    this.used += 4;
    return this.pool.readUInt32LE(this.used - 4);
  }
}
