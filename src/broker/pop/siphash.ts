/**
 * SipHash-2-4 (Aumasson, Bernstein): a keyed 64-bit hash for short input, here as the MAC of
 * receipt handles. 64-bit words are pairs of 32-bit halves, so no object is made: well below a
 * microsecond for a handle.
 */
export interface SipKey {
  /** k0 low, k0 high, k1 low, k1 high. */
  readonly words: Int32Array;
}

/** @param bytes 16 bytes. */
export function sipKey(bytes: Buffer): SipKey {
  if (bytes.length !== 16) throw new RangeError(`SipHash key has ${bytes.length} bytes, wants 16`);
  return { words: Int32Array.of(...[0, 4, 8, 12].map((at) => bytes.readInt32LE(at))) };
}

/** Rounds a word, and at the end. */
const ROUNDS = 2;
const LAST_ROUNDS = 4;

/**
 * Writes the hash of `source[from, to)` as 8 bytes, little-endian, at `at` of `target`. Hot path: the
 * state v0 .. v3 is in locals (a, b, c, d the low halves, A, B, C, D the high ones), so that it stays
 * in registers, and the round stands here once instead of in a function of its own.
 */
export function sipHash(
  key: SipKey,
  source: Buffer,
  from: number,
  to: number,
  target: Buffer,
  at: number,
): void {
  const [k0l = 0, k0h = 0, k1l = 0, k1h = 0] = key.words;
  let a = k0l ^ 0x70736575;
  let A = k0h ^ 0x736f6d65;
  let b = k1l ^ 0x6e646f6d;
  let B = k1h ^ 0x646f7261;
  let c = k0l ^ 0x6e657261;
  let C = k0h ^ 0x6c796765;
  let d = k1l ^ 0x79746573;
  let D = k1h ^ 0x74656462;
  const words = (to - from) >>> 3;
  for (let word = 0; word <= words + 1; word++) {
    const closing = word > words;
    let low = 0;
    let high = 0;
    if (closing) {
      c ^= 0xff;
    } else if (word < words) {
      low = source.readInt32LE(from + 8 * word);
      high = source.readInt32LE(from + 8 * word + 4);
    } else {
      // The bytes that are left, and the length above them.
      high = (to - from) << 24;
      for (let i = 0, p = from + 8 * words; p < to; i++, p++) {
        const byte = source[p] ?? 0;
        if (i < 4) low |= byte << (8 * i);
        else high |= byte << (8 * (i - 4));
      }
    }
    d ^= low;
    D ^= high;
    for (let round = closing ? LAST_ROUNDS : ROUNDS; round > 0; round--) {
      let sum = (a >>> 0) + (b >>> 0);
      A = (A + B + (sum > 0xffffffff ? 1 : 0)) | 0;
      a = sum | 0;
      let t = (b << 13) | (B >>> 19);
      B = ((B << 13) | (b >>> 19)) ^ A;
      b = t ^ a;
      t = a;
      a = A;
      A = t;
      sum = (c >>> 0) + (d >>> 0);
      C = (C + D + (sum > 0xffffffff ? 1 : 0)) | 0;
      c = sum | 0;
      t = (d << 16) | (D >>> 16);
      D = ((D << 16) | (d >>> 16)) ^ C;
      d = t ^ c;
      sum = (a >>> 0) + (d >>> 0);
      A = (A + D + (sum > 0xffffffff ? 1 : 0)) | 0;
      a = sum | 0;
      t = (d << 21) | (D >>> 11);
      D = ((D << 21) | (d >>> 11)) ^ A;
      d = t ^ a;
      sum = (c >>> 0) + (b >>> 0);
      C = (C + B + (sum > 0xffffffff ? 1 : 0)) | 0;
      c = sum | 0;
      t = (b << 17) | (B >>> 15);
      B = ((B << 17) | (b >>> 15)) ^ C;
      b = t ^ c;
      t = c;
      c = C;
      C = t;
    }
    a ^= low;
    A ^= high;
  }
  target.writeInt32LE(a ^ b ^ c ^ d, at);
  target.writeInt32LE(A ^ B ^ C ^ D, at + 4);
}
