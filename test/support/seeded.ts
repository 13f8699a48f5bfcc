/** Numbers that are the same in every run with the same seed (mulberry32). */
export interface Chance {
  /** 0 <= number < 1. */
  next(): number;
  /** Whole numbers from 0 to `limit` - 1. */
  below(limit: number): number;
  /** True in `part` (0 .. 1) of all cases. */
  hits(part: number): boolean;
}

export function seeded(seed: number): Chance {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    next,
    below: (limit) => Math.floor(next() * limit),
    hits: (part) => next() < part,
  };
}
