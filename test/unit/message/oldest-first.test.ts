import fc from 'fast-check';
import { OldestFirst } from '../../../src/message/oldest-first';

type Step = readonly ['set' | 'renew' | 'delete', number];

const step = fc.tuple(
  fc.constantFrom('set', 'renew', 'delete'),
  fc.integer({ min: 0, max: 7 }),
) as fc.Arbitrary<Step>;

describe('a map whose oldest entry is found at once', () => {
  it('has the order of a Map, whatever is added and deleted', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const map = new OldestFirst<number, number>();
        const model = new Map<number, number>();
        steps.forEach(([kind, key], value) => {
          if (kind !== 'set') model.delete(key);
          if (kind !== 'delete') model.set(key, value);
          if (kind === 'delete') map.delete(key);
          else map[kind](key, value);
          expect([...map.values()]).toEqual([...model.values()]);
          expect([map.size, map.oldest]).toEqual([model.size, [...model.keys()][0]]);
          expect([map.get(key), map.has(key)]).toEqual([model.get(key), model.has(key)]);
        });
      }),
      { seed: 11, numRuns: 500 },
    );
  });

  it('says whether there was something to delete', () => {
    const map = new OldestFirst<string, number>();
    map.set('a', 1);
    expect([map.delete('a'), map.delete('a')]).toEqual([true, false]);
  });

  it('is walked on from an entry that is deleted, and over others that are', () => {
    const map = new OldestFirst<string, string>();
    for (const key of ['a', 'b', 'c', 'd']) map.set(key, key);
    const seen: string[] = [];
    for (const key of map.values()) {
      seen.push(key);
      if (key === 'a') for (const gone of ['a', 'b', 'c']) map.delete(gone);
    }
    expect(seen).toEqual(['a', 'd']);
    expect(map.oldest).toBe('d');
  });
});
