import type { FileHandle, Files, FileLock, Platform } from '../../src/platform/platform';

/**
 * One process's view of a platform. Once it is killed none of its calls has an effect or an answer, and
 * none of its timers runs; what it wrote to files before is there for the next one.
 */
export class Mortal {
  private alive = true;
  readonly platform: Platform;

  constructor(base: Platform) {
    const { timers, files } = base;
    const whileAlive =
      (run: () => void): (() => void) =>
      () => {
        if (this.alive) run();
      };
    this.platform = {
      ...base,
      timers: {
        after: (delayMs, run) => timers.after(delayMs, whileAlive(run)),
        nextTurn: (run) => timers.nextTurn(whileAlive(run)),
      },
      files: this.files(files),
    };
  }

  kill(): void {
    this.alive = false;
  }

  private files(files: Files): Files {
    const guarded = this.guarded(files);
    return new Proxy(guarded, {
      get: (object, key): unknown => {
        if (key === 'open') {
          return async (...args: Parameters<Files['open']>) =>
            this.guarded<FileHandle>(await guarded.open(...args));
        }
        // The system frees a dead process's locks.
        if (key === 'lock')
          return async (): Promise<FileLock> => ({ release: async () => undefined });
        return Reflect.get(object, key);
      },
    });
  }

  /** The same object while alive; calls that are never answered from then on. */
  private guarded<T extends object>(target: T): T {
    return new Proxy(target, {
      get: (object, key): unknown => {
        const value: unknown = Reflect.get(object, key);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]): unknown =>
          this.alive ? Reflect.apply(value, object, args) : new Promise(() => undefined);
      },
    });
  }
}
