/** What an operator should know before Apache RocketMQ opens the directory that a stop has left. */
import type { Logger } from 'pino';

/** Segments that Apache RocketMQ looks through at its start, at most. */
const SEGMENTS_SEEN = 10;

/**
 * Warns when a damaged place of the log is among the segments that Apache RocketMQ scans: it would cut
 * the log there.
 * @param damage position of the last one that is known, -1 without any
 */
export function warnOfDamage(log: Logger, damage: number, end: number, segmentBytes: number): void {
  const last = Math.floor(Math.max(0, end - 1) / segmentBytes);
  if (damage < Math.max(0, (last - SEGMENTS_SEEN + 1) * segmentBytes)) return;
  log.warn(
    { position: damage, lost: end - damage },
    'the log is damaged: Apache RocketMQ would cut it there, so run gantry store repair before it opens this directory',
  );
}
