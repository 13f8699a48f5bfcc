/**
 * How clients live and leave (section 3.4 of the API's reference; of section 8 the cases of ClientActivity), over a
 * real connection. How long a client without a stream is known: test/unit/proxy/heartbeat.test.ts.
 */
import { Code } from '../../../src/message/status';
import type { Settings } from '../../../src/rpc/generated/apache/rocketmq/v2/Settings';
import { type ApiServer, startApiServer } from '../../support/api-server';
import type { RawCalls, Status } from '../../support/raw-calls';

let server: ApiServer;
beforeAll(async () => {
  server = await startApiServer();
});
afterAll(() => server.stop());

let made = 0;
/** A client that the server has not heard of. */
const newClient = (): RawCalls => server.another(`new-client-${made++}`);

const publishing: Settings = { publishing: { topics: [{ name: 'normal' }] } };
const subscription: Settings = {
  subscription: {
    group: { name: 'g' },
    subscriptions: [{ topic: { name: 'normal' }, expression: { expression: '*' } }],
  },
};

/** What a client of a type is told when it lives on and when it leaves. */
const lives: readonly (readonly [string, number, Status])[] = [
  ['PRODUCER', 1, { code: Code.OK, message: 'OK' }],
  ['PUSH_CONSUMER', 2, { code: Code.OK, message: 'OK' }],
  ['SIMPLE_CONSUMER', 3, { code: Code.OK, message: 'OK' }],
  ['PULL_CONSUMER', 4, { code: Code.UNRECOGNIZED_CLIENT_TYPE, message: 'PULL_CONSUMER' }],
  ['LITE_PUSH_CONSUMER', 5, { code: Code.OK, message: 'OK' }],
  ['LITE_SIMPLE_CONSUMER', 6, { code: Code.OK, message: 'OK' }],
];

describe('Heartbeat and NotifyClientTermination', () => {
  it.each(lives)('of a %s', async (_name, client_type, expected) => {
    const client = newClient();
    const stream = client.telemetry();
    const sent = client_type === 1 ? publishing : subscription;
    await stream.settings({ ...sent, client_type } as Settings);
    const request = client_type === 1 ? {} : { group: { name: 'g' } };
    // What the request says of the type does not count: the settings do.
    expect(await client.status('Heartbeat', { ...request, client_type: 0 })).toEqual(expected);
    expect(await client.status('NotifyClientTermination', request)).toEqual(expected);
    await stream.end();
  });

  it('of a client whose stream is gone, and of one that said goodbye', async () => {
    const client = newClient();
    const stream = client.telemetry();
    await stream.settings({ ...subscription, client_type: 2 });
    stream.cancel();
    const request = { group: { name: 'g' } };
    expect((await client.status('Heartbeat', request)).code).toBe(Code.OK);
    expect((await client.status('NotifyClientTermination', request)).code).toBe(Code.OK);
    const gone = await client.status('Heartbeat', request);
    expect(gone.code).toBe(Code.UNRECOGNIZED_CLIENT_TYPE);
  });

  it.each(['Heartbeat', 'NotifyClientTermination'] as const)(
    'of a client without settings: %s',
    async (name) => {
      const request = { group: { name: 'g' }, client_type: 2 } as const;
      expect(await newClient().status(name, request)).toEqual({
        code: Code.UNRECOGNIZED_CLIENT_TYPE,
        message: 'cannot find client settings for this client',
      });
    },
  );

  it.each([
    ['Heartbeat', 'a.b'],
    ['NotifyClientTermination', 'a.b'],
    ['Heartbeat', ''],
    ['NotifyClientTermination', ''],
  ] as const)('%s of a consumer with the group %j', async (name, group) => {
    const client = newClient();
    const stream = client.telemetry();
    await stream.settings({ ...subscription, client_type: 3 });
    const status = await client.status(name, { group: { name: group } });
    expect(status.code).toBe(Code.ILLEGAL_CONSUMER_GROUP);
    await stream.end();
  });

  it('of a producer takes an empty group', async () => {
    const client = newClient();
    const stream = client.telemetry();
    await stream.settings({ ...publishing, client_type: 1 });
    const request = { group: { name: '' } };
    expect((await client.status('NotifyClientTermination', request)).code).toBe(Code.OK);
    await stream.end();
  });
});
