/** Tells of connections that a port has refused. */
import type { Clock } from '../platform/platform';

/** A peer that is set up wrong is refused again and again: it is told of once in this time, ms. */
const WINDOW_MS = 10_000;
/** Lines in that time, at most, whoever comes. */
const LINES_MAX = 8;

/** What a line of the log says. */
interface Refusals {
  readonly peer: string;
  readonly reason: string;
  /** Those since the line before that no line tells of. */
  readonly untold: number;
}

/** @returns is called with each of them; `tell` is, with some */
export function refusalLog(
  clock: Clock,
  tell: (refusals: Refusals) => void,
): (peer: string, reason: string) => void {
  const told = new Set<string>();
  let beganMs = -Infinity;
  let untold = 0;
  return (peer, reason) => {
    const nowMs = clock.monotonicMs();
    if (nowMs - beganMs >= WINDOW_MS) {
      told.clear();
      beganMs = nowMs;
    }
    const line = `${peer} ${reason}`;
    if (told.has(line) || told.size >= LINES_MAX) {
      untold++;
      return;
    }
    told.add(line);
    tell({ peer, reason, untold });
    untold = 0;
  };
}
