/** `--lite-idle`: after how long unused lite topics of a topic are removed. */
import { MAX_LITE_IDLE_MS, MIN_LITE_IDLE_MS, type TopicConfig } from '../api/topic';
import { parseValue } from '../config/formats';
import { option } from '../config/option';
import { usage } from './admin-command';

const idle = option('duration', 0, '', { min: MIN_LITE_IDLE_MS, max: MAX_LITE_IDLE_MS });

export const liteIdleOption = [
  '--lite-idle <DURATION>',
  'after how long unused lite topics of a LITE topic are removed, or never',
] as const;

/** What the option says of a topic. @throws UsageError */
export function liteIdleOf({
  liteIdle,
}: Readonly<Record<string, unknown>>): Pick<TopicConfig, 'liteIdleMs'> {
  if (typeof liteIdle !== 'string') return {};
  if (liteIdle === 'never') return { liteIdleMs: 0 };
  return { liteIdleMs: usage(() => parseDuration(liteIdle)) };
}

function parseDuration(text: string): number {
  try {
    return Number(parseValue(idle, text));
  } catch (error) {
    throw new Error(`--lite-idle ${(error as Error).message} or never, got ${text}`, {
      cause: error,
    });
  }
}
