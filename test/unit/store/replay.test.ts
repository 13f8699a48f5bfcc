import { readRecord } from '../../../src/message/record';
import { memoryFiles } from '../../../src/platform/memory-files';
import type { MessageStore } from '../../../src/store/message-store';
import {
  afterKill,
  draft,
  openTestStore,
  overwrite,
  segmentPath,
  send,
  stop,
  textOf,
  type TestStore,
} from './support/test-store';

async function replayed(
  store: MessageStore,
  topics: readonly string[],
  from = 0,
): Promise<string[]> {
  const found: string[] = [];
  let last = -1;
  await store.replay(topics, from, (record) => {
    const { physicalOffset } = readRecord(record, 0);
    expect(physicalOffset).toBeGreaterThan(last);
    last = physicalOffset;
    found.push(textOf(record));
  });
  return found;
}

/** Messages of three topics and several queues in turn, some long. */
async function mixed(
  opened: TestStore,
  count: number,
): Promise<{ text: string; topic: string; at: number }[]> {
  const sent: { text: string; topic: string; at: number }[] = [];
  for (let i = 0; i < count; i++) {
    const topic = ['meta', 'ledger', 'orders'][i % 3] ?? '';
    const text = `${topic} ${i}`;
    const placed = opened.store.append(draft(topic, text, i % 50 === 0 ? 5000 : 0), i % 4);
    sent.push({ text, topic, at: placed.physicalOffset });
    if (i % 20 === 0) await opened.sim.settle();
  }
  await opened.sim.settle();
  return sent;
}

test.each([
  ['from the tail and the memory of the queues', false],
  ['from the files alone', true],
])('the records of some topics come in log order, %s', async (_how, reopen) => {
  const files = memoryFiles();
  let opened = await openTestStore(files);
  const sent = await mixed(opened, 2000);
  if (reopen) {
    await stop(opened);
    opened = await openTestStore(files);
  }
  const wanted = sent.filter(({ topic }) => topic !== 'orders');
  expect(await replayed(opened.store, ['meta', 'ledger'])).toEqual(wanted.map(({ text }) => text));
  expect(await replayed(opened.store, ['nobody'])).toEqual([]);
  for (const start of [0, 1, 57, 998, 1330, 1331]) {
    const from = wanted[start]?.at ?? 0;
    const texts = wanted.slice(start).map(({ text }) => text);
    expect(await replayed(opened.store, ['ledger', 'meta', 'meta'], from)).toEqual(texts);
    const next = await replayed(opened.store, ['ledger', 'meta'], from + 1);
    expect(next).toEqual(texts.slice(1));
  }
  expect(await replayed(opened.store, ['meta'], 1e12)).toEqual([]);
});

test('reads are few: blocks of the log, not one for each record', async () => {
  const files = memoryFiles();
  const opened = await openTestStore(files, { segmentBytes: 1024 * 1024, queueFileEntries: 5000 });
  await mixed(opened, 3000);
  await stop(opened);
  let reads = 0;
  const counting = {
    ...afterKill(files),
    open: async (...[path, mode]: Parameters<typeof files.open>) => {
      const handle = await files.open(path, mode);
      return Object.assign(Object.create(handle) as typeof handle, {
        read: (target: Uint8Array, position: number) => {
          reads++;
          return handle.read(target, position);
        },
      });
    },
  };
  const again = await openTestStore(counting, {
    segmentBytes: 1024 * 1024,
    queueFileEntries: 5000,
  });
  reads = 0;
  expect((await replayed(again.store, ['meta', 'ledger'])).length).toBe(2000);
  expect(reads).toBeLessThan(50);
});

test('what is appended while a replay runs is not part of it', async () => {
  const opened = await openTestStore();
  const sent = await mixed(opened, 90);
  let added = 0;
  const found: string[] = [];
  await opened.store.replay(['meta'], 0, (record) => {
    found.push(textOf(record));
    if (added++ < 5) opened.store.append(draft('meta', 'later'), 0);
  });
  const wanted = sent.filter(({ topic }) => topic === 'meta').map(({ text }) => text);
  expect(found).toEqual(wanted);
});

test('a lost slot and a record damaged on disk are left out, the rest comes', async () => {
  const before = await openTestStore();
  const placed = await send(before, 'meta', 'a', 'b', 'c', 'd');
  await before.sim.advance(1000);
  const [, second, , fourth] = placed;
  if (!second || !fourth) throw new Error('nothing was appended');
  await overwrite(before.files, segmentPath(0), second.physicalOffset + 88, Buffer.from('?'));
  const after = await openTestStore(afterKill(before.files));
  expect(await replayed(after.store, ['meta'])).toEqual(['a', 'c', 'd']);
  await overwrite(before.files, segmentPath(0), fourth.physicalOffset + 88, Buffer.from('?'));
  expect(await replayed(after.store, ['meta'])).toEqual(['a', 'c']);
});
