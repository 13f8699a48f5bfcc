import fc from 'fast-check';
import { DuplicateTable } from '../../../../src/broker/dedup/duplicate-table';

/** What the table should know: entries in order, the oldest first. */
class Model {
  private entries: { low: number; high: number; position: number; storedMs: number }[] = [];

  constructor(private readonly maxEntries: number) {}

  get size(): number {
    return this.entries.length;
  }

  find(low: number, high: number): number | undefined {
    return this.entries.findLast((entry) => entry.low === low && entry.high === high)?.position;
  }

  add(low: number, high: number, position: number, storedMs: number): void {
    this.entries.push({ low, high, position, storedMs });
    if (this.entries.length > this.maxEntries) this.entries.shift();
  }

  dropBefore(timeMs: number): void {
    this.entries = this.entries.filter(({ storedMs }) => storedMs >= timeMs);
  }
}

type Step =
  | { readonly add: number; readonly times: number; readonly afterMs: number }
  | { readonly dropBehindMs: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      add: fc.nat(40),
      // Now and then more than a page of 4096.
      times: fc.oneof(
        { weight: 6, arbitrary: fc.integer({ min: 1, max: 30 }) },
        fc.integer({ min: 2000, max: 5000 }),
      ),
      afterMs: fc.nat(20),
    }),
  },
  fc.record({ dropBehindMs: fc.nat(100) }),
);

describe('a table of duplicates', () => {
  it('knows what a list of the newest entries knows, whatever is added and dropped', () => {
    const run = fc.property(
      fc.constantFrom(1, 3, 4096, 20_000),
      fc.array(step, { maxLength: 12 }),
      (maxEntries, steps) => {
        const table = new DuplicateTable(maxEntries);
        const model = new Model(maxEntries);
        let [position, nowMs] = [0, 1_000];
        for (const taken of steps) {
          if ('dropBehindMs' in taken) {
            table.dropBefore(nowMs - taken.dropBehindMs);
            model.dropBefore(nowMs - taken.dropBehindMs);
          } else {
            for (let i = 0; i < taken.times; i++) {
              // Few different hashes, so that entries share a bucket, and some all of it.
              const low = ((taken.add + i) % 50) * 1024;
              const high = i % 3;
              position += 100;
              if (i % 100 === 0) nowMs += taken.afterMs;
              table.add(low, high, position, nowMs);
              model.add(low, high, position, nowMs);
            }
          }
          expect(table.size).toBe(model.size);
          for (let low = 0; low < 50; low++) {
            // Chance makes no chain as long as these; within its steps the table must agree.
            const found = table.find(low * 1024, 0)?.physicalOffset;
            if (found !== undefined) expect(found).toBe(model.find(low * 1024, 0));
            if (model.size < 60) expect(found).toBe(model.find(low * 1024, 0));
          }
        }
      },
    );
    fc.assert(run, { seed: 20261121, numRuns: 60 });
  });

  it('finds each of many entries with hashes as chance gives them, also when the first are gone', () => {
    const table = new DuplicateTable(1_000_000);
    const low = (i: number): number => Math.imul(i + 1, 0x9e3779b1) >>> 0;
    for (let i = 0; i < 60_000; i++) table.add(low(i), i, i * 10, 1_000 + i);
    const missing = (from: number): number[] =>
      Array.from({ length: 60_000 - from }, (_, n) => from + n).filter(
        (i) => table.find(low(i), i)?.physicalOffset !== i * 10,
      );
    expect(missing(0)).toEqual([]);
    table.dropBefore(1_000 + 45_000);
    expect(table.size).toBe(15_000);
    expect(table.oldestMs).toBe(46_000);
    expect(missing(45_000)).toEqual([]);
    expect(table.find(low(44_999), 44_999)).toBeUndefined();
  });

  it('takes memory for what it knows, and gives it back', () => {
    const table = new DuplicateTable(1_000_000);
    expect(table.bytes).toBe(0);
    table.add(1, 1, 0, 0);
    expect(table.bytes).toBeLessThan(128 * 1024);
    for (let i = 0; i < 500_000; i++) table.add(Math.imul(i, 0x9e3779b1) >>> 0, i, i, 1 + i);
    const full = table.bytes;
    expect(full).toBeLessThan(500_000 * 40 + 256 * 1024);
    table.dropBefore(400_000);
    expect(table.bytes).toBeLessThan(full / 3);
    table.dropBefore(600_000);
    expect([table.size, table.bytes]).toEqual([0, 0]);
    table.add(7, 7, 70, 700_000);
    expect(table.find(7, 7)).toEqual({ physicalOffset: 70, storedMs: 700_000 });
  });

  it('holds no more than it may, the newest ones', () => {
    const table = new DuplicateTable(10_000);
    for (let i = 0; i < 100_000; i++) table.add(i, 0, i, i);
    expect(table.size).toBe(10_000);
    expect(table.bytes).toBeLessThan(10_000 * 40 + 256 * 1024);
    expect(table.find(89_999, 0)).toBeUndefined();
    expect(table.find(90_000, 0)?.physicalOffset).toBe(90_000);
  });

  it('is correct past 2^32 entries, where their numbers begin again', () => {
    const table = new DuplicateTable(8_192, 2 ** 32 - 5_000);
    for (let i = 0; i < 20_000; i++) table.add(i, 5, i, i);
    expect(table.size).toBe(8_192);
    const missing = Array.from({ length: 8_000 }, (_, n) => 12_000 + n).filter(
      (i) => table.find(i, 5)?.physicalOffset !== i,
    );
    expect(missing).toEqual([]);
    expect(table.find(11_000, 5)).toBeUndefined();
  });
});
