/** Many queues at once that have no files yet: their files are made and synced in slices. */
import { memoryFiles } from '../../../src/platform/memory-files';
import type { Files } from '../../../src/platform/platform';
import { Layout } from '../../../src/store/layout';
import { type Mark, MarkFile } from '../../../src/store/mark';
import { SimClock } from '../../support/sim-clock';
import {
  afterKill,
  DIRECTORY,
  draft,
  hookedFiles,
  openTestStore,
  send,
  stop,
  texts,
  type TestStore,
} from './support/test-store';

const QUEUES = 600;
const SYNC_MS = 20;

interface Slow extends TestStore {
  /** Syncs of queue files that have ended, and the most that ran at the same time. */
  readonly syncs: { done: number; most: number };
  /** The same files without the wait. */
  readonly quick: Files;
}

/** A store whose disk needs some time for each sync of a queue's file. */
async function slowStore(): Promise<Slow> {
  const sim = new SimClock();
  const syncs = { done: 0, most: 0 };
  let running = 0;
  const quick = memoryFiles();
  const files = hookedFiles(quick, /consumequeue/, async (what) => {
    if (what === 'write') return;
    syncs.most = Math.max(syncs.most, ++running);
    await new Promise<void>((resolve) => sim.timers.after(SYNC_MS, resolve));
    running--;
    syncs.done++;
  });
  return { ...(await openTestStore(files, {}, sim)), syncs, quick };
}

async function markOf(files: Files): Promise<Mark> {
  const { found } = await MarkFile.open(files, new Layout(DIRECTORY));
  if (found === undefined) throw new Error('there is no mark');
  return found;
}

/** A message in each of many queues; the checkpoint that is due for them has begun. */
async function inTheMiddle(): Promise<Slow> {
  const opened = await slowStore();
  for (let i = 0; i < QUEUES; i++) opened.store.append(draft(`t${i >> 3}`, `m${i}`), i & 7);
  await opened.sim.advance(11_000);
  expect(opened.syncs.done).toBeGreaterThan(0);
  expect(opened.syncs.done).toBeLessThan(QUEUES / 2);
  return opened;
}

async function expectAll(files: Files): Promise<void> {
  const { store } = await openTestStore(files);
  for (let i = 0; i < QUEUES; i++)
    expect(await texts(store, `t${i >> 3}`, i & 7)).toEqual([`m${i}`]);
}

test('meanwhile the mark of what was synced goes on, and few syncs run at a time', async () => {
  const opened = await inTheMiddle();
  const before = await markOf(opened.files);
  const [placed] = await send(opened, 'later', 'x');
  await opened.sim.advance(2100);
  const meanwhile = await markOf(opened.files);
  expect(meanwhile.syncedPosition).toBe(placed?.endOffset);
  expect(meanwhile.queuesPosition).toBe(before.queuesPosition);
  expect(opened.syncs.done).toBeLessThan(QUEUES);
  await opened.sim.advance(20_000);
  expect((await markOf(opened.files)).queuesPosition).toBe(placed?.endOffset);
  expect(opened.syncs.most).toBe(2);
});

test('a kill in the middle loses nothing', async () => {
  const { quick } = await inTheMiddle();
  await expectAll(afterKill(quick));
});

test('a stop in the middle finishes all', async () => {
  const { quick, sim, store, syncs } = await inTheMiddle();
  const closed = store.close();
  await sim.advance(20_000);
  await closed;
  expect(syncs.done).toBeGreaterThanOrEqual(QUEUES);
  expect(await markOf(quick)).toMatchObject({ queueCount: QUEUES, queueEndSum: QUEUES });
  await expectAll(quick);
});

test('a topic that is deleted in the middle is gone, the others stay', async () => {
  const { quick, sim, store } = await inTheMiddle();
  const deleted = store.deleteTopic('t70');
  await sim.advance(20_000);
  await deleted;
  const again = await openTestStore(afterKill(quick));
  expect(again.store.maxOffset('t70', 0)).toBe(0);
  expect(await texts(again.store, 't71', 0)).toEqual(['m568']);
  expect(await texts(again.store, 't1', 0)).toEqual(['m8']);
  await stop(again);
});
