/**
 * A group's backoff on the command line and as people read it.
 *
 *     1s,5s,30s               the delay after each attempt; the last one repeats
 *     exponential:1s,2m,2     the first delay, the longest one, and what each is of the one before
 */
import { MAX_BACKOFF_MS, type BackoffPolicy } from '../api/topic';
import { parseValue, writeValue } from '../config/formats';
import { option } from '../config/option';

const EXPONENTIAL = 'exponential:';
const delay = option('duration', 1000, '', { min: 1, max: MAX_BACKOFF_MS });

/** @throws Error that says what is expected, and what is wrong */
export function parseBackoff(text: string): BackoffPolicy {
  if (!text.startsWith(EXPONENTIAL)) {
    return { kind: 'customized', nextMs: text.split(',').map(parseDelay) };
  }
  const parts = text.slice(EXPONENTIAL.length).split(',');
  const [initial = '', max = '', multiplier = ''] = parts;
  if (parts.length !== 3 || !/^\d+(\.\d+)?$/.test(multiplier)) {
    throw new Error(`--backoff must be ${EXPONENTIAL}FIRST,LONGEST,MULTIPLIER, got ${text}`);
  }
  return {
    kind: 'exponential',
    initialMs: parseDelay(initial),
    maxMs: parseDelay(max),
    multiplier: Number(multiplier),
  };
}

export function backoffText(policy: BackoffPolicy): string {
  const text = (ms: number): string => writeValue(delay, ms);
  switch (policy.kind) {
    case 'exponential':
      return `${text(policy.initialMs)}, times ${policy.multiplier} up to ${text(policy.maxMs)}`;
    case 'customized':
      return policy.nextMs.map(text).join(' ');
  }
}

function parseDelay(text: string): number {
  try {
    return Number(parseValue(delay, text.trim()));
  } catch (error) {
    throw new Error(`--backoff: each delay ${(error as Error).message}, got ${text}`, {
      cause: error,
    });
  }
}
