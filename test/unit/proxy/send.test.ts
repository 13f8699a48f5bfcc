import { BrokerUnreachableError } from '../../../src/api/broker-unreachable';
import { Code, StatusError } from '../../../src/message/status';
import { hashOf } from '../../../src/proxy/send';
import { orderedQueue } from '../../support/ordered-queue';
import type { Message } from '../../../src/rpc/generated/apache/rocketmq/v2/Message';
import { ModelCluster } from '../../support/model-cluster';
import { message, PublicClient } from '../../support/public-client';

function userProperties(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`key${i}`, 'v']));
}

const body = (bytes: number): Partial<Message> => ({ body: Buffer.alloc(bytes, 'x') });

describe('SendMessage', () => {
  it.each([
    ['an empty tag', message('t', 'm', { tag: '' })],
    ['an empty message group', message('t', 'm', { message_group: '' })],
    ['128 user properties', message('t', 'm', {}, { user_properties: userProperties(128) })],
    [
      'properties of 16384 bytes',
      message('t', 'm', {}, { user_properties: { ab: 'x'.repeat(16382) } }),
    ],
    [
      'a body of 4 MiB with properties of 16384 bytes',
      message('t', 'm', {}, { ...body(4194304), user_properties: { ab: 'x'.repeat(16382) } }),
    ],
    ['an id of any length', message('t', 'x')],
  ])('accepts %s', async (_name, sent) => {
    const cluster = new ModelCluster();
    cluster.topic('t');
    const answer = await new PublicClient(cluster).unary('SendMessage', { messages: [sent] });
    expect(answer.status).toEqual({ code: Code.OK, message: 'OK' });
    expect(cluster.broker().sends).toHaveLength(1);
  });

  it('answers an entry for each message, in order, with the id and the queue offset', async () => {
    const cluster = new ModelCluster();
    cluster.topic('t', 'MIXED', 1);
    const messages = ['a', 'b', 'c'].map((id) => message('t', id));
    const answer = await new PublicClient(cluster).unary('SendMessage', { messages });
    expect(answer.status?.code).toBe(Code.OK);
    expect(
      answer.entries.map((entry) => [entry.status?.code, entry.message_id, entry.offset]),
    ).toEqual([
      [Code.OK, 'a', 0],
      [Code.OK, 'b', 1],
      [Code.OK, 'c', 2],
    ]);
    expect(answer.entries[0]?.transaction_id).toBe('');
  });

  it('answers MULTIPLE_RESULTS when the entries differ', async () => {
    const cluster = new ModelCluster({}, ['broker-a', 'broker-b']);
    cluster.topic('t', 'NORMAL', 1);
    cluster.broker('broker-b').failure = new StatusError(Code.TOO_MANY_REQUESTS, 'tail is full');
    const ids = Array.from({ length: 20 }, (_, i) => `id-${i}`);
    const answer = await new PublicClient(cluster).unary('SendMessage', {
      messages: ids.map((id) => message('t', id)),
    });
    expect(answer.status?.code).toBe(Code.MULTIPLE_RESULTS);
    expect(answer.entries).toHaveLength(20);
    answer.entries.forEach((entry, i) => {
      const onA = hashOf(ids[i] ?? '') % 2 === 0;
      expect(entry.status?.code).toBe(onA ? Code.OK : Code.TOO_MANY_REQUESTS);
      expect(entry.message_id).toBe(onA ? ids[i] : '');
    });
  });

  it('sends a repeated message id to the same queue', async () => {
    const cluster = new ModelCluster({}, ['broker-a', 'broker-b', 'broker-c']);
    cluster.topic('t');
    const client = new PublicClient(cluster);
    for (let round = 0; round < 3; round++) {
      await client.unary('SendMessage', { messages: [message('t', '01ABCDEF')] });
    }
    const used = [...cluster.brokers.values()].filter(({ sends }) => sends.length > 0);
    expect(used).toHaveLength(1);
    expect(new Set(used[0]?.sends.map(({ queueId }) => queueId)).size).toBe(1);
  });

  it('spreads ids that differ in their last digits over all queues', () => {
    const counts = new Array<number>(24).fill(0);
    for (let i = 0; i < 24_000; i++) {
      const id = `01A2B3C4D5E6F70123ABCDEF${i.toString(16).toUpperCase().padStart(8, '0')}`;
      const queue = hashOf(id) % counts.length;
      counts[queue] = (counts[queue] ?? 0) + 1;
    }
    expect(Math.min(...counts)).toBeGreaterThan(850);
    expect(Math.max(...counts)).toBeLessThan(1150);
  });

  it('sends each priority to the queue of that number, on whichever broker, and all beyond to the last', async () => {
    const names = ['broker-a', 'broker-b'];
    const cluster = new ModelCluster({}, names);
    cluster.topic('t', 'PRIORITY', 4);
    const client = new PublicClient(cluster);
    for (const [priority, queueId] of [
      [0, 0],
      [2, 2],
      [3, 3],
      [4, 3],
      [2_147_483_647, 3],
    ] as const) {
      const messages = Array.from({ length: 12 }, (_, i) =>
        message('t', `id-${priority}-${i}`, { priority }),
      );
      expect((await client.status('SendMessage', { messages })).code).toBe(Code.OK);
      const sends = names.map((name) => cluster.broker(name).sends.splice(0));
      expect(sends.map(({ length }) => length > 0)).toEqual([true, true]);
      expect(new Set(sends.flat().map((sent) => sent.queueId))).toEqual(new Set([queueId]));
    }
  });

  it('keeps the priority on another broker when the first one is away', async () => {
    const cluster = new ModelCluster({}, ['broker-a', 'broker-b']);
    cluster.topic('t', 'PRIORITY', 4);
    cluster.broker('broker-a').failure = new BrokerUnreachableError('no connection');
    const messages = Array.from({ length: 12 }, (_, i) => message('t', `id-${i}`, { priority: 1 }));
    const status = await new PublicClient(cluster).status('SendMessage', { messages });
    expect(status.code).toBe(Code.OK);
    const { sends } = cluster.broker('broker-b');
    expect(sends.map(({ queueId }) => queueId)).toEqual(messages.map(() => 1));
  });

  it('sends a message group to one queue, whatever the message ids and their order in a batch', async () => {
    const cluster = new ModelCluster({}, ['broker-a', 'broker-b', 'broker-c']);
    cluster.topic('t', 'FIFO');
    const client = new PublicClient(cluster);
    const groups = ['orders-1', 'orders-2', 'orders-3', 'orders-4'];
    for (let round = 0; round < 3; round++) {
      const messages = groups.map((group) =>
        message('t', `${group}-${round}`, { message_group: group }),
      );
      const answer = await client.unary('SendMessage', { messages });
      expect(answer.status?.code).toBe(Code.OK);
      expect(answer.entries.map(({ message_id: id }) => id)).toEqual(
        groups.map((group) => `${group}-${round}`),
      );
    }
    const queues = [...cluster.brokers.values()].flatMap(({ brokerName, sends }) =>
      sends.map(({ queueId }) => `${brokerName} ${queueId}`),
    );
    expect(queues).toHaveLength(12);
    expect(new Set(queues).size).toBe(new Set(groups.map((group) => orderedQueue(group, 24))).size);
  });

  it('keeps a message group to its queue while another broker is away, and refuses it while its own is', async () => {
    const cluster = new ModelCluster({}, ['broker-a', 'broker-b']);
    await cluster.proxy.admin.putTopic({ name: 't', type: 'FIFO', queues: 2 });
    const client = new PublicClient(cluster, { timeoutMs: 3000 });
    const groups = Array.from({ length: 20 }, (_, i) => `group-${i}`);
    const send = async (): Promise<(number | undefined)[]> => {
      const messages = groups.map((group) => message('t', group, { message_group: group }));
      const { entries } = await client.unary('SendMessage', { messages });
      return entries.map(({ status }) => status?.code);
    };
    expect(new Set(await send())).toEqual(new Set([Code.OK]));
    const all = cluster.broker('broker-a').sends.length;
    expect(all).toBeGreaterThan(0);
    expect(all).toBeLessThan(20);
    cluster.absent.add('broker-b');
    cluster.broker('broker-b').failure = new BrokerUnreachableError('broker-b');
    cluster.announce();
    const sending = send();
    await cluster.sim.advance(3000);
    const codes = await sending;
    expect(cluster.broker('broker-a').sends).toHaveLength(2 * all);
    expect(codes.filter((code) => code === Code.OK)).toHaveLength(all);
    expect(codes.filter((code) => code === Code.PROXY_TIMEOUT)).toHaveLength(20 - all);
  });

  it('keeps the order of a batch within its message group', async () => {
    const cluster = new ModelCluster();
    cluster.topic('t', 'FIFO', 1);
    const messages = ['1', '2', '3'].map((id) => message('t', id, { message_group: 'g' }));
    const answer = await new PublicClient(cluster).unary('SendMessage', { messages });
    expect(answer.entries.map(({ offset }) => offset)).toEqual([0, 1, 2]);
  });

  it('never tries another broker for a message group, and says so with a code that clients retry', async () => {
    const cluster = new ModelCluster({}, ['broker-a', 'broker-b']);
    cluster.topic('t', 'FIFO', 1);
    const away = orderedQueue('g', 2) === 0 ? 'broker-a' : 'broker-b';
    cluster.broker(away).failure = new BrokerUnreachableError(away);
    const sending = new PublicClient(cluster, { timeoutMs: 3000 }).unary('SendMessage', {
      messages: [message('t', 'm', { message_group: 'g' })],
    });
    await cluster.sim.advance(3000);
    const answer = await sending;
    expect(answer.status?.code).toBe(Code.PROXY_TIMEOUT);
    for (const broker of cluster.brokers.values()) expect(broker.sends).toEqual([]);
  });

  it('tries another broker when the first one certainly got nothing', async () => {
    const cluster = new ModelCluster({}, ['broker-a', 'broker-b']);
    cluster.topic('t', 'NORMAL', 1);
    cluster.broker('broker-a').failure = new BrokerUnreachableError('broker-a');
    const ids = Array.from({ length: 10 }, (_, i) => `id-${i}`);
    const answer = await new PublicClient(cluster).unary('SendMessage', {
      messages: ids.map((id) => message('t', id)),
    });
    expect(answer.status?.code).toBe(Code.OK);
    expect(cluster.broker('broker-b').sends).toHaveLength(10);
  });

  it('tries no other broker when the first one may have stored the message', async () => {
    const cluster = new ModelCluster({}, ['broker-a', 'broker-b']);
    cluster.topic('t', 'NORMAL', 1);
    for (const broker of cluster.brokers.values()) {
      broker.failure = new StatusError(Code.PROXY_TIMEOUT, 'no answer');
    }
    const first = hashOf('m') % 2 === 0 ? 'broker-b' : 'broker-a';
    cluster.broker(first).failure = undefined;
    const answer = await new PublicClient(cluster).unary('SendMessage', {
      messages: [message('t', 'm')],
    });
    expect(answer.status?.code).toBe(Code.PROXY_TIMEOUT);
    expect(answer.entries).toHaveLength(1);
    expect(cluster.broker(first).sends).toEqual([]);
  });

  it('answers PROXY_TIMEOUT when a broker has not stored the message within 5 s', async () => {
    const cluster = new ModelCluster();
    cluster.topic('t');
    cluster.broker().sendGate = new Promise(() => undefined);
    let answered = false;
    const answer = new PublicClient(cluster)
      .unary('SendMessage', { messages: [message('t', 'm')] })
      .finally(() => (answered = true));
    await cluster.sim.advance(4999);
    expect(answered).toBe(false);
    await cluster.sim.advance(1);
    expect((await answer).status?.code).toBe(Code.PROXY_TIMEOUT);
  });

  it('bounds the calls and the bytes under way', async () => {
    const cluster = new ModelCluster({ maxCalls: 2, maxSendingBytes: 100 });
    cluster.topic('t');
    let open: () => void = () => undefined;
    cluster.broker().sendGate = new Promise((resolve) => (open = resolve));
    const client = new PublicClient(cluster);
    const send = (id: string, bytes: number): Promise<{ code: number; message: string }> =>
      client.status('SendMessage', { messages: [message('t', id, {}, body(bytes))] });
    const first = send('a', 80);
    const tooMuch = await send('b', 30);
    expect(tooMuch.code).toBe(Code.TOO_MANY_REQUESTS);
    expect(tooMuch.message).toContain('limit is 100');
    const second = send('c', 10);
    const tooMany = await send('d', 1);
    expect(tooMany.code).toBe(Code.TOO_MANY_REQUESTS);
    expect(tooMany.message).toContain('flow limit');
    open();
    expect([(await first).code, (await second).code]).toEqual([Code.OK, Code.OK]);
    expect((await send('e', 90)).code).toBe(Code.OK);
  });

  it('makes an unknown topic where that is allowed', async () => {
    const cluster = new ModelCluster({ autoCreateTopics: true });
    const status = await new PublicClient(cluster).status('SendMessage', {
      messages: [message('fresh', 'm')],
    });
    expect(status.code).toBe(Code.OK);
    expect(cluster.broker().topics.has('fresh')).toBe(true);
  });
});
