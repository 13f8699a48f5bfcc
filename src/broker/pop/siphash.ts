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

// The state v0 .. v3, each as low and high half.
const v = new Int32Array(8);

/** Writes the hash of `source[from, to)` as 8 bytes, little-endian, at `at` of `target`. */
export function sipHash(
  key: SipKey,
  source: Buffer,
  from: number,
  to: number,
  target: Buffer,
  at: number,
): void {
  const [k0l = 0, k0h = 0, k1l = 0, k1h = 0] = key.words;
  v[0] = k0l ^ 0x70736575;
  v[1] = k0h ^ 0x736f6d65;
  v[2] = k1l ^ 0x6e646f6d;
  v[3] = k1h ^ 0x646f7261;
  v[4] = k0l ^ 0x6e657261;
  v[5] = k0h ^ 0x6c796765;
  v[6] = k1l ^ 0x79746573;
  v[7] = k1h ^ 0x74656462;
  let p = from;
  for (; p + 8 <= to; p += 8) compress(source.readInt32LE(p), source.readInt32LE(p + 4));
  let low = 0;
  let high = (to - from) << 24;
  for (let i = 0; p + i < to; i++) {
    const byte = source[p + i] ?? 0;
    if (i < 4) low |= byte << (8 * i);
    else high |= byte << (8 * (i - 4));
  }
  compress(low, high);
  v[4] = (v[4] ?? 0) ^ 0xff;
  for (let i = 0; i < 4; i++) round();
  const w = v as unknown as readonly [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  target.writeInt32LE(w[0] ^ w[2] ^ w[4] ^ w[6], at);
  target.writeInt32LE(w[1] ^ w[3] ^ w[5] ^ w[7], at + 4);
}

function compress(low: number, high: number): void {
  v[6] = (v[6] ?? 0) ^ low;
  v[7] = (v[7] ?? 0) ^ high;
  round();
  round();
  v[0] = (v[0] ?? 0) ^ low;
  v[1] = (v[1] ?? 0) ^ high;
}

function round(): void {
  let [a = 0, A = 0, b = 0, B = 0, c = 0, C = 0, d = 0, D = 0] = v;
  let low = (a >>> 0) + (b >>> 0);
  A = (A + B + (low > 0xffffffff ? 1 : 0)) | 0;
  a = low | 0;
  let t = (b << 13) | (B >>> 19);
  B = ((B << 13) | (b >>> 19)) ^ A;
  b = t ^ a;
  t = a;
  a = A;
  A = t;
  low = (c >>> 0) + (d >>> 0);
  C = (C + D + (low > 0xffffffff ? 1 : 0)) | 0;
  c = low | 0;
  t = (d << 16) | (D >>> 16);
  D = ((D << 16) | (d >>> 16)) ^ C;
  d = t ^ c;
  low = (a >>> 0) + (d >>> 0);
  A = (A + D + (low > 0xffffffff ? 1 : 0)) | 0;
  a = low | 0;
  t = (d << 21) | (D >>> 11);
  D = ((D << 21) | (d >>> 11)) ^ A;
  d = t ^ a;
  low = (c >>> 0) + (b >>> 0);
  C = (C + B + (low > 0xffffffff ? 1 : 0)) | 0;
  c = low | 0;
  t = (b << 17) | (B >>> 15);
  B = ((B << 17) | (b >>> 15)) ^ C;
  b = t ^ c;
  t = c;
  c = C;
  C = t;
  v[0] = a;
  v[1] = A;
  v[2] = b;
  v[3] = B;
  v[4] = c;
  v[5] = C;
  v[6] = d;
  v[7] = D;
}
