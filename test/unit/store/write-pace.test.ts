/** Which writes of the log are made in the event loop, and which by the thread pool. */
import { memoryFiles } from '../../../src/platform/memory-files';
import type { Clock, FileHandle, Files } from '../../../src/platform/platform';
import { openStore } from '../../../src/store/open-store';
import type { MessageStore } from '../../../src/store/message-store';
import { SimClock } from '../../support/sim-clock';
import { draft, run, simPlatform, storeOptions } from './support/test-store';

/** The CommitLog's writes; one in the event loop takes `blockingMs` of the monotonic clock. */
class Disk {
  readonly writes: ('loop' | 'pool')[] = [];
  blockingMs = 0;
  failure: Error | undefined;
  /** While set, a sync runs until it is called. */
  letGo: (() => void) | undefined;
  holdSync = false;
  private aheadMs = 0;
  readonly sim = new SimClock();
  readonly clock: Clock = {
    wallMs: () => this.sim.clock.wallMs(),
    monotonicMs: () => this.sim.clock.monotonicMs() + this.aheadMs,
  };

  async open(flush: 'sync' | 'async'): Promise<MessageStore> {
    const platform = { ...simPlatform(this.files(), this.sim), clock: this.clock };
    const store = await openStore(storeOptions(platform, { flush, segmentBytes: 4 * 1024 ** 2 }));
    await this.send(store);
    this.writes.length = 0;
    return store;
  }

  /** Sends a message of `bytes` and waits until it is visible. */
  async send(store: MessageStore, bytes = 10): Promise<void> {
    await run(this.sim, store.durable(store.append(draft('orders', 'x', bytes), 0).endOffset));
  }

  private files(): Files {
    const base = memoryFiles();
    const open = async (...args: Parameters<Files['open']>): Promise<FileHandle> => {
      const handle = await base.open(...args);
      return args[0].includes('/commitlog/') ? this.watched(handle) : handle;
    };
    return new Proxy(base, {
      get: (target, name): unknown => {
        if (name === 'open') return open;
        const member: unknown = Reflect.get(target, name);
        return typeof member === 'function' ? member.bind(target) : member;
      },
    });
  }

  private watched(handle: FileHandle): FileHandle {
    return {
      path: handle.path,
      read: (target, position) => handle.read(target, position),
      truncate: (length) => handle.truncate(length),
      size: () => handle.size(),
      close: () => handle.close(),
      write: async (buffers, position) => {
        this.writes.push('pool');
        await handle.write(buffers, position);
      },
      writeNow: (buffers, position) => {
        this.writes.push('loop');
        this.aheadMs += this.blockingMs;
        if (this.failure !== undefined) throw this.failure;
        handle.writeNow?.(buffers, position);
      },
      datasync: async () => {
        if (this.holdSync) await new Promise<void>((resolve) => (this.letGo = resolve));
        await handle.datasync();
      },
    };
  }
}

test.each(['sync', 'async'] as const)(
  'flush %s: a small write is made in the event loop',
  async (flush) => {
    const disk = new Disk();
    const store = await disk.open(flush);
    await disk.send(store);
    await disk.send(store);
    expect(disk.writes).toEqual(['loop', 'loop']);
  },
);

test('after a slow write the thread pool writes for ten seconds', async () => {
  const disk = new Disk();
  const store = await disk.open('async');
  disk.blockingMs = 2;
  await disk.send(store);
  disk.blockingMs = 3;
  await disk.send(store);
  disk.blockingMs = 0;
  await disk.send(store);
  await disk.sim.advance(9_900);
  await disk.send(store);
  expect(disk.writes).toEqual(['loop', 'loop', 'pool', 'pool']);
  await disk.sim.advance(200);
  await disk.send(store);
  expect(disk.writes.at(-1)).toBe('loop');
});

test('more than 64 KiB at once are written by the thread pool', async () => {
  const disk = new Disk();
  const store = await disk.open('async');
  await disk.send(store, 63 * 1024);
  await disk.send(store, 64 * 1024);
  expect(disk.writes).toEqual(['loop', 'pool']);
});

test('beside a running sync the thread pool writes', async () => {
  const disk = new Disk();
  const store = await disk.open('sync');
  disk.holdSync = true;
  const first = store.durable(store.append(draft('orders', 'a'), 0).endOffset);
  await disk.sim.settle();
  const second = store.durable(store.append(draft('orders', 'b'), 0).endOffset);
  await disk.sim.settle();
  expect(disk.writes).toEqual(['loop', 'pool']);
  disk.holdSync = false;
  disk.letGo?.();
  await run(disk.sim, Promise.all([first, second]));
});

test('a write in the event loop that fails makes the store read-only, and nothing is answered OK', async () => {
  const disk = new Disk();
  const store = await disk.open('async');
  disk.failure = Object.assign(new Error('no space left'), { code: 'ENOSPC' });
  await expect(disk.send(store)).rejects.toThrow('write of the CommitLog failed: no space left');
  expect(store.failure?.message).toContain('no space left');
  expect(() => store.append(draft('orders', 'b'), 0)).toThrow('read-only');
});
