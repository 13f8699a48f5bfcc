import { memoryFiles } from '../../../src/platform/memory-files';
import type { Files } from '../../../src/platform/platform';
import {
  afterKill,
  DIRECTORY,
  hookedFiles,
  openTestStore,
  overwrite,
  send,
  stop,
  texts,
} from './support/test-store';

/** The same files; counts the bytes read from the CommitLog. */
function countedReads(base: Files): { files: Files; bytes(): number } {
  let bytes = 0;
  const plain = hookedFiles(base, /^$/, () => undefined);
  const files: Files = {
    ...plain,
    open: async (path, mode) => {
      const handle = await base.open(path, mode);
      if (!path.includes('/commitlog/')) return handle;
      return {
        path,
        write: (buffers, position) => handle.write(buffers, position),
        datasync: () => handle.datasync(),
        truncate: (length) => handle.truncate(length),
        size: () => handle.size(),
        close: () => handle.close(),
        read: async (target, position) => {
          const count = await handle.read(target, position);
          bytes += count;
          return count;
        },
      };
    },
  };
  return { files, bytes: () => bytes };
}

test('a second opening of a directory in use is refused before anything is read', async () => {
  const files = memoryFiles();
  const first = await openTestStore(files);
  await send(first, 'orders', 'a');
  await expect(openTestStore(files)).rejects.toMatchObject({ code: 'ELOCKED' });
  await send(first, 'orders', 'b');
  await stop(first);
  const second = await openTestStore(files);
  expect(await texts(second.store, 'orders')).toEqual(['a', 'b']);
});

test('abort is there while the store runs, and gone after an orderly stop', async () => {
  const files = memoryFiles();
  const opened = await openTestStore(files);
  const abort = await files.readFile(`${DIRECTORY}/abort`);
  expect(abort?.toString()).toBe(String(process.pid));
  expect((await files.readFile(`${DIRECTORY}/lock`))?.toString()).toBe('lock');
  await stop(opened);
  expect(await files.stat(`${DIRECTORY}/abort`)).toBeUndefined();
});

test('after an orderly stop the log is not scanned; after a kill only what is new', async () => {
  const files = memoryFiles();
  const opened = await openTestStore(files);
  const all = Array.from({ length: 500 }, (_, i) => `${i}`);
  await send(opened, 'orders', ...all);
  await stop(opened);
  const clean = countedReads(files);
  const second = await openTestStore(clean.files);
  expect(clean.bytes()).toBeLessThan(100);
  await second.sim.advance(20_000);
  await send(second, 'orders', 'last');
  const killed = countedReads(afterKill(files));
  const third = await openTestStore(killed.files);
  expect(killed.bytes()).toBeLessThan(32_000);
  expect(await texts(third.store, 'orders')).toEqual([...all, 'last']);
});

test('a log that somebody else has appended to after a clean stop is scanned', async () => {
  const files = memoryFiles();
  const opened = await openTestStore(files);
  await send(opened, 'orders', 'a');
  await stop(opened);
  // A twin with the same history stands for the other program.
  const twinFiles = memoryFiles();
  const twin = await openTestStore(twinFiles);
  await send(twin, 'orders', 'a', 'b');
  await stop(twin);
  const path = `${DIRECTORY}/commitlog/00000000000000000000`;
  await files.writeFile(path, (await twinFiles.readFile(path)) ?? '');
  const again = await openTestStore(files);
  expect(await texts(again.store, 'orders')).toEqual(['a', 'b']);
});

test('without our own folder the log alone is enough', async () => {
  const files = memoryFiles();
  const opened = await openTestStore(files);
  await send(opened, 'orders', 'a', 'b');
  await stop(opened);
  await files.removeTree(`${DIRECTORY}/gantry`);
  const again = await openTestStore(files);
  expect(await texts(again.store, 'orders')).toEqual(['a', 'b']);
});

test.each([
  ['segmentBytes', { segmentBytes: 32 * 1024 }],
  ['queueFileEntries', { queueFileEntries: 9 }],
])('a directory made with another %s is refused and stays as it is', async (name, changes) => {
  const files = memoryFiles();
  const opened = await openTestStore(files);
  await send(opened, 'orders', 'a');
  await stop(opened);
  await expect(openTestStore(files, changes)).rejects.toThrow(name);
  const again = await openTestStore(files);
  expect(await texts(again.store, 'orders')).toEqual(['a']);
});

test.each([
  [{ segmentBytes: 100 }, 'segmentBytes is 100, the least is 4096'],
  [{ queueFileEntries: 0 }, 'queueFileEntries is 0, the least is 1'],
])('impossible lengths %p are refused', async (changes, text) => {
  await expect(openTestStore(memoryFiles(), changes)).rejects.toThrow(text);
});

test('a segment of a wrong length, or a file that is none, is refused by name', async () => {
  const files = memoryFiles();
  const opened = await openTestStore(files);
  await send(opened, 'orders', 'a');
  await stop(opened);
  await files.removeTree(`${DIRECTORY}/gantry`);
  await files.writeFile(`${DIRECTORY}/commitlog/notes.txt`, 'x');
  await expect(openTestStore(files)).rejects.toThrow("holds 'notes.txt'");
  await files.remove(`${DIRECTORY}/commitlog/notes.txt`);
  await files.writeFile(`${DIRECTORY}/commitlog/00000000000000016384`, 'short');
  await expect(openTestStore(files)).rejects.toThrow('has 5 bytes');
});

test('a damaged slot of the mark leaves the other one', async () => {
  const files = memoryFiles();
  const opened = await openTestStore(files);
  await send(opened, 'orders', 'a', 'b');
  await stop(opened);
  for (const at of [0, 4096]) {
    await overwrite(files, `${DIRECTORY}/gantry/mark`, at + 20, Buffer.from('damage'));
    const again = await openTestStore(files);
    expect(await texts(again.store, 'orders')).toEqual(['a', 'b']);
    await stop(again);
  }
});

test('nothing but what Apache RocketMQ knows lies in its folders', async () => {
  const files = memoryFiles();
  const opened = await openTestStore(files);
  await send(opened, '%RETRY%group', ...Array.from({ length: 30 }, (_, i) => `${i}`));
  await stop(opened);
  expect(await files.list(DIRECTORY)).toEqual([
    'checkpoint',
    'commitlog',
    'consumequeue',
    'gantry',
    'lock',
  ]);
  const names = [
    ...(await files.list(`${DIRECTORY}/commitlog`)),
    ...(await files.list(`${DIRECTORY}/consumequeue/%RETRY%group/0`)),
  ];
  expect(names.filter((name) => !/^\d{20}$/.test(name))).toEqual([]);
});
