/** A master is lost, its replica leads, and clients go on through either proxy: what the old one knew, the new one knows. */
import type { TopicType } from '../../../src/api/topic';
import { Code } from '../../../src/message/status';
import { ClientType } from '../../../src/rpc/generated/apache/rocketmq/v2/ClientType';
import { TransactionResolution } from '../../../src/rpc/generated/apache/rocketmq/v2/TransactionResolution';
import { follow } from '../../support/follow';
import { GroupCluster } from '../../support/group-cluster';
import {
  message,
  type PublicClient,
  type Receive,
  receiveRequest,
} from '../../support/public-client';
import { producer } from './support/clients';

const topic = { name: 't' };
const group = { name: 'g' };
const TRANSACTION = { message_type: 4 } as const;

class Scene {
  private constructor(readonly cluster: GroupCluster) {}

  static async start(type: TopicType = 'NORMAL'): Promise<Scene> {
    return new Scene(await GroupCluster.start([{ name: 't', type, queues: 1 }]));
  }

  get one(): PublicClient {
    return this.cluster.clients[0];
  }

  get other(): PublicClient {
    return this.cluster.clients[1];
  }

  drive<T>(promise: Promise<T>): Promise<T> {
    return this.cluster.group.drive(promise);
  }

  advance(ms: number): Promise<void> {
    return this.cluster.group.sim.advance(ms);
  }

  async send(to: PublicClient, id: string, system = {}): Promise<number> {
    const messages = [message('t', id, system)];
    return (await this.drive(to.status('SendMessage', { messages }))).code;
  }

  /** Receives what there is now. */
  async receive(from: PublicClient): Promise<Receive> {
    const queue = { topic, broker: { name: 'a' } };
    const receive = from.receive(
      receiveRequest('g', 't', { message_queue: queue, long_polling_timeout: { seconds: 0 } }),
    );
    await this.advance(100);
    return receive;
  }

  async received(from: PublicClient): Promise<readonly string[]> {
    return (await this.receive(from)).messages.map(
      ({ system_properties: system }) => system?.message_id ?? '',
    );
  }

  async fail(): Promise<void> {
    await this.cluster.killMaster();
    await this.cluster.takeOver();
  }
}

test('what is in flight stays so: its handle is taken by the next master, what is not acknowledged comes again', async () => {
  const scene = await Scene.start();
  for (const id of ['m1', 'm2']) await scene.send(scene.one, id);
  const { messages } = await scene.receive(scene.one);
  await scene.fail();
  expect(await scene.received(scene.other)).toEqual([]);
  const [first] = messages.map(({ system_properties: system }) => ({
    message_id: system?.message_id ?? '',
    receipt_handle: system?.receipt_handle ?? '',
  }));
  if (first === undefined) throw new Error('nothing was received');
  const entries = [first];
  const ack = await scene.drive(scene.other.status('AckMessage', { group, topic, entries }));
  expect(ack.code).toBe(Code.OK);
  await scene.advance(31_000);
  const again = (await scene.receive(scene.one)).messages;
  expect(again.map(({ system_properties: system }) => system)).toMatchObject([
    { message_id: 'm2', delivery_attempt: 2 },
  ]);
});

test('a delayed message comes at its time, once, and can be recalled before', async () => {
  const scene = await Scene.start('DELAY');
  const dueMs = scene.cluster.group.sim.clock.wallMs() + 60_000;
  const delay = {
    message_type: 3 as const,
    delivery_timestamp: { seconds: Math.ceil(dueMs / 1000) },
  };
  const send = async (id: string): Promise<string> => {
    const messages = [message('t', id, delay)];
    const { entries } = await scene.drive(scene.one.unary('SendMessage', { messages }));
    return entries[0]?.recall_handle ?? '';
  };
  await send('late');
  const handle = await send('recalled');
  await scene.fail();
  const recall = scene.other.status('RecallMessage', { topic, recall_handle: handle });
  expect((await scene.drive(recall)).code).toBe(Code.OK);
  await scene.advance(50_000);
  expect(await scene.received(scene.other)).toEqual([]);
  await scene.advance(12_000);
  expect(await scene.received(scene.other)).toEqual(['late']);
  expect(await scene.received(scene.one)).toEqual([]);
});

test('a transaction can be ended through the other proxy, and its producer is asked there', async () => {
  const scene = await Scene.start('TRANSACTION');
  await scene.send(scene.one, 'ended', TRANSACTION);
  await scene.send(scene.one, 'open', TRANSACTION);
  await scene.fail();
  const end = scene.other.status('EndTransaction', {
    ...{ topic, message_id: 'ended', transaction_id: 'ended' },
    resolution: TransactionResolution.COMMIT,
  });
  expect((await scene.drive(end)).code).toBe(Code.OK);
  expect(await scene.received(scene.one)).toEqual(['ended']);
  const stream = scene.other.telemetry();
  stream.sendSettings({
    ...producer,
    client_type: ClientType.PRODUCER,
    publishing: { topics: [topic] },
  });
  await scene.advance(60_000);
  const asked = stream.commands.flatMap(({ recover_orphaned_transaction_command: command }) =>
    command ? [command.transaction_id] : [],
  );
  expect(new Set(asked)).toEqual(new Set(['open']));
});

test('a send that is repeated at the next master, through the other proxy, is stored once', async () => {
  const scene = await Scene.start();
  expect(await scene.send(scene.one, 'm')).toBe(Code.OK);
  await scene.cluster.killMaster();
  const again = follow(scene.send(scene.other, 'm'));
  await scene.advance(2000);
  expect(again.done).toBe(false);
  await scene.cluster.takeOver();
  await scene.advance(500);
  expect(again.value).toBe(Code.OK);
  expect(await scene.received(scene.one)).toEqual(['m']);
});
