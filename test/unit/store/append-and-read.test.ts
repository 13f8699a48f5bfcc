import { MAGIC_BLANK, MAX_BODY_BYTES, readRecord, recordIntact } from '../../../src/message/record';
import { draftRecord } from '../../../src/message/record-draft';
import { memoryFiles } from '../../../src/platform/memory-files';
import { Code } from '../../../src/message/status';
import {
  DIRECTORY,
  draft,
  openTestStore,
  run,
  SEGMENT_BYTES,
  stop,
  texts,
  textOf,
} from './support/test-store';

test('each queue numbers its own messages from 0, and gives them back in order', async () => {
  const { store, sim } = await openTestStore();
  const offsets = ['a', 'b', 'c', 'd'].map((text, i) => {
    const queueId = i % 2;
    return store.append(draft('orders', text), queueId).queueOffset;
  });
  await run(sim, store.durable(store.append(draft('other', 'e'), 0).endOffset));
  expect(offsets).toEqual([0, 0, 1, 1]);
  expect(await texts(store, 'orders', 0)).toEqual(['a', 'c']);
  expect(await texts(store, 'orders', 1)).toEqual(['b', 'd']);
  expect(await texts(store, 'other', 0)).toEqual(['e']);
  expect(store.maxOffset('nobody', 0)).toBe(0);
  expect(store.entries('nobody', 0, 0, 10)).toEqual([]);
});

test('an entry holds the length of its record and the hash of its tag', async () => {
  const { store, sim } = await openTestStore();
  const placed = store.append(draft('orders', 'a', 0, 'TagA'), 0);
  await run(sim, store.durable(placed.endOffset));
  expect(await store.entries('orders', 0, 0, 1)).toEqual([
    {
      queueOffset: 0,
      physicalOffset: placed.physicalOffset,
      bytes: placed.endOffset - placed.physicalOffset,
      tagsCode: 2598919,
    },
  ]);
});

test('the store time never falls, though the clock does', async () => {
  const { store, sim } = await openTestStore();
  const first = store.append(draft('orders', 'a'), 0).storeTimestamp;
  sim.jumpWall(-60_000);
  expect(store.append(draft('orders', 'b'), 0).storeTimestamp).toBe(first);
  sim.jumpWall(120_000);
  expect(store.append(draft('orders', 'c'), 0).storeTimestamp).toBe(first + 60_000);
});

test('messages across many segments are read from memory and, after a new start, from the files', async () => {
  const files = memoryFiles();
  const opened = await openTestStore(files);
  const sent: string[] = [];
  for (let i = 0; i < 60; i++) {
    const text = `message ${i}`;
    sent.push(text);
    opened.store.append(draft('orders', text, 900 + i * 10), 0);
    if (i % 7 === 6) await opened.sim.settle();
  }
  await opened.sim.settle();
  expect(await texts(opened.store, 'orders')).toEqual(sent);
  await stop(opened);
  const again = await openTestStore(files);
  expect(await texts(again.store, 'orders')).toEqual(sent);
  expect((await files.list(`${DIRECTORY}/commitlog`)).length).toBeGreaterThan(4);
  await stop(again);
});

test('a segment that a record does not fit into ends with a blank record and keeps its length', async () => {
  const opened = await openTestStore();
  const { store, files } = opened;
  const first = store.append(draft('orders', 'a', 10_000), 0);
  const second = store.append(draft('orders', 'b', 10_000), 0);
  expect(second.physicalOffset).toBe(SEGMENT_BYTES);
  await stop(opened);
  const segment = await files.readFile(`${DIRECTORY}/commitlog/00000000000000000000`);
  expect(segment?.length).toBe(SEGMENT_BYTES);
  expect(segment?.readInt32BE(first.endOffset)).toBe(SEGMENT_BYTES - first.endOffset);
  expect(segment?.readInt32BE(first.endOffset + 4)).toBe(MAGIC_BLANK);
});

test.each([
  [SEGMENT_BYTES - 8, 0],
  [SEGMENT_BYTES - 7, SEGMENT_BYTES],
])('behind %d bytes of records the next one lies at or behind %d', async (firstBytes, least) => {
  // At least 8 bytes must stay for the head of a blank record.
  const opened = await openTestStore();
  const empty = draft('orders', '').byteLength;
  const room = Math.min(firstBytes, SEGMENT_BYTES - 8) - 2 * empty;
  opened.store.append(draft('orders', 'a', room - 100), 0);
  const second = opened.store.append(draft('orders', 'b', firstBytes - room - 2 * empty + 100), 0);
  if (least === 0) expect(second.endOffset).toBe(SEGMENT_BYTES - 8);
  else expect(second.physicalOffset).toBe(SEGMENT_BYTES);
  await opened.sim.settle();
  expect(await texts(opened.store, 'orders')).toEqual(['a', 'b']);
});

test('a record too long for a segment is refused, and the log goes on', async () => {
  const { store, sim } = await openTestStore();
  expect(() => store.append(draft('orders', 'a', SEGMENT_BYTES), 0)).toThrow(
    expect.objectContaining({
      code: Code.MESSAGE_BODY_TOO_LARGE,
      message: expect.stringContaining(`the limit is ${SEGMENT_BYTES - 8}`) as string,
    }) as Error,
  );
  await run(sim, store.durable(store.append(draft('orders', 'b'), 0).endOffset));
  expect(await texts(store, 'orders')).toEqual(['b']);
});

test('bodies of 4 MiB with 32 KiB of properties pass, many of them across segments of 16 MiB', async () => {
  const files = memoryFiles();
  const opened = await openTestStore(files, { segmentBytes: 16 * 1024 * 1024 });
  const properties = `big\u0001${'p'.repeat(32_700)}\u0002`;
  for (let i = 0; i < 5; i++) {
    const body = Buffer.alloc(MAX_BODY_BYTES, i + 1);
    const fields = { topic: 'big', body, properties, tag: '', bornTimestamp: 1 };
    opened.store.append(draftRecord(fields), 0);
  }
  await opened.sim.settle();
  await stop(opened);
  const again = await openTestStore(files, { segmentBytes: 16 * 1024 * 1024 });
  for (const entry of await again.store.entries('big', 0, 0, 10)) {
    const bytes = await again.store.record('big', 0, entry);
    const record = readRecord(bytes, 0);
    expect(recordIntact(bytes, 0, record)).toBe(true);
    expect(record.body.equals(Buffer.alloc(MAX_BODY_BYTES, entry.queueOffset + 1))).toBe(true);
  }
  expect(again.store.maxOffset('big', 0)).toBe(5);
  await stop(again);
});

test('what a reader holds stays right while the memory of the tail is given up', async () => {
  const { store, sim } = await openTestStore(undefined, { tailBytes: 0 });
  const held: Buffer[] = [];
  store.onArrival((topic, queueId, maxOffset) => {
    const entries = store.entries(topic, queueId, maxOffset - 1, 1);
    if (entries instanceof Promise) return;
    for (const entry of entries) {
      const record = store.record(topic, queueId, entry);
      if (Buffer.isBuffer(record)) held.push(record);
    }
  });
  for (let i = 0; i < 400; i++) {
    store.append(draft('orders', `message ${i}`, 1000), 0);
    await sim.settle();
  }
  // The tail keeps what is not full yet, all else was read back from the files.
  expect(held.length).toBeGreaterThan(0);
  for (const record of held) expect(recordIntact(record, 0, readRecord(record, 0))).toBe(true);
  const all = await texts(store, 'orders');
  expect(all).toEqual(Array.from({ length: 400 }, (_, i) => `message ${i}`));
});

test('an old record that lies elsewhere, or is damaged on disk, is refused and not delivered', async () => {
  const files = memoryFiles();
  const opened = await openTestStore(files);
  const placed = opened.store.append(draft('orders', 'a', 100), 0);
  await opened.sim.settle();
  const [entry] = await opened.store.entries('orders', 0, 0, 1);
  if (!entry) throw new Error('no entry');
  expect(() => opened.store.record('orders', 1, entry)).toThrow('another record lies there');
  await stop(opened);
  const handle = await files.open(`${DIRECTORY}/commitlog/00000000000000000000`, 'write');
  await handle.write([Buffer.from('A')], placed.physicalOffset + 88);
  const again = await openTestStore(files);
  await expect(again.store.record('orders', 0, entry)).rejects.toMatchObject({
    code: Code.INTERNAL_SERVER_ERROR,
    message: expect.stringContaining('orders queue 0 offset 0') as string,
  });
  await stop(again);
});

test('a read from below the first offset or beyond the last one answers what there is', async () => {
  const { store, sim } = await openTestStore();
  for (const text of ['a', 'b', 'c']) store.append(draft('orders', text), 0);
  await sim.settle();
  const offsets = async (from: number, count: number): Promise<number[]> =>
    (await store.entries('orders', 0, from, count)).map((entry) => entry.queueOffset);
  expect(await offsets(-5, 2)).toEqual([0, 1]);
  expect(await offsets(2, 100)).toEqual([2]);
  expect(await offsets(3, 1)).toEqual([]);
  expect(await offsets(1, 0)).toEqual([]);
});

test('entries are read across queue files and memory alike', async () => {
  const files = memoryFiles();
  const opened = await openTestStore(files);
  const count = 50;
  for (let i = 0; i < count; i++) opened.store.append(draft('orders', `${i}`), 0);
  await stop(opened);
  const again = await openTestStore(files);
  for (let i = 0; i < count; i++) again.store.append(draft('orders', `${count + i}`), 0);
  await again.sim.settle();
  const found = await texts(again.store, 'orders');
  expect(found).toEqual(Array.from({ length: 2 * count }, (_, i) => `${i}`));
  const [entry] = await again.store.entries('orders', 0, count - 1, 1);
  if (!entry) throw new Error('no entry');
  expect(textOf(await again.store.record('orders', 0, entry))).toBe(`${count - 1}`);
  await stop(again);
});
