import type { LinkLog } from '../../src/link/log';

/** A log that keeps its lines for the test to look at. */
export function keptLog(): LinkLog & { readonly lines: string[] } {
  const lines: string[] = [];
  const keep = (...args: unknown[]): void => {
    lines.push(args.filter((arg) => typeof arg === 'string').join(' '));
  };
  return { lines, debug: keep, info: keep, warn: keep };
}
