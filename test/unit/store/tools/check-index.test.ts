/** What `gantry store check` says of the index: nothing when it is sound, one line for each byte that is not. */
import { memoryFiles } from '../../../../src/platform/memory-files';
import type { Files } from '../../../../src/platform/platform';
import { repairStore } from '../../../../src/store/tools/repair-store';
import { type Contents, CopyOnWriteFiles } from '../../../support/copy-on-write-files';
import { find, INDEX_ENTRIES, INDEX_SLOTS, indexed, openIndexed, post } from '../index/support';
import {
  afterKill,
  DIRECTORY,
  overwrite,
  segmentPath,
  stop,
  type TestStore,
} from '../support/test-store';
import { check } from './support';

const COUNT = 22;
const ENTRIES_AT = 40 + 4 * INDEX_SLOTS;

async function fill(files: Files, count = COUNT): Promise<TestStore> {
  const opened = await openIndexed(files);
  for (let i = 0; i < count; i++) {
    await opened.sim.advance(700);
    await post(opened, { topic: 't', id: `id${i}`, keys: `k${i % 5}`, tag: 'a' });
  }
  return opened;
}

async function filled(): Promise<Contents> {
  const files = memoryFiles();
  await stop(await fill(files));
  return CopyOnWriteFiles.contents(files, DIRECTORY);
}

/** Paths of the index files, the oldest first, with their bytes. */
function indexFiles(contents: Contents): readonly (readonly [string, Buffer])[] {
  return [...contents].filter(([path]) => path.includes('/index/'));
}

async function linesWith(
  contents: Contents,
  path: string,
  bytes: Buffer,
): Promise<readonly string[]> {
  const { lines } = await check(new CopyOnWriteFiles(new Map(contents).set(path, bytes)));
  return lines;
}

function flipped(bytes: Buffer, at: number): Buffer {
  const other = Buffer.from(bytes);
  other[at] = (bytes[at] ?? 0) ^ (1 + ((at * 37) % 255));
  return other;
}

test('an index that was closed in an orderly way is sound, every entry was compared', async () => {
  const contents = await filled();
  expect(indexFiles(contents)).toHaveLength(2);
  const { lines, indexEntries } = await check(new CopyOnWriteFiles(contents));
  expect(lines).toEqual([]);
  expect(indexEntries).toBe(3 * COUNT);
});

test('an index after a crash is sound: later entries and slots count as not written', async () => {
  const files = memoryFiles();
  const opened = await fill(files, 5);
  await opened.sim.advance(31_000);
  await post(opened, { topic: 't', id: 'late', keys: 'k0 k1 k2', tag: 'a' });
  await indexed(opened);
  const { lines, indexEntries } = await check(afterKill(files));
  expect(lines).toEqual([]);
  expect(indexEntries).toBe(15);
});

test.each([0, 1])(
  'flipped bytes of index file %i are named, each field of header, slots and entries',
  async (n) => {
    const contents = await filled();
    const [path, bytes] = indexFiles(contents)[n] ?? ['', Buffer.alloc(0)];
    const next = n === 0 ? INDEX_ENTRIES : 3 * COUNT - (INDEX_ENTRIES - 1) + 1;
    const end = ENTRIES_AT + 20 * next;
    const unnoticed: number[] = [];
    for (let at = 0; at < end; at += 3) {
      const lines = await linesWith(contents, path, flipped(bytes, at));
      const file = path.slice(DIRECTORY.length + 1);
      if (lines.length === 0 || !lines.every((line) => line.includes(`wrong  ${file}`))) {
        unnoticed.push(at);
      }
    }
    expect(unnoticed).toEqual([]);
  },
);

test('each flipped byte of gantry/index.json is named', async () => {
  const contents = await filled();
  const path = `${DIRECTORY}/gantry/index.json`;
  const bytes = contents.get(path) ?? Buffer.alloc(0);
  // The line end behind it says nothing.
  for (let at = 0; at < bytes.length - 1; at++) {
    expect(await linesWith(contents, path, flipped(bytes, at))).toEqual([
      expect.stringMatching(/^wrong {2}gantry\/index\.json {2}its checksum is wrong/),
    ]);
  }
});

test.each([
  ['key hash', 0, 2, /@\d+ {2}entry 3 has key hash \d+, its record's is \d+$/],
  ['position', 11, 1, /entry 3 points to \d+, its record lies at \d+$/],
  ['time', 15, 1, /entry 3 has time \d+, its record's is \d+$/],
  ['chain', 19, 1, /entry 3 follows entry \d+ in its chain, not \d+$/],
])('an entry with another %s is named by its number', async (_field, at, count, text) => {
  const contents = await filled();
  const [path, bytes] = indexFiles(contents)[0] ?? ['', Buffer.alloc(0)];
  const lines = await linesWith(contents, path, flipped(bytes, ENTRIES_AT + 3 * 20 + at));
  expect(lines.length).toBeLessThanOrEqual(count);
  expect(lines[0]).toMatch(text);
});

test('a missing, a cut and a strange file are named', async () => {
  const contents = await filled();
  const [[first, bytes] = ['', Buffer.alloc(0)]] = indexFiles(contents);
  expect(await linesWith(contents, first, bytes.subarray(0, 100))).toEqual([
    expect.stringMatching(/has 100 bytes, not 920: the index is built anew from here$/),
  ]);
  const without = new Map(contents);
  without.delete(first);
  without.set(`${DIRECTORY}/index/notes.txt`, Buffer.alloc(1));
  const { lines } = await check(new CopyOnWriteFiles(without));
  expect(lines).toEqual([
    expect.stringMatching(/notes\.txt {2}is no index file$/),
    expect.stringMatching(/is missing: the index is built anew from here$/),
  ]);
});

test('entries of a damaged record are no fault of the index', async () => {
  const files = new CopyOnWriteFiles(await filled());
  await overwrite(files, segmentPath(0), 90, Buffer.from('?'));
  const { lines } = await check(files);
  expect(lines).toEqual([expect.stringMatching(/^wrong {2}commitlog/)]);
});

test('a repaired store has no index; the next start builds it', async () => {
  const files = memoryFiles();
  await stop(await fill(files));
  await repairStore({ files, directory: DIRECTORY, target: '/repaired' });
  expect(await files.list('/repaired/index')).toEqual([]);
  expect((await check(files, '/repaired')).lines).toEqual([]);
  const opened = await openIndexed(files, { directory: '/repaired' });
  await indexed(opened);
  const { ids, complete } = await find(opened, 't', 'k3');
  expect({ ids, complete }).toEqual({ ids: ['id18', 'id13', 'id8', 'id3'], complete: true });
  await stop(opened);
});
