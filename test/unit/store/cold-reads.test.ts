/** Records that are no longer in memory: how they are read, and what that costs others. */
import type { MessageStore } from '../../../src/store/message-store';
import { FaultyDisk } from './support/faulty-disk';
import {
  afterKill,
  draft,
  openTestStore,
  run,
  send,
  stop,
  textOf,
  texts,
} from './support/test-store';
import type { TestStore } from './support/test-store';

const LOG = /\/commitlog\//;
const LENGTHS = { segmentBytes: 256 * 1024, queueFileEntries: 10_000 };

/** A store opened anew on `count` messages of 1 KiB in each of two queues, nothing of them in memory. */
async function openCold(disk: FaultyDisk, count: number): Promise<TestStore> {
  const first = await openTestStore(disk, LENGTHS);
  for (let i = 0; i < count; i++) {
    for (const queueId of [0, 1]) first.store.append(draft('orders', `${i}`, 1000), queueId);
    if (i % 50 === 49) await first.sim.settle();
  }
  await first.sim.settle();
  await stop(first);
  return openTestStore(afterKill(disk), LENGTHS);
}

async function readAll(store: MessageStore, queueId: number): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await store.entries('orders', queueId, 0, 10_000)) {
    found.push(textOf(await store.record('orders', queueId, entry)));
  }
  return found;
}

test('who reads one message behind the other reads the file in large steps, across segments', async () => {
  const disk = new FaultyDisk();
  const { store } = await openCold(disk, 600);
  const expected = Array.from({ length: 600 }, (_, i) => `${i}`);
  const before = disk.counts.read;
  expect(await readAll(store, 0)).toEqual(expected);
  // 1.3 MB in segments of 256 KiB; one read a message would be 600.
  expect(disk.counts.read - before).toBeLessThan(40);
});

test('two readers at different places do not disturb each other', async () => {
  const disk = new FaultyDisk();
  const { store } = await openCold(disk, 300);
  const before = disk.counts.read;
  const both = await Promise.all([readAll(store, 0), readAll(store, 1)]);
  expect(both[0]).toEqual(both[1]);
  expect(disk.counts.read - before).toBeLessThan(40);
});

/** A store with batches of 64 messages of 1 KiB in eight queues in turn, nothing of it in memory. */
async function openInterleaved(disk: FaultyDisk): Promise<TestStore> {
  const lengths = { segmentBytes: 8 * 1024 * 1024, queueFileEntries: 10_000 };
  const first = await openTestStore(disk, lengths);
  for (let batch = 0; batch < 48; batch++) {
    for (let i = 0; i < 64; i++) first.store.append(draft('orders', `${i}`, 1000), batch % 8);
    await first.sim.settle();
  }
  await stop(first);
  return openTestStore(afterKill(disk), lengths);
}

test('readers of different queues share the blocks that they read', async () => {
  const disk = new FaultyDisk();
  const { store } = await openInterleaved(disk);
  const before = { reads: disk.counts.read, bytes: disk.bytesRead };
  await Promise.all(Array.from({ length: 8 }, (_, queueId) => readAll(store, queueId)));
  expect(disk.counts.read - before.reads).toBeLessThan(80);
  expect(disk.bytesRead - before.bytes).toBeLessThan(3 * store.visible);
});

test('who reads one queue of many reads less than all of the log', async () => {
  const disk = new FaultyDisk();
  const { store } = await openInterleaved(disk);
  const before = disk.bytesRead;
  expect(await readAll(store, 3)).toHaveLength(384);
  expect(disk.bytesRead - before).toBeLessThan(store.visible);
});

test('a message whose block is in memory comes at once', async () => {
  const { store } = await openCold(new FaultyDisk(), 100);
  const entries = await store.entries('orders', 0, 0, 3);
  for (const entry of entries) await store.record('orders', 0, entry);
  const again = entries[2] && store.record('orders', 0, entries[2]);
  expect(again).toBeInstanceOf(Buffer);
});

test('who jumps about reads no more than the message', async () => {
  const disk = new FaultyDisk();
  const { store } = await openCold(disk, 600);
  const entries = await store.entries('orders', 0, 0, 600);
  const before = disk.bytesRead;
  for (const offset of [500, 20, 300]) {
    const entry = entries[offset];
    if (entry === undefined) throw new Error('no entry');
    expect(textOf(await store.record('orders', 0, entry))).toBe(`${offset}`);
  }
  expect(disk.bytesRead - before).toBeLessThan(5000);
});

test('messages behind a block that was read before they were written are read anew', async () => {
  const disk = new FaultyDisk();
  const opened = await openCold(disk, 10);
  expect(await readAll(opened.store, 0)).toHaveLength(10);
  for (let i = 0; i < 20; i++) await send(opened, 'orders', `new ${i}`);
  await stop(opened);
  const again = await openTestStore(afterKill(disk), LENGTHS);
  expect((await texts(again.store, 'orders')).slice(10)).toEqual(
    Array.from({ length: 20 }, (_, i) => `new ${i}`),
  );
});

test('readers that wait for a slow disk hold up neither senders nor readers of new messages', async () => {
  const disk = new FaultyDisk();
  const opened = await openCold(disk, 300);
  const { store, sim } = opened;
  const entries = await store.entries('orders', 0, 0, 300);
  const release = disk.hold('read', LOG);
  const reading = entries.map((entry) => Promise.resolve(store.record('orders', 0, entry)));
  await sim.settle();
  expect(disk.waiting).toBeLessThanOrEqual(2);
  await send(opened, 'orders', 'new');
  const [entry] = await store.entries('orders', 0, 300, 1);
  if (entry === undefined) throw new Error('no entry');
  const fresh = store.record('orders', 0, entry);
  expect(fresh instanceof Promise).toBe(false);
  expect(textOf(await fresh)).toBe('new');
  release();
  expect((await run(sim, Promise.all(reading))).map(textOf)).toHaveLength(300);
});

test('a block that cannot be read is read again for the next message', async () => {
  const disk = new FaultyDisk();
  const { store } = await openCold(disk, 100);
  const entries = await store.entries('orders', 0, 0, 100);
  const [a, b] = entries;
  if (a === undefined || b === undefined) throw new Error('no entries');
  await store.record('orders', 0, a);
  const mend = disk.fail('read', LOG, 'EIO');
  await expect(store.record('orders', 0, b)).rejects.toThrow('EIO');
  mend();
  expect(textOf(await store.record('orders', 0, b))).toBe('1');
});
