/** gantry/queues is damaged, or says what is not so: the check of a store names it. */
import { memoryFiles } from '../../../../src/platform/memory-files';
import { Layout } from '../../../../src/store/layout';
import { QueueTable, type QueueRow } from '../../../../src/store/queue-table';
import { type Contents, CopyOnWriteFiles } from '../../../support/copy-on-write-files';
import { afterKill, DIRECTORY, openTestStore, send } from '../support/test-store';
import { check, fillStore } from './support';

const TABLE = `${DIRECTORY}/gantry/queues`;

async function stopped(): Promise<Contents> {
  const files = memoryFiles();
  await fillStore(files, 30);
  return CopyOnWriteFiles.contents(files, DIRECTORY);
}

async function killed(): Promise<Contents> {
  const files = memoryFiles();
  const opened = await openTestStore(files);
  for (let i = 0; i < 30; i++) await send(opened, i % 3 === 0 ? 'other' : 'orders', `m${i}`);
  await opened.sim.advance(12_000);
  await send(opened, 'orders', 'behind');
  await send(opened, 'new', 'behind');
  await opened.sim.advance(1500);
  return CopyOnWriteFiles.contents(afterKill(files), DIRECTORY);
}

test('the table of a store that was killed is sound, though entries were written since', async () => {
  expect((await check(new CopyOnWriteFiles(await killed()))).wrong).toBe(0);
});

test.each([
  ['stopped', stopped],
  ['killed', killed],
])('%s: any byte of the table that is flipped, and any cut, is named', async (_how, made) => {
  const contents = await made();
  const bytes = contents.get(TABLE) ?? Buffer.alloc(0);
  expect(bytes.length).toBeGreaterThan(60);
  for (let at = 0; at < bytes.length; at++) {
    const flipped = Buffer.from(bytes);
    flipped[at] = (bytes[at] ?? 0) ^ (1 + ((at * 37) % 255));
    for (const harmed of [flipped, bytes.subarray(0, at)]) {
      const files = new CopyOnWriteFiles(new Map(contents).set(TABLE, harmed));
      const { lines } = await check(files);
      expect(lines.filter((line) => line.startsWith('wrong  gantry/queues'))).toHaveLength(1);
    }
  }
});

test('a table that is gone is no fault: a repaired store has none', async () => {
  const contents = new Map(await stopped());
  contents.delete(TABLE);
  expect((await check(new CopyOnWriteFiles(contents))).lines).toEqual([]);
});

const other = { topic: 'other', queueId: 0, start: 0, min: 0 };

test.each<[string, (rows: QueueRow[]) => QueueRow[], RegExp]>([
  [
    'another end',
    (rows) => rows.map((row) => (row.topic === 'other' ? { ...row, max: 9 } : row)),
    /other queue 0: is said to begin at 0 and to end at 9, but begins at 0 and ends at 10$/,
  ],
  [
    'another beginning',
    (rows) => rows.map((row) => ({ ...row, start: row.topic === 'other' ? 16 : row.start })),
    /other queue 0: is said to begin at 16/,
  ],
  [
    'a queue that is not there',
    (rows) => [...rows, { ...other, topic: 'lost', max: 7 }],
    /lost queue 0: ends at 7 in the table, and has no file$/,
  ],
  [
    'a queue too few',
    (rows) => rows.filter(({ topic }) => topic !== 'other'),
    /other queue 0: has 10 entries, and is not in the table$/,
  ],
])('a whole table with %s is named', async (_what, change, text) => {
  const files = new CopyOnWriteFiles(await stopped());
  const found = (await QueueTable.open(files, new Layout(DIRECTORY))).found;
  if (found === undefined) throw new Error('there is no table');
  await rewrite(files, change([...found.rows]), found.position);
  const { lines } = await check(files);
  expect(lines).toEqual([expect.stringMatching(/^wrong {2}gantry\/queues {2}/)]);
  expect(lines[0]).toMatch(text);
});

test.each([
  ['older than the mark', 0],
  ['beyond the end of the log', 2 ** 40],
])('a whole table that is %s is named', async (_what, position) => {
  const files = new CopyOnWriteFiles(await stopped());
  await rewrite(files, [], position);
  const { lines } = await check(files);
  expect(lines).toEqual([
    expect.stringMatching(
      /^wrong {2}gantry\/queues {2}speaks of position \d+, .* all queues are looked at at the next start$/,
    ),
  ]);
});

async function rewrite(
  files: CopyOnWriteFiles,
  rows: readonly QueueRow[],
  position: number,
): Promise<void> {
  const table = await QueueTable.open(files, new Layout(DIRECTORY));
  const batch = table.next({ position, keptFrom: 0, rows, count: rows.length, changed: undefined });
  if (batch !== undefined) await table.write(batch);
}
