/**
 * Choosing one of `buckets` for a key so that few keys move when buckets are added: the function that
 * Apache RocketMQ 5 chooses the queue of a message group with (a linear congruential generator over 64
 * bits, jumping ahead), so that groups stay in their queues when a topic moves here.
 */

/** 2862933555777941757, in two halves. */
const FACTOR_HIGH = 0x27bb2ee6;
const FACTOR_LOW = 0x87b0b0fd;
const TWO_POW_32 = 2 ** 32;

/**
 * @param key a signed 32-bit hash
 * @param buckets at least 1
 * @returns 0 .. buckets - 1
 */
export function jumpHash(key: number, buckets: number): number {
  let low = key >>> 0;
  let high = key < 0 ? 0xffffffff : 0;
  let candidate = 0;
  for (;;) {
    const next = multiplyLow(low);
    high = (next.high + Math.imul(high, FACTOR_LOW) + Math.imul(low, FACTOR_HIGH)) >>> 0;
    low = next.low + 1;
    if (low === TWO_POW_32) {
      low = 0;
      high = (high + 1) >>> 0;
    }
    const jump = Math.floor((candidate + 1) / (((high >>> 1) + 1) / 2 ** 31));
    if (jump >= buckets) return candidate;
    candidate = jump;
  }
}

/** `low` times the factor's low half: 32 by 32 bits, exact. */
function multiplyLow(low: number): { low: number; high: number } {
  const upper = (low >>> 16) * FACTOR_LOW;
  const lower = (low & 0xffff) * FACTOR_LOW;
  const sum = (upper % 65536) * 65536 + lower;
  return { low: sum % TWO_POW_32, high: Math.floor(upper / 65536) + Math.floor(sum / TWO_POW_32) };
}
