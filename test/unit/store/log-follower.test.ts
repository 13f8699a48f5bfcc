import { readRecord } from '../../../src/message/record';
import { memoryFiles } from '../../../src/platform/memory-files';
import type { StoreOptions } from '../../../src/store/open-store';
import { catchUp, expectSame, settleTo } from './support/replica';
import {
  draft,
  openTestStore,
  overwrite,
  run,
  SEGMENT_BYTES,
  segmentPath,
  send,
  stop,
  type TestStore,
  texts,
} from './support/test-store';

const queues = [
  { topic: 'orders', queueId: 0 },
  { topic: 'orders', queueId: 1 },
  { topic: 'other', queueId: 0 },
];
const DELETIONS = 'deletions';

/** The record's body names the topic that it deletes. */
const deletionOf: StoreOptions['deletionOf'] = (record) =>
  record.topic === DELETIONS ? record.body.toString() : undefined;

async function fill({ store, sim }: TestStore, messages: number, from = 0): Promise<void> {
  for (let i = from; i < from + messages; i++) {
    const { topic, queueId } = queues[i % queues.length] ?? { topic: 'orders', queueId: 0 };
    store.append(draft(topic, `message ${i}`, 50 + ((i * 37) % 900), `tag${i % 3}`), queueId);
    if (i % 7 === 0) await sim.settle();
  }
  await sim.settle();
}

/** Appends a record that says that a topic is deleted, and deletes it. */
async function deleteTopic({ store, sim }: TestStore, topic: string): Promise<void> {
  store.append(draft(DELETIONS, topic), 0);
  await run(sim, store.deleteTopic(topic));
}

test('a replica shows the same messages at the same offsets, over the ends of files', async () => {
  const master = await openTestStore();
  const replica = await openTestStore();
  await fill(master, 100);
  await catchUp(master, replica);
  await fill(master, 100, 100);
  await catchUp(master, replica);
  expect(master.store.replicated.endPosition).toBeGreaterThan(3 * SEGMENT_BYTES);
  await expectSame(master.store, replica.store, queues);
});

test('what was written before the master started is read from its files', async () => {
  const files = memoryFiles();
  const before = await openTestStore(files);
  await fill(before, 120);
  await stop(before);
  const master = await openTestStore(files);
  const replica = await openTestStore();
  await catchUp(master, replica, 5000);
  await expectSame(master.store, replica.store, queues);
});

test('a record longer than a piece travels whole', async () => {
  const files = memoryFiles();
  const before = await openTestStore(files);
  before.store.append(draft('orders', 'long', 9000), 0);
  await stop(before);
  const master = await openTestStore(files);
  const replica = await openTestStore();
  await catchUp(master, replica, 100);
  await expectSame(master.store, replica.store, queues.slice(0, 1));
});

test('a replica goes on after a restart, and shows the same', async () => {
  const master = await openTestStore();
  const files = memoryFiles();
  const first = await openTestStore(files);
  await fill(master, 90);
  await catchUp(master, first);
  await stop(first);
  const second = await openTestStore(files);
  await fill(master, 30, 90);
  await catchUp(master, second);
  await expectSame(master.store, second.store, queues);
});

test('nobody sees on a replica what is not confirmed', async () => {
  const master = await openTestStore();
  const replica = await openTestStore();
  const [first] = await send(master, 'orders', 'one');
  await send(master, 'orders', 'two');
  replica.store.replicated.confirm(first?.endOffset ?? 0);
  replica.store.replicated.follow(await master.store.replicated.read(0, 10_000));
  await replica.sim.settle();
  expect(await texts(replica.store, 'orders')).toEqual(['one']);
  replica.store.replicated.confirm(master.store.visible);
  expect(await texts(replica.store, 'orders')).toEqual(['one', 'two']);
});

test('a replica that takes over shows all and appends behind it', async () => {
  const master = await openTestStore();
  const replica = await openTestStore();
  await fill(master, 40);
  replica.store.replicated.confirm(0);
  const end = master.store.replicated.endPosition;
  while (replica.store.replicated.endPosition < end) {
    const { replicated } = replica.store;
    replicated.follow(await master.store.replicated.read(replicated.endPosition, 2000));
  }
  expect(() => replica.store.append(draft('orders', 'early'), 0)).toThrow('follows a master');
  replica.store.replicated.confirm(end);
  await run(replica.sim, replica.store.replicated.takeOver());
  await expectSame(master.store, replica.store, queues);
  replica.store.replicated.confirm(Infinity);
  const { queueOffset } = replica.store.append(draft('orders', 'mine'), 0);
  expect(queueOffset).toBe(master.store.maxOffset('orders', 0));
  await settleTo(replica, replica.store.replicated.endPosition);
  expect((await texts(replica.store, 'orders')).at(-1)).toBe('mine');
});

test('bytes that are not what follows are refused, and nothing is appended', async () => {
  const master = await openTestStore();
  const replica = await openTestStore();
  await send(master, 'orders', 'one', 'two');
  const piece = await master.store.replicated.read(0, 10_000);
  const { follow } = replica.store.replicated;
  const harmed = Buffer.from(piece.bytes);
  harmed[120] = (harmed[120] ?? 0) ^ 1;
  const take = follow.bind(replica.store.replicated);
  expect(() => take({ ...piece, bytes: harmed })).toThrow(RangeError);
  expect(() => take({ ...piece, bytes: piece.bytes.subarray(0, 150) })).toThrow(RangeError);
  expect(() => take({ ...piece, position: 100 })).toThrow('the log ends at 0');
  expect(replica.store.replicated.endPosition).toBe(0);
});

test('a topic that was deleted and made again begins anew on a replica', async () => {
  const master = await openTestStore(memoryFiles(), { deletionOf });
  const replica = await openTestStore(memoryFiles(), { deletionOf });
  await send(master, 'orders', 'old', 'older');
  await deleteTopic(master, 'orders');
  await send(master, 'orders', 'new');
  await catchUp(master, replica, 100_000);
  expect(await texts(replica.store, 'orders')).toEqual(['new']);
  expect(replica.store.maxOffset('orders', 0)).toBe(1);
});

test('offsets that begin anew are those of a new topic, also without the record of the deletion', async () => {
  const master = await openTestStore();
  const replica = await openTestStore();
  await send(master, 'orders', 'old', 'older');
  await run(master.sim, master.store.deleteTopic('orders'));
  await send(master, 'orders', 'new');
  await catchUp(master, replica, 100_000);
  expect(await texts(replica.store, 'orders')).toEqual(['new']);
});

test('damaged bytes of the master are kept as they are; the slot is lost on the replica, too', async () => {
  const files = memoryFiles();
  const before = await openTestStore(files);
  const [, damaged] = await send(before, 'orders', 'one', 'two', 'three');
  await stop(before);
  const at = (damaged?.physicalOffset ?? 0) + 100;
  await overwrite(files, segmentPath(0), at, Buffer.from('damage'));
  const master = await openTestStore(files);
  const replica = await openTestStore();
  await catchUp(master, replica);
  expect(await texts(replica.store, 'orders')).toEqual(['one', '', 'three']);
});

test('durable waits for the confirmation, and fails when the store is closed without it', async () => {
  const opened = await openTestStore();
  const { store, sim } = opened;
  store.replicated.confirm(0);
  const { endOffset } = store.append(draft('orders', 'one'), 0);
  const outcomes: string[] = [];
  const note = (promise: Promise<void>, name: string): Promise<void> =>
    promise.then(
      () => void outcomes.push(`${name} kept`),
      () => void outcomes.push(`${name} failed`),
    );
  const first = note(store.durable(endOffset), 'first');
  await sim.settle();
  expect(store.replicated.syncedPosition).toBe(endOffset);
  expect([store.visible, outcomes]).toEqual([0, []]);
  store.replicated.confirm(endOffset);
  await first;
  const second = note(store.durable(store.append(draft('orders', 'two'), 0).endOffset), 'second');
  await sim.settle();
  await stop(opened);
  await second;
  expect(outcomes).toEqual(['first kept', 'second failed']);
});

test('progress is told when bytes are written and synced', async () => {
  const { store, sim } = await openTestStore();
  const seen: number[] = [];
  const stopTelling = store.replicated.onProgress(() => {
    seen.push(store.replicated.syncedPosition);
  });
  const { endOffset } = store.append(draft('orders', 'one'), 0);
  await sim.settle();
  expect(seen).toEqual([0, endOffset]);
  stopTelling();
  store.append(draft('orders', 'two'), 0);
  await sim.settle();
  expect(seen).toHaveLength(2);
});

test('the pieces of a log are its records', async () => {
  const { store, sim } = await openTestStore();
  await fill({ store, sim, files: memoryFiles() }, 60);
  const { replicated } = store;
  let at = 0;
  while (at < replicated.endPosition) {
    const { bytes, position, next } = await replicated.read(at, 700);
    expect(position).toBe(at);
    const record = readRecord(bytes, 0);
    expect(record.physicalOffset).toBe(at);
    at = next;
  }
  await expect(replicated.read(at, 700)).rejects.toThrow('is not in the log');
});
