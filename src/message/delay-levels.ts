/** Messages with a delay level: they wait in a topic of their own, a queue for each level (`messageDelayLevel`). */
export const SCHEDULE_TOPIC = 'SCHEDULE_TOPIC_XXXX';

const SECONDS = [
  1, 5, 10, 30, 60, 120, 180, 240, 300, 360, 420, 480, 540, 600, 1200, 1800, 3600, 7200,
];

export const DELAY_LEVELS = SECONDS.length;

/** Milliseconds of a level, 1 .. 18; a higher one counts as 18, anything else is none. */
export function delayOfLevel(level: number): number | undefined {
  if (!Number.isInteger(level) || level < 1) return undefined;
  return (SECONDS[Math.min(level, SECONDS.length) - 1] ?? 0) * 1000;
}
