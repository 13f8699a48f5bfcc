import type { QueueLag, TopicLag } from '../../../src/api/inspect-api';
import { Code } from '../../../src/message/status';
import { messageDraft, popRequest } from '../../support/test-broker';
import type { BrokerApiUnderTest } from './broker-api-suite';

/** What every BrokerApi tells operators; topic `t` of two queues and group `g` on it are there. */
export function inspectCases(broker: () => BrokerApiUnderTest): void {
  const send = async (...ids: string[]): Promise<void> => {
    const { api, drive } = broker();
    for (const id of ids) await drive(api.send({ queueId: 1, draft: messageDraft('t', id) }));
  };
  const lag = async (topics: readonly string[] = []): Promise<readonly TopicLag[]> =>
    broker().drive(broker().api.inspect.groupLag({ group: 'g', topics }));
  const second = (lags: readonly TopicLag[]): Partial<QueueLag> => lags[0]?.queues[1] ?? {};

  it('tells of each queue of a topic where it begins and ends, and when its messages came', async () => {
    const { api, drive } = broker();
    await send('m1', 'm2');
    const status = await drive(api.inspect.topicStatus('t'));
    const empty = { minOffset: 0, maxOffset: 0, firstStoredMs: 0, lastStoredMs: 0 };
    expect(status).toMatchObject({ broker: 'a', delayed: 0 });
    const [first, last] = status.queues;
    expect(first).toEqual({ queueId: 0, ...empty });
    expect(last).toMatchObject({ queueId: 1, minOffset: 0, maxOffset: 2 });
    expect(last?.firstStoredMs).toBeGreaterThan(0);
    expect(last?.lastStoredMs).toBeGreaterThanOrEqual(last?.firstStoredMs ?? Infinity);
    await expect(drive(api.inspect.topicStatus('no'))).rejects.toMatchObject({
      code: Code.TOPIC_NOT_FOUND,
    });
  });

  it('counts what a group has ready and in flight as its consumers see it', async () => {
    const { api, drive } = broker();
    const stop = new AbortController().signal;
    const pop = (maxMessages: number): ReturnType<typeof api.pop> =>
      drive(api.pop(popRequest('g', 't', { maxMessages }), stop));
    await send('m1', 'm2', 'm3');
    expect(second(await lag())).toMatchObject({
      committed: 0,
      maxOffset: 3,
      ready: 3,
      inFlight: 0,
    });
    const [m1, m2] = await pop(2);
    expect(second(await lag(['t']))).toMatchObject({ committed: 0, ready: 1, inFlight: 2 });
    const entry = { receiptHandle: m1?.receiptHandle ?? '', messageId: 'm1' };
    await drive(api.ack({ group: 'g', topic: 't', entries: [entry] }));
    const after = second(await lag());
    expect(after).toMatchObject({ committed: 1, ready: 1, inFlight: 1 });
    expect(after.finishedStoredMs).toBeGreaterThan(0);
    const again = { receiptHandle: m2?.receiptHandle ?? '', messageId: 'm2' };
    await drive(api.release({ group: 'g', topic: 't', entries: [again] }));
    // It comes again after a second: until then it is nobody's to receive.
    expect(second(await lag())).toMatchObject({ ready: 1, inFlight: 1 });
    const [one] = await drive(
      api.pop(popRequest('g', 't', { maxMessages: 1, pollMs: 3000 }), stop),
    );
    const [two] = await drive(
      api.pop(popRequest('g', 't', { maxMessages: 1, pollMs: 3000 }), stop),
    );
    expect([one, two].filter((message) => message !== undefined)).toHaveLength(2);
    expect(second(await lag())).toMatchObject({ ready: 0, inFlight: 2, readyStoredMs: 0 });
    expect(await lag(['other'])).toEqual([]);
  });

  it('answers for unknown groups, too many topics, and a question for everything', async () => {
    const { api, drive } = broker();
    const unknown = drive(api.inspect.groupLag({ group: 'no', topics: [] }));
    await expect(unknown).rejects.toMatchObject({ code: Code.CONSUMER_GROUP_NOT_FOUND });
    const topics = Array.from({ length: 1001 }, (_, i) => `t${i}`);
    await expect(lag(topics)).rejects.toMatchObject({
      code: Code.BAD_REQUEST,
      message: expect.stringContaining('1001 topics, the limit is 1000') as string,
    });
    const all = drive(api.inspect.begun({ group: '', topic: '' }));
    await expect(all).rejects.toMatchObject({ code: Code.BAD_REQUEST });
  });

  it('tells what it holds, and refuses new messages while it drains', async () => {
    const { api, drive } = broker();
    await send('m1');
    await send('m2');
    expect(await drive(api.inspect.holdings())).toEqual([
      {
        ...{ topic: 't', messages: 2, delayed: 0, transactions: 0 },
        groups: [{ group: 'g', ready: 2, inFlight: 0 }],
      },
    ]);
    await drive(api.pop(popRequest('g', 't', { maxMessages: 1 }), new AbortController().signal));
    expect((await drive(api.inspect.holdings()))[0]?.groups).toEqual([
      { group: 'g', ready: 1, inFlight: 1 },
    ]);
    await drive(api.setDraining(true));
    await expect(send('m3')).rejects.toMatchObject({ code: Code.NOT_FOUND });
    await drive(api.setDraining(false));
    await send('m3');
    expect((await drive(api.inspect.holdings()))[0]?.messages).toBe(3);
  });

  it('tells who has begun where, and forgets a group on a topic', async () => {
    const { api, drive } = broker();
    const ref = { group: 'g', topic: 't' };
    expect(await drive(api.inspect.begun({ group: 'g', topic: '' }))).toEqual([ref]);
    expect(await drive(api.inspect.begun({ group: '', topic: 't' }))).toEqual([ref]);
    expect(await drive(api.inspect.begun({ group: 'g', topic: 'u' }))).toEqual([]);
    await send('m1');
    await drive(api.inspect.forget(ref));
    expect(await drive(api.inspect.begun({ group: 'g', topic: '' }))).toEqual([]);
    await expect(drive(api.inspect.forget(ref))).rejects.toMatchObject({
      code: Code.OFFSET_NOT_FOUND,
    });
    // It begins anew, at the end as any new group.
    const popped = await drive(api.pop(popRequest('g', 't'), new AbortController().signal));
    expect(popped).toEqual([]);
    expect(await drive(api.inspect.begun(ref))).toEqual([ref]);
  });

  it('says that it is alone, and hands over to nobody', async () => {
    const { api, drive } = broker();
    await send('m1');
    const status = await drive(api.replicas.status());
    expect(status).toMatchObject({ brokerName: 'a', role: 'alone', inSync: [0], followers: [] });
    expect(status.endPosition).toBeGreaterThan(status.minPosition);
    expect(status.confirmedPosition).toBe(status.endPosition);
    await expect(drive(api.replicas.handOver(undefined))).rejects.toMatchObject({
      code: Code.UNSUPPORTED,
    });
  });
}
