/** A damaged ConsumeQueue entry is found out, and its message found again in the log. */
import { memoryFiles } from '../../../src/platform/memory-files';
import type { Files } from '../../../src/platform/platform';
import {
  DIRECTORY,
  heardLog,
  hookedFiles,
  openTestStore,
  overwrite,
  segmentPath,
  send,
  stop,
  texts,
} from './support/test-store';
import { check } from './tools/support';

const QUEUE = `${DIRECTORY}/consumequeue/orders/0/${'0'.repeat(20)}`;

async function stopped(): Promise<Files> {
  const files = memoryFiles();
  const opened = await openTestStore(files);
  await send(opened, 'orders', 'a', 'b', 'c', 'd');
  await send(opened, 'other', 'x');
  await stop(opened);
  return files;
}

test.each([
  ['points elsewhere', 6, Buffer.from([1])],
  ['points nowhere', 0, Buffer.from([0x80])],
  ['has a length that no record has', 8, Buffer.from([0x7f])],
  ['is gone', 0, Buffer.alloc(20)],
])('an entry that %s is written anew, and its message served', async (_what, at, bytes) => {
  const files = await stopped();
  await overwrite(files, QUEUE, 20 + at, bytes);
  const { log, lines } = heardLog();
  const opened = await openTestStore(files, { log });
  expect(await texts(opened.store, 'orders')).toEqual(['a', 'b', 'c', 'd']);
  // One that leads the search for the queue's end astray makes all queues be built anew.
  expect(lines.join('')).toMatch(
    /a damaged ConsumeQueue entry was written anew|building all ConsumeQueues anew/,
  );
  await stop(opened);
  expect((await check(files)).lines).toEqual([]);
});

test('a message whose record is damaged becomes a filler when it is read; its bytes stay for the check', async () => {
  const files = await stopped();
  const [, second] = await entries(files);
  await overwrite(files, segmentPath(0), (second ?? 0) + 90, Buffer.from('?'));
  const { log, lines } = heardLog();
  const opened = await openTestStore(files, { log });
  const [, entry] = await opened.store.entries('orders', 0, 0, 4);
  if (entry === undefined) throw new Error('no entry');
  await expect(opened.store.record('orders', 0, entry)).rejects.toThrow('its checksum is wrong');
  expect(lines.join('')).toContain('a message is damaged on disk and lost');
  expect(await texts(opened.store, 'orders')).toEqual(['a', '', 'c', 'd']);
  await stop(opened);
  const checked = await check(files);
  expect(checked.lines).toEqual([expect.stringContaining('orders queue 0 offset 1: ')]);
  expect(checked.fillers).toBe(1);
});

test('a log that cannot be read decides nothing', async () => {
  const files = await stopped();
  const [, second] = await entries(files);
  let broken = false;
  const flaky: Files = {
    ...hookedFiles(files, /^$/, () => undefined),
    open: async (path, mode) => {
      const handle = await files.open(path, mode);
      return {
        path,
        write: (buffers, position) => handle.write(buffers, position),
        datasync: () => handle.datasync(),
        truncate: (length) => handle.truncate(length),
        size: () => handle.size(),
        close: () => handle.close(),
        read: (target, position) =>
          broken && path.includes('/commitlog/')
            ? Promise.reject(new Error('EIO'))
            : handle.read(target, position),
      };
    },
  };
  const opened = await openTestStore(flaky);
  const [, entry] = await opened.store.entries('orders', 0, 0, 4);
  if (entry === undefined) throw new Error('no entry');
  expect(entry.physicalOffset).toBe(second);
  broken = true;
  await expect(opened.store.record('orders', 0, entry)).rejects.toThrow('EIO');
  broken = false;
  expect(await texts(opened.store, 'orders')).toEqual(['a', 'b', 'c', 'd']);
});

/** Where the messages of orders lie. */
async function entries(files: Files): Promise<number[]> {
  const opened = await openTestStore(files);
  const found = await opened.store.entries('orders', 0, 0, 4);
  await stop(opened);
  return found.map((entry) => entry.physicalOffset);
}
