import { FilterCache } from '../../../src/message/filter-cache';

describe('the cache of filters', () => {
  it('reads each expression once', () => {
    const filters = new FilterCache();
    for (const filter of [
      { type: 'SQL', expression: 'a > 5' },
      { type: 'TAG', expression: 'a || b' },
    ] as const) {
      expect(filters.get(filter)).toBeDefined();
      expect(filters.get(filter)).toBe(filters.get(filter));
    }
    expect(filters.size).toBe(2);
    expect(filters.get({ type: 'TAG', expression: 'a > 5' })).not.toBe(
      filters.get({ type: 'SQL', expression: 'a > 5' }),
    );
  });

  it.each(['*', '', ' * ', '||'])('has no filter for the tags %j', (expression) => {
    expect(new FilterCache().get({ type: 'TAG', expression })).toBeUndefined();
  });

  it('keeps 4096 expressions, those used last', () => {
    const filters = new FilterCache();
    const get = (i: number): unknown => filters.get({ type: 'SQL', expression: `a = ${i}` });
    const [first, second] = [get(0), get(1)];
    for (let i = 2; i < 4096; i++) get(i);
    expect(get(0)).toBe(first);
    get(4096);
    expect(filters.size).toBe(4096);
    expect(get(0)).toBe(first);
    expect(get(1)).not.toBe(second);
  });

  it('keeps 524,288 characters of them', () => {
    const filters = new FilterCache();
    for (let i = 0; i < 100; i++) {
      filters.get({ type: 'SQL', expression: `a = '${String(i).padEnd(16_000, 'x')}'` });
    }
    expect(filters.size).toBe(32);
  });

  it('refuses what cannot be read, each time', () => {
    const filters = new FilterCache();
    for (let i = 0; i < 2; i++) {
      expect(() => filters.get({ type: 'SQL', expression: 'a >' })).toThrow(
        'SQL filter, position 4',
      );
    }
    const expression = 'x'.repeat(16_385);
    expect(() => filters.get({ type: 'TAG', expression })).toThrow(
      'the tag expression has 16385 characters, the limit is 16384',
    );
  });
});
