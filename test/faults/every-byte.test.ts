/**
 * Each written byte of a small store, and 64 behind: flipped, and the file cut there. EVERY_BYTE_PART
 * takes a part of them: `2/4` is the second quarter.
 */
import { allFaults, tryFault } from '../unit/store/support/byte-faults';
import { makeSubject } from '../unit/store/support/small-store';

const WRONG_MAX = 20;

function part(): { readonly index: number; readonly of: number } {
  const [index = 1, of = 1] = (process.env['EVERY_BYTE_PART'] ?? '1/1').split('/').map(Number);
  if (!(index >= 1 && index <= of)) throw new Error('EVERY_BYTE_PART must be I/N');
  return { index, of };
}

test.each(['stopped', 'killed'] as const)(
  'any harmed byte in a store that was %s: it opens, tells, and serves all that is whole',
  async (ending) => {
    const subject = await makeSubject(ending);
    const { index, of } = part();
    const wrong: string[] = [];
    let count = 0;
    for (const fault of allFaults(subject)) {
      if (count++ % of !== index - 1) continue;
      wrong.push(...(await tryFault(subject, fault)));
      if (wrong.length >= WRONG_MAX) break;
    }
    expect(wrong).toEqual([]);
    expect(count).toBeGreaterThan(200_000);
  },
);
