/** A torn tail is cut; damage to what was on stable storage is skipped, and its slot is kept. */
import { memoryFiles } from '../../../src/platform/memory-files';
import type { Appended } from '../../../src/store/message-store';
import {
  afterKill,
  DIRECTORY,
  draft,
  openTestStore,
  overwrite,
  run,
  segmentPath,
  SEGMENT_BYTES,
  send,
  stop,
  texts,
  type TestStore,
} from './support/test-store';

/** Changes one byte of a record's body. */
async function damage({ files }: TestStore, placed: Appended | undefined): Promise<void> {
  if (!placed) throw new Error('nothing was appended');
  const at = (placed.physicalOffset % SEGMENT_BYTES) + 88;
  await overwrite(files, segmentPath(placed.physicalOffset), at, Buffer.from('?'));
}

/** Changes a record's length and magic. */
async function destroyHead({ files }: TestStore, placed: Appended | undefined): Promise<void> {
  if (!placed) throw new Error('nothing was appended');
  const at = placed.physicalOffset % SEGMENT_BYTES;
  await overwrite(files, segmentPath(placed.physicalOffset), at, Buffer.alloc(8, 0x77));
}

test('a torn tail is cut at the last whole record, even when something valid follows', async () => {
  const before = await openTestStore();
  const placed = await send(before, 'orders', 'a', 'b', 'c', 'd');
  // The mark of what was synced is older than these records: nothing says that they had arrived.
  await damage(before, placed[2]);
  const after = await openTestStore(afterKill(before.files));
  expect(await texts(after.store, 'orders')).toEqual(['a', 'b']);
  const [next] = await send(after, 'orders', 'e');
  expect(next).toMatchObject({ queueOffset: 2, physicalOffset: placed[2]?.physicalOffset });
  expect(await texts(after.store, 'orders')).toEqual(['a', 'b', 'e']);
});

test('what lay behind a torn tail does not come back when the log has grown up to it', async () => {
  const before = await openTestStore();
  const placed = await send(before, 'orders', 'a', 'b', 'c');
  await damage(before, placed[1]);
  const after = await openTestStore(afterKill(before.files));
  // Of the same length as the torn one: the old third record would follow it at once.
  await send(after, 'orders', 'B');
  const again = await openTestStore(afterKill(after.files));
  expect(await texts(again.store, 'orders')).toEqual(['a', 'B']);
});

test('damage below the synced mark is skipped, its slot becomes a filler, all others stay', async () => {
  const before = await openTestStore();
  const placed = await send(before, 'orders', 'a', 'b', 'c');
  await before.sim.advance(1000);
  await send(before, 'orders', 'd');
  await damage(before, placed[1]);
  const after = await openTestStore(afterKill(before.files));
  expect(await texts(after.store, 'orders')).toEqual(['a', '', 'c', 'd']);
  const [, filler] = await after.store.entries('orders', 0, 0, 2);
  if (!filler) throw new Error('no entry');
  expect(filler).toEqual({ queueOffset: 1, physicalOffset: 0, bytes: 0, tagsCode: 0 });
  expect(() => after.store.record('orders', 0, filler)).toThrow('its slot has no message');
  await stop(after);
  const again = await openTestStore(after.files);
  expect(await texts(again.store, 'orders')).toEqual(['a', '', 'c', 'd']);
});

test('a destroyed head is passed over by looking for the next record', async () => {
  const before = await openTestStore();
  const placed = await send(before, 'orders', 'a', 'b', 'c');
  await before.sim.advance(1000);
  await destroyHead(before, placed[1]);
  const after = await openTestStore(afterKill(before.files));
  expect(await texts(after.store, 'orders')).toEqual(['a', '', 'c']);
});

test('bytes that look like a record inside a damaged body are not taken for one', async () => {
  const before = await openTestStore();
  const [first] = await send(before, 'orders', 'a');
  if (!first) throw new Error('nothing was appended');
  // A whole, valid record for just the place it will lie at: made by a store of the same history.
  const twin = await openTestStore();
  await send(twin, 'orders', 'a');
  const forgedAt = first.endOffset + 88 + 100;
  const between = forgedAt - first.endOffset - draft('orders', '').byteLength;
  twin.store.append(draft('orders', '', between), 0);
  const forged = twin.store.append(draft('orders', 'forged'), 0);
  await twin.sim.settle();
  expect(forged.physicalOffset).toBe(forgedAt);
  const [, , entry] = await twin.store.entries('orders', 0, 0, 3);
  if (!entry) throw new Error('no entry');
  const bytes = await twin.store.record('orders', 0, entry);
  const outer = before.store.append(draft('orders', 'b', 400), 0);
  await run(before.sim, before.store.durable(outer.endOffset));
  await overwrite(before.files, segmentPath(0), forgedAt, bytes);
  await send(before, 'orders', 'c');
  await before.sim.advance(1000);
  const after = await openTestStore(afterKill(before.files));
  expect(await texts(after.store, 'orders')).toEqual(['a', '', 'c']);
});

test('the slot of a damaged last message is not given out again', async () => {
  const before = await openTestStore();
  const placed = await send(before, 'orders', 'a', 'b');
  await before.sim.advance(1000);
  await destroyHead(before, placed[1]);
  const after = await openTestStore(afterKill(before.files));
  const [next] = await send(after, 'orders', 'c');
  expect(next?.queueOffset).toBe(2);
  expect(next?.physicalOffset).toBe(placed[1]?.endOffset);
  expect(await texts(after.store, 'orders')).toEqual(['a', '', 'c']);
  const again = await openTestStore(afterKill(after.files));
  expect(await texts(again.store, 'orders')).toEqual(['a', '', 'c']);
});

test('the slot of a damaged last message is known from its head when the queue files are gone', async () => {
  const before = await openTestStore();
  const placed = await send(before, 'orders', 'a', 'b');
  await before.sim.advance(1000);
  await damage(before, placed[1]);
  await before.files.removeTree(`${DIRECTORY}/consumequeue`);
  const after = await openTestStore(afterKill(before.files));
  expect((await send(after, 'orders', 'c'))[0]?.queueOffset).toBe(2);
  expect(await texts(after.store, 'orders')).toEqual(['a', '', 'c']);
});

test('a damaged first message of a queue leaves its slot as well', async () => {
  const before = await openTestStore();
  const placed = await send(before, 'orders', 'a', 'b');
  await before.sim.advance(1000);
  await damage(before, placed[0]);
  const after = await openTestStore(afterKill(before.files));
  expect(after.store.maxOffset('orders', 0)).toBe(2);
  expect((await texts(after.store, 'orders')).at(-1)).toBe('b');
});

test('damage in an earlier segment is never a torn tail: later segments stay', async () => {
  const before = await openTestStore();
  const sent = Array.from({ length: 200 }, (_, i) => `${i}`);
  const placed = await send(before, 'orders', ...sent);
  expect(placed.at(-1)?.physicalOffset).toBeGreaterThan(2 * SEGMENT_BYTES);
  await destroyHead(before, placed[3]);
  const lastOfFirst = placed.filter((place) => place.endOffset < SEGMENT_BYTES).at(-1);
  await destroyHead(before, lastOfFirst);
  const after = await openTestStore(afterKill(before.files));
  const lost = new Set([3, lastOfFirst?.queueOffset]);
  expect(await texts(after.store, 'orders')).toEqual(sent.map((t, i) => (lost.has(i) ? '' : t)));
});

test('a damaged blank record costs nothing but itself', async () => {
  const before = await openTestStore();
  const first = before.store.append(draft('orders', 'a', 10_000), 0);
  before.store.append(draft('orders', 'b', 10_000), 0);
  await before.sim.settle();
  await destroyHead(before, { ...first, physicalOffset: first.endOffset });
  const after = await openTestStore(afterKill(before.files));
  expect(await texts(after.store, 'orders')).toEqual(['a', 'b']);
});

test('a log whose segments are gone is refused, not begun anew', async () => {
  const files = memoryFiles();
  const opened = await openTestStore(files);
  await send(opened, 'orders', ...Array.from({ length: 200 }, (_, i) => `${i}`));
  await stop(opened);
  const names = await files.list(`${DIRECTORY}/commitlog`);
  const aside = await files.readFile(`${DIRECTORY}/commitlog/${names[1]}`);
  await files.remove(`${DIRECTORY}/commitlog/${names[1]}`);
  await expect(openTestStore(files)).rejects.toThrow(`lacks segment ${names[1]}`);
  await files.writeFile(`${DIRECTORY}/commitlog/${names[1]}`, aside ?? '');
  await files.remove(`${DIRECTORY}/commitlog/${names.at(-1)}`);
  await expect(openTestStore(files)).rejects.toThrow('segments are missing');
});
