import { memoryFiles } from '../../../src/platform/memory-files';
import type { FileHandle, Files } from '../../../src/platform/platform';
import { Gate } from '../../../src/store/gate';
import { HandleCache } from '../../../src/store/handle-cache';
import { hookedFiles } from './support/test-store';

/** Files `/0` .. `/9`, and how many of them are open. */
async function countedFiles(): Promise<{ files: Files; open(): number; opened(): number }> {
  const base = memoryFiles();
  for (let i = 0; i < 10; i++) await base.writeFile(`/${i}`, String(i));
  let open = 0;
  let opened = 0;
  const files: Files = {
    ...hookedFiles(base, /^$/, () => undefined),
    open: async (path, mode) => {
      const handle = await base.open(path, mode);
      open++;
      opened++;
      return Object.assign(Object.create(handle) as FileHandle, {
        close: async () => {
          open--;
          await handle.close();
        },
      });
    },
  };
  return { files, open: () => open, opened: () => opened };
}

async function content(handle: FileHandle): Promise<string> {
  const bytes = Buffer.alloc(1);
  await handle.read(bytes, 0);
  return bytes.toString();
}

test('a file in the cache is not opened again; beyond the capacity the one longest unused is closed', async () => {
  const { files, open, opened } = await countedFiles();
  const cache = new HandleCache(files, 'read', 3);
  for (const name of [0, 1, 2, 0, 3, 0]) {
    expect(await cache.use(`/${name}`, content)).toBe(String(name));
  }
  expect([open(), opened()]).toEqual([3, 4]);
  await cache.use('/1', content);
  expect(opened()).toBe(5);
  await cache.closeAll();
  expect(open()).toBe(0);
});

test('a file in use stays open, however many others come', async () => {
  const { files, open } = await countedFiles();
  const cache = new HandleCache(files, 'read', 2);
  const found = await cache.use('/0', async (handle) => {
    for (let i = 1; i < 10; i++) await cache.use(`/${i}`, content);
    await cache.forget('/0');
    return content(handle);
  });
  expect(found).toBe('0');
  await cache.closeAll();
  expect(open()).toBe(0);
});

test('a file that could not be opened is tried again', async () => {
  const { files } = await countedFiles();
  const cache = new HandleCache(files, 'read', 2);
  await expect(cache.use('/later', content)).rejects.toMatchObject({ code: 'ENOENT' });
  await files.writeFile('/later', 'x');
  expect(await cache.use('/later', content)).toBe('x');
});

test('a gate lets a bounded number through at once, in order, and goes on after a failure', async () => {
  const gate = new Gate(2);
  const running: number[] = [];
  let most = 0;
  const order: number[] = [];
  const ends: (() => void)[] = [];
  const tasks = Array.from({ length: 6 }, (_, i) =>
    gate.run(async () => {
      running.push(i);
      order.push(i);
      most = Math.max(most, running.length);
      await new Promise<void>((resolve) => ends.push(resolve));
      running.splice(running.indexOf(i), 1);
      if (i === 1) throw new Error('failed');
    }),
  );
  const outcomes = Promise.allSettled(tasks);
  for (let i = 0; i < 6; i++) {
    // The newest first: those that wait still come in order.
    ends.pop()?.();
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  const failed = (await outcomes).filter((outcome) => outcome.status === 'rejected');
  expect([most, failed.length]).toEqual([2, 1]);
  expect(order).toEqual([0, 1, 2, 3, 4, 5]);
});
