import { memoryPlatform } from '../../../src/platform/memory-files';
import { LiteBench } from '../../support/lite-bench';
import { messageDraft, openTestBroker, popRequest } from '../../support/test-broker';

const never = new AbortController().signal;
const ref = { group: 'g', topic: 't' };

describe('what a broker tells operators', () => {
  it('that a group was forgotten on a topic, it knows after a restart, too', async () => {
    const platform = memoryPlatform();
    const before = await openTestBroker(platform);
    await before.broker.putTopic({ name: 't', type: 'NORMAL', queues: 1 });
    await before.broker.pop(popRequest('g', 't'), never);
    await before.broker.send({ queueId: 0, draft: messageDraft('t', 'm1') });
    await before.broker.inspect.forget(ref);
    await before.stop();
    const after = await openTestBroker(platform);
    expect(await after.broker.inspect.begun(ref)).toEqual([]);
    expect(await after.broker.pop(popRequest('g', 't'), never)).toEqual([]);
    await after.stop();
  });

  it('ends the receives that wait on a topic where their group is forgotten', async () => {
    const { broker, stop } = await openTestBroker(memoryPlatform());
    await broker.putTopic({ name: 't', type: 'NORMAL', queues: 1 });
    await broker.pop(popRequest('g', 't'), never);
    const waiting = broker.pop(popRequest('g', 't', { pollMs: 20_000 }), never);
    const ended = expect(waiting).rejects.toMatchObject({
      message: 'group g has not begun on topic t',
    });
    await broker.probe();
    await broker.inspect.forget(ref);
    await ended;
    await stop();
  });

  it('counts the messages of lite topics, of all together and of one', async () => {
    const bench = await LiteBench.ready();
    await bench.add('one', ['a', 'b']);
    await bench.sendLite('a-1', 'a-2', 'b-1', 'c-1');
    expect(await bench.receive('one', { maxMessages: 1 })).toHaveLength(1);
    const { inspect } = bench.broker;
    const status = await bench.drive(inspect.topicStatus('t'));
    expect(status.queues.at(-1)).toMatchObject({ queueId: -1, minOffset: 0, maxOffset: 4 });
    const lag = async (liteTopic?: string) => {
      const one = liteTopic === undefined ? {} : { liteTopic };
      const lags = await bench.drive(inspect.groupLag({ group: 'g', topics: [], ...one }));
      return lags.flatMap(({ queues }) => queues.map(({ ready, inFlight }) => [ready, inFlight]));
    };
    expect(await lag()).toEqual([[2, 1]]);
    const [a = [], b = []] = [...(await lag('a')), ...(await lag('b'))];
    expect([(a[0] ?? 0) + (a[1] ?? 0), (b[0] ?? 0) + (b[1] ?? 0)]).toEqual([2, 1]);
    expect([await lag('c'), await lag('none')]).toEqual([[], []]);
  });

  it('counts delayed messages apart from those that are ready', async () => {
    const { broker, stop } = await openTestBroker(memoryPlatform());
    await broker.putTopic({ name: 't', type: 'DELAY', queues: 1 });
    await broker.pop(popRequest('g', 't'), never);
    const dueMs = String(Date.now() + 3_600_000);
    const draft = messageDraft('t', 'm1', '', { TIMER_DELIVER_MS: dueMs });
    await broker.send({ queueId: 0, draft });
    expect(await broker.inspect.topicStatus('t')).toMatchObject({
      ...{ delayed: 1, queues: [{ maxOffset: 0 }] },
    });
    expect(await broker.inspect.groupLag({ group: 'g', topics: [] })).toMatchObject([
      { delayed: 1, queues: [{ ready: 0, inFlight: 0 }] },
    ]);
    await stop();
  });
});
