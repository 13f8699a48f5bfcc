/** Messages are found by key, id, place and time, whether the index has reached them or not. */
import { Code } from '../../../../src/message/status';
import { draft, run, stop, textOf, type TestStore } from '../support/test-store';
import { find, indexed, indexNames, post, openIndexed } from './support';

let opened: TestStore;
beforeEach(async () => {
  opened = await openIndexed();
});
afterEach(() => stop(opened));

/** Each test once with what the log has, once with what the index has, once after a restart. */
const states: readonly (readonly [string, () => Promise<void>])[] = [
  ['not indexed yet', () => Promise.resolve()],
  ['indexed', () => indexed(opened)],
  [
    'after a restart',
    async () => {
      await stop(opened);
      opened = await openIndexed(opened.files);
    },
  ],
];

describe.each(states)('finding messages: %s', (_name, reach) => {
  it('finds the messages of a key, the newest first', async () => {
    await post(
      opened,
      { topic: 'orders', id: 'a', keys: 'k1 k2' },
      { topic: 'orders', id: 'b', keys: 'k2' },
      { topic: 'mails', id: 'c', keys: 'k2' },
    );
    await reach();
    expect(await find(opened, 'orders', 'k2')).toEqual({ ids: ['b', 'a'], complete: true });
    expect(await find(opened, 'orders', 'k1')).toEqual({ ids: ['a'], complete: true });
    expect(await find(opened, 'mails', 'k2')).toEqual({ ids: ['c'], complete: true });
    expect(await find(opened, 'orders', 'k3')).toEqual({ ids: [], complete: true });
  });

  it('tells keys, ids and tags apart, though they share the index', async () => {
    await post(opened, { topic: 't', id: 'x', keys: 'y', tag: 'z' }, { topic: 't', id: 'y' });
    await reach();
    expect((await find(opened, 't', 'y')).ids).toEqual(['x']);
    expect((await find(opened, 't', 'y', { by: 'id' })).ids).toEqual(['y']);
    expect((await find(opened, 't', 'T#z')).ids).toEqual([]);
  });

  it('finds nothing of another key with the same hash', async () => {
    // Java's hashes of "Aa" and "BB" are equal.
    await post(opened, { topic: 't', id: 'a', keys: 'Aa' }, { topic: 't', id: 'b', keys: 'BB' });
    await reach();
    expect(await find(opened, 't', 'BB')).toEqual({ ids: ['b'], complete: true });
    expect(await find(opened, 't', 'Aa')).toEqual({ ids: ['a'], complete: true });
  });

  it('finds an id in whichever of the topics it is', async () => {
    await post(
      opened,
      { topic: 't1', id: 'a' },
      { topic: 't2', id: 'b' },
      { topic: 't3', id: 'b' },
    );
    await reach();
    const topics = ['t1', 't2', 't3'];
    expect((await find(opened, '', 'b', { by: 'id', topics })).ids).toEqual(['b', 'b']);
    expect((await find(opened, '', 'b', { by: 'id', topics: ['t1'] })).ids).toEqual([]);
  });

  it('keeps to the time range, both ends included, to the millisecond', async () => {
    const times: number[] = [];
    for (let i = 0; i < 60; i++) {
      const [placed] = await post(opened, { topic: 't', id: `${i}`, keys: 'k' });
      times.push(placed?.storeTimestamp ?? 0);
      await opened.sim.advance(170);
    }
    await reach();
    for (const [from, to] of [
      [0, 59],
      [7, 7],
      [3, 41],
      [58, 59],
    ] as const) {
      const range = { beginMs: times[from] ?? 0, endMs: times[to] ?? 0 };
      const expected = Array.from({ length: to - from + 1 }, (_, i) => `${to - i}`);
      expect(await find(opened, 't', 'k', range)).toEqual({ ids: expected, complete: true });
    }
    const between = { beginMs: (times[4] ?? 0) + 1, endMs: (times[5] ?? 0) - 1 };
    expect((await find(opened, 't', 'k', between)).ids).toEqual([]);
  });

  it('answers the newest when there are too many, and says that there are more', async () => {
    for (let i = 0; i < 30; i++) await post(opened, { topic: 't', id: `${i}`, keys: 'k' });
    await reach();
    expect(await find(opened, 't', 'k', { maxMessages: 3 })).toEqual({
      ids: ['29', '28', '27'],
      complete: false,
    });
    expect((await find(opened, 't', 'k', { maxMessages: 30 })).complete).toBe(true);
  });

  it('does not find messages of a topic that was deleted, in a later one of that name', async () => {
    await post(opened, { topic: 't', id: 'old', keys: 'k' });
    await reach();
    await run(opened.sim, opened.store.deleteTopic('t'));
    const [old] = await post(opened, { topic: 't', id: 'new', keys: 'k' });
    expect(await find(opened, 't', 'k')).toEqual({ ids: ['new'], complete: true });
    expect(await run(opened.sim, opened.store.finder.at(0))).toBeUndefined();
    expect(old?.physicalOffset).toBeGreaterThan(0);
  });
});

describe('messages by place and time', () => {
  it('at gives the record that begins there, and nothing between', async () => {
    const [a, b] = await post(opened, { topic: 't', id: 'a' }, { topic: 't', id: 'b' });
    const at = (position: number): Promise<string | undefined> =>
      run(opened.sim, opened.store.finder.at(position)).then((r) => r && textOf(r));
    expect(await at(a?.physicalOffset ?? -1)).toBe('a');
    expect(await at(b?.physicalOffset ?? -1)).toBe('b');
    for (const none of [1, (a?.endOffset ?? 0) + 1, b?.endOffset ?? 0, -1, 1e12, NaN, 0.5]) {
      expect(await at(none)).toBeUndefined();
    }
    await stop(opened);
    opened = await openIndexed(opened.files);
    expect(await at(b?.physicalOffset ?? -1)).toBe('b');
    expect(await at(b?.endOffset ?? -1)).toBeUndefined();
  });

  it('of gives the record of a slot', async () => {
    await post(opened, { topic: 't', id: 'a' }, { topic: 't', id: 'b' });
    const of = (topic: string, queueId: number, offset: number): Promise<string | undefined> =>
      run(opened.sim, opened.store.finder.of(topic, queueId, offset)).then((r) => r && textOf(r));
    expect(await of('t', 0, 1)).toBe('b');
    for (const [topic, queueId, offset] of [
      ['t', 0, 2],
      ['t', 0, -1],
      ['t', 1, 0],
      ['u', 0, 0],
    ] as const) {
      expect(await of(topic, queueId, offset)).toBeUndefined();
    }
  });

  it('offsetByTime gives the first at or behind a time, and the last at or before it', async () => {
    const times: number[] = [];
    for (let i = 0; i < 40; i++) {
      const [one] = await post(opened, { topic: 't', id: `${i}` }, { topic: 't', id: `${i}b` });
      times.push(one?.storeTimestamp ?? 0);
      await opened.sim.advance(10);
    }
    const at = (timeMs: number, boundary: 'lower' | 'upper'): Promise<number> =>
      run(opened.sim, opened.store.finder.offsetByTime('t', 0, timeMs, boundary));
    for (const [i, time] of times.entries()) {
      expect(await at(time, 'lower')).toBe(2 * i);
      expect(await at(time - 1, 'lower')).toBe(2 * i);
      expect(await at(time, 'upper')).toBe(2 * i + 1);
      expect(await at(time + 1, 'upper')).toBe(2 * i + 1);
    }
    expect(await at(times[39] ?? 0, 'lower')).toBe(78);
    expect(await at((times[39] ?? 0) + 1, 'lower')).toBe(80);
    expect(await at(0, 'upper')).toBe(0);
    expect(await run(opened.sim, opened.store.finder.offsetByTime('none', 0, 1, 'lower'))).toBe(0);
  });
});

describe('the limits of a search', () => {
  it.each([
    [{ maxMessages: 0 }, 'maxMessages is 0, the limit is 1 to 64'],
    [{ maxMessages: 65 }, 'maxMessages is 65, the limit is 1 to 64'],
    [{ key: '' }, 'needs a key'],
    [{ topics: [] }, 'names 0 topics, the limit is 1 to 1000'],
    [{ topics: Array.from({ length: 1001 }, (_, i) => `t${i}`) }, 'names 1001 topics'],
    [{ beginMs: 2, endMs: 1 }, 'the time range 2 to 1 is empty'],
    [{ beginMs: NaN }, 'is empty'],
  ])('%j is refused', async (changes, text) => {
    await expect(find(opened, 't', 'k', changes)).rejects.toMatchObject({
      code: Code.BAD_REQUEST,
      message: expect.stringContaining(text) as string,
    });
  });

  it('64 searches run or wait, more are refused, and later ones are served again', async () => {
    await post(opened, { topic: 't', id: 'a', keys: 'k' });
    const searches = Array.from({ length: 65 }, () => find(opened, 't', 'k'));
    const outcomes = await Promise.allSettled(searches);
    const refused = outcomes.filter(({ status }) => status === 'rejected');
    expect(refused).toMatchObject([{ reason: { code: Code.TOO_MANY_REQUESTS } }]);
    expect((await find(opened, 't', 'k')).ids).toEqual(['a']);
  });

  it('a store without an index says so', async () => {
    const without = await openIndexed(undefined, { index: { enabled: false } });
    await without.sim.settle();
    without.store.append(draft('t', 'a'), 0);
    await without.sim.advance(1000);
    await expect(find(without, 't', 'k')).rejects.toMatchObject({ code: Code.UNSUPPORTED });
    await stop(without);
    expect(await indexNames(without.files)).toEqual([]);
  });

  it.each([
    [{ slots: 0 }],
    [{ entries: 1 }],
    [{ slots: 1.5 }],
    [{ slots: 2 ** 29 }],
    [{ entries: 2 ** 27 }],
  ])('lengths of %j are refused', async (index) => {
    await expect(openIndexed(undefined, { index })).rejects.toThrow('an index file of');
  });
});
