/** gantry/queues tells where queues begin and end, so that a start need not look into their files. */
import { Layout } from '../../../src/store/layout';
import { memoryFiles } from '../../../src/platform/memory-files';
import type { Files } from '../../../src/platform/platform';
import { type QueueRow, QueueTable } from '../../../src/store/queue-table';
import {
  afterKill,
  DIRECTORY,
  draft,
  heardLog,
  hookedFiles,
  openTestStore,
  overwrite,
  run,
  send,
  stop,
  texts,
  type TestStore,
} from './support/test-store';

const TABLE = `${DIRECTORY}/gantry/queues`;
const TOPICS = 40;

/** The same files; counts what is asked of queues' files and directories. */
function counted(base: Files): { files: Files; count: () => number } {
  let count = 0;
  const note = (path: string): void => {
    if (path.startsWith(`${DIRECTORY}/consumequeue/`)) count++;
  };
  const files: Files = {
    ...hookedFiles(base, /^$/, () => undefined),
    open: (path, mode) => (note(path), base.open(path, mode)),
    list: (path) => (note(path), base.list(path)),
    stat: (path) => (note(path), base.stat(path)),
  };
  return { files, count: () => count };
}

/** A store with a message in each of many queues, all synced. */
async function filled(): Promise<TestStore> {
  const opened = await openTestStore();
  for (let i = 0; i < TOPICS; i++) await send(opened, `topic-${i}`, `${i}`);
  await opened.sim.advance(12_000);
  return opened;
}

test('after an orderly stop no queue is looked at before it is used', async () => {
  const opened = await filled();
  await stop(opened);
  const { files, count } = counted(opened.files);
  const again = await openTestStore(files);
  expect(count()).toBe(0);
  expect(again.store.maxOffset('topic-7', 0)).toBe(1);
  expect(await texts(again.store, 'topic-7')).toEqual(['7']);
  expect(count()).toBeLessThan(10);
  expect((await send(again, 'topic-7', 'next'))[0]?.queueOffset).toBe(1);
  await stop(again);
  const third = await openTestStore(opened.files);
  expect(await texts(third.store, 'topic-7')).toEqual(['7', 'next']);
  for (let i = 8; i < TOPICS; i++) expect(await texts(third.store, `topic-${i}`)).toEqual([`${i}`]);
});

test('after a kill only the queues with records behind the last checkpoint are looked at', async () => {
  const opened = await filled();
  await send(opened, 'topic-3', 'new');
  const { files, count } = counted(afterKill(opened.files));
  const again = await openTestStore(files);
  expect(count()).toBeLessThan(20);
  expect(await texts(again.store, 'topic-3')).toEqual(['3', 'new']);
  expect(await texts(again.store, 'topic-4')).toEqual(['4']);
});

test.each([
  ['missing', (files: Files) => files.remove(TABLE)],
  ['cut', async (files: Files) => cutBy(files, 20)],
  ['empty', (files: Files) => files.writeFile(TABLE, '')],
  ['damaged', (files: Files) => overwrite(files, TABLE, 60, Buffer.from('xx'))],
])('a table that is %s does no harm', async (_what, harm) => {
  for (const how of ['stopped', 'killed']) {
    const opened = await filled();
    await send(opened, 'topic-3', 'new');
    if (how === 'stopped') await stop(opened);
    await harm(opened.files);
    const again = await openTestStore(afterKill(opened.files));
    expect(await texts(again.store, 'topic-3')).toEqual(['3', 'new']);
    for (let i = 4; i < TOPICS; i++) {
      expect(await texts(again.store, `topic-${i}`)).toEqual([`${i}`]);
    }
    await stop(again);
    // It was written anew.
    const { files, count } = counted(opened.files);
    await openTestStore(afterKill(files));
    expect(count()).toBe(0);
  }
});

async function cutBy(files: Files, bytes: number): Promise<void> {
  const content = (await files.readFile(TABLE)) ?? Buffer.alloc(0);
  await files.writeFile(TABLE, content.subarray(0, -bytes));
}

test('a table older than the mark is not used', async () => {
  const opened = await filled();
  const old = (await opened.files.readFile(TABLE)) ?? Buffer.alloc(0);
  await send(opened, 'topic-3', 'new');
  await opened.sim.advance(12_000);
  await send(opened, 'topic-3', 'newer');
  const left = afterKill(opened.files);
  await left.writeFile(TABLE, Buffer.from(old));
  const again = await openTestStore(left);
  expect(await texts(again.store, 'topic-3')).toEqual(['3', 'new', 'newer']);
});

test('when another program had the directory all queues are looked at', async () => {
  const opened = await filled();
  await stop(opened);
  // It has deleted a topic, and left the sign of its start.
  await opened.files.removeTree(`${DIRECTORY}/consumequeue/topic-5`);
  await opened.files.writeFile(`${DIRECTORY}/abort.bak`, '');
  const again = await openTestStore(opened.files);
  expect(again.store.visited).toBe(true);
  expect(again.store.maxOffset('topic-5', 0)).toBe(0);
  expect(await texts(again.store, 'topic-6')).toEqual(['6']);
  await stop(again);
  await opened.files.remove(`${DIRECTORY}/abort.bak`);
  const { files, count } = counted(opened.files);
  const third = await openTestStore(files);
  expect(count()).toBe(0);
  expect(third.store.maxOffset('topic-5', 0)).toBe(0);
});

test('a deleted topic is not in the table, and a later one of its name begins at 0', async () => {
  const opened = await filled();
  await run(opened.sim, opened.store.deleteTopic('topic-5'));
  const killed = await openTestStore(afterKill(opened.files));
  expect(killed.store.maxOffset('topic-5', 0)).toBe(0);
  await send(killed, 'topic-5', 'later');
  const again = await openTestStore(afterKill(killed.files));
  expect(await texts(again.store, 'topic-5')).toEqual(['later']);
  expect(await texts(again.store, 'topic-6')).toEqual(['6']);
});

test('a missing file of one queue is made anew when it is used; the others are let be', async () => {
  const opened = await filled();
  await stop(opened);
  for (const topic of ['topic-5', 'topic-8']) {
    await opened.files.removeTree(`${DIRECTORY}/consumequeue/${topic}/0`);
  }
  const { log, lines } = heardLog();
  const again = await openTestStore(opened.files, { log });
  expect((await send(again, 'topic-5', 'next'))[0]?.queueOffset).toBe(1);
  expect(await texts(again.store, 'topic-5')).toEqual(['5', 'next']);
  expect(await texts(again.store, 'topic-8')).toEqual(['8']);
  expect(lines.filter((line) => line.includes('made anew'))).toHaveLength(1);
  expect(await texts(again.store, 'topic-6')).toEqual(['6']);
});

test('flush async: queue files do not speak of records that are not synced', async () => {
  const { files } = await openTestStore();
  let hold = false;
  let go: () => void = () => undefined;
  const slow = hookedFiles(files, /commitlog/, (what) =>
    what === 'datasync' && hold ? new Promise<void>((resolve) => (go = resolve)) : undefined,
  );
  const opened = await openTestStore(afterKill(slow), { flush: 'async' });
  await send(opened, 'orders', 'synced');
  await opened.sim.advance(12_000);
  hold = true;
  opened.store.append(draft('orders', 'not synced', 10_000), 0);
  await opened.sim.advance(9000);
  expect(await texts(opened.store, 'orders')).toEqual(['synced', 'not synced']);
  const path = `${DIRECTORY}/consumequeue/orders/0/00000000000000000000`;
  const second = async (): Promise<number> => (await files.readFile(path))?.readInt32BE(28) ?? -1;
  expect(await second()).toBe(0);
  hold = false;
  go();
  await opened.sim.advance(12_000);
  expect(await second()).toBeGreaterThan(10_000);
});

describe('the file', () => {
  const layout = new Layout(DIRECTORY);
  const row = (topic: string, queueId: number, max: number): QueueRow => {
    return { topic, queueId, start: 0, min: 0, max };
  };

  async function write(
    table: QueueTable,
    position: number,
    rows: readonly QueueRow[],
    changed: readonly QueueRow[] | undefined,
  ): Promise<void> {
    const count = rows.length;
    const batch = table.next({ position, keptFrom: 7, count, rows, changed });
    if (batch) await table.write(batch);
  }

  test('holds all rows; later ones take the place of earlier ones; a torn batch does not count', async () => {
    const files = memoryFiles();
    await files.makeDirectory(layout.gantry);
    const table = await QueueTable.open(files, layout);
    const rows = [row('a', 0, 5), row('a', 1, 6), row('größer', 2, 2 ** 40)];
    await write(table, 100, rows, undefined);
    const before = (await files.readFile(TABLE))?.length ?? 0;
    await write(table, 200, [...rows, row('b', 0, 1)], [row('a', 1, 9), row('b', 0, 1)]);
    const bytes = (await files.readFile(TABLE)) ?? Buffer.alloc(0);
    const now = (await QueueTable.open(files, layout)).found;
    expect(now).toEqual({
      position: 200,
      keptFrom: 7,
      rows: [row('a', 0, 5), row('a', 1, 9), row('größer', 2, 2 ** 40), row('b', 0, 1)],
    });
    for (let length = before; length < bytes.length; length++) {
      await files.writeFile(TABLE, bytes.subarray(0, length));
      expect((await QueueTable.open(files, layout)).found).toEqual({
        position: 100,
        keptFrom: 7,
        rows,
      });
    }
    await files.writeFile(TABLE, bytes.subarray(0, before - 1));
    expect((await QueueTable.open(files, layout)).found).toBeUndefined();
  });

  test('is written as a whole when its changes take more than that, and not at all without one', async () => {
    const files = memoryFiles();
    await files.makeDirectory(layout.gantry);
    const table = await QueueTable.open(files, layout);
    const rows = Array.from({ length: 100 }, (_, i) => row('t', i, 1));
    let largest = 0;
    for (let position = 0; position < 100; position++) {
      await write(table, position, rows, rows);
      largest = Math.max(largest, (await files.readFile(TABLE))?.length ?? 0);
    }
    expect(largest).toBeGreaterThan(64 * 1024);
    expect(largest).toBeLessThan(80 * 1024);
    expect(
      table.next({ position: 99, keptFrom: 7, count: 100, rows, changed: [] }),
    ).toBeUndefined();
  });
});
