/** What `buffered` promises, and what the other modes do not do. */
import { memoryFiles } from '../../../src/platform/memory-files';
import type { Files } from '../../../src/platform/platform';
import {
  afterKill,
  draft,
  hookedFiles,
  openTestStore,
  run,
  send,
  stop,
  texts,
  type TestStore,
} from './support/test-store';

interface Counted {
  readonly counts: { write: number; datasync: number };
  readonly files: Files;
}

function counted(): Counted {
  const counts = { write: 0, datasync: 0 };
  return { counts, files: hookedFiles(memoryFiles(), /commitlog/, (what) => void counts[what]++) };
}

async function openBuffered({ files, counts }: Counted, changes = {}): Promise<TestStore> {
  const opened = await openTestStore(files, { flush: 'buffered', ...changes });
  await send(opened, 'orders', 'first');
  await opened.sim.advance(30_000);
  counts.write = counts.datasync = 0;
  return opened;
}

test('buffered: answered from memory, seen once written within 200 ms, synced as under async', async () => {
  const disk = counted();
  const { store, sim } = await openBuffered(disk);
  const { endOffset } = store.append(draft('orders', 'a', 14_000), 0);
  await store.durable(endOffset);
  await store.written(endOffset);
  await sim.advance(199);
  expect(disk.counts).toEqual({ write: 0, datasync: 0 });
  expect([store.maxOffset('orders', 0), store.visible < endOffset]).toEqual([1, true]);
  await sim.advance(1);
  expect(disk.counts).toEqual({ write: 1, datasync: 0 });
  expect([store.maxOffset('orders', 0), store.visible]).toEqual([2, endOffset]);
  store.append(draft('other', 'b', 14_000), 0);
  await sim.advance(500);
  expect(disk.counts.datasync).toBeGreaterThan(0);
});

test('buffered: all of 200 ms goes in one write, and an idle store does nothing', async () => {
  const disk = counted();
  const { store, sim } = await openBuffered(disk);
  for (let i = 0; i < 19; i++) {
    store.append(draft('orders', `${i}`), 0);
    await sim.advance(10);
  }
  expect(disk.counts.write).toBe(0);
  await sim.advance(10);
  expect(disk.counts.write).toBe(1);
  await sim.advance(60_000);
  expect(disk.counts).toEqual({ write: 1, datasync: 1 });
  expect(sim.pending).toBe(0);
});

test('buffered: when much waits it is written at once', async () => {
  const disk = counted();
  const { store, sim } = await openBuffered(disk, { segmentBytes: 16 * 1024 * 1024 });
  for (let i = 0; i < 3; i++) store.append(draft('orders', `${i}`, 3 * 1024 * 1024), 0);
  await sim.settle();
  expect(disk.counts.write).toBe(1);
});

test('buffered: a stop writes and syncs all', async () => {
  const disk = counted();
  const opened = await openBuffered(disk);
  opened.store.append(draft('orders', 'a'), 0);
  await stop(opened);
  const again = await openTestStore(disk.files);
  expect(await texts(again.store, 'orders')).toEqual(['first', 'a']);
});

test('buffered: a killed process loses what was answered and not written, and nothing else', async () => {
  const disk = counted();
  const { store, sim } = await openBuffered(disk);
  store.append(draft('orders', 'a'), 0);
  await sim.advance(200);
  const { endOffset } = store.append(draft('orders', 'b'), 0);
  await store.durable(endOffset);
  const again = await openTestStore(afterKill(disk.files));
  expect(await texts(again.store, 'orders')).toEqual(['first', 'a']);
});

test('buffered: a write that fails ends the answers', async () => {
  let broken = false;
  const files = hookedFiles(memoryFiles(), /commitlog/, () => {
    if (broken) throw new Error('the disk is broken');
  });
  const { store, sim } = await openTestStore(files, { flush: 'buffered' });
  broken = true;
  const { endOffset } = store.append(draft('orders', 'a'), 0);
  await sim.advance(200);
  expect(store.failure?.message).toContain('the disk is broken');
  await expect(store.durable(endOffset)).rejects.toThrow('the disk is broken');
  expect(() => store.append(draft('orders', 'b'), 0)).toThrow('the disk is broken');
});

test('buffered: a deletion of a topic is not held up by what nobody has asked to be written', async () => {
  const disk = counted();
  const opened = await openBuffered(disk);
  opened.store.append(draft('other', 'a'), 0);
  await run(opened.sim, opened.store.deleteTopic('orders'));
  expect(opened.store.maxOffset('orders', 0)).toBe(0);
});
