/** ConsumeQueue files are views: missing, short or ahead of the log, they are made right again. */
import { memoryFiles } from '../../../src/platform/memory-files';
import type { Files } from '../../../src/platform/platform';
import {
  afterKill,
  DIRECTORY,
  openTestStore,
  overwrite,
  QUEUE_FILE_ENTRIES,
  segmentPath,
  send,
  stop,
  texts,
} from './support/test-store';

const sent = Array.from({ length: 20 }, (_, i) => `message ${i}`);

/** Files of a store with 20 messages each of two topics, after an orderly stop or a kill. */
async function filled(how: 'stopped' | 'killed'): Promise<Files> {
  const opened = await openTestStore();
  await send(opened, 'orders', ...sent);
  await send(opened, 'other', ...sent);
  if (how === 'stopped') {
    await stop(opened);
    return opened.files;
  }
  await opened.sim.advance(12_000);
  await send(opened, 'other', 'one more');
  return afterKill(opened.files);
}

describe.each(['stopped', 'killed'] as const)('after a store was %s', (how) => {
  const others = how === 'killed' ? [...sent, 'one more'] : sent;

  test.each([
    ['all queues', ''],
    ['a topic', '/orders'],
    ['a queue', '/orders/0'],
    ['the last file of a queue', '/orders/0/00000000000000000320'],
    ['the first file of a queue', '/orders/0/00000000000000000000'],
    ['a file in the middle', '/orders/0/00000000000000000160'],
  ])('%s can be missing', async (_what, path) => {
    const files = await filled(how);
    const gone = `${DIRECTORY}/consumequeue${path}`;
    expect(await files.stat(gone)).toBeDefined();
    await files.removeTree(gone);
    const opened = await openTestStore(files);
    expect(await texts(opened.store, 'orders')).toEqual(sent);
    expect(await texts(opened.store, 'other')).toEqual(others);
    expect((await send(opened, 'orders', 'next'))[0]?.queueOffset).toBe(20);
    await stop(opened);
    const again = await openTestStore(files);
    expect(await texts(again.store, 'orders')).toEqual([...sent, 'next']);
    expect(await texts(again.store, 'other')).toEqual(others);
  });

  test('entries can be missing at the end of a file', async () => {
    const files = await filled(how);
    const path = `${DIRECTORY}/consumequeue/orders/0/00000000000000000320`;
    await overwrite(files, path, 0, Buffer.alloc(QUEUE_FILE_ENTRIES * 20));
    const opened = await openTestStore(files);
    expect(await texts(opened.store, 'orders')).toEqual(sent);
  });
});

test('entries ahead of the log are cut, and do not come back when the log has passed them', async () => {
  const before = await openTestStore();
  await send(before, 'orders', 'a');
  await before.sim.advance(12_000);
  const [lost] = await send(before, 'orders', 'lost');
  // The queues are written, not yet synced; then the machine stops and the log has lost a record.
  await before.sim.advance(1000);
  const files = afterKill(before.files);
  await files.remove(`${DIRECTORY}/gantry/mark.new`);
  const start = lost?.physicalOffset ?? 0;
  await overwrite(files, segmentPath(0), start, Buffer.alloc(300));
  await rewindMark(files, start);
  const after = await openTestStore(files);
  expect(await texts(after.store, 'orders')).toEqual(['a']);
  const path = `${DIRECTORY}/consumequeue/orders/0/00000000000000000000`;
  const entries = await files.readFile(path);
  expect(entries?.length).toBe(QUEUE_FILE_ENTRIES * 20);
  expect(entries?.subarray(20).equals(Buffer.alloc(QUEUE_FILE_ENTRIES * 20 - 20))).toBe(true);
  await send(after, 'other', ...sent);
  await after.sim.advance(12_000);
  const again = await openTestStore(afterKill(files));
  expect(await texts(again.store, 'orders')).toEqual(['a']);
  expect(await texts(again.store, 'other')).toEqual(sent);
});

/** Puts an older mark back: the one that says that the log was synced up to `position`. */
async function rewindMark(files: Files, position: number): Promise<void> {
  const path = `${DIRECTORY}/gantry/mark`;
  for (const at of [0, 4096]) {
    const mark = await files.readFile(path);
    if (mark && mark.readUIntBE(at + 18, 6) > position) {
      await overwrite(files, path, at, Buffer.alloc(512));
    }
  }
}

test('many queues are found again, each with its own end', async () => {
  const files = memoryFiles();
  const opened = await openTestStore(files);
  for (let i = 0; i < 300; i++) await send(opened, `topic-${i % 60}`, `message ${i}`);
  await stop(opened);
  const again = await openTestStore(files);
  for (let i = 0; i < 60; i++) {
    expect(again.store.maxOffset(`topic-${i}`, 0)).toBe(5);
    expect((await texts(again.store, `topic-${i}`)).at(-1)).toBe(`message ${240 + i}`);
  }
  await stop(again);
});

test('a queue whose oldest segments were deleted begins at its first message that is left', async () => {
  const files = memoryFiles();
  const opened = await openTestStore(files);
  await send(opened, 'orders', ...Array.from({ length: 200 }, (_, i) => `${i}`));
  await send(opened, 'quiet', 'a');
  await send(opened, 'orders', ...Array.from({ length: 200 }, (_, i) => `${200 + i}`));
  await stop(opened);
  const names = await files.list(`${DIRECTORY}/commitlog`);
  for (const name of names.slice(0, -1)) await files.remove(`${DIRECTORY}/commitlog/${name}`);
  const again = await openTestStore(files);
  const min = again.store.minOffset('orders', 0);
  expect(min).toBeGreaterThan(200);
  expect((await texts(again.store, 'orders'))[0]).toBe(`${min}`);
  // All of a queue's messages are gone: it is empty, and keeps its offsets.
  expect([again.store.minOffset('quiet', 0), again.store.maxOffset('quiet', 0)]).toEqual([1, 1]);
  expect((await send(again, 'quiet', 'b'))[0]?.queueOffset).toBe(1);
  expect(await texts(again.store, 'quiet')).toEqual(['b']);
});

test('a log that begins in the middle gives queues that begin there, with fillers before', async () => {
  const files = memoryFiles();
  const opened = await openTestStore(files);
  await send(opened, 'orders', ...Array.from({ length: 200 }, (_, i) => `${i}`));
  await stop(opened);
  // A directory that came from elsewhere: the log only, and its first segment deleted by age.
  const [first] = await files.list(`${DIRECTORY}/commitlog`);
  await files.remove(`${DIRECTORY}/commitlog/${first}`);
  for (const path of ['consumequeue', 'gantry']) await files.removeTree(`${DIRECTORY}/${path}`);
  for (let times = 0; times < 2; times++) {
    const moved = await openTestStore(files);
    const min = moved.store.minOffset('orders', 0);
    expect(min).toBeGreaterThan(20);
    expect(min % QUEUE_FILE_ENTRIES).not.toBe(0);
    expect((await texts(moved.store, 'orders')).slice(0, 2)).toEqual([`${min}`, `${min + 1}`]);
    expect(moved.store.maxOffset('orders', 0)).toBe(200);
    await stop(moved);
  }
  const [name] = await files.list(`${DIRECTORY}/consumequeue/orders/0`);
  const entry = (await files.readFile(`${DIRECTORY}/consumequeue/orders/0/${name}`))?.subarray(
    0,
    20,
  );
  expect(entry?.toString('hex')).toBe(`0000000000000000${'7fffffff'}0000000000000000`);
});
