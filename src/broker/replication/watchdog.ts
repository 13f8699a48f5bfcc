import type { Platform } from '../../platform/platform';

export interface Watchdog {
  restart(): void;
  cancel(): void;
}

/** Calls `bite` when it was not restarted for so long; once. */
export function watchdog(
  { clock, timers }: Pick<Platform, 'clock' | 'timers'>,
  ms: number,
  bite: () => void,
): Watchdog {
  let heardMs = clock.monotonicMs();
  const watch = (delayMs: number): { cancel(): void } =>
    timers.after(delayMs, () => {
      const leftMs = heardMs + ms - clock.monotonicMs();
      if (leftMs <= 0) bite();
      else timer = watch(leftMs);
    });
  let timer = watch(ms);
  return {
    restart: () => {
      heardMs = clock.monotonicMs();
    },
    cancel: () => {
      timer.cancel();
    },
  };
}
