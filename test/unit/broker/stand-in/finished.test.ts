import fc from 'fast-check';
import { finishedIn } from '../../../../src/broker/stand-in/finished';
import type { JournalEntry } from '../../../../src/broker/stand-in/journal-entry';
import type { LedgerOp } from '../../../../src/broker/pop/ledger-ops';

const QUEUE = { group: 'g', topic: 't', queueId: 0 };
const GENERATION: JournalEntry = { kind: 'generation', of: { ...QUEUE, generation: 7 } };
const ops = (...all: readonly LedgerOp[]): JournalEntry => ({ kind: 'ops', wallMs: 0, ops: all });
const acked = (...offsets: readonly number[]): JournalEntry =>
  ops({ kind: 'ack', ...QUEUE, offsets });
const log = (min: number, max: number) => ({ minOffset: () => min, maxOffset: () => max });

test('what was acknowledged is told once, in ranges, with the generation of the queue', () => {
  const journal = [GENERATION, acked(5, 3), acked(4, 9, 3)];
  expect(finishedIn(journal, log(0, 10))).toEqual([
    [
      {
        ...QUEUE,
        generation: 7,
        below: 0,
        ranges: [
          { from: 3, count: 3 },
          { from: 9, count: 1 },
        ],
      },
    ],
  ]);
});

test('what the log does not hold is not told', () => {
  const journal = [GENERATION, acked(1, 2, 3, 4), ops({ kind: 'expire', ...QUEUE, min: 9 })];
  const [[queue] = []] = finishedIn(journal, log(2, 4));
  expect(queue).toMatchObject({ below: 4, ranges: [{ from: 2, count: 2 }] });
  expect(finishedIn([GENERATION, acked(1)], log(2, 4))).toEqual([]);
  expect(finishedIn([], log(0, 4))).toEqual([]);
});

test('pieces hold at most 4096 ranges, and together all of them', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 6000 }), { maxLength: 4 }), (counts) => {
      const journal = counts.flatMap((count, queueId): JournalEntry[] => {
        const queue = { ...QUEUE, queueId };
        const offsets = Array.from({ length: count }, (_, i) => i * 2);
        return [
          { kind: 'generation', of: { ...queue, generation: 0 } },
          ops({ kind: 'ack', ...queue, offsets }),
        ];
      });
      const pieces = finishedIn(journal, log(0, 100_000));
      for (const piece of pieces) {
        const ranges = piece.flatMap((queue) => queue.ranges).length;
        expect(ranges).toBeGreaterThan(0);
        expect(ranges).toBeLessThanOrEqual(4096);
      }
      const told = (queueId: number): number =>
        pieces
          .flat()
          .filter((queue) => queue.queueId === queueId)
          .flatMap(({ ranges }) => ranges).length;
      expect(counts.map((_, queueId) => told(queueId))).toEqual(counts);
    }),
    { numRuns: 20, seed: 1 },
  );
});
