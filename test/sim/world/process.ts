import type {
  Clock,
  FileHandle,
  Files,
  Platform,
  Sockets,
  TimerHandle,
} from '../../../src/platform/platform';
import type { Chance } from '../../support/seeded';
import type { Actor, Scheduler } from './scheduler';
import type { WireEnd } from './wire';

/** What a machine gives its processes. */
export interface Surroundings {
  readonly scheduler: Scheduler;
  readonly clock: Clock;
  /** How fast its clock goes, 1 = true time. */
  readonly rate: number;
  readonly chance: Chance;
  readonly files: Files;
}

/** Takes the streams that are opened to a service. `head` is what the opener says of itself. */
export type Acceptor = (end: WireEnd, head: unknown) => void;

/** A timer never fires before its time, however the clock's steps are rounded. */
const ROUNDING_MS = 0.001;

/**
 * A process: a platform that works while it lives. A dead one's timers never run and its calls are never answered;
 * one that is stopped goes on later, as after SIGSTOP and SIGCONT.
 */
export class Process implements Actor {
  alive = true;
  stoppedUntilMs = 0;
  /** Timers that are set. */
  timers = 0;
  readonly platform: Platform;
  readonly services = new Map<string, Acceptor>();

  constructor(
    readonly id: number,
    readonly machine: string,
    private readonly around: Surroundings,
  ) {
    const { clock, chance, files } = around;
    this.platform = {
      clock,
      timers: {
        after: (delayMs, task) => this.after(delayMs, task),
        nextTurn: (task) => void around.scheduler.after(0, this, task),
      },
      random: {
        bytes: (count) => Buffer.from(Array.from({ length: count }, () => chance.below(256))),
        uint32: () => chance.below(2 ** 32),
      },
      files: this.filesOf(files),
      sockets: NO_SOCKETS,
    };
  }

  /** Resolves after some time of this process's clock. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve));
  }

  private after(delayMs: number, task: () => void): TimerHandle {
    const { scheduler, rate } = this.around;
    this.timers++;
    const event = scheduler.after(Math.max(0, delayMs) / rate + ROUNDING_MS, this, () => {
      this.timers--;
      task();
    });
    return {
      cancel: () => {
        if (event.run !== undefined) this.timers--;
        event.run = undefined;
      },
    };
  }

  private filesOf(files: Files): Files {
    return this.answeredWhileAlive(files, (name, result) => {
      if (name === 'open') {
        return this.answeredWhileAlive(result as FileHandle, (_name, value) => value);
      }
      return result;
    });
  }

  /** The same object; what it promises is answered only while this process runs. */
  private answeredWhileAlive<T extends object>(
    target: T,
    wrap: (name: string, result: object) => unknown,
  ): T {
    return new Proxy(target, {
      get: (object, key): unknown => {
        const value: unknown = Reflect.get(object, key);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]): unknown => {
          if (!this.alive) return new Promise(() => undefined);
          const result: unknown = Reflect.apply(value, object, args);
          if (!(result instanceof Promise)) return result;
          return new Promise((resolve, reject) => {
            result.then(
              (answer) =>
                this.enter(() => resolve(isObject(answer) ? wrap(String(key), answer) : answer)),
              (error: unknown) => this.enter(() => reject(error)),
            );
          });
        };
      },
    });
  }

  /** Runs something in this process: now, when it goes on, or never. */
  private enter(run: () => void): void {
    if (!this.alive) return;
    if (this.stoppedUntilMs <= this.around.scheduler.nowMs) run();
    else this.around.scheduler.after(0, this, run);
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Buffer.isBuffer(value);
}

const noSocket = (): never => {
  throw new Error('the simulated network has no sockets');
};
const NO_SOCKETS: Sockets = {
  dialTcp: noSocket,
  listenTcp: noSocket,
  tlsContext: noSocket,
  listenHttp: noSocket,
};
