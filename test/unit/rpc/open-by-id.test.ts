import fc from 'fast-check';
import { OpenById } from '../../../src/rpc/open-by-id';

interface Member {
  readonly id: number;
}

test.each([1, 2] as const)(
  'members %i apart are found by their ids, whatever came and went',
  (gap) => {
    // Each step skips some ids, adds a member, and removes the one that a number picks, or none.
    const steps = fc.array(
      fc.record({ skip: fc.nat({ max: 3 }), close: fc.option(fc.nat(), { nil: undefined }) }),
      { maxLength: 400 },
    );
    fc.assert(
      fc.property(steps, (all) => {
        const members = new OpenById<Member>(gap);
        const model = new Map<number, Member>();
        let id = 1;
        for (const { skip, close } of all) {
          id += gap * (skip + 1);
          const member = { id };
          members.add(member);
          model.set(id, member);
          const closed = close === undefined ? undefined : [...model.values()][close % model.size];
          if (closed !== undefined) {
            members.delete(closed);
            model.delete(closed.id);
          }
          expect(members.size).toBe(model.size);
        }
        for (let asked = 1; asked <= id + gap; asked += gap) {
          expect(members.get(asked)).toBe(model.get(asked));
        }
        expect(new Set(members.all())).toEqual(new Set(model.values()));
      }),
      { seed: 7, numRuns: 100 },
    );
  },
);

test('one that is open for long is found after a million others', () => {
  const members = new OpenById<Member>(2);
  const long = { id: 7 };
  members.add(long);
  for (let id = 9; id < 2_000_000; id += 2) {
    const member = { id };
    members.add(member);
    members.delete(member);
  }
  expect(members.get(7)).toBe(long);
  expect(members.size).toBe(1);
  members.delete(long);
  expect(members.get(7)).toBeUndefined();
  expect(members.all()).toEqual([]);
});
