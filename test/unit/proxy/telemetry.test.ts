import { status as GrpcStatus } from '@grpc/grpc-js';
import { Code, StatusError } from '../../../src/message/status';
import type { Settings } from '../../../src/rpc/generated/apache/rocketmq/v2/Settings';
import { groupConfig } from '../../support/model-broker';
import { ModelCluster } from '../../support/model-cluster';
import { PublicClient } from '../../support/public-client';
import { accessPoint, answered, cluster, consumer, open, producer } from './support/clients';

describe('Telemetry settings', () => {
  it('gives a producer its own settings with what the server decides', async () => {
    expect(await answered(cluster(), producer)).toMatchObject({
      client_type: 1,
      access_point: accessPoint,
      request_timeout: { seconds: 3, nanos: 0 },
      user_agent: { language: 1, version: '5.0.7', platform: 'linux', hostname: 'h' },
      client_properties: { region: 'eu' },
      metric: { on: false },
      pub_sub: 'publishing',
      publishing: {
        topics: [{ resource_namespace: 'ns', name: 't' }],
        max_body_size: 4_194_304,
        validate_message_type: true,
      },
      backoff_policy: {
        max_attempts: 3,
        strategy: 'exponential_backoff',
        exponential_backoff: {
          initial: { seconds: 0, nanos: 10_000_000 },
          max: { seconds: 1, nanos: 0 },
          multiplier: 2,
        },
      },
    });
  });

  it('gives a consumer its subscriptions unchanged and the policy of its group', async () => {
    const settings = await answered(cluster(), consumer);
    expect(settings).toMatchObject({
      client_type: 2,
      pub_sub: 'subscription',
      subscription: {
        ...consumer.subscription,
        fifo: false,
        receive_batch_size: 32,
        long_polling_timeout: { seconds: 20, nanos: 0 },
        lite_subscription_quota: 2000,
        max_lite_topic_size: 64,
      },
    });
    expect(settings.backoff_policy).toMatchObject({
      max_attempts: 17,
      strategy: 'customized_backoff',
    });
    const next = settings.backoff_policy?.customized_backoff?.next ?? [];
    expect(next).toHaveLength(18);
    expect([next[0]?.seconds, next[17]?.seconds]).toEqual([1, 7200]);
  });

  it('answers the configuration of a group that exists', async () => {
    const made = cluster();
    const backoff = {
      kind: 'exponential',
      initialMs: 500,
      maxMs: 60_000,
      multiplier: 1.5,
    } as const;
    const group = groupConfig('g', { fifo: true, maxAttempts: 5, backoff, liteQuota: 7 });
    made.broker().groups.set('g', group);
    const settings = await answered(made, consumer);
    expect(settings.subscription).toMatchObject({ fifo: true, lite_subscription_quota: 7 });
    expect(settings.backoff_policy).toMatchObject({
      max_attempts: 5,
      exponential_backoff: {
        initial: { seconds: 0, nanos: 500_000_000 },
        max: { seconds: 60 },
        multiplier: 1.5,
      },
    });
  });

  it('answers what the group is now each time, also when its policy changes meanwhile', async () => {
    const made = cluster();
    const stream = await open(made, consumer);
    const nextMs = [1500, 60_000] as const;
    const backoff = { kind: 'customized', nextMs } as const;
    made.broker().groups.set('g', groupConfig('g', { fifo: true, maxAttempts: 2, backoff }));
    stream.sendSettings(consumer);
    await made.sim.settle();
    const [before, after] = stream.commands.map(({ settings }) => settings);
    expect(before?.subscription?.fifo).toBe(false);
    expect(after?.subscription?.fifo).toBe(true);
    expect(after?.backoff_policy).toMatchObject({
      max_attempts: 2,
      customized_backoff: {
        next: [
          { seconds: 1, nanos: 500_000_000 },
          { seconds: 60, nanos: 0 },
        ],
      },
    });
  });

  it.each([1, 2, 3, 4, 5, 6] as const)('answers client type %d', async (client_type) => {
    const settings = client_type === 1 ? producer : consumer;
    const answer = await answered(cluster(), { ...settings, client_type });
    expect(answer.client_type).toBe(client_type);
  });

  it('gives the Node client, which knows no list of delays, an exponential backoff instead', async () => {
    const cluster = new ModelCluster();
    cluster.topic('t');
    for (const [language, strategy] of [
      ['NODE_JS', 'exponential_backoff'],
      ['JAVA', 'customized_backoff'],
    ] as const) {
      const stream = new PublicClient(cluster).telemetry();
      stream.sendSettings({
        client_type: 'PUSH_CONSUMER',
        user_agent: { language },
        subscription: {
          group: { name: 'g' },
          subscriptions: [{ topic: { name: 't' }, expression: { type: 'TAG', expression: '*' } }],
        },
      });
      await cluster.sim.settle();
      const policy = stream.commands[0]?.settings?.backoff_policy;
      expect(policy?.strategy).toBe(strategy);
      expect(policy?.max_attempts).toBe(17);
      if (strategy === 'exponential_backoff') {
        expect(policy?.exponential_backoff).toMatchObject({
          initial: { seconds: 1 },
          max: { seconds: 7200 },
          multiplier: 2,
        });
      }
    }
  });

  it('sends headers at once and answers every settings command', async () => {
    const made = cluster();
    const stream = new PublicClient(made).telemetry();
    expect(stream.call.headersSent).toBe(true);
    for (let i = 0; i < 3; i++) stream.sendSettings(producer);
    await made.sim.settle();
    expect(stream.commands.map(({ status }) => status?.code)).toEqual([Code.OK, Code.OK, Code.OK]);
    stream.call.halfClose();
    expect(stream.call.ended).toBe(true);
    expect(stream.call.error).toBeUndefined();
  });

  it('ignores commands that it does not know', async () => {
    const made = cluster();
    const stream = new PublicClient(made).telemetry();
    stream.send({});
    stream.send({ thread_stack_trace: { nonce: '7' } });
    stream.sendSettings(producer);
    await made.sim.settle();
    expect(stream.commands).toHaveLength(1);
  });

  it('makes the group on every broker, FIFO when all of its topics are', async () => {
    const made = new ModelCluster({}, ['broker-a', 'broker-b']);
    made.topic('t', 'FIFO');
    const settings = await answered(made, consumer);
    expect(settings.subscription?.fifo).toBe(true);
    for (const broker of made.brokers.values()) {
      expect(broker.subscribed).toEqual([
        {
          group: 'g',
          clientId: 'client-1',
          subscriptions: [{ topic: 't', filter: { type: 'TAG', expression: 'a||b' } }],
          fifoIfNew: true,
        },
      ]);
    }
  });

  it('makes no group for a consumer that has subscribed nothing yet', async () => {
    const made = cluster();
    const bare = { ...consumer, subscription: { group: { name: 'g' }, subscriptions: [] } };
    expect((await answered(made, bare)).subscription?.receive_batch_size).toBe(32);
    expect(made.broker().groups.size).toBe(0);
  });

  it('answers while one of several brokers is away', async () => {
    const made = new ModelCluster({}, ['broker-a', 'broker-b']);
    made.topic('t');
    made.broker('broker-a').failure = new StatusError(Code.PROXY_TIMEOUT, 'no answer');
    expect((await answered(made, consumer)).subscription?.fifo).toBe(false);
  });

  it('does not wait longer than 2 s for a broker that hangs', async () => {
    const made = new ModelCluster({}, ['broker-a', 'broker-b']);
    made.topic('t');
    made.broker('broker-a').subscribe = () => new Promise(() => undefined);
    const stream = await open(made, consumer);
    expect(stream.commands).toEqual([]);
    await made.sim.advance(2000);
    expect(stream.commands[0]?.status?.code).toBe(Code.OK);
  });
});

describe('Telemetry failures end the stream with a gRPC error', () => {
  const subscribed = (name: string, expression = {}): Settings => ({
    ...consumer,
    subscription: { group: { name: 'g' }, subscriptions: [{ topic: { name }, expression }] },
  });
  it.each([
    [
      'neither publishing nor subscription',
      { client_type: 1 as const },
      GrpcStatus.INVALID_ARGUMENT,
      'no publishing or subscription data in settings',
    ],
    ['a blank group', { ...consumer, subscription: {} }, GrpcStatus.INVALID_ARGUMENT, 'group'],
    [
      'an illegal published topic',
      { publishing: { topics: [{ name: 'a b' }] } },
      GrpcStatus.INVALID_ARGUMENT,
      'a b',
    ],
    ['an illegal subscribed topic', subscribed('TBW102'), GrpcStatus.INVALID_ARGUMENT, 'TBW102'],
    ['an empty SQL filter', subscribed('t', { type: 2 }), GrpcStatus.INVALID_ARGUMENT, 'SQL'],
    [
      'an SQL filter that cannot be read',
      subscribed('t', { type: 2, expression: 'a > AND b' }),
      GrpcStatus.INVALID_ARGUMENT,
      'SQL filter, position 5',
    ],
    [
      'illegal client properties',
      { ...producer, client_properties: { 'rocketmq.x': 'y' } },
      GrpcStatus.INVALID_ARGUMENT,
      'rocketmq.x',
    ],
    [
      'too many topics',
      { publishing: { topics: Array.from({ length: 4097 }, () => ({ name: 't' })) } },
      GrpcStatus.INVALID_ARGUMENT,
      '4096',
    ],
  ] as const)('%s', async (_name, settings, code, text) => {
    const stream = await open(cluster(), settings as Settings);
    expect(stream.commands).toEqual([]);
    expect(stream.call.error?.code).toBe(code);
    expect(stream.call.error?.message).toMatch(/^process client telemetryCommand failed\. /);
    expect(stream.call.error?.message).toContain(text);
  });

  it('an unknown group where groups are not made by use', async () => {
    const made = cluster();
    made.broker().autoCreateGroups = false;
    const stream = await open(made, consumer);
    expect(stream.call.error?.code).toBe(GrpcStatus.INVALID_ARGUMENT);
    expect(stream.call.error?.message).toContain('consumer group g does not exist');
  });

  it('no broker that answers', async () => {
    const made = cluster();
    made.broker().failure = new StatusError(Code.PROXY_TIMEOUT, 'no answer');
    const stream = await open(made, consumer);
    expect(stream.call.error?.code).toBe(GrpcStatus.INTERNAL);
  });

  it('but a missing client id is a status, then the normal end', async () => {
    const stream = await open(cluster(), producer, '');
    expect(stream.commands.map(({ status }) => status?.code)).toEqual([Code.CLIENT_ID_REQUIRED]);
    expect(stream.call.ended).toBe(true);
    expect(stream.call.error).toBeUndefined();
  });

  it('and so is one stream more than the limit', async () => {
    const made = new ModelCluster({ maxStreams: 1 });
    await open(made, producer, 'a');
    const second = await open(made, producer, 'b');
    expect(second.commands.map(({ status }) => status?.code)).toEqual([Code.TOO_MANY_REQUESTS]);
  });
});
