/**
 * A progress bar on standard error, when a person sits at it:
 *
 *     [############                  ]  41 %  1.3 GiB
 */
import type { Terminal } from './terminal';

const WIDTH = 30;
const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
/** `\r` to the line's start, and the escape that clears what stands there. */
const CLEAR_LINE = '\r\u001b[K';

export interface Progress {
  /** So much is done, of so much; drawn when a hundredth was gained. */
  update(done: number, total: number): void;
  /** Takes the bar away, so that a line can be written; it comes back with the next hundredth. */
  clear(): void;
}

/** @param text what stands behind the bar, of what is done so far */
export function progressBar(
  terminal: Terminal,
  text: (done: number) => string = byteText,
): Progress {
  let drawn = -1;
  return {
    update: (done, total) => {
      const part = total > 0 ? Math.min(1, done / total) : 1;
      const percent = Math.floor(part * 100);
      if (!terminal.interactive || percent === drawn) return;
      drawn = percent;
      const bar = '#'.repeat(Math.round(part * WIDTH)).padEnd(WIDTH);
      terminal.err(
        `${CLEAR_LINE}[${bar}] ${String(percent).padStart(3)} %  ${text(Math.min(done, total))}`,
      );
    },
    clear: () => {
      if (drawn < 0) return;
      drawn = -1;
      terminal.err(CLEAR_LINE);
    },
  };
}

/** `1.3 GiB` */
export function byteText(bytes: number): string {
  let unit = 0;
  let value = bytes;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit] ?? ''}`;
}
