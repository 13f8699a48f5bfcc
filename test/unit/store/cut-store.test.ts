/** A replica's log is cut, or begins anew; killed or without power after any change it can be done again. */
import { memoryFiles } from '../../../src/platform/memory-files';
import type { Files } from '../../../src/platform/platform';
import {
  beginAnew,
  cutStore,
  finishBeginning,
  type FreshStart,
} from '../../../src/store/cut-store';
import type { StoreOptions } from '../../../src/store/open-store';
import { JournalFiles } from './support/journal-files';
import { catchUp, expectSame } from './support/replica';
import {
  DIRECTORY,
  draft,
  hookedFiles,
  openTestStore,
  run,
  SEGMENT_BYTES,
  simPlatform,
  stop,
  storeOptions,
  type TestStore,
  texts,
} from './support/test-store';

const queues = [
  { topic: 'orders', queueId: 0 },
  { topic: 'orders', queueId: 1 },
  { topic: 'other', queueId: 0 },
];
const changes: Partial<StoreOptions> = {
  index: { slots: 10, entries: 40 },
  deletionOf: ({ topic, body }) => (topic === 'deletions' ? body.toString() : undefined),
};

async function fill({ store, sim }: TestStore, text: string, messages: number): Promise<void> {
  for (let i = 0; i < messages; i++) {
    const { topic, queueId } = queues[i % queues.length] ?? { topic: 'orders', queueId: 0 };
    store.append(draft(topic, `${text} ${i}`, 400 + ((i * 41) % 700)), queueId);
    if (i % 5 === 0) await sim.advance(400);
  }
  await sim.settle();
}

async function deleteTopic({ store, sim }: TestStore, topic: string): Promise<void> {
  store.append(draft('deletions', topic), 0);
  await run(sim, store.deleteTopic(topic));
}

interface Scene {
  readonly master: TestStore;
  /** The diverged replica's files, in the state that it was stopped in. */
  readonly files: Files;
  /** Where both logs part. */
  readonly common: number;
}

/** A replica with `messages` of its own behind what it has in common with the master, and a deletion unless `keeps`. */
async function diverged(
  ending: 'stopped' | 'killed',
  messages: number,
  topics: 'keeps topics' | 'deletes one' = 'deletes one',
): Promise<Scene> {
  const master = await openTestStore(undefined, changes);
  const files = new JournalFiles();
  const replica = await openTestStore(files, changes);
  await fill(master, 'common', 24);
  await catchUp(master, replica);
  const common = master.store.replicated.endPosition;
  await run(replica.sim, replica.store.replicated.takeOver());
  replica.store.replicated.confirm(Infinity);
  await fill(replica, 'own', messages);
  if (topics === 'deletes one') await deleteTopic(replica, 'other');
  await replica.sim.advance(12_000);
  await fill(master, 'master', 9);
  if (ending === 'stopped') await stop(replica);
  const left = ending === 'stopped' ? files : await files.afterKill(files.changes.length);
  return { master, files: left, common };
}

const options = (files: Files): Parameters<typeof cutStore>[0] => {
  const { directory, log } = storeOptions(simPlatform(files));
  return { directory, log, platform: simPlatform(files) };
};

async function expectFollows({ master }: Scene, files: Files): Promise<void> {
  const replica = await openTestStore(files, changes);
  await catchUp(master, replica);
  await expectSame(master.store, replica.store, queues);
  await stop(replica);
  const again = await openTestStore(files, changes);
  expect(again.store.visited).toBe(false);
  await expectSame(master.store, again.store, queues);
  await stop(again);
}

describe.each([
  ['stopped', 'deletes one'],
  ['killed', 'deletes one'],
  ['stopped', 'keeps topics'],
  ['killed', 'keeps topics'],
] as const)('a store that was %s, and %s', (ending, topics) => {
  test('is cut to what both have, and follows from there', async () => {
    const scene = await diverged(ending, 50, topics);
    await cutStore(options(scene.files), scene.common);
    const cut = await openTestStore(scene.files, changes);
    expect(cut.store.replicated.endPosition).toBe(scene.common);
    expect((await texts(cut.store, 'orders')).at(-1)).toBe('common 21');
    await stop(cut);
    await expectFollows(scene, scene.files);
  });

  test('is cut again after any change to its files at which it was killed', async () => {
    const scene = await diverged(ending, 15, topics);
    const journal = await JournalFiles.of(scene.files);
    const first = journal.changes.length;
    await cutStore(options(journal), scene.common);
    for (let count = first; count <= journal.changes.length; count++) {
      const left = await journal.afterKill(count);
      const opened = await openTestStore(left, changes);
      const { endPosition } = opened.store.replicated;
      expect(endPosition).toBeGreaterThanOrEqual(scene.common);
      await stop(opened);
      if (endPosition > scene.common) await cutStore(options(left), scene.common);
      await expectFollows(scene, left);
    }
  });
});

test('a short cut touches the files of no queue but those that lose entries', async () => {
  const base = memoryFiles();
  const touched = new Set<string>();
  const files: Files = {
    ...hookedFiles(base, /^$/, () => undefined),
    open: (path, mode) => (touched.add(path), base.open(path, mode)),
    list: (path) => (touched.add(path), base.list(path)),
  };
  const before = await openTestStore(files, changes);
  for (let queueId = 0; queueId < 20; queueId++) before.store.append(draft('quiet', 'm'), queueId);
  await before.sim.settle();
  const position = before.store.replicated.endPosition;
  before.store.append(draft('busy', 'goes'), 3);
  await stop(before);
  touched.clear();
  await cutStore(options(files), position);
  const cut = await openTestStore(files, changes);
  const names = [...touched].filter((path) => /consumequeue.*\d/.test(path));
  expect(names.filter((path) => !path.includes('busy/3'))).toEqual([]);
  expect(cut.store.replicated.endPosition).toBe(position);
  expect([cut.store.maxOffset('busy', 3), cut.store.maxOffset('quiet', 7)]).toEqual([0, 1]);
  expect(await texts(cut.store, 'quiet', 7)).toEqual(['m']);
  await stop(cut);
});

test('a position that the log does not have is refused', async () => {
  const { files } = await diverged('stopped', 1);
  await expect(cutStore(options(files), 100 * SEGMENT_BYTES)).rejects.toThrow('cannot be cut');
});

describe('a log that begins anew', () => {
  const position = 3 * SEGMENT_BYTES;
  const fresh: FreshStart = {
    position,
    emptyQueues: [{ topic: 'quiet', queueId: 2, next: 13 }],
    deletedTopics: [{ topic: 'gone', position: position + 9 }],
  };

  async function expectFresh(files: Files): Promise<void> {
    const opened = await openTestStore(files, changes);
    const { store } = opened;
    expect(store.replicated.minPosition).toBe(position);
    expect(store.replicated.endPosition).toBe(position);
    expect(store.nextOffset('quiet', 2)).toBe(13);
    expect(store.maxOffset('orders', 0)).toBe(0);
    expect(store.replicated.besideLog()).toEqual({
      emptyQueues: fresh.emptyQueues,
      deletedTopics: fresh.deletedTopics,
    });
    await stop(opened);
    expect((await openTestStore(files, changes)).store.nextOffset('quiet', 2)).toBe(13);
  }

  test('holds nothing but what it was told', async () => {
    const { files } = await diverged('stopped', 20);
    await beginAnew(options(files), fresh);
    await expectFresh(files);
  });

  test('does so after any change to its files at which it was killed', async () => {
    const { files } = await diverged('killed', 20);
    const journal = await JournalFiles.of(files);
    const first = journal.changes.length;
    await beginAnew(options(journal), fresh);
    for (let count = first; count <= journal.changes.length; count++) {
      const left = await journal.afterKill(count);
      const begun = (await left.stat(`${DIRECTORY}/gantry/fresh-start.json`)) !== undefined;
      await finishBeginning(options(left));
      const opened = await openTestStore(left, changes);
      const { minPosition } = opened.store.replicated;
      await stop(opened);
      expect(begun ? minPosition : position).toBe(position);
      if (minPosition !== position) await beginAnew(options(left), fresh);
      await expectFresh(left);
    }
  });

  test('takes what the master has from there on', async () => {
    const { master, files } = await diverged('stopped', 1);
    const { minPosition } = master.store.replicated;
    await beginAnew(options(files), { ...fresh, position: minPosition });
    await expectFollows({ master, files, common: minPosition }, files);
  });
});
