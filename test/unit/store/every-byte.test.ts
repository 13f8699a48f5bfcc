/** A sample of all single bytes of a small store, harmed; test/faults/every-byte.test.ts takes them all. */
import { seeded } from '../../support/seeded';
import { allFaults, tryFault } from './support/byte-faults';
import { makeSubject, type Ending } from './support/small-store';

const SAMPLE = 600;

test.each(['stopped', 'killed'] as const)(
  'a harmed byte in a store that was %s: it opens, tells, and serves all that is whole',
  async (ending: Ending) => {
    const subject = await makeSubject(ending);
    expect(subject.sent).toHaveLength(200);
    const faults = [...allFaults(subject)];
    const chance = seeded(20_261_121);
    const wrong: string[] = [];
    const small = faults.filter(({ path }) => !path.includes('/commitlog/'));
    for (let i = 0; i < SAMPLE; i++) {
      // Half of them in the small files, which are a small part of all bytes.
      const from = i % 2 === 0 ? faults : small;
      const fault = from[chance.below(from.length)];
      if (fault) wrong.push(...(await tryFault(subject, fault)));
    }
    expect(wrong).toEqual([]);
  },
);
