import { Code } from '../../../src/message/status';
import { JournalFiles } from './support/journal-files';
import {
  afterKill,
  DIRECTORY,
  draft,
  heardLog,
  openTestStore,
  overwrite,
  run,
  send,
  stop,
  texts,
} from './support/test-store';

const old = Array.from({ length: 30 }, (_, i) => `old ${i}`);

test('a deleted topic is empty, takes nothing while it goes, and begins at 0 again', async () => {
  const opened = await openTestStore();
  const { store, sim, files } = opened;
  await send(opened, 'orders', ...old);
  await send(opened, 'other', 'stays');
  const deletion = store.deleteTopic('orders');
  expect(() => store.append(draft('orders', 'too early'), 0)).toThrow(
    expect.objectContaining({ code: Code.TOPIC_NOT_FOUND }) as Error,
  );
  await run(sim, deletion);
  expect(store.maxOffset('orders', 0)).toBe(0);
  expect(await files.stat(`${DIRECTORY}/consumequeue/orders`)).toBeUndefined();
  expect((await send(opened, 'orders', 'new'))[0]?.queueOffset).toBe(0);
  expect(await texts(store, 'orders')).toEqual(['new']);
  expect(await texts(store, 'other')).toEqual(['stays']);
  await stop(opened);
  const again = await openTestStore(files);
  expect(await texts(again.store, 'orders')).toEqual(['new']);
  await stop(again);
});

test('messages on their way when their topic is deleted do not show up in a later one', async () => {
  const opened = await openTestStore();
  opened.store.append(draft('orders', 'on its way'), 0);
  await run(opened.sim, opened.store.deleteTopic('orders'));
  expect(opened.store.maxOffset('orders', 0)).toBe(0);
  await send(opened, 'orders', 'new');
  expect(await texts(opened.store, 'orders')).toEqual(['new']);
  await stop(opened);
  const { log, lines } = heardLog();
  await openTestStore(opened.files, { log });
  expect(lines.join('')).not.toContain('anew');
});

test.each([
  ['queues are as they were', false],
  ['all queues are built anew', true],
])('after a kill, deleted messages do not come back: %s', async (_how, rebuild) => {
  const opened = await openTestStore();
  await send(opened, 'orders', ...old);
  await run(opened.sim, opened.store.deleteTopic('orders'));
  await send(opened, 'orders', 'new');
  await opened.sim.advance(12_000);
  const files = afterKill(opened.files);
  if (rebuild) await files.removeTree(`${DIRECTORY}/consumequeue`);
  const again = await openTestStore(files);
  expect(await texts(again.store, 'orders')).toEqual(['new']);
});

test('stopped after any change of a deletion: the topic is whole, or empty, and others stay', async () => {
  const files = new JournalFiles();
  const opened = await openTestStore(files);
  await send(opened, 'orders', ...old);
  await opened.sim.advance(12_000);
  await send(opened, 'other', 'stays');
  const begun = files.changes.length;
  await run(opened.sim, opened.store.deleteTopic('orders'));
  const deleted = files.changes.length;
  await send(opened, 'orders', 'new');
  const sent = files.changes.length;
  const { log, lines } = heardLog();
  for (let count = begun; count <= files.changes.length; count++) {
    const left = await files.afterKill(count);
    const again = await openTestStore(left, { log });
    const found = await texts(again.store, 'orders');
    if (count >= sent) expect(found).toEqual(['new']);
    else if (count >= deleted) expect([[], ['new']]).toContainEqual(found);
    else expect([[], old]).toContainEqual(found);
    expect(await texts(again.store, 'other')).toEqual(['stays']);
    await stop(again);
  }
  // Each of these states is known: none makes the whole log be read.
  expect(lines.join('')).not.toContain('anew');
});

test('a damaged note of deletions is refused, not guessed', async () => {
  const opened = await openTestStore();
  await stop(opened);
  for (const text of ['', '{"topics":', '{"topics":{}}\ncrc32 00000000\n']) {
    await opened.files.writeFile(`${DIRECTORY}/gantry/deleted-topics.json`, text);
    await expect(openTestStore(opened.files)).rejects.toThrow('deleted-topics.json is damaged');
  }
});

test('a damaged note of deletions has a copy', async () => {
  const opened = await openTestStore();
  await send(opened, 'orders', 'a');
  await run(opened.sim, opened.store.deleteTopic('orders'));
  await stop(opened);
  const path = `${DIRECTORY}/gantry/deleted-topics.json`;
  await overwrite(opened.files, path, 15, Buffer.from('X'));
  await opened.files.removeTree(`${DIRECTORY}/consumequeue`);
  const again = await openTestStore(opened.files);
  expect(again.store.maxOffset('orders', 0)).toBe(0);
});

test.each(['../evil', 'a/b', '..', '.', ''])(
  'a topic named %p makes no directory',
  async (topic) => {
    const { store } = await openTestStore();
    expect(() => store.append(draft(topic, 'a'), 0)).toThrow(
      expect.objectContaining({ code: Code.ILLEGAL_TOPIC }) as Error,
    );
  },
);

test.each([-1, 0.5, 2 ** 31, NaN])('queue %p is refused', async (queueId) => {
  const { store } = await openTestStore();
  expect(() => store.append(draft('orders', 'a'), queueId)).toThrow(RangeError);
});
