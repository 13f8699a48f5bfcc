/** What is said at a stop to an operator who might give the directory to Apache RocketMQ. */
import pino from 'pino';
import { memoryFiles } from '../../../src/platform/memory-files';
import type { Files } from '../../../src/platform/platform';
import {
  afterKill,
  openTestStore,
  overwrite,
  run,
  segmentPath,
  SEGMENT_BYTES,
  send,
  stop,
  texts,
} from './support/test-store';

interface Line {
  readonly level: number;
  readonly msg: string;
  readonly position?: number;
}

/** Opens and stops a store; answers the positions that the stop warned of. */
async function warnings(files: Files, read: boolean): Promise<readonly (number | undefined)[]> {
  const lines: Line[] = [];
  const log = pino({}, { write: (text) => void lines.push(JSON.parse(text) as Line) });
  const opened = await openTestStore(files, { log });
  if (read) await run(opened.sim, texts(opened.store, 'orders')).catch(() => undefined);
  await stop(opened);
  return lines
    .filter(({ level, msg }) => level === 40 && msg.includes('Apache RocketMQ would cut it there'))
    .map(({ position }) => position);
}

async function filled(messages: number): Promise<Files> {
  const files = memoryFiles();
  const opened = await openTestStore(files);
  for (let i = 0; i < messages; i++) await send(opened, 'orders', `m${i}`);
  await stop(opened);
  return files;
}

test('a damaged record that was met is named at the stop', async () => {
  const files = await filled(30);
  await overwrite(files, segmentPath(0), 90, Buffer.from('?'));
  expect(await warnings(files, false)).toEqual([]);
  expect(await warnings(files, true)).toEqual([0]);
});

test('one that recovery has skipped, too', async () => {
  const files = await filled(30);
  const opened = await openTestStore(files);
  await send(opened, 'orders', 'last');
  await opened.sim.advance(1500);
  await files.removeTree('/data/consumequeue');
  await overwrite(files, segmentPath(0), 90, Buffer.from('?'));
  expect(await warnings(afterKill(files), false)).toEqual([0]);
});

test('one that lies before the last ten segments costs Apache nothing', async () => {
  const files = memoryFiles();
  const opened = await openTestStore(files);
  for (let i = 0; i < 12 * 16; i++) await send(opened, 'orders', `m${i} ${'x'.repeat(1000)}`);
  await stop(opened);
  expect((await files.list('/data/commitlog')).length).toBeGreaterThan(11);
  expect((await files.stat(segmentPath(11 * SEGMENT_BYTES)))?.bytes).toBe(SEGMENT_BYTES);
  await overwrite(files, segmentPath(0), 90, Buffer.from('?'));
  expect(await warnings(files, true)).toEqual([]);
});
