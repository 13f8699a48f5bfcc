import { memoryFiles } from '../../../../src/platform/memory-files';
import type { Files } from '../../../../src/platform/platform';
import {
  afterKill,
  DIRECTORY,
  openTestStore,
  overwrite,
  segmentPath,
  SEGMENT_BYTES,
  send,
  stop,
} from '../support/test-store';
import { check, fillStore, snapshot } from './support';

async function filled(): Promise<Files> {
  const files = memoryFiles();
  await fillStore(files);
  return files;
}

test('a store that was closed in an orderly way is sound, and is not changed by looking at it', async () => {
  const files = await filled();
  const before = await snapshot(files);
  const checked = await check(files);
  expect(checked.lines).toEqual([]);
  expect(checked).toMatchObject({ records: 300, queues: 2, entries: 300, fillers: 0, wrong: 0 });
  expect(checked.segments).toBeGreaterThan(2);
  expect(await snapshot(files)).toEqual(before);
});

test('a store that crashed is sound: what is torn or not written yet is a note', async () => {
  const files = memoryFiles();
  const opened = await openTestStore(files);
  await send(opened, 'orders', 'a', 'b');
  await opened.sim.advance(12_000);
  const [, torn] = await send(opened, 'orders', 'c', 'd');
  const end = torn?.physicalOffset ?? 0;
  await overwrite(files, segmentPath(0), end + 60, Buffer.alloc(200));
  const checked = await check(afterKill(files));
  expect(checked).toMatchObject({ records: 3, wrong: 0, logEnd: end });
  expect(checked.lines).toEqual([
    `note   commitlog/${'0'.repeat(20)} @${end}  a write that a crash broke off: it is cut at the next start`,
  ]);
});

test('a damaged record is named with file, place, topic, queue, offset and reason', async () => {
  const files = await filled();
  const at = 88 + 5;
  await overwrite(files, segmentPath(0), at, Buffer.from('?'));
  const checked = await check(files);
  expect(checked.lines).toEqual([
    expect.stringMatching(
      /^wrong {2}commitlog\/0{20} @0 {2}other queue 0 offset 0: \d+ damaged bytes: its checksum is wrong$/,
    ),
  ]);
  expect(checked).toMatchObject({ records: 299, wrong: 1 });
});

test('a record without a readable head is found by the entry that points to it', async () => {
  const files = await filled();
  await overwrite(files, segmentPath(0), 4, Buffer.alloc(4));
  const { lines } = await check(files);
  expect(lines).toEqual([
    expect.stringMatching(
      /^wrong {2}commitlog\/0{20} @0 {2}\d+ damaged bytes: no record begins here$/,
    ),
    expect.stringMatching(
      /^wrong {2}consumequeue\/other\/0\/0{20} @0 {2}other queue 0 offset 0: points to .* where its message is not$/,
    ),
  ]);
});

test.each([
  ['physical offset', 7, /points to \d+ bytes at \d+, its record has/],
  ['length', 11, /points to \d+ bytes at \d+, its record has/],
  ['tag hash', 19, /has tag hash 255, its record's is 0/],
])('a queue entry with another %s is named', async (_field, at, text) => {
  const files = await filled();
  const path = `${DIRECTORY}/consumequeue/orders/0/${'0'.repeat(20)}`;
  await overwrite(files, path, 3 * 20 + at, Buffer.from([0xff]));
  const { lines } = await check(files);
  expect(lines.filter((line) => line.includes('orders queue 0 offset 3'))).toEqual([
    expect.stringMatching(text),
  ]);
});

test('a queue whose files are gone, and a mark that no longer fits, are named', async () => {
  const files = await filled();
  await files.removeTree(`${DIRECTORY}/consumequeue/orders`);
  const { lines } = await check(files);
  expect(lines).toEqual([
    expect.stringContaining('orders queue 0 offset 0: 200 records of the log have no entry here'),
    expect.stringContaining('were closed'),
    expect.stringContaining(
      'gantry/queues  orders queue 0: ends at 200 in the table, and has no file',
    ),
  ]);
});

test('missing segments, strange names and wrong lengths are named', async () => {
  const files = await filled();
  const second = segmentPath(SEGMENT_BYTES);
  await files.remove(second);
  await files.writeFile(`${DIRECTORY}/commitlog/notes.txt`, 'x');
  const handle = await files.open(segmentPath(0), 'write');
  await handle.truncate(SEGMENT_BYTES - 1);
  const { lines } = await check(files);
  expect(lines).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/commitlog\/0{20} @16383 {2}has 16383 bytes/),
      expect.stringMatching(/segment 0{15}16384 is missing before it/),
      expect.stringMatching(/notes\.txt {2}is no segment/),
    ]),
  );
});

test('bytes behind the end of log and queue are named', async () => {
  const files = await filled();
  const { logEnd } = await check(files);
  await overwrite(files, segmentPath(logEnd), (logEnd % SEGMENT_BYTES) + 40, Buffer.from('x'));
  const queue = `${DIRECTORY}/consumequeue/other/0`;
  const last = (await files.list(queue)).at(-1) ?? '';
  const bytes = (await files.readFile(`${queue}/${last}`)) ?? Buffer.alloc(0);
  await overwrite(files, `${queue}/${last}`, bytes.length - 1, Buffer.from('x'));
  const { lines } = await check(files);
  expect(lines).toEqual([
    expect.stringContaining(`bytes stand behind it at ${logEnd + 40}`),
    expect.stringMatching(/other queue 0: bytes behind the end of the queue/),
  ]);
});

test.each(['mark', 'views.json', 'deleted-topics.json'])(
  'damage in gantry/%s is named',
  async (name) => {
    const files = await filled();
    const path = `${DIRECTORY}/gantry/${name}`;
    if (name === 'mark') await overwrite(files, path, 30, Buffer.from('damage'));
    else await files.writeFile(path, '{"begin"');
    const { lines } = await check(files);
    expect(lines[0]).toContain(`gantry/${name}`);
  },
);

test('a checkpoint that claims more than there is is named', async () => {
  const files = await filled();
  await overwrite(files, `${DIRECTORY}/checkpoint`, 43, Buffer.from([1]));
  const { lines } = await check(files);
  expect(lines).toEqual([
    expect.stringMatching(/^wrong {2}checkpoint {2}has position \d+, the log ends/),
  ]);
});

test('a directory in use, or without a store, cannot be checked', async () => {
  const files = memoryFiles();
  const opened = await openTestStore(files);
  await expect(check(files)).rejects.toMatchObject({ code: 'ELOCKED' });
  await stop(opened);
  await expect(check(files, '/elsewhere')).rejects.toMatchObject({ code: 'ENOENT' });
});
