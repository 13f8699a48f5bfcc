import fc from 'fast-check';
import { jumpHash } from '../../../src/message/jump-hash';

/** The published function, in 64-bit arithmetic. */
function reference(key: number, buckets: number): number {
  let state = BigInt.asUintN(64, BigInt(key));
  for (let candidate = 0; ;) {
    state = BigInt.asUintN(64, state * 2862933555777941757n + 1n);
    const next = Math.floor((candidate + 1) / ((Number(state >> 33n) + 1) / 2 ** 31));
    if (next >= buckets) return candidate;
    candidate = next;
  }
}

describe('jumpHash', () => {
  it('is the published consistent hash', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
        fc.integer({ min: 1, max: 100_000 }),
        (key, buckets) => jumpHash(key, buckets) === reference(key, buckets),
      ),
      { seed: 7, numRuns: 2000 },
    );
  });

  it('moves keys only into the bucket that is new', () => {
    for (let key = -500; key < 500; key++) {
      const after = jumpHash(key * 7919, 9);
      expect([jumpHash(key * 7919, 8), 8]).toContain(after);
    }
  });
});
