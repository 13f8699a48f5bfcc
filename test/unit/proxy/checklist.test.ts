/**
 * What breaks clients first, one test a point. The points that no proxy alone decides are elsewhere:
 * 13 (pings) with the gRPC server, 17 (the FIFO queue follows from the message group) with SendMessage.
 */
import { createHash } from 'node:crypto';
import { Code } from '../../../src/message/status';
import type { Settings } from '../../../src/rpc/generated/apache/rocketmq/v2/Settings';
import type { Settings__Output } from '../../../src/rpc/generated/apache/rocketmq/v2/Settings';
import { ModelCluster } from '../../support/model-cluster';
import { message, PublicClient, receiveRequest } from '../../support/public-client';

const names = { group: { name: 'g' }, topic: { name: 't' } };

function scene(): { cluster: ModelCluster; client: PublicClient } {
  const cluster = new ModelCluster();
  cluster.topic('t');
  return { cluster, client: new PublicClient(cluster) };
}

async function settingsFor(sent: Settings): Promise<Settings__Output> {
  const { cluster, client } = scene();
  const stream = client.telemetry();
  stream.sendSettings(sent);
  await cluster.sim.settle();
  const settings = stream.commands[0]?.settings;
  if (!settings) throw new Error('no settings were answered');
  return settings;
}

const push: Settings = {
  client_type: 2,
  subscription: {
    group: { resource_namespace: 'ns', name: 'g' },
    subscriptions: [
      { topic: { resource_namespace: 'ns', name: 't' }, expression: { type: 1, expression: '*' } },
    ],
  },
};

describe('clients need', () => {
  it.each([
    ['QueryRoute', {}],
    ['QueryAssignment', {}],
    ['SendMessage', {}],
    ['AckMessage', {}],
    ['ChangeInvisibleDuration', {}],
    ['ForwardMessageToDeadLetterQueue', {}],
    ['Heartbeat', {}],
    ['NotifyClientTermination', {}],
    ['EndTransaction', {}],
    ['RecallMessage', {}],
  ] as const)('1. business errors of %s in the status, with gRPC OK', async (name, request) => {
    const status = await scene().client.status(name, request);
    expect(status.code).toBeGreaterThanOrEqual(40000);
    expect(status.message).not.toBe('');
  });

  it('2. settings answered at once, with a status OK of their own', async () => {
    const { cluster, client } = scene();
    const stream = client.telemetry();
    stream.sendSettings(push);
    await cluster.sim.settle();
    expect(stream.commands).toHaveLength(1);
    expect(stream.commands[0]?.status?.code).toBe(Code.OK);
    expect(stream.commands[0]?.command).toBe('settings');
  });

  it('3. producers: exponential backoff, at least one attempt, a body size', async () => {
    const settings = await settingsFor({ client_type: 1, publishing: {} });
    expect(settings.backoff_policy?.strategy).toBe('exponential_backoff');
    expect(settings.backoff_policy?.max_attempts).toBeGreaterThanOrEqual(1);
    expect(settings.publishing?.max_body_size).toBe(4_194_304);
  });

  it('4. push consumers: a backoff, a batch size, a polling time, and whether they are FIFO', async () => {
    const settings = await settingsFor(push);
    expect(settings.backoff_policy?.strategy).toBeDefined();
    expect(settings.subscription?.receive_batch_size).toBeGreaterThan(0);
    expect(settings.subscription?.long_polling_timeout?.seconds).toBeGreaterThan(0);
    expect(settings.subscription?.fifo).toBe(false);
  });

  it('5. topics, group and subscriptions unchanged, with their namespace', async () => {
    expect((await settingsFor(push)).subscription).toMatchObject(push.subscription ?? {});
    const publishing = { topics: [{ resource_namespace: 'ns', name: 't' }] };
    expect((await settingsFor({ client_type: 1, publishing })).publishing).toMatchObject(
      publishing,
    );
  });

  it('6. routes: permission, accepted types, broker id 0, addresses, queue 0 first', async () => {
    const { client } = scene();
    const { message_queues: queues } = await client.unary('QueryRoute', { topic: { name: 't' } });
    expect(queues.map(({ id }) => id)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    for (const queue of queues) {
      expect(queue.permission).toBe(4);
      expect(queue.accept_message_types.length).toBeGreaterThan(0);
      expect(queue.accept_message_types).not.toContain(0);
      expect(queue.broker?.id).toBe(0);
      expect(queue.broker?.endpoints).toEqual({
        scheme: 3,
        addresses: [{ host: 'broker.example', port: 8081 }],
      });
    }
  });

  it('7. topics made at QueryRoute where that is allowed', async () => {
    const cluster = new ModelCluster({ autoCreateTopics: true });
    const answer = await new PublicClient(cluster).unary('QueryRoute', { topic: { name: 'new' } });
    expect(answer.status?.code).toBe(Code.OK);
    expect(answer.message_queues.length).toBeGreaterThan(0);
  });

  it('8. receives: status first, then messages, then the time; no item without content', async () => {
    const { cluster, client } = scene();
    await client.unary('SendMessage', { messages: [message('t', 'a'), message('t', 'b')] });
    const full = client.receive(receiveRequest('g', 't'));
    const empty = client.receive(receiveRequest('g', 't'));
    const refused = client.receive(receiveRequest('g', 'unknown'));
    await cluster.sim.settle();
    cluster.broker().endPolls();
    await cluster.sim.settle();
    expect(full.contents).toEqual(['status', 'message', 'message', 'delivery_timestamp']);
    expect(empty.contents).toEqual(['status', 'delivery_timestamp']);
    expect(refused.contents).toEqual(['status', 'delivery_timestamp']);
    for (const { call } of [full, empty, refused]) {
      expect(call.ended).toBe(true);
      expect(call.error).toBeUndefined();
    }
  });

  it('9. messages with the right digest and an encoding', async () => {
    const { cluster, client } = scene();
    const body = Buffer.from('content');
    await client.unary('SendMessage', {
      messages: [
        message('t', 'a', { body_encoding: 0, body_digest: { type: 1, checksum: 'FF' } }, { body }),
      ],
    });
    const receive = client.receive(receiveRequest('g', 't'));
    await cluster.sim.settle();
    const system = receive.messages[0]?.system_properties;
    const checksum = createHash('md5').update(body).digest('hex').toUpperCase();
    expect(system?.body_digest).toEqual({ type: 2, checksum });
    expect(system?.body_encoding).toBe(1);
    expect(system?.message_type).toBe(1);
  });

  it('10. no message that is larger than 4 MiB when it is delivered, unless it is as large by itself', async () => {
    const { cluster, client } = scene();
    const user_properties = { p: 'x'.repeat(16_000) };
    const send = (bytes: number): Promise<{ code: number }> =>
      client.status('SendMessage', {
        messages: [message('t', 'm', {}, { body: Buffer.alloc(bytes, 'x'), user_properties })],
      });
    const limit = 4 * 1024 * 1024;
    // Taken, and alone in its answer: test/unit/broker/large-messages.test.ts.
    expect((await send(limit + 1)).code).toBe(Code.MESSAGE_BODY_TOO_LARGE);
    expect((await send(limit - 20_000)).code).toBe(Code.OK);
    const receive = client.receive(receiveRequest('g', 't'));
    await cluster.sim.settle();
    expect(receive.messages).toHaveLength(1);
    for (const bytes of receive.itemBytes) expect(bytes).toBeLessThanOrEqual(limit);
  });

  it.each(['AckMessage', 'ChangeInvisibleDuration', 'ForwardMessageToDeadLetterQueue'] as const)(
    '11. INVALID_RECEIPT_HANDLE and no other lasting error from %s',
    async (name) => {
      const { client } = scene();
      for (const receipt_handle of ['', 'garbage', 'gone~token', 'broker-a~unknown']) {
        const request =
          name === 'AckMessage'
            ? { ...names, entries: [{ receipt_handle, message_id: 'm' }] }
            : { ...names, receipt_handle, message_id: 'm' };
        const status = await client.status(name, request);
        expect(status.code).toBe(Code.INVALID_RECEIPT_HANDLE);
      }
    },
  );

  it('12. no MESSAGE_NOT_FOUND before the poll is over', async () => {
    const { cluster, client } = scene();
    const receive = client.receive(
      receiveRequest('g', 't', { long_polling_timeout: { seconds: 15 } }),
      { timeoutMs: 18_000 },
    );
    await cluster.sim.advance(14_000);
    expect(receive.items).toEqual([]);
    expect(cluster.broker().pops.map(({ pollMs }) => pollMs)).toEqual([15_000]);
  });

  it('14. a registration that outlives its stream', async () => {
    const { cluster, client } = scene();
    const stream = client.telemetry();
    stream.sendSettings(push);
    await cluster.sim.settle();
    stream.call.cancel();
    await cluster.sim.advance(60_000);
    expect((await client.status('Heartbeat', { group: { name: 'g' } })).code).toBe(Code.OK);
  });

  it('15. UNRECOGNIZED_CLIENT_TYPE for the heartbeat of an unknown client', async () => {
    const status = await scene().client.status('Heartbeat', {
      group: { name: 'g' },
      client_type: 2,
    });
    expect(status.code).toBe(Code.UNRECOGNIZED_CLIENT_TYPE);
  });

  it.each(['20260101T000000Z', '2026-01-01T00:00:00.5+02:00', 'yesterday', ''])(
    '16. no opinion on the date %j, and the last of repeated headers',
    async (date) => {
      const { cluster } = scene();
      const headers = [
        ['x-mq-date-time', date],
        ['x-mq-language', 'KLINGON'],
        ['x-mq-client-id', 'first'],
        ['x-mq-client-id', 'second'],
      ] as const;
      const client = new PublicClient(cluster, { clientId: '', headers });
      expect((await client.status('QueryRoute', { topic: { name: 't' } })).code).toBe(Code.OK);
      client.receive(receiveRequest('g', 't'));
      await cluster.sim.settle();
      expect(cluster.broker().pops[0]?.clientId).toBe('second');
    },
  );

  it('18. no belief in delivery fields of incoming messages', async () => {
    const { cluster, client } = scene();
    const garbage = {
      delivery_attempt: -559038737,
      queue_id: 4711,
      queue_offset: 99,
      store_timestamp: { seconds: 1 },
      store_host: 'x',
      receipt_handle: 'y',
    };
    const sent = await client.unary('SendMessage', { messages: [message('t', 'm', garbage)] });
    expect(sent.status?.code).toBe(Code.OK);
    const receive = client.receive(receiveRequest('g', 't'));
    await cluster.sim.settle();
    const system = receive.messages[0]?.system_properties;
    expect(system?.delivery_attempt).toBe(1);
    expect(system?.queue_id).toBeLessThan(8);
    expect(system?.queue_offset).toBe(0);
    expect(system?.receipt_handle).not.toBe('y');
    expect(system?.store_timestamp?.seconds).toBe(1_700_000_000);
  });

  it('19. one entry for each message of a request, in order', async () => {
    const ids = Array.from({ length: 50 }, (_, i) => `id-${i}`);
    const answer = await scene().client.unary('SendMessage', {
      messages: ids.map((id) => message('t', id)),
    });
    expect(answer.entries.map(({ message_id }) => message_id)).toEqual(ids);
    for (const { status } of answer.entries) expect(status?.code).toBe(Code.OK);
  });

  it('20. lite push consumers: a quota and a size of lite topics', async () => {
    const settings = await settingsFor({ ...push, client_type: 5 });
    expect(settings.subscription?.lite_subscription_quota).toBeGreaterThan(0);
    expect(settings.subscription?.max_lite_topic_size).toBeGreaterThan(0);
  });
});
