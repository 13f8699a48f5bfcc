/** Each fault of a disk, and what the store makes of it. */
import { openStore } from '../../../src/store/open-store';
import { FaultyDisk, type DiskOperation } from './support/faulty-disk';
import {
  afterKill,
  DIRECTORY,
  draft,
  heardLog,
  openTestStore,
  run,
  send,
  simPlatform,
  stop,
  storeOptions,
  texts,
} from './support/test-store';

const LOG = /\/commitlog\//;
const QUEUES = /\/consumequeue\//;

/** Whether messages that are appended now are answered OK. */
async function outcomes(opened: Awaited<ReturnType<typeof openTestStore>>, count = 3) {
  const waits = Array.from({ length: count }, (_, i) =>
    opened.store.durable(opened.store.append(draft('orders', `late ${i}`), 0).endOffset),
  );
  const settled = Promise.allSettled(waits);
  await opened.sim.settle();
  return (await settled).map(({ status }) => status);
}

test.each<[DiskOperation, string]>([
  ['write', 'ENOSPC'],
  ['write', 'EIO'],
  ['datasync', 'EIO'],
  ['datasync', 'ENOSPC'],
])(
  'a %s that fails with %s ends all OKs, and says so to who listens and in the log',
  async (operation, code) => {
    const disk = new FaultyDisk();
    const { log, lines } = heardLog();
    const opened = await openTestStore(disk, { log });
    const failures: string[] = [];
    opened.store.onFailure(({ message }) => failures.push(message));
    await send(opened, 'orders', 'a');
    const mend = disk.fail(operation, LOG, code);
    expect(await outcomes(opened)).toEqual(['rejected', 'rejected', 'rejected']);
    mend();
    expect(() => opened.store.append(draft('orders', 'x'), 0)).toThrow(code);
    expect(failures).toEqual([expect.stringContaining(code)]);
    expect(lines.filter((line) => line.includes('takes no more records'))).toHaveLength(1);
    expect(await texts(opened.store, 'orders')).toEqual(['a']);
  },
);

test('after a sync that failed and a restart, what is served is on the disk even when the power goes', async () => {
  const disk = new FaultyDisk();
  const broken = await openTestStore(disk);
  await send(broken, 'orders', 'a');
  await broken.sim.advance(20_000);
  const mend = disk.fail('datasync', LOG, 'EIO');
  expect(await outcomes(broken, 2)).toEqual(['rejected', 'rejected']);
  await expect(broken.store.close()).rejects.toThrow('EIO');
  mend();
  const again = await openTestStore(afterKill(disk));
  const served = await texts(again.store, 'orders');
  expect(served).toEqual(['a', 'late 0', 'late 1']);
  await send(again, 'orders', 'b');
  const left = await openTestStore(disk.afterPowerLoss());
  expect(await texts(left.store, 'orders')).toEqual([...served, 'b']);
});

test('a disk that still fails keeps the store from opening, with the reason', async () => {
  const disk = new FaultyDisk();
  const broken = await openTestStore(disk);
  await send(broken, 'orders', 'a');
  disk.fail('datasync', LOG, 'EIO');
  expect(await outcomes(broken, 1)).toEqual(['rejected']);
  await expect(openTestStore(afterKill(disk))).rejects.toThrow('EIO');
});

test('a message that cannot be read is refused alone: the others are served and new ones taken', async () => {
  const disk = new FaultyDisk();
  const first = await openTestStore(disk);
  await send(first, 'orders', 'a', 'b');
  await stop(first);
  const opened = await openTestStore(disk);
  const { store } = opened;
  const [entry] = await store.entries('orders', 0, 0, 1);
  if (entry === undefined) throw new Error('no entry');
  const mend = disk.fail('read', LOG, 'EIO');
  await expect(store.record('orders', 0, entry)).rejects.toThrow('EIO');
  await send(opened, 'orders', 'c');
  expect(store.failure).toBeUndefined();
  mend();
  expect(await texts(store, 'orders')).toEqual(['a', 'b', 'c']);
});

test('queue entries that cannot be read say so, and can be read once the disk is well', async () => {
  const disk = new FaultyDisk();
  const first = await openTestStore(disk);
  await send(first, 'orders', 'a');
  await stop(first);
  const { store } = await openTestStore(disk);
  const mend = disk.fail('read', QUEUES, 'EIO');
  await expect(store.entries('orders', 0, 0, 1)).rejects.toThrow('EIO');
  mend();
  expect(await texts(store, 'orders')).toEqual(['a']);
});

test('a slow disk: sends wait, and beyond the bound of unwritten bytes they are refused until it is through', async () => {
  const disk = new FaultyDisk();
  const opened = await openTestStore(disk, { maxUnwrittenBytes: 4000 });
  await send(opened, 'orders', 'a');
  const release = disk.hold('datasync', LOG);
  const placed = opened.store.append(draft('orders', 'b', 5000), 0);
  let answered = false;
  const durable = opened.store.durable(placed.endOffset).then(() => void (answered = true));
  await opened.sim.advance(60_000);
  expect(answered).toBe(false);
  expect(() => opened.store.append(draft('orders', 'c'), 0)).toThrow('wait for the disk');
  release();
  await run(opened.sim, durable);
  await send(opened, 'orders', 'c');
  expect(await texts(opened.store, 'orders')).toEqual(['a', 'b', 'c']);
});

test.each<[string, DiskOperation, string]>([
  ['no directory can be made', 'makeDirectory', 'EROFS'],
  ['no file can be made', 'open', 'EACCES'],
])('a read-only directory is refused at start: %s', async (_how, operation, code) => {
  const disk = new FaultyDisk();
  disk.fail(operation, /./, code);
  await expect(openTestStore(disk)).rejects.toMatchObject({ code });
});

test('a second store on the same directory is refused', async () => {
  const disk = new FaultyDisk();
  await openTestStore(disk);
  await expect(openStore(storeOptions(simPlatform(disk)))).rejects.toMatchObject({
    code: 'ELOCKED',
  });
});

test('at the limit of open files a new segment waits for a free one, and nothing is lost', async () => {
  const disk = new FaultyDisk();
  const { log, lines } = heardLog();
  const opened = await openTestStore(disk, { log });
  await send(opened, 'orders', 'a');
  const mend = disk.fail('open', LOG, 'EMFILE');
  const placed = opened.store.append(draft('orders', 'b', 16_100), 0);
  const durable = opened.store.durable(placed.endOffset);
  await opened.sim.advance(3000);
  expect(opened.store.failure).toBeUndefined();
  mend();
  await opened.sim.advance(200);
  await durable;
  expect(lines.filter((line) => line.includes('too many open files'))).toHaveLength(1);
  expect(await texts(opened.store, 'orders')).toEqual(['a', 'b']);
});

test('a limit of open files that lasts longer than ten seconds ends the store with the reason', async () => {
  const disk = new FaultyDisk();
  const opened = await openTestStore(disk);
  await send(opened, 'orders', 'a');
  disk.fail('open', LOG, 'EMFILE');
  const placed = opened.store.append(draft('orders', 'b', 16_100), 0);
  const durable = expect(opened.store.durable(placed.endOffset)).rejects.toThrow('EMFILE');
  await opened.sim.advance(11_000);
  await durable;
  expect(opened.store.failure?.message).toContain('EMFILE');
  expect(await disk.stat(`${DIRECTORY}/abort`)).toBeDefined();
});
