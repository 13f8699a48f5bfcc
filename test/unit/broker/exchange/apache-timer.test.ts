/** The files of Apache's timer, in bytes that Apache RocketMQ 5.5.0 wrote or reads. */
import { slotOf } from '../../../../src/message/delayed';
import { memoryPlatform } from '../../../../src/platform/memory-files';
import type { Files } from '../../../../src/platform/platform';
import {
  ApacheTimerWriter,
  indexIn,
  readApacheTimer,
} from '../../../../src/broker/exchange/apache-timer';

const DIRECTORY = '/broker';
const FILE = '/broker/timerlog/00000000000000000000';
const FILE_BYTES = 104_857_600;
const DAY_MS = 86_400_000;
/** As Apache wrote them: a message due in 29 s, and then nothing. */
const UNIT =
  '00000034ffffffffffffffff00000001000001a1fdd0bd300000714800000000000001320000015' +
  '8061fc28c0000000000000000';
const CHECK =
  '000001a1fdd0d0b8000000000000003400000000000000010000000000000001' +
  '0000000000000000000001a1fdd0d158000000000000000e';

async function filesOf(check: string, ...units: readonly string[]): Promise<Files> {
  const { files } = memoryPlatform();
  await files.makeDirectory('/broker/config');
  await files.makeDirectory('/broker/timerlog');
  const bytes = Buffer.alloc(4096);
  Buffer.from(check, 'hex').copy(bytes);
  await files.writeFile('/broker/config/timercheck', bytes);
  const handle = await files.open(FILE, 'create');
  await handle.truncate(FILE_BYTES);
  await handle.write([Buffer.from(units.join(''), 'hex')], 0);
  await handle.close();
  return files;
}

async function unitsOf(files: Files, count: number, at = 0): Promise<string[]> {
  const bytes = Buffer.alloc(count * 52);
  const handle = await files.open(FILE, 'read');
  await handle.read(bytes, at);
  await handle.close();
  return Array.from({ length: count }, (_, i) => bytes.toString('hex', i * 52, i * 52 + 52));
}

test.each([
  [5000, 4000],
  [5001, 5000],
  [5999, 5000],
])('what is due at %i ms is in the slot of %i ms', (dueMs, slotMs) => {
  expect(slotOf(dueMs)).toBe(slotMs);
});

test('units that Apache wrote are read, but for those whose slots are done with', async () => {
  const read = await readApacheTimer(await filesOf(CHECK, UNIT), DIRECTORY);
  expect(read).toEqual({ queueOffset: 1, positions: Float64Array.of(0x132), counter: 14 });
  const later = await filesOf(CHECK.replace('000001a1fdd0d0b8', '000001a1fdd12e79'), UNIT);
  expect((await readApacheTimer(later, DIRECTORY))?.positions).toHaveLength(0);
});

test('reading ends at the first unit that is damaged', async () => {
  const damaged = UNIT.replace('00000001', '00000008');
  const read = await readApacheTimer(await filesOf(CHECK, UNIT, damaged, UNIT), DIRECTORY);
  expect(read?.positions).toEqual(Float64Array.of(0x132));
});

test('where no timer ever ran there is nothing to read', async () => {
  const { files } = memoryPlatform();
  expect(await readApacheTimer(files, DIRECTORY)).toBeUndefined();
});

test('what is written names for each slot its unit before, and rolls what is far ahead', async () => {
  const files = await filesOf(CHECK, UNIT);
  await files.writeFile('/broker/timerwheel', 'old');
  const nowMs = 0x1a1fdd0bd30;
  const slotMs = slotOf(nowMs);
  const writer = new ApacheTimerWriter(files, DIRECTORY, nowMs);
  await writer.begin();
  await writer.add({ dueMs: slotMs + 5000, position: 100, bytes: 10 });
  await writer.add({ dueMs: nowMs - DAY_MS, position: 200, bytes: 20 });
  await writer.add({ dueMs: slotMs + 4001, position: 300, bytes: 30 });
  await writer.add({ dueMs: slotMs + 2.5 * DAY_MS, position: 400, bytes: 40 });
  await writer.add({ dueMs: slotMs + 30 * DAY_MS, position: 500, bytes: 50 });
  await writer.addDelete(600, 60);
  // Nothing is changed so far.
  expect((await readApacheTimer(files, DIRECTORY))?.positions).toEqual(Float64Array.of(0x132));
  await writer.replace(7, 15);

  const base = slotMs.toString(16).padStart(16, '0');
  const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');
  const unit = (before: string, magic: number, ms: number, at: number, size: number): string =>
    `00000034${before}${hex(magic, 8)}${base}${hex(ms, 8)}${hex(at, 16)}${hex(size, 8)}${'0'.repeat(24)}`;
  const none = 'f'.repeat(16);
  expect(await unitsOf(files, 7)).toEqual([
    unit(none, 1, 4000, 100, 10),
    unit(none, 1, 0, 200, 20),
    unit(hex(0, 16), 1, 4000, 300, 30),
    unit(none, 3, DAY_MS, 400, 40),
    unit(none, 3, 2 * DAY_MS, 500, 50),
    unit(hex(52, 16), 5, 0, 600, 60),
    '0'.repeat(104),
  ]);
  expect((await files.stat(FILE))?.bytes).toBe(FILE_BYTES);
  expect(await files.stat('/broker/timerwheel')).toBeUndefined();
  expect(await files.list('/broker/gantry')).toEqual([]);
  const read = await readApacheTimer(files, DIRECTORY);
  expect(read?.positions).toEqual(Float64Array.of(100, 200, 300, 400, 500, 600));
  expect(read).toMatchObject({ queueOffset: 7, counter: 15 });
  expect(read && [indexIn(read, 300), indexIn(read, 301)]).toEqual([2, -1]);
});

test('a file that is full ends with a blank unit, and the next one goes on', async () => {
  const { files } = memoryPlatform();
  const writer = new ApacheTimerWriter(files, DIRECTORY, 1_000_000, 200);
  await writer.begin();
  for (let i = 0; i < 4; i++) await writer.add({ dueMs: 0, position: i, bytes: 1 });
  await writer.replace(0, 1);
  expect(await files.list('/broker/timerlog')).toEqual([
    '00000000000000000000',
    '00000000000000000200',
  ]);
  const [blank] = await unitsOf(files, 1, 3 * 52);
  expect(blank?.slice(0, 32)).toBe(`0000002c${'0'.repeat(16)}cbd43194`);
  const read = await readApacheTimer(files, DIRECTORY);
  expect(read?.positions).toEqual(Float64Array.of(0, 1, 2, 3));
});
