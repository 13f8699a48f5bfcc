import type { DelayedMessages, ListDelayedRequest } from '../../../../src/api/delayed-api';
import { Code } from '../../../../src/message/status';
import { readyBench, type BrokerBench } from '../../../support/broker-bench';
import { HOUR_MS, recall, sendIn, wall } from '../../../support/delayed';

const list = (
  bench: BrokerBench,
  changes: Partial<ListDelayedRequest> = {},
): Promise<DelayedMessages> =>
  bench.drive(bench.broker.listDelayed({ topic: '', messageId: '', maxMessages: 10, ...changes }));
const idsIn = ({ messages }: DelayedMessages): string[] => messages.map((one) => one.messageId);

describe('a list of delayed messages', () => {
  it('has the earliest first, over all hours and topics, and no more than asked for', async () => {
    const bench = await readyBench();
    await bench.topic('u');
    await sendIn(bench, 'd', 30 * HOUR_MS, 'u');
    await sendIn(bench, 'b', 20_000);
    await sendIn(bench, 'c', 20_000, 'u');
    const first = await sendIn(bench, 'a', 10_000);
    const listed = await list(bench);
    expect(idsIn(listed)).toEqual(['a', 'b', 'c', 'd']);
    expect(listed.messages[0]).toEqual({
      ...{
        broker: 'broker-a',
        topic: 't',
        messageId: 'a',
        dueMs: first,
        sentMs: 1_700_000_000_000,
      },
    });
    expect(idsIn(await list(bench, { maxMessages: 2 }))).toEqual(['a', 'b']);
    expect(await list(bench, { topic: 'u' })).toMatchObject({
      total: 2,
      messages: [{ messageId: 'c' }, { messageId: 'd' }],
    });
  });

  it('counts by topic and hour, without those that are delivered or recalled, after a crash too', async () => {
    const bench = await readyBench();
    await bench.topic('a-topic');
    const hour = (ms: number): number => Math.floor((wall(bench) + ms) / HOUR_MS) * HOUR_MS;
    await sendIn(bench, 'gone', 1_000);
    const due = await sendIn(bench, 'r', 5 * HOUR_MS);
    for (const id of ['x', 'y']) await sendIn(bench, id, 5 * HOUR_MS);
    await sendIn(bench, 'z', 9 * HOUR_MS, 'a-topic');
    const counts = [
      { topic: 'a-topic', hourMs: hour(9 * HOUR_MS), messages: 1 },
      { topic: 't', hourMs: hour(5 * HOUR_MS), messages: 2 },
    ];
    await recall(bench, 'r', due);
    await bench.sim.advance(2_000);
    const expected = { messages: [], counts, total: 3 };
    expect(await list(bench, { maxMessages: 0 })).toEqual(expected);
    await bench.kill();
    expect(await list(bench, { maxMessages: 0 })).toEqual(expected);
  });

  it('finds one by its id while it waits, on the topic that is asked for', async () => {
    const bench = await readyBench();
    await bench.topic('u');
    await sendIn(bench, 'm', 5 * HOUR_MS);
    const due = await sendIn(bench, 'n', 5 * HOUR_MS);
    await sendIn(bench, 'm', 6 * HOUR_MS, 'u');
    const topics = async (messageId: string, topic = ''): Promise<string[]> =>
      (await list(bench, { messageId, topic })).messages.map((one) => one.topic).toSorted();
    expect(await topics('m')).toEqual(['t', 'u']);
    expect(await topics('m', 'u')).toEqual(['u']);
    expect(await topics('x')).toEqual([]);
    await recall(bench, 'n', due);
    expect(await topics('n')).toEqual([]);
  });

  it('is refused when it asks for too many', async () => {
    const bench = await readyBench();
    await expect(list(bench, { maxMessages: 1001 })).rejects.toMatchObject({
      code: Code.BAD_REQUEST,
      message: 'maxMessages is 1001, the limit is 0 to 1000',
    });
  });
});
