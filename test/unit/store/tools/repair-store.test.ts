import { memoryFiles } from '../../../../src/platform/memory-files';
import type { Files } from '../../../../src/platform/platform';
import { dumpStore } from '../../../../src/store/tools/dump-store';
import { repairStore, type RepairSummary } from '../../../../src/store/tools/repair-store';
import {
  DIRECTORY,
  draft,
  openTestStore,
  overwrite,
  run,
  segmentPath,
  SEGMENT_BYTES,
  send,
  stop,
  texts,
} from '../support/test-store';
import { check, fillStore, snapshot } from './support';

const TARGET = '/repaired';

function repair(files: Files): Promise<RepairSummary> {
  return repairStore({ files, directory: DIRECTORY, target: TARGET });
}

async function contents(files: Files, directory: string): Promise<readonly (readonly string[])[]> {
  const opened = await openTestStore(files, { directory });
  const found = [await texts(opened.store, 'orders'), await texts(opened.store, 'other')];
  await stop(opened);
  return found;
}

test('a sound store becomes the same store', async () => {
  const files = memoryFiles();
  await fillStore(files);
  const before = await snapshot(files);
  expect(await repair(files)).toEqual({ records: 300, damagedBytes: 0, lost: 0, queues: 2 });
  expect(await snapshot(files)).toEqual(before);
  const copy = await snapshot(files, TARGET);
  for (const [path, hash] of before) {
    if (!/\/(mark|queues)$/.test(path))
      expect(copy.get(path.replace(DIRECTORY, TARGET))).toBe(hash);
  }
  expect((await check(files, TARGET)).lines).toEqual([]);
});

test('damage becomes fillers: what is whole stays where it was, and the new store is sound', async () => {
  const files = memoryFiles();
  await fillStore(files);
  const before = await contents(files, DIRECTORY);
  await overwrite(files, segmentPath(0), 2200, Buffer.alloc(300));
  await overwrite(files, segmentPath(SEGMENT_BYTES), 100, Buffer.from('?'));
  const source = await snapshot(files);
  const { lost, damagedBytes } = await repair(files);
  expect(lost).toBe(3);
  expect(damagedBytes).toBeGreaterThan(300);
  expect((await check(files, TARGET)).lines).toEqual([]);
  const after = await contents(files, TARGET);
  const missing = before.flatMap((queue, q) => queue.filter((text, i) => after[q]?.[i] !== text));
  expect(missing).toHaveLength(3);
  expect(after.flat().filter((text) => text === '')).toHaveLength(3);
  expect(await snapshot(files)).toEqual(source);
});

test('a lost last message keeps its offset, and a lost segment its place', async () => {
  const files = memoryFiles();
  await fillStore(files, 400);
  const before = await contents(files, DIRECTORY);
  const { logEnd } = await check(files);
  const second = await files.open(segmentPath(SEGMENT_BYTES), 'write');
  await second.truncate(0);
  const last = draft('other', 'm399', 100).byteLength;
  await overwrite(
    files,
    segmentPath(logEnd),
    (logEnd % SEGMENT_BYTES) - last + 90,
    Buffer.from('?'),
  );
  await repair(files);
  expect((await check(files, TARGET)).lines).toEqual([]);
  const after = await contents(files, TARGET);
  expect(after.map((queue) => queue.length)).toEqual(before.map((queue) => queue.length));
  const opened = await openTestStore(files, { directory: TARGET });
  const [next] = await send(opened, 'other', 'next');
  expect(next?.queueOffset).toBe(before[1]?.length);
  await run(opened.sim, opened.store.close());
});

test('a repair that would write over something is refused', async () => {
  const files = memoryFiles();
  await fillStore(files, 3);
  await files.makeDirectory(TARGET);
  await files.writeFile(`${TARGET}/mine`, 'x');
  await expect(repair(files)).rejects.toMatchObject({ code: 'EEXIST' });
});

test('other files come along', async () => {
  const files = memoryFiles();
  await fillStore(files, 3);
  await files.makeDirectory(`${DIRECTORY}/config`);
  await files.writeFile(`${DIRECTORY}/config/topics.json`, '{}');
  await files.writeFile(`${DIRECTORY}/gantry/handle-keys.json`, '{"signing":1}');
  await repair(files);
  expect((await files.readFile(`${TARGET}/config/topics.json`))?.toString()).toBe('{}');
  expect((await files.readFile(`${TARGET}/gantry/handle-keys.json`))?.toString()).toBe(
    '{"signing":1}',
  );
  expect(await files.stat(`${TARGET}/abort`)).toBeUndefined();
});

test('a dump tells the records that fit, in log order', async () => {
  const files = memoryFiles();
  await fillStore(files, 30);
  const found: string[] = [];
  const dump = (filter: object): Promise<unknown> => {
    found.length = 0;
    return dumpStore({
      files,
      directory: DIRECTORY,
      ...filter,
      onRecord: ({ topic, queueOffset }) => void found.push(`${topic} ${queueOffset}`),
    });
  };
  expect(await dump({})).toEqual({ records: 30, damagedBytes: 0 });
  expect(found.slice(0, 4)).toEqual(['other 0', 'orders 0', 'orders 1', 'other 1']);
  await dump({ topic: 'other', offsetFrom: 2, offsetTo: 4 });
  expect(found).toEqual(['other 2', 'other 3']);
  await dump({ queueId: 1 });
  expect(found).toEqual([]);
});
