/** Brokers that died a moment ago: what they hold is not gone, and nobody is told that it is. */
import { formatRecallHandle } from '../../../src/api/recall-handle';
import type { TopicType } from '../../../src/api/topic';
import { Code } from '../../../src/message/status';
import { ModelCluster } from '../../support/model-cluster';
import { message, PublicClient, receiveRequest } from '../../support/public-client';

const LINGER_MS = 30_000;
const topic = { name: 't' };
const handle = { topic: 't', brokerName: 'broker-a', messageId: 'm', deliverMs: 1 };
const recall = { topic, recall_handle: formatRecallHandle(handle) };
const send = { messages: [message('t', 'm')] };
const commit = { topic, message_id: 'm', transaction_id: 'm', resolution: 'COMMIT' } as const;

function scene(type: TopicType, names: readonly string[] = ['broker-a']) {
  const cluster = new ModelCluster({ autoCreateTopics: true, brokerLingerMs: LINGER_MS }, names);
  cluster.topic('t', type);
  const leave = (...left: readonly string[]): void => {
    for (const name of left) cluster.absent.add(name);
    cluster.announce();
  };
  return { cluster, client: new PublicClient(cluster), leave };
}

describe('while the only broker is away', () => {
  it.each<[string, TopicType, (client: PublicClient) => Promise<{ readonly code: number }>]>([
    ['QueryRoute', 'NORMAL', (client) => client.status('QueryRoute', { topic })],
    ['SendMessage', 'NORMAL', (client) => client.status('SendMessage', send)],
    ['RecallMessage', 'DELAY', (client) => client.status('RecallMessage', recall)],
    ['EndTransaction', 'TRANSACTION', (client) => client.status('EndTransaction', commit)],
  ])('%s does not say that its topic does not exist', async (_rpc, type, call) => {
    const { client, leave } = scene(type);
    leave('broker-a');
    const status = await call(client);
    expect(status).toMatchObject({
      code: Code.PROXY_TIMEOUT,
      message: expect.stringContaining('broker-a') as string,
    });
  });

  it('nor does ReceiveMessage', async () => {
    const { cluster, client, leave } = scene('NORMAL');
    leave('broker-a');
    const receive = client.receive(receiveRequest('g', 't'));
    await cluster.sim.advance(0);
    expect(receive.code).toBe(Code.PROXY_TIMEOUT);
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
    const { client, leave } = scene('TRANSACTION', ['broker-a', 'broker-b']);
    leave('broker-a');
    expect((await client.status('EndTransaction', commit)).code).toBe(Code.PROXY_TIMEOUT);
  });

  it('its topics are not made anew, with another type, until it has been away for long', async () => {
    const { cluster, client, leave } = scene('FIFO', ['broker-a', 'broker-b']);
    cluster.broker('broker-b').topics.clear();
    leave('broker-a');
    expect((await client.status('QueryRoute', { topic })).code).toBe(Code.PROXY_TIMEOUT);
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
