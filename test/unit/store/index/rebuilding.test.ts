/** Whatever is wrong with the index files: they are built anew from the log, and searches are right again. */
import { memoryFiles } from '../../../../src/platform/memory-files';
import type { Files } from '../../../../src/platform/platform';
import {
  afterKill,
  DIRECTORY,
  hookedFiles,
  overwrite,
  stop,
  type TestStore,
} from '../support/test-store';
import {
  find,
  indexed,
  indexFile,
  indexNames,
  post,
  openIndexed,
  INDEX_ENTRIES,
  INDEX_SLOTS,
} from './support';

const COUNT = 45;

/** A stopped store of messages with keys, whose index has several files. */
async function filled(files: Files = memoryFiles()): Promise<TestStore> {
  const opened = await openIndexed(files);
  await fill(opened, 0, COUNT);
  await stop(opened);
  expect((await indexNames(files)).length).toBe(5);
  return opened;
}

async function fill(opened: TestStore, from: number, to: number): Promise<void> {
  for (let i = from; i < to; i++) {
    await post(opened, { topic: 't', id: `id${i}`, keys: `k${i} k${i % 7}`, tag: 'a' });
  }
}

async function expectAll(opened: TestStore, count = COUNT): Promise<void> {
  for (let i = count - 1; i >= 0; i -= 4) {
    const found = await find(opened, 't', `id${i}`, { by: 'id' });
    expect(found).toEqual({ ids: [`id${i}`], complete: true });
  }
  const sixth = Array.from({ length: count }, (_, i) => i).filter((i) => i % 7 === 6);
  expect((await find(opened, 't', 'k6')).ids).toEqual(sixth.reverse().map((i) => `id${i}`));
}

async function path(files: Files, n: number): Promise<string> {
  return `${DIRECTORY}/index/${(await indexNames(files))[n]}`;
}

const harms: readonly (readonly [string, (files: Files) => Promise<unknown>])[] = [
  ['all files are gone', (files) => files.removeTree(`${DIRECTORY}/index`)],
  ['the first file is gone', async (files) => files.remove(await path(files, 0))],
  ['a file in the middle is gone', async (files) => files.remove(await path(files, 2))],
  ['the last file is gone', async (files) => files.remove(await path(files, 4))],
  ['the mark is gone', (files) => files.remove(`${DIRECTORY}/gantry/index.json`)],
  ['the mark is no mark', (files) => files.writeFile(`${DIRECTORY}/gantry/index.json`, '{"a":1')],
  [
    'a digit of the mark is another one',
    async (files) => {
      const name = `${DIRECTORY}/gantry/index.json`;
      const text = String(await files.readFile(name));
      await files.writeFile(name, text.replace(/"position":(\d)/, '"position":9'));
    },
  ],
  ['a file is short', async (files) => shorten(files, await path(files, 3))],
  ['the last file is short', async (files) => shorten(files, await path(files, 4))],
  [
    'the head of a file is zeros',
    async (files) => overwrite(files, await path(files, 1), 0, Buffer.alloc(40)),
  ],
  [
    'the head of a file is ones',
    async (files) => overwrite(files, await path(files, 1), 0, Buffer.alloc(40, 0xff)),
  ],
  [
    'somebody else has left a file',
    async (files) => files.writeFile(`${DIRECTORY}/index/99990101000000000`, Buffer.alloc(920)),
  ],
];

async function shorten(files: Files, name: string): Promise<void> {
  const handle = await files.open(name, 'write');
  await handle.truncate((await handle.size()) - 1);
  await handle.close();
}

describe('when the store is opened and', () => {
  it.each(harms)('%s', async (_name, harm) => {
    const before = await filled();
    const whole = await indexFile(before.files, 4);
    await harm(before.files);
    const after = await openIndexed(before.files);
    await expectAll(after);
    await indexed(after);
    await expectAll(after);
    await fill(after, COUNT, COUNT + 5);
    await expectAll(after, COUNT + 5);
    await stop(after);
    const again = await openIndexed(before.files);
    await expectAll(again, COUNT + 5);
    await stop(again);
    expect(whole).toHaveLength(920);
  });

  it('what is built anew is, byte for byte, what was there', async () => {
    const { files } = await filled();
    const before = await Promise.all([0, 1, 2, 3, 4].map((n) => indexFile(files, n)));
    for (const n of [0, 2, 4]) {
      await files.remove(await path(files, n));
      const opened = await openIndexed(files);
      await indexed(opened);
      await stop(opened);
      const after = await Promise.all([0, 1, 2, 3, 4].map((m) => indexFile(files, m)));
      expect(after).toEqual(before);
    }
  });

  it('its lengths are other ones', async () => {
    const { files } = await filled();
    const index = { slots: INDEX_SLOTS + 1, entries: INDEX_ENTRIES };
    const after = await openIndexed(files, { index });
    await indexed(after);
    await expectAll(after);
    await stop(after);
    expect((await indexFile(files, 0)).length).toBe(924);
  });

  it('the log is shorter than the index', async () => {
    const opened = await openIndexed();
    await fill(opened, 0, 20);
    const files = afterKill(memoryFiles());
    await copyTree(opened.files, files, DIRECTORY);
    await fill(opened, 20, COUNT);
    await stop(opened);
    for (const part of ['index', 'gantry/index.json']) {
      await files.removeTree(`${DIRECTORY}/${part}`);
      await copyTree(opened.files, files, `${DIRECTORY}/${part}`);
    }
    const after = await openIndexed(files);
    await expectAll(after, 20);
    await fill(after, 20, 30);
    await indexed(after);
    await expectAll(after, 30);
    await stop(after);
  });
});

async function copyTree(from: Files, to: Files, name: string): Promise<void> {
  const stat = await from.stat(name);
  if (stat?.directory !== true) {
    const bytes = await from.readFile(name);
    if (bytes) await to.writeFile(name, bytes);
    return;
  }
  await to.makeDirectory(name);
  for (const child of await from.list(name)) await copyTree(from, to, `${name}/${child}`);
}

describe('when a search meets', () => {
  it.each([
    ['slots that are lost', 4, 40, Array(80).fill(0) as number[]],
    ['a slot that points behind the entries', 1, 40 + 4 * 3, [0x7f, 0xff, 0xff, 0xff]],
    ['a slot that points to an entry of another one', 1, 40 + 4 * 3, [0, 0, 0, 1]],
    ['entries with other hashes', 1, 40 + 4 * INDEX_SLOTS + 20, Array(760).fill(0x11) as number[]],
  ])(
    '%s, it says that it may lack some, and the next one is right',
    async (_name, n, at, bytes) => {
      const { files } = await filled();
      await overwrite(files, await path(files, n), at, Buffer.from(bytes));
      const after = await openIndexed(files);
      let damaged = 0;
      for (let i = 0; i < COUNT; i++) {
        const { ids, complete } = await find(after, 't', `id${i}`, { by: 'id' });
        if (ids.length === 0) expect(complete).toBe(false);
        if (!complete) damaged++;
      }
      expect(damaged).toBeGreaterThan(0);
      await indexed(after);
      await expectAll(after);
      await stop(after);
    },
  );
});

describe('when index files cannot be written', () => {
  it('messages are stored all the same, and the index comes back by itself', async () => {
    let full = false;
    const files = hookedFiles(memoryFiles(), /\/index\//, () => {
      if (full) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
    });
    const opened = await openIndexed(files);
    await fill(opened, 0, 10);
    await indexed(opened);
    full = true;
    await fill(opened, 10, COUNT);
    await indexed(opened);
    expect(opened.store.failure).toBeUndefined();
    expect(await find(opened, 't', 'id44', { by: 'id' })).toMatchObject({ complete: false });
    full = false;
    await opened.sim.advance(60_200);
    await expectAll(opened);
    await stop(opened);
    const again = await openIndexed(files);
    await expectAll(again);
    await stop(again);
  });
});
