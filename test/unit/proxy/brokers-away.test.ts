/** Brokers that died a moment ago: what they hold is not gone, and nobody is told that it is. */
import { formatRecallHandle } from '../../../src/api/recall-handle';
import { BrokerUnreachableError } from '../../../src/api/broker-unreachable';
import type { TopicType } from '../../../src/api/topic';
import { Code } from '../../../src/message/status';
import { follow } from '../../support/follow';
import { ModelBroker } from '../../support/model-broker';
import { ModelCluster } from '../../support/model-cluster';
import { message, PublicClient, receiveRequest } from '../../support/public-client';

const LINGER_MS = 30_000;
const topic = { name: 't' };
const handle = { topic: 't', brokerName: 'broker-a', messageId: 'm', deliverMs: 1 };
const recall = { topic, recall_handle: formatRecallHandle(handle) };
const send = { messages: [message('t', 'm')] };
const commit = { topic, message_id: 'm', transaction_id: 'm', resolution: 'COMMIT' } as const;
/** What the clients below give a call. */
const timeoutMs = 3000;

function scene(type: TopicType, names: readonly string[] = ['broker-a']) {
  const cluster = new ModelCluster({ autoCreateTopics: true, brokerLingerMs: LINGER_MS }, names);
  cluster.topic('t', type);
  const leave = (...left: readonly string[]): void => {
    for (const name of left) {
      cluster.absent.add(name);
      cluster.broker(name).failure = new BrokerUnreachableError(name);
    }
    cluster.announce();
  };
  /** An answer that comes before the client's deadline. */
  const inTime = async <T>(answer: Promise<T>): Promise<T> => {
    await cluster.sim.advance(timeoutMs - 1);
    return answer;
  };
  return { cluster, client: new PublicClient(cluster, { timeoutMs }), leave, inTime };
}

describe('while the only broker is away', () => {
  it.each<[string, TopicType, (client: PublicClient) => Promise<{ readonly code: number }>]>([
    ['SendMessage', 'NORMAL', (client) => client.status('SendMessage', send)],
    ['RecallMessage', 'DELAY', (client) => client.status('RecallMessage', recall)],
    ['EndTransaction', 'TRANSACTION', (client) => client.status('EndTransaction', commit)],
  ])('%s says so when no master has come in time', async (_rpc, type, call) => {
    const { client, leave, inTime } = scene(type);
    leave('broker-a');
    const status = await inTime(call(client));
    expect(status).toMatchObject({
      code: Code.PROXY_TIMEOUT,
      message: expect.stringContaining('broker-a') as string,
    });
  });

  it('so does ReceiveMessage, after the end of its poll, before its client’s deadline', async () => {
    const { cluster, client, leave } = scene('NORMAL');
    leave('broker-a');
    const receive = client.receive(
      receiveRequest('g', 't', { long_polling_timeout: { seconds: 5, nanos: 0 } }),
      { timeoutMs: 8000 },
    );
    await cluster.sim.advance(7799);
    expect(receive.code).toBeUndefined();
    await cluster.sim.advance(1);
    expect(receive.code).toBe(Code.PROXY_TIMEOUT);
  });

  it('its topics stay in the routes, so that clients stay with their queues, but not for ever', async () => {
    const { cluster, client, leave } = scene('NORMAL');
    leave('broker-a');
    const route = await client.unary('QueryRoute', { topic });
    expect(route.message_queues).toHaveLength(8);
    await cluster.sim.advance(LINGER_MS);
    expect((await client.status('QueryRoute', { topic })).code).toBe(Code.PROXY_TIMEOUT);
  });

  it('a proxy that knows no broker yet says so, of any topic and any handle', async () => {
    const fresh = new PublicClient(new ModelCluster({}, []));
    expect(await fresh.status('EndTransaction', commit)).toMatchObject({
      code: Code.PROXY_TIMEOUT,
    });
    const entries = [{ message_id: 'm', receipt_handle: 'broker-a~x' }];
    const ack = { group: { name: 'g' }, topic, entries };
    expect(await fresh.status('AckMessage', ack)).toMatchObject({ code: Code.PROXY_TIMEOUT });
  });
});

describe('while one of two brokers is away', () => {
  it('a transaction that the other one does not know may be there', async () => {
    const { client, leave, inTime } = scene('TRANSACTION', ['broker-a', 'broker-b']);
    leave('broker-a');
    const status = await inTime(client.status('EndTransaction', commit));
    expect(status.code).toBe(Code.PROXY_TIMEOUT);
  });

  it('its topics are not made anew, with another type, until it has been away for long', async () => {
    const { cluster, client, leave } = scene('FIFO', ['broker-a', 'broker-b']);
    cluster.broker('broker-b').topics.clear();
    leave('broker-a');
    expect((await client.status('QueryRoute', { topic })).code).toBe(Code.OK);
    expect(cluster.broker('broker-b').putTopics).toBe(0);
    await cluster.sim.advance(LINGER_MS);
    expect((await client.status('QueryRoute', { topic })).code).toBe(Code.OK);
    expect(cluster.broker('broker-b').putTopics).toBe(1);
  });

  it('a topic that was deleted before it left does not exist', async () => {
    const { cluster, client, leave } = scene('DELAY', ['broker-a', 'broker-b']);
    for (const broker of cluster.brokers.values()) broker.topics.clear();
    cluster.announce();
    leave('broker-a');
    expect((await client.status('RecallMessage', recall)).code).toBe(Code.TOPIC_NOT_FOUND);
  });
});

describe('a proxy that knows replicas of a broker, and has not seen their master', () => {
  const entries = [{ message_id: 'm', receipt_handle: 'broker-a~x' }];
  const ack = { group: { name: 'g' }, topic, entries };
  /** With what a broker answers that has just begun to lead. */
  const { INVALID_RECEIPT_HANDLE, OK, INVALID_TRANSACTION_ID } = Code;
  type Ask = (client: PublicClient) => Promise<{ readonly code: number }>;
  const calls: readonly [string, TopicType, Ask, Code][] = [
    ['AckMessage', 'NORMAL', (client) => client.status('AckMessage', ack), INVALID_RECEIPT_HANDLE],
    ['RecallMessage', 'DELAY', (client) => client.status('RecallMessage', recall), OK],
    [
      'EndTransaction',
      'TRANSACTION',
      (client) => client.status('EndTransaction', commit),
      INVALID_TRANSACTION_ID,
    ],
  ];

  function leaderless(type: TopicType) {
    const { cluster, ...rest } = scene(type, ['broker-b']);
    cluster.follower('broker-a', 2);
    cluster.announce();
    const lead = (): void => {
      cluster.brokers.set('broker-a', new ModelBroker('broker-a', () => cluster.announce()));
      cluster.announce();
    };
    return { ...rest, cluster, lead };
  }

  it.each(calls)('%s says so when none has come in time', async (_rpc, type, call) => {
    const { client, inTime } = leaderless(type);
    expect(await inTime(call(client))).toMatchObject({
      code: Code.PROXY_TIMEOUT,
      message: expect.stringContaining('broker-a') as string,
    });
  });

  it.each(calls)('%s is answered by the one that comes', async (_rpc, type, call, code) => {
    const { cluster, client, lead } = leaderless(type);
    const status = follow(call(client));
    await cluster.sim.advance(1000);
    expect(status.done).toBe(false);
    lead();
    await cluster.sim.settle();
    expect(status.value?.code).toBe(code);
  });

  it('a topic that no other broker has may be there, and is not made anew', async () => {
    const { cluster, client, lead } = leaderless('NORMAL');
    const other = { topic: { name: 'other' } };
    expect((await client.status('QueryRoute', other)).code).toBe(Code.PROXY_TIMEOUT);
    expect(cluster.broker('broker-b').putTopics).toBe(0);
    lead();
    expect((await client.status('QueryRoute', other)).code).toBe(Code.OK);
  });
});
