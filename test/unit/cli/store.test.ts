/** `gantry store` on a directory of the system. */
import { mkdtemp, open, rm, stat, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodePlatform } from '../../../src/platform/node-platform';
import { openStore } from '../../../src/store/open-store';
import { gantry, rowsOf } from '../../support/command-line';
import { draft, storeOptions } from '../store/support/test-store';

let root: string;
let directory: string;
const segment = '0'.repeat(20);

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'gantry-store-'));
  directory = join(root, 'data');
  const store = await openStore(storeOptions(nodePlatform(), { directory }));
  for (const text of ['a', 'b', 'c']) {
    await store.durable(store.append(draft('orders', text, 0, 'blue'), 0).endOffset);
  }
  await store.close();
});

afterEach(() => rm(root, { recursive: true }));

async function damageSecond(): Promise<void> {
  const bytes = draft('orders', 'a', 0, 'blue').byteLength;
  const file = await open(join(directory, 'commitlog', segment), 'r+');
  await file.write('?', bytes + 88);
  await file.close();
}

test('check says that a store is sound, with exit code 0', async () => {
  const { code, out } = await gantry(['store', 'check', directory]);
  expect(out).toMatch(/^3 records in \d+ B of log, 3 entries in 1 queues: sound\n$/);
  expect(code).toBe(0);
});

test('check prints one line a finding and exits with 1', async () => {
  await damageSecond();
  const { code, out } = await gantry(['store', 'check', directory]);
  const [finding, summary] = out.split('\n');
  expect(finding).toMatch(/^wrong {2}commitlog\/0{20} @\d+ {2}orders queue 0 offset 1: /);
  expect(summary).toMatch(/damaged bytes: 1 finding$/);
  expect(code).toBe(1);
  const asJson = await gantry(['store', 'check', directory, '-o', 'json']);
  const lines = asJson.out.trimEnd().split('\n');
  expect(lines.map((line): unknown => JSON.parse(line))).toEqual([
    {
      finding: expect.objectContaining({ topic: 'orders', queueId: 0, queueOffset: 1 }) as unknown,
    },
    { summary: expect.objectContaining({ records: 2, wrong: 1 }) as unknown },
  ]);
});

test('check exits with 1 when only a view of the log is damaged', async () => {
  const table = await open(join(directory, 'gantry', 'queues'), 'r+');
  await table.write('?', 50);
  await table.close();
  const { code, out } = await gantry(['store', 'check', directory]);
  expect(out).toMatch(/^wrong {2}gantry\/queues /);
  expect(code).toBe(1);
});

test('a directory in use, or none, ends with exit code 2 and the reason', async () => {
  const store = await openStore(storeOptions(nodePlatform(), { directory }));
  const inUse = await gantry(['store', 'check', directory]);
  expect(inUse).toMatchObject({ code: 2, out: '' });
  expect(inUse.err).toContain(`the store is in use: ELOCKED: held by process ${process.pid}`);
  await store.close();
  const nothing = await gantry(['store', 'dump', join(root, 'nothing')]);
  expect(nothing.code).toBe(2);
  expect(nothing.err).toContain('holds no store');
});

test('dump prints a table, or a line of JSON a record', async () => {
  const people = await gantry(['store', 'dump', directory]);
  const [headers, first] = rowsOf(people.out);
  expect(headers).toEqual(expect.arrayContaining(['POSITION', 'TOPIC', 'QUEUE', 'OFFSET', 'TAG']));
  expect(first).toEqual(expect.arrayContaining(['orders', 'blue']));
  const args = ['--topic', 'orders', '--offsets', '1..1', '--bodies', '-o', 'json'];
  const programs = await gantry(['store', 'dump', directory, ...args]);
  expect(JSON.parse(programs.out)).toMatchObject({
    queueOffset: 1,
    properties: { TAGS: 'blue' },
    body: Buffer.from('b').toString('base64'),
  });
  const none = await gantry(['store', 'dump', directory, '--topic', 'other', '-o', 'json']);
  expect(none).toEqual({ code: 0, out: '', err: '' });
  expect((await gantry(['store', 'dump', directory, '--offsets', '1-2'])).code).toBe(2);
});

test('repair writes a store that is sound, with the times of the old one, and leaves the old one alone', async () => {
  await damageSecond();
  const old = new Date('2026-01-02T03:04:05Z');
  await utimes(join(directory, 'commitlog', segment), old, old);
  const target = join(root, 'repaired');
  const { code, out } = await gantry(['store', 'repair', directory, target]);
  expect(out).toMatch(
    /^2 records in 1 queues are in .*; 1 messages are lost, \d+ bytes were damaged\n$/,
  );
  expect(code).toBe(0);
  expect((await gantry(['store', 'check', target])).code).toBe(0);
  expect((await gantry(['store', 'check', directory])).code).toBe(1);
  expect((await stat(join(target, 'commitlog', segment))).mtime).toEqual(old);
  const again = await gantry(['store', 'repair', directory, target]);
  expect(again).toMatchObject({ code: 2, err: `gantry: ${target} is not empty\n` });
});

test('a person sees a bar, a program does not', async () => {
  const seen = await gantry(['store', 'check', directory], { interactive: true });
  expect(seen.err).toContain('[##############################] 100 %');
  expect(seen.out).toContain('sound');
  expect((await gantry(['store', 'check', directory])).err).toBe('');
});

test('a dump whose output nobody reads any more ends quietly, and leaves the store free', async () => {
  const { code, out, err } = await gantry(['store', 'dump', directory], { linesRead: 2 });
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(rowsOf(out)).toHaveLength(2);
  expect(await gantry(['store', 'check', directory])).toMatchObject({ code: 0 });
});

test('check tells on demand what Apache RocketMQ would do with the directory', async () => {
  const { code, out } = await gantry(['store', 'check', directory, '--for', 'apache']);
  expect(out).toContain('note   commitlog  Apache: it needs mappedFileSizeCommitLog=16384');
  expect(code).toBe(0);
  expect(await gantry(['store', 'check', directory, '--for', 'kafka'])).toMatchObject({ code: 2 });
});
