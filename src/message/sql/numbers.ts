/** Numbers in filters: of any size as they are written, compared exactly. */

/** `bigint` where a `number` would not be exact. JavaScript compares the two exactly. */
export type Numeric = number | bigint;

const INTEGER = /^[+-]?\d+$/;
const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
/** So many digits are always exact in a `number`. */
const EXACT_DIGITS = 15;
/** Longer texts are no numbers: the time to read one is bounded. */
const MAX_NUMBER_CHARS = 400;

/** The number that a property's text says, `undefined` when it says none. Blanks around it do not matter. */
export function numberOf(text: string): Numeric | undefined {
  if (text.length > MAX_NUMBER_CHARS) return undefined;
  const trimmed = text.trim();
  if (INTEGER.test(trimmed)) {
    return trimmed.length <= EXACT_DIGITS ? Number(trimmed) : integerOf(trimmed);
  }
  return DECIMAL.test(trimmed) ? Number(trimmed) : undefined;
}

function integerOf(text: string): bigint {
  const digits = text.startsWith('+') || text.startsWith('-') ? text.slice(1) : text;
  const value = BigInt(digits);
  return text.startsWith('-') ? -value : value;
}
