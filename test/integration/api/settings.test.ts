/**
 * Settings of clients (sections 3.5 and 3.13 of the API's reference; of section 8 the cases of ClientActivity and
 * GrpcClientSettingsManager), over a real connection. What a group's own policy changes, and
 * commands to clients: test/unit/proxy/telemetry.test.ts and client-commands.test.ts.
 */
import { status as GrpcStatus } from '@grpc/grpc-js';
import { Code } from '../../../src/message/status';
import type { Settings } from '../../../src/rpc/generated/apache/rocketmq/v2/Settings';
import type { TelemetryCommand__Output } from '../../../src/rpc/generated/apache/rocketmq/v2/TelemetryCommand';
import { type ApiServer, startApiServer } from '../../support/api-server';
import type { CallOptions, RawCalls } from '../../support/raw-calls';

let server: ApiServer;
beforeAll(async () => {
  server = await startApiServer();
});
afterAll(() => server.stop());

let made = 0;
/** A client that the server has not heard of. */
const newClient = (): RawCalls => server.another(`new-client-${made++}`);

const echoed: Settings = {
  access_point: { scheme: 3, addresses: [{ host: 'broker.example', port: 8081 }] },
  request_timeout: { seconds: 4, nanos: 500_000_000 },
  user_agent: { language: 4, version: '5.1.4', platform: 'linux', hostname: 'h' },
  client_properties: { region: 'eu' },
};
const publishing: Settings = {
  ...echoed,
  publishing: {
    topics: [{ resource_namespace: 'ns', name: 'normal' }],
    max_body_size: 128 * 1024 * 1024,
    validate_message_type: false,
  },
};
const subscription: Settings = {
  ...echoed,
  backoff_policy: { max_attempts: 99, exponential_backoff: { initial: { seconds: 9 } } },
  subscription: {
    group: { resource_namespace: 'ns', name: 'g' },
    subscriptions: [
      {
        topic: { resource_namespace: 'ns', name: 'normal' },
        expression: { type: 1, expression: 'a || b' },
      },
    ],
    fifo: true,
    receive_batch_size: 7,
    long_polling_timeout: { seconds: 1 },
  },
};

async function answered(settings: Settings): Promise<TelemetryCommand__Output> {
  const stream = newClient().telemetry();
  const command = await stream.settings(settings);
  await stream.end();
  return command;
}

/** The gRPC error that ends a stream after these settings. */
async function refused(
  settings: Settings,
  options: CallOptions = {},
): Promise<{ readonly code: number; readonly details: string }> {
  const stream = newClient().telemetry(options);
  return stream.settings(settings).then(
    () => Promise.reject(new Error('the settings were answered')),
    (error: unknown) => error as { code: number; details: string },
  );
}

const CONSUMERS = [
  ['PUSH_CONSUMER', 2],
  ['SIMPLE_CONSUMER', 3],
  ['PULL_CONSUMER', 4],
  ['LITE_PUSH_CONSUMER', 5],
  ['LITE_SIMPLE_CONSUMER', 6],
] as const;

describe('settings', () => {
  it('of a PRODUCER: what it says of itself, and what the server decides', async () => {
    const { status, settings } = await answered({ ...publishing, client_type: 1 });
    expect(status).toEqual({ code: Code.OK, message: 'OK' });
    expect(settings).toMatchObject({
      ...echoed,
      client_type: 1,
      pub_sub: 'publishing',
      metric: { on: false },
      publishing: {
        topics: [{ resource_namespace: 'ns', name: 'normal' }],
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

  it.each(CONSUMERS)(
    'of a %s: the same, with the policy of its group',
    async (_name, client_type) => {
      const { status, settings } = await answered({ ...subscription, client_type });
      expect(status).toEqual({ code: Code.OK, message: 'OK' });
      const delays = [1, 5, 10, 30, 60, 120, 180, 240, 300, 360, 420, 480, 540, 600, 1200, 1800];
      expect(settings).toMatchObject({
        ...echoed,
        client_type,
        pub_sub: 'subscription',
        metric: { on: false },
        subscription: {
          group: { resource_namespace: 'ns', name: 'g' },
          subscriptions: subscription.subscription?.subscriptions,
          fifo: false,
          receive_batch_size: 32,
          long_polling_timeout: { seconds: 20, nanos: 0 },
          lite_subscription_quota: 2000,
          max_lite_topic_size: 64,
        },
        backoff_policy: {
          max_attempts: 17,
          strategy: 'customized_backoff',
          customized_backoff: {
            next: [...delays, 3600, 7200].map((seconds) => ({ seconds, nanos: 0 })),
          },
        },
      });
    },
  );

  it('of a group on a FIFO topic say so', async () => {
    const { settings } = await answered({
      client_type: 2,
      subscription: {
        group: { name: 'in-order' },
        subscriptions: [{ topic: { name: 'fifo' }, expression: { expression: '*' } }],
      },
    });
    expect(settings?.subscription?.fifo).toBe(true);
  });

  it.each([
    ['a producer', { client_type: 1, publishing: {} }, 'publishing'],
    ['a consumer', { client_type: 2, subscription: { group: { name: 'bare' } } }, 'subscription'],
    ['no client type', { publishing: {} }, 'publishing'],
    [
      'a client type of the future',
      { client_type: 77, subscription: { group: { name: 'bare' } } },
      'subscription',
    ],
  ])('with the least that there can be: %s', async (_what, settings, has) => {
    const command = await answered(settings as Settings);
    expect(command.status?.code).toBe(Code.OK);
    expect(command.settings?.pub_sub).toBe(has);
    expect(command.settings?.backoff_policy?.max_attempts).toBeGreaterThan(0);
  });

  it('that change while the client runs are answered anew, on one stream and on the next', async () => {
    const client = newClient();
    const stream = client.telemetry();
    const topics = (...names: string[]): Settings => ({
      client_type: 1,
      publishing: { topics: names.map((name) => ({ name })) },
    });
    for (const names of [['normal'], ['normal', 'fifo'], [], ['delay']]) {
      const { settings } = await stream.settings(topics(...names));
      expect(settings?.publishing?.topics.map(({ name }) => name)).toEqual(names);
    }
    await stream.end();
    const next = client.telemetry();
    const { settings } = await next.settings({ ...subscription, client_type: 2 });
    expect(settings?.pub_sub).toBe('subscription');
    expect((await client.status('Heartbeat', { group: { name: 'g' } })).code).toBe(Code.OK);
    await next.end();
  });

  it.each(['', 'KLINGON', 'HTTP'])('of a client whose language is %j', async (language) => {
    const stream = newClient().telemetry({ headers: { 'x-mq-language': language } });
    const command = await stream.settings({ client_type: 1, publishing: {} });
    expect(command.status?.code).toBe(Code.OK);
    await stream.end();
  });

  const pairs = (count: number): Record<string, string> =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, 'v']));
  const bytes = (count: number): Record<string, string> =>
    Object.fromEntries(
      Array.from({ length: 16 }, (_, i) => [
        String.fromCharCode(97 + i),
        'v'.repeat(i === 15 ? count - 15 * 256 - 1 : 255),
      ]),
    );
  it.each([
    ['32 pairs', pairs(32)],
    ['a key of 64 characters', { [`a${'_'.repeat(63)}`]: 'v' }],
    ['each legal character in a key', { 'aZ09_.-': 'v' }],
    ['an empty value', { a: '' }],
    ['a value of 256 characters', { a: 'v'.repeat(256) }],
    ['4096 bytes in all', bytes(4096)],
  ])('with client properties at the limit: %s', async (_rule, client_properties) => {
    const command = await answered({ client_type: 1, publishing: {}, client_properties });
    expect(command.settings?.client_properties).toEqual(client_properties);
  });

  it.each([
    ['33 pairs', pairs(33), '33 pairs, the limit is 32'],
    ['a key of 65 characters', { [`a${'_'.repeat(64)}`]: 'v' }, '64'],
    ['an empty key', { '': 'v' }, '1 .. 64'],
    ['a key that begins with a digit', { '1a': 'v' }, '"1a"'],
    ['a blank in a key', { 'a b': 'v' }, '"a b"'],
    ['a reserved key', { 'rocketmq.a': 'v' }, 'rocketmq.'],
    ['a value of 257 characters', { a: 'v'.repeat(257) }, '257 characters in a, the limit is 256'],
    ['4097 bytes in all', bytes(4097), '4097 bytes, the limit is 4096'],
  ])('are refused with client properties beyond it: %s', async (_rule, client_properties, text) => {
    const error = await refused({ client_type: 1, publishing: {}, client_properties });
    expect(error.code).toBe(GrpcStatus.INVALID_ARGUMENT);
    expect(error.details).toContain(text);
  });

  const subscribed = (name: string, expression: object = {}): Settings => ({
    client_type: 2,
    subscription: { group: { name: 'g' }, subscriptions: [{ topic: { name }, expression }] },
  });
  it.each([
    [
      'neither publishing nor subscription',
      { client_type: 1 },
      'no publishing or subscription data',
    ],
    ['a producer that subscribes', { ...subscription, client_type: 1 }, 'PRODUCER need publishing'],
    ...CONSUMERS.map(
      ([name, client_type]) =>
        [
          `a ${name} that publishes`,
          { ...publishing, client_type },
          `${name} need subscription`,
        ] as const,
    ),
    ['no group', { client_type: 2, subscription: {} }, 'consumer group is blank'],
    ['a bad group', { client_type: 3, subscription: { group: { name: 'a.b' } } }, 'a.b'],
    ['a system topic', { publishing: { topics: [{ name: 'TBW102' }] } }, 'TBW102'],
    ['a bad topic', subscribed('a.b'), 'a.b'],
    ['an empty SQL filter', subscribed('normal', { type: 2 }), 'SQL'],
    ['a bad SQL filter', subscribed('normal', { type: 2, expression: 'a >' }), 'position'],
    [
      'too many topics',
      { publishing: { topics: Array.from({ length: 4097 }, () => ({ name: 't' })) } },
      '4097 entries, the limit is 4096',
    ],
  ] as readonly (readonly [string, Settings, string])[])(
    'end the stream with INVALID_ARGUMENT: %s',
    async (_rule, settings, text) => {
      const error = await refused(settings);
      expect(error.code).toBe(GrpcStatus.INVALID_ARGUMENT);
      expect(error.details).toMatch(/^process client telemetryCommand failed\. /);
      expect(error.details).toContain(text);
    },
  );

  it('of a client without an id get a status, and the stream its normal end', async () => {
    const stream = server.client.telemetry({ headers: { 'x-mq-client-id': undefined } });
    const command = await stream.settings({ client_type: 1, publishing: {} });
    expect(command.status?.code).toBe(Code.CLIENT_ID_REQUIRED);
    expect(command.settings).toBeUndefined();
    await expect(stream.next()).rejects.toThrow('the stream has ended');
  });

  it('come back at once, whatever else the client says before', async () => {
    const stream = newClient().telemetry();
    stream.send({});
    stream.send({ thread_stack_trace: { nonce: '1' } });
    stream.send({ verify_message_result: { nonce: '2' }, status: { code: 20000, message: '' } });
    const { settings } = await stream.settings({ client_type: 1, publishing: {} });
    expect(settings?.client_type).toBe(1);
    await stream.end();
  });
});
