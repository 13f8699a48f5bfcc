import { Code } from '../../../src/message/status';
import { fileError } from '../../../src/platform/file-error';
import { memoryFiles } from '../../../src/platform/memory-files';
import {
  DIRECTORY,
  draft,
  hookedFiles,
  openTestStore,
  stop,
  texts,
  type TestStore,
} from './support/test-store';

type Broken = 'write' | 'datasync' | undefined;

/** A store whose CommitLog can be broken. */
async function openBreakable(): Promise<TestStore & { breakNow(what: Broken): void }> {
  let broken: Broken;
  const files = hookedFiles(memoryFiles(), /\/commitlog\//, (what) => {
    if (what === broken) throw fileError('EIO', 'the disk is broken', 'disk');
  });
  const opened = await openTestStore(files);
  return { ...opened, breakNow: (what) => void (broken = what) };
}

test.each(['write', 'datasync'] as const)(
  'after a failed %s nobody is told that a message is kept, and nothing more is taken',
  async (what) => {
    const { store, sim, breakNow } = await openBreakable();
    store.append(draft('orders', 'a'), 0);
    await sim.settle();
    breakNow(what);
    const outcomes = Promise.allSettled(
      ['b', 'c'].map((text) => store.durable(store.append(draft('orders', text), 0).endOffset)),
    );
    await sim.settle();
    for (const outcome of await outcomes) {
      expect(outcome).toMatchObject({
        status: 'rejected',
        reason: { message: expect.stringContaining('EIO') as string },
      });
    }
    expect(store.failure?.message).toContain('the disk is broken');
    expect(() => store.append(draft('orders', 'd'), 0, true)).toThrow(
      expect.objectContaining({
        code: Code.INTERNAL_SERVER_ERROR,
        message: expect.stringContaining('EIO') as string,
      }) as Error,
    );
    expect(store.maxOffset('orders', 0)).toBe(1);
    expect(await texts(store, 'orders')).toEqual(['a']);
    // Not even when the disk seems well again: what a failed sync left there nobody knows.
    breakNow(undefined);
    await sim.advance(60_000);
    expect(store.maxOffset('orders', 0)).toBe(1);
    await expect(store.durable(store.visible + 1)).rejects.toThrow('EIO');
  },
);

test('a broken store closes with its error, frees the directory, and is recovered when opened again', async () => {
  const broken = await openBreakable();
  broken.store.append(draft('orders', 'a'), 0);
  await broken.sim.settle();
  broken.breakNow('datasync');
  broken.store.append(draft('orders', 'b'), 0);
  await broken.sim.settle();
  await expect(broken.store.close()).rejects.toThrow('EIO');
  expect(await broken.files.stat(`${DIRECTORY}/abort`)).toBeDefined();
  broken.breakNow(undefined);
  const again = await openTestStore(broken.files);
  expect((await texts(again.store, 'orders'))[0]).toBe('a');
  again.store.append(draft('orders', 'c'), 0);
  await stop(again);
});

test('ConsumeQueue files that cannot be written stop the store with the reason', async () => {
  let broken = false;
  const files = hookedFiles(memoryFiles(), /\/consumequeue\//, () => {
    if (broken) throw fileError('ENOSPC', 'no space left', 'disk');
  });
  const { store, sim } = await openTestStore(files);
  broken = true;
  store.append(draft('orders', 'a'), 0);
  await sim.advance(2000);
  expect(store.failure?.message).toContain('ENOSPC');
  expect(() => store.append(draft('orders', 'b'), 0)).toThrow('ENOSPC');
  expect(await texts(store, 'orders')).toEqual(['a']);
});

test('a full disk in memory is told as what it is', async () => {
  const { store, sim } = await openTestStore(memoryFiles({ capacityBytes: 256 * 1024 }), {
    maxUnwrittenBytes: 1e9,
  });
  const outcomes: Promise<void>[] = [];
  for (let i = 0; i < 40; i++) {
    outcomes.push(store.durable(store.append(draft('orders', `${i}`, 10_000), 0).endOffset));
  }
  const settled = Promise.allSettled(outcomes);
  await sim.settle();
  const states = (await settled).map((outcome) => outcome.status);
  expect(states[0]).toBe('fulfilled');
  expect(states[39]).toBe('rejected');
  expect(store.failure?.message).toContain('ENOSPC');
});

test('after closing nothing is taken any more', async () => {
  const opened = await openTestStore();
  await stop(opened);
  expect(() => opened.store.append(draft('orders', 'a'), 0)).toThrow('the store is closed');
  await expect(opened.store.deleteTopic('orders')).rejects.toThrow('the store is closed');
  await opened.store.close();
});
