import { memoryPlatform } from '../../../../src/platform/memory-files';
import type { FinishedQueue } from '../../../../src/api/replication-api';
import { groupConfig } from '../../../support/model-broker';
import {
  idsOf,
  messageDraft,
  openTestBroker,
  popRequest,
  type TestBroker,
  type TestBrokerOptions,
} from '../../../support/test-broker';

const signal = new AbortController().signal;
let open: TestBroker[] = [];

afterEach(async () => {
  for (const one of open) await one.stop();
  open = [];
});

async function brokerWith(
  count: number,
  options: TestBrokerOptions = {},
  platform = memoryPlatform(),
): Promise<TestBroker> {
  const one = await openTestBroker(platform, { flush: 'async', ...options });
  open.push(one);
  const { broker } = one;
  await broker.putTopic({ name: 't', type: 'NORMAL', queues: 1 });
  await broker.putGroup(groupConfig('g', { startFrom: 'beginning' }));
  const filter = { type: 'TAG', expression: '*' } as const;
  const subscriptions = [{ topic: 't', filter }];
  await broker.subscribe({ group: 'g', clientId: 'c', subscriptions, fifoIfNew: false });
  await Promise.all(
    Array.from({ length: count }, (_, i) =>
      broker.send({ queueId: 0, draft: messageDraft('t', `m${i}`) }),
    ),
  );
  return one;
}

function finished(...ranges: FinishedQueue['ranges']): FinishedQueue {
  return { group: 'g', topic: 't', queueId: 0, generation: 0, below: 0, ranges };
}

async function received({ broker }: TestBroker): Promise<readonly string[]> {
  return idsOf(await broker.pop(popRequest('g', 't'), signal));
}

test('offsets far beyond what was delivered are finished, and those between are delivered', async () => {
  const one = await brokerWith(10_000);
  await one.broker.takeFinished([
    finished({ from: 2, count: 4500 }, { from: 4510, count: 5485 }, { from: 9998, count: 1 }),
  ]);
  const ids = ['m0', 'm1', ...[4502, 4503, 4504, 4505, 4506, 4507, 4508, 4509].map((i) => `m${i}`)];
  expect(await received(one)).toEqual([...ids, 'm9995', 'm9996', 'm9997', 'm9999']);
});

test('of many that were taken in here before none comes, and others have their turn meanwhile', async () => {
  const one = await brokerWith(10_000);
  await one.broker.takeFinished([finished({ from: 9_999, count: 1 })]);
  let turns = 0;
  let over = false;
  const turn = (): void => {
    turns++;
    if (!over) setImmediate(turn);
  };
  setImmediate(turn);
  await one.broker.takeFinished([finished({ from: 0, count: 9_998 })]);
  over = true;
  expect(turns).toBeGreaterThan(2);
  expect(await received(one)).toEqual(['m9998']);
});

test('told twice, or again after messages were delivered here, it changes nothing more', async () => {
  const one = await brokerWith(6);
  const piece = [finished({ from: 1, count: 2 }, { from: 4, count: 1 })];
  await one.broker.takeFinished(piece);
  expect(await received(one)).toEqual(['m0', 'm3', 'm5']);
  await one.broker.takeFinished(piece);
  expect(await received(one)).toEqual([]);
});

test('what is in flight here is finished, too', async () => {
  const one = await brokerWith(2);
  expect(await received(one)).toEqual(['m0', 'm1']);
  await one.broker.takeFinished([finished({ from: 0, count: 2 })]);
  expect(await one.broker.offsets.get({ group: 'g', topic: 't', queueId: 0 })).toBe(2);
});

test('nothing of another generation, of a group that is not there, or beyond the end counts', async () => {
  const one = await brokerWith(2);
  await one.broker.takeFinished([
    { ...finished({ from: 0, count: 1 }), generation: 1 },
    { ...finished({ from: 0, count: 1 }), group: 'none' },
    { ...finished({ from: 0, count: 1 }), queueId: 3 },
    finished({ from: 2, count: 5 }),
  ]);
  await one.broker.send({ queueId: 0, draft: messageDraft('t', 'm2') });
  expect(await received(one)).toEqual(['m0', 'm1', 'm2']);
});

test('where messages in flight are at their bound, what is left comes again', async () => {
  const one = await brokerWith(20, { settings: { maxInflightPerQueue: 4 } });
  await one.broker.takeFinished([finished({ from: 10, count: 1 }, { from: 15, count: 1 })]);
  const first = await one.broker.pop(popRequest('g', 't'), signal);
  expect(first.length).toBeGreaterThan(0);
  expect(idsOf(first)).not.toContain('m10');
});

test('a restart finds what was taken', async () => {
  const platform = memoryPlatform();
  const one = await brokerWith(5, {}, platform);
  await one.broker.takeFinished([finished({ from: 1, count: 1 }, { from: 3, count: 1 })]);
  open = [];
  await one.stop();
  const again = await openTestBroker(platform, { flush: 'async' });
  open.push(again);
  expect(await received(again)).toEqual(['m0', 'm2', 'm4']);
});
