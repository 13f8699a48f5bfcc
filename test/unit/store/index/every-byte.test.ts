/** Bytes of the index are damaged: the store opens, no search gives anything false, and none hides what it lacks. */
import { memoryFiles } from '../../../../src/platform/memory-files';
import type { Files } from '../../../../src/platform/platform';
import { DIRECTORY, overwrite, stop } from '../support/test-store';
import { find, indexed, indexFile, indexNames, openIndexed, post } from './support';

const COUNT = 24;
/** A prime above 255: another byte in a hash is always another slot. 5 million is as good. */
const SLOTS = 257;
const ENTRIES = 40;
/** Slots and entries are many and alike: one in so many of their bytes, and each field has its turn. */
const SLOTS_STEP = 29;
const ENTRIES_STEP = 11;

async function filled(): Promise<Files> {
  const files = memoryFiles();
  const opened = await openIndexed(files, { index: { slots: SLOTS, entries: ENTRIES } });
  for (let i = 0; i < COUNT; i++) {
    await post(opened, { topic: 't', id: `id${i}`, keys: `k${i % 5}`, tag: 'a' });
  }
  await stop(opened);
  return files;
}

/** Opens, searches, lets the index mend itself, searches again. */
async function expectSound(files: Files): Promise<void> {
  const opened = await openIndexed(files, { index: { slots: SLOTS, entries: ENTRIES } });
  // The key is in all files.
  const all = Array.from({ length: COUNT }, (_, i) => i).filter((i) => i % 5 === 3);
  const ids = all.reverse().map((i) => `id${i}`);
  const first = await find(opened, 't', 'k3');
  expect(ids).toEqual(expect.arrayContaining([...first.ids]));
  if (first.complete) expect(first.ids).toEqual(ids);
  await indexed(opened);
  expect(await find(opened, 't', 'k3')).toEqual({ ids, complete: true });
  await stop(opened);
}

async function flip(files: Files, path: string, at: number): Promise<void> {
  const bytes = await files.readFile(path);
  await overwrite(files, path, at, Buffer.from([(bytes?.[at] ?? 0) ^ 0xff]));
}

it.each([
  ['a full file', 0],
  ['the last file', 1],
])('of %s', async (_name, n) => {
  const files = await filled();
  const name = `${DIRECTORY}/index/${(await indexNames(files))[n]}`;
  const whole = await indexFile(files, n);
  const stepAt = (at: number): number => {
    if (at < 40) return 1;
    return at < 40 + 4 * SLOTS ? SLOTS_STEP : ENTRIES_STEP;
  };
  for (let at = 0; at < whole.length; at += stepAt(at)) {
    const harmed = await filledLike(files);
    await flip(harmed, name, at);
    await expectSound(harmed);
  }
});

it('of the mark', async () => {
  const files = await filled();
  const name = `${DIRECTORY}/gantry/index.json`;
  const { length } = (await files.readFile(name)) ?? Buffer.alloc(0);
  for (let at = 0; at < length; at += 5) {
    const harmed = await filledLike(files);
    await flip(harmed, name, at);
    await expectSound(harmed);
  }
});

/** A copy of a directory. */
async function filledLike(files: Files): Promise<Files> {
  const copy = memoryFiles();
  await copyTree(files, copy, DIRECTORY);
  return copy;
}

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
