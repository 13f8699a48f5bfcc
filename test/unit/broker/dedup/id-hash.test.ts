import { IdHash } from '../../../../src/broker/dedup/id-hash';

function pairOf(hash: IdHash, topic: string, id: string): string {
  hash.of(topic, id);
  return `${hash.low} ${hash.high}`;
}

describe('the hashes of a topic and an id', () => {
  it('are the same for equal ones, also after others', () => {
    const hash = new IdHash(1, 2);
    const first = pairOf(hash, 'orders', '01F2');
    pairOf(hash, 'orders', '01F3');
    pairOf(hash, 'bills', '01F2');
    expect(pairOf(hash, 'orders', '01F2')).toBe(first);
  });

  it('differ by topic, by id, by where one ends, and by chance', () => {
    const hash = new IdHash(1, 2);
    const pairs = [
      pairOf(hash, 'ab', 'c'),
      pairOf(hash, 'a', 'bc'),
      pairOf(hash, 'abc', ''),
      pairOf(hash, 'ab', 'd'),
      pairOf(new IdHash(3, 2), 'ab', 'c'),
      pairOf(new IdHash(1, 4), 'ab', 'c'),
    ];
    expect(new Set(pairs).size).toBe(pairs.length);
  });

  it('collide in none of 60,000 ids that count up, and fill 2^14 buckets evenly', () => {
    const hash = new IdHash(0x12345678, 0x9abcdef0);
    const seen = new Set<number>();
    const buckets = new Uint32Array(1 << 14);
    for (let i = 0; i < 60_000; i++) {
      hash.of('t', `01A5DE42C6F1E5B4A2${i.toString(16).toUpperCase().padStart(14, '0')}`);
      seen.add(hash.low * 2 ** 21 + (hash.high & (2 ** 21 - 1)));
      buckets[hash.low & 0x3fff] = (buckets[hash.low & 0x3fff] ?? 0) + 1;
    }
    expect(seen.size).toBe(60_000);
    // 3.7 on average; chance alone leaves 3 % empty and none with more than 20.
    expect(buckets.filter((count) => count === 0).length).toBeLessThan(0.05 * buckets.length);
    expect(Math.max(...buckets)).toBeLessThan(20);
  });
});
