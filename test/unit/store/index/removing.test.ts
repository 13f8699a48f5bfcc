/** Index files go with the segments that their records lay in. */
import { memoryFiles } from '../../../../src/platform/memory-files';
import { DIRECTORY, heardLog, stop } from '../support/test-store';
import { find, indexNames, openIndexed, post } from './support';

const HOUR_MS = 3_600_000;

it('files of whose records the log has none go, the others stay and serve', async () => {
  const disk = { capacityBytes: 1024 * 1024 * 1024 };
  const retention = {
    keepMs: HOUR_MS,
    hour: 4,
    warnPercent: 100,
    cleanPercent: 100,
    refusePercent: 100,
  };
  const { log, lines } = heardLog();
  const opened = await openIndexed(memoryFiles(disk), { retention, log });
  const { sim, store, files } = opened;
  for (let i = 0; i < 150; i++) await post(opened, { topic: 't', id: `old${i}`, keys: 'k' });
  await sim.advance(1000);
  const before = await indexNames(files);
  // A day later all of it but the segment in use is old enough.
  for (let hours = 0; hours < 26; hours++) {
    await sim.advance(HOUR_MS);
    await post(opened, { topic: 't', id: `new${hours}`, keys: 'k' });
  }
  await sim.advance(60_000);
  const first = (await files.list(`${DIRECTORY}/commitlog`))[0] ?? '';
  expect(Number(first)).toBeGreaterThan(0);
  const after = await indexNames(files);
  expect(after.length).toBeLessThan(before.length);
  expect(before.filter((name) => !after.includes(name))).toEqual(
    before.slice(0, before.length - before.filter((name) => after.includes(name)).length),
  );
  expect(await find(opened, 't', 'old0', { by: 'id' })).toEqual({ ids: [], complete: true });
  expect((await find(opened, 't', 'new25', { by: 'id' })).ids).toEqual(['new25']);
  expect(store.failure).toBeUndefined();
  await stop(opened);
  const again = await openIndexed(files);
  expect((await find(again, 't', 'new25', { by: 'id' })).ids).toEqual(['new25']);
  expect(await indexNames(files)).toEqual(after);
  await stop(again);
  expect(lines.filter((line) => line.includes('building the index'))).toEqual([]);
});
