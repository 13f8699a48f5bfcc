import { memoryFiles } from '../../../src/platform/memory-files';
import { Code } from '../../../src/message/status';
import {
  DIRECTORY,
  draft,
  hookedFiles,
  openTestStore,
  run,
  stop,
  texts,
  type TestStore,
} from './support/test-store';

const COMMIT_LOG = /\/commitlog\//;

/** Counts calls on the CommitLog's files; each can be held up until it is let go. */
class Disk {
  writes = 0;
  syncs = 0;
  readonly running = { write: 0, datasync: 0 };
  hold: 'write' | 'datasync' | undefined;
  private letGo: (() => void)[] = [];

  readonly files = hookedFiles(memoryFiles(), COMMIT_LOG, async (what) => {
    if (what === 'write') this.writes++;
    else this.syncs++;
    this.running[what]++;
    if (this.hold === what) await new Promise<void>((resolve) => this.letGo.push(resolve));
    this.running[what]--;
  });

  release(): void {
    const waiting = this.letGo;
    this.letGo = [];
    for (const go of waiting) go();
  }

  forget(): void {
    this.writes = this.syncs = 0;
  }
}

async function openOn(disk: Disk, flush: 'sync' | 'async' = 'sync'): Promise<TestStore> {
  const opened = await openTestStore(disk.files, { flush });
  // The first record makes the first segment; later ones show the bare write.
  opened.store.append(draft('orders', 'first'), 0);
  await opened.sim.settle();
  disk.forget();
  return opened;
}

/** What a promise has come to: told at once, not waited for. */
function watch(promise: Promise<void>): { state: 'waits' | 'done' | 'failed' } {
  const outcome: { state: 'waits' | 'done' | 'failed' } = { state: 'waits' };
  promise.then(
    () => void (outcome.state = 'done'),
    () => void (outcome.state = 'failed'),
  );
  return outcome;
}

test('all records of one turn take one write and one sync, however many wait', async () => {
  const disk = new Disk();
  const { store, sim } = await openOn(disk);
  const waiting = Array.from({ length: 100 }, (_, i) =>
    store.durable(store.append(draft('orders', `${i}`, 20), i % 4).endOffset),
  );
  expect(disk).toMatchObject({ writes: 0, syncs: 0 });
  await run(sim, Promise.all(waiting));
  expect(disk).toMatchObject({ writes: 1, syncs: 1 });
});

test('records that come while a write runs go together with the next one', async () => {
  const disk = new Disk();
  const { store, sim } = await openOn(disk);
  disk.hold = 'write';
  const first = watch(store.written(store.append(draft('orders', 'a'), 0).endOffset));
  await sim.settle();
  for (let i = 0; i < 10; i++) {
    store.append(draft('orders', `${i}`), 0);
    await sim.settle();
  }
  const last = watch(store.written(store.append(draft('orders', 'z'), 0).endOffset));
  expect([disk.writes, first.state]).toEqual([1, 'waits']);
  disk.hold = undefined;
  disk.release();
  await sim.settle();
  expect([disk.writes, first.state, last.state]).toEqual([2, 'done', 'done']);
});

test('a sync answers only for bytes whose write had returned before it began', async () => {
  const disk = new Disk();
  const { store, sim } = await openOn(disk);
  disk.hold = 'datasync';
  const first = watch(store.durable(store.append(draft('orders', 'a'), 0).endOffset));
  await sim.settle();
  const later = store.append(draft('orders', 'b'), 0).endOffset;
  const [written, durable] = [watch(store.written(later)), watch(store.durable(later))];
  await sim.settle();
  expect([first.state, written.state, durable.state]).toEqual(['waits', 'done', 'waits']);
  disk.release();
  await sim.settle();
  expect([first.state, durable.state, disk.syncs]).toEqual(['done', 'waits', 2]);
  disk.hold = undefined;
  disk.release();
  await sim.settle();
  expect([durable.state, disk.running.datasync]).toEqual(['done', 0]);
});

test('flush sync: nobody sees a message before its sync has returned', async () => {
  const disk = new Disk();
  const { store, sim } = await openOn(disk);
  const arrivals: number[] = [];
  store.onArrival((_topic, _queueId, maxOffset) => arrivals.push(maxOffset));
  disk.hold = 'datasync';
  const { endOffset } = store.append(draft('orders', 'a'), 0);
  await run(sim, store.written(endOffset));
  expect(store.maxOffset('orders', 0)).toBe(1);
  expect(store.visible).toBeLessThan(endOffset);
  expect(arrivals).toEqual([]);
  disk.hold = undefined;
  disk.release();
  await run(sim, store.durable(endOffset));
  expect(store.visible).toBe(endOffset);
  expect(arrivals).toEqual([2]);
  expect(await texts(store, 'orders')).toEqual(['first', 'a']);
});

test('flush async: a message is seen once its write has returned, and synced within 500 ms', async () => {
  const disk = new Disk();
  const { store, sim } = await openOn(disk, 'async');
  await sim.advance(20_000);
  disk.forget();
  disk.hold = 'write';
  const { endOffset } = store.append(draft('orders', 'a', 14_000), 0);
  const next = store.append(draft('orders', 'b', 14_000), 0).endOffset;
  await sim.settle();
  expect(store.maxOffset('orders', 0)).toBe(1);
  disk.hold = undefined;
  disk.release();
  await run(sim, Promise.all([store.durable(endOffset), store.durable(next)]));
  expect(store.maxOffset('orders', 0)).toBe(3);
});

test('flush async: little waits for up to 10 s with its sync, and an idle store does nothing', async () => {
  const disk = new Disk();
  const { store, sim } = await openOn(disk, 'async');
  await sim.advance(30_000);
  disk.forget();
  store.append(draft('orders', 'a'), 0);
  await sim.advance(499);
  expect(disk).toMatchObject({ writes: 1, syncs: 0 });
  await sim.advance(10_000);
  expect(disk).toMatchObject({ writes: 1, syncs: 1 });
  await sim.advance(60_000);
  expect(disk).toMatchObject({ writes: 1, syncs: 1 });
  expect(sim.pending).toBe(0);
});

test('listeners hear once a queue of all that came with one sync', async () => {
  const { store, sim } = await openTestStore();
  const arrivals: [string, number, number][] = [];
  store.onArrival((...arrival) => arrivals.push(arrival));
  for (let i = 0; i < 10; i++) store.append(draft('orders', `${i}`), i % 2);
  store.append(draft('other', 'x'), 7);
  await sim.settle();
  expect(arrivals.sort()).toEqual([
    ['orders', 0, 5],
    ['orders', 1, 5],
    ['other', 7, 1],
  ]);
});

test('a listener that throws keeps nobody else from hearing', async () => {
  const { store, sim } = await openTestStore();
  let heard = 0;
  store.onArrival(() => {
    throw new Error('not mine');
  });
  store.onArrival(() => void heard++);
  await run(sim, store.durable(store.append(draft('orders', 'a'), 0).endOffset));
  expect(heard).toBe(1);
});

test('sends are refused while too much waits for the disk; system records are not', async () => {
  const disk = new Disk();
  const opened = await openTestStore(disk.files, { maxUnwrittenBytes: 4000 });
  const { store, sim } = opened;
  disk.hold = 'datasync';
  store.append(draft('orders', 'a', 4000), 0);
  await sim.settle();
  expect(() => store.append(draft('orders', 'b'), 0)).toThrow(
    expect.objectContaining({
      code: Code.TOO_MANY_REQUESTS,
      message: expect.stringContaining('the limit is 4000') as string,
    }) as Error,
  );
  store.append(draft('system', 'c'), 0, true);
  disk.hold = undefined;
  disk.release();
  await sim.settle();
  store.append(draft('orders', 'b'), 0);
  await stop(opened);
});

test('a segment is synced before the next one takes a byte', async () => {
  const order: string[] = [];
  const base = memoryFiles();
  const watched = hookedFiles(base, COMMIT_LOG, () => undefined);
  const files = {
    ...watched,
    open: async (...[path, mode]: Parameters<typeof base.open>) => {
      const handle = await base.open(path, mode);
      if (!COMMIT_LOG.test(path)) return handle;
      const name = path.slice(-5);
      return {
        ...handle,
        path,
        size: () => handle.size(),
        close: () => handle.close(),
        truncate: (length: number) => handle.truncate(length),
        read: (target: Uint8Array, position: number) => handle.read(target, position),
        write: (buffers: readonly Uint8Array[], position: number) => {
          order.push(`write ${name}`);
          return handle.write(buffers, position);
        },
        datasync: () => {
          order.push(`sync ${name}`);
          return handle.datasync();
        },
      };
    },
    syncDirectory: (path: string) => {
      if (path === `${DIRECTORY}/commitlog`) order.push('sync names');
      return base.syncDirectory(path);
    },
  };
  const { store, sim } = await openTestStore(files);
  store.append(draft('orders', 'a', 10_000), 0);
  store.append(draft('orders', 'b', 10_000), 0);
  await sim.settle();
  expect(order).toEqual([
    'sync 00000',
    'sync names',
    'write 00000',
    'sync 00000',
    'sync 16384',
    'sync names',
    'write 16384',
    'sync 16384',
  ]);
});

test('a position beyond the end of the log is not waited for', async () => {
  const { store } = await openTestStore();
  await expect(store.durable(1)).rejects.toThrow('beyond the log');
});
