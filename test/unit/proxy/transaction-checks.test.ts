import type { RecoverOrphanedTransactionCommand__Output } from '../../../src/rpc/generated/apache/rocketmq/v2/RecoverOrphanedTransactionCommand';
import { halfOf } from '../../../src/message/transaction-records';
import { ANY_HOST } from '../../../src/message/host';
import { placeRecord } from '../../../src/message/record';
import { Code, StatusError } from '../../../src/message/status';
import { ModelCluster } from '../../support/model-cluster';
import { PublicClient, type Telemetry } from '../../support/public-client';
import { messageDraft } from '../../support/test-broker';

const producer = (...topics: string[]): Parameters<Telemetry['sendSettings']>[0] => ({
  client_type: 1,
  publishing: { topics: topics.map((name) => ({ name })) },
});

/** A check as a broker hands it out. */
function check(id: string, topic = 't'): { topic: string; transactionId: string; record: Buffer } {
  const { draft } = halfOf(messageDraft(topic, id, 'red', { KEYS: 'k1 k2', colour: 'blue' }), 3);
  const record = Buffer.alloc(draft.byteLength);
  draft.writeTo(record, 0);
  const place = { queueId: 0, queueOffset: 9, physicalOffset: 100 };
  placeRecord(record, 0, { ...place, storeTimestamp: 1_700_000_000_123, storeHost: ANY_HOST });
  return { topic, transactionId: id, record };
}

function scene(names: readonly string[] = ['broker-a']): ModelCluster {
  const cluster = new ModelCluster({}, names);
  cluster.topic('t', 'TRANSACTION');
  cluster.topic('mixed', 'MIXED');
  cluster.topic('plain');
  return cluster;
}

async function connect(
  cluster: ModelCluster,
  clientId: string,
  topics = ['t'],
): Promise<Telemetry> {
  const stream = new PublicClient(cluster, { clientId }).telemetry();
  stream.sendSettings(producer(...topics));
  await cluster.sim.settle();
  return stream;
}

/** What clients were asked about, without the answers to their settings. */
function asked(stream: Telemetry): RecoverOrphanedTransactionCommand__Output[] {
  return stream.commands.flatMap((command) => command.recover_orphaned_transaction_command ?? []);
}

/** Hands checks to the proxy that waits. */
async function give(cluster: ModelCluster, ...ids: string[]): Promise<void> {
  const [waiting] = cluster.broker().taking.splice(0);
  waiting?.end(ids.map((id) => check(id)));
  await cluster.sim.settle();
}

describe('a proxy', () => {
  it('waits for checks of the topics that its producers publish with transactions', async () => {
    const cluster = scene(['broker-a', 'broker-b']);
    const topicsAsked = (): unknown[] =>
      [...cluster.brokers.values()].map(({ taking }) =>
        taking.map(({ request }) => request.topics),
      );
    const plain = await connect(cluster, 'c0', ['plain']);
    expect(topicsAsked()).toEqual([[], []]);
    const first = await connect(cluster, 'c1', ['t', 'plain']);
    expect(topicsAsked()).toEqual([[['t']], [['t']]]);
    const second = await connect(cluster, 'c2', ['mixed']);
    expect(topicsAsked()).toEqual([[['t', 'mixed']], [['t', 'mixed']]]);
    first.call.cancel();
    await cluster.sim.settle();
    expect(topicsAsked()).toEqual([[['mixed']], [['mixed']]]);
    second.call.halfClose();
    plain.call.halfClose();
    await cluster.sim.settle();
    expect(topicsAsked()).toEqual([[], []]);
  });

  it('asks a producer with the whole message, and tells the broker that it did', async () => {
    const cluster = scene();
    const stream = await connect(cluster, 'c1');
    await give(cluster, 'a');
    const [command] = asked(stream);
    expect(command?.transaction_id).toBe('a');
    expect(command?.message).toMatchObject({
      topic: { name: 't' },
      user_properties: { colour: 'blue' },
      body: Buffer.from('body of a'),
      system_properties: {
        ...{ message_id: 'a', tag: 'red', keys: ['k1', 'k2'], message_type: 4, body_encoding: 1 },
        ...{ queue_id: 3, queue_offset: 9, store_timestamp: { seconds: 1_700_000_000 } },
      },
    });
    expect(command?.message?.system_properties?.receipt_handle ?? '').toBe('');
    expect(cluster.broker().reported).toMatchObject([{ transactionId: 'a', reached: true }]);
    // And waits for the next ones.
    expect(cluster.broker().taking).toHaveLength(1);
  });

  it('asks another producer each time', async () => {
    const cluster = scene();
    const streams = [await connect(cluster, 'c1'), await connect(cluster, 'c2')];
    for (let round = 0; round < 4; round++) await give(cluster, 'a', 'b');
    const ids = streams.map((stream) => asked(stream).map((command) => command.transaction_id));
    expect(ids.map((all) => all.filter((id) => id === 'a').length)).toEqual([2, 2]);
    expect(ids.map((all) => all.filter((id) => id === 'b').length)).toEqual([2, 2]);
  });

  it('passes over producers that do not read, and says when there is none', async () => {
    const cluster = scene();
    const slow = await connect(cluster, 'c1');
    slow.call.reading = false;
    await give(cluster, 'a');
    await give(cluster, 'b');
    expect(cluster.broker().reported.map(({ reached }) => reached)).toEqual([true, false]);
    const other = await connect(cluster, 'c2');
    await give(cluster, 'c');
    expect(asked(other).map((command) => command.transaction_id)).toEqual(['c']);
  });

  it('asks no client that said goodbye, or whose stream was replaced', async () => {
    const cluster = scene();
    const old = await connect(cluster, 'c1');
    const now = await connect(cluster, 'c1');
    await give(cluster, 'a');
    expect([asked(old).length, asked(now).length]).toEqual([0, 1]);
    await new PublicClient(cluster, { clientId: 'c1' }).unary('NotifyClientTermination', {});
    await cluster.sim.settle();
    expect(cluster.broker().taking).toEqual([]);
  });

  it('asks a client by the stream that is left when its newest one has ended', async () => {
    const cluster = scene();
    const first = await connect(cluster, 'c1');
    // As the Rust client does with each endpoint that it learns of.
    (await connect(cluster, 'c1')).call.halfClose();
    await cluster.sim.settle();
    await give(cluster, 'a');
    expect(asked(first)).toHaveLength(1);
    first.call.halfClose();
    await cluster.sim.settle();
    expect(cluster.broker().taking).toEqual([]);
  });

  it('goes on when a broker was away', async () => {
    const cluster = scene();
    const broker = cluster.broker();
    broker.failure = new StatusError(Code.PROXY_TIMEOUT, 'away');
    const stream = await connect(cluster, 'c1');
    await cluster.sim.advance(5000);
    broker.failure = undefined;
    await cluster.sim.advance(1000);
    await give(cluster, 'a');
    expect(asked(stream)).toHaveLength(1);
    await cluster.proxy.close();
    expect(broker.taking).toEqual([]);
  });
});
