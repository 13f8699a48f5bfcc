/** Lite topics (section 3.15 of the API's reference), over a real connection. */
import { Code } from '../../../src/message/status';
import type { SyncLiteSubscriptionRequest } from '../../../src/rpc/generated/apache/rocketmq/v2/SyncLiteSubscriptionRequest';
import { type ApiServer, startApiServer } from '../../support/api-server';
import { message } from '../../support/public-client';
import type { RawCalls } from '../../support/raw-calls';

const [ADD, REMOVE, SET, CLEAR] = [0, 1, 2, 3] as const;
const LITE_PUSH_CONSUMER = 5;

let server: ApiServer;
beforeAll(async () => {
  server = await startApiServer({ 'receive.minPolling': '200ms', 'receive.maxPolling': '400ms' });
});
afterAll(() => server.stop());

const sync = (
  client: RawCalls,
  group: string,
  action: 0 | 1 | 2 | 3,
  lite_topic_set: string[],
  more: Partial<SyncLiteSubscriptionRequest> = {},
) => {
  const names = { topic: { name: 'lite' }, group: { name: group } };
  return client.status('SyncLiteSubscription', { ...names, action, lite_topic_set, ...more });
};

const received = async (
  group: string,
  client: string,
): Promise<readonly (string | undefined)[]> => {
  const { messages } = await server.receive(
    group,
    'lite',
    {},
    { headers: { 'x-mq-client-id': client } },
  );
  return messages.map(({ system_properties: system }) => system?.lite_topic ?? undefined);
};

describe('a consumer of lite topics', () => {
  it('receives what it asks for, by its newest wish', async () => {
    const one = server.another('lite-1');
    const ok = { code: Code.OK, message: 'OK' };
    expect(await sync(one, 'g-wish', ADD, ['a', 'b'])).toEqual(ok);
    await server.send('lite', ['a1', 'a2'], { lite_topic: 'a' });
    await server.send('lite', ['c1'], { lite_topic: 'c' });
    expect(await received('g-wish', 'lite-1')).toEqual(['a', 'a']);
    expect(await received('g-wish', 'lite-2')).toEqual([]);
    expect(await sync(one, 'g-wish', REMOVE, ['b'])).toEqual(ok);
    await server.send('lite', ['b1'], { lite_topic: 'b' });
    expect(await received('g-wish', 'lite-1')).toEqual([]);
    expect(await sync(one, 'g-wish', SET, ['b'])).toEqual(ok);
    expect(await received('g-wish', 'lite-1')).toEqual(['b']);
    expect(await sync(one, 'g-wish', CLEAR, ['b'])).toEqual(ok);
    await server.send('lite', ['b2'], { lite_topic: 'b' });
    expect(await received('g-wish', 'lite-1')).toEqual([]);
  });

  it.each([
    [{ policy: 1 as const }, 3],
    [{ policy: 2 as const }, 0],
    [{ policy: 0 as const }, 0],
    [{ offset: 1 }, 2],
    [{ tail_n: 1 }, 1],
    [{ timestamp: 0 }, 3],
  ])('begins at %j: %d messages', async (offset_option, count) => {
    const group = `g-${JSON.stringify(offset_option).replace(/\W/g, '')}`;
    const id = `client-${group}`;
    const liteTopic = `start-${group}`;
    await server.send('lite', [`${id}1`, `${id}2`, `${id}3`], { lite_topic: liteTopic });
    const status = await sync(server.another(id), group, ADD, [liteTopic], { offset_option });
    expect(status.code).toBe(Code.OK);
    expect(await received(group, id)).toHaveLength(count);
  });

  it('is told the limits, and that it consumes in order', async () => {
    const stream = server.another('lite-3').telemetry();
    const answer = await stream.settings({
      client_type: LITE_PUSH_CONSUMER,
      subscription: {
        group: { name: 'g-settings' },
        subscriptions: [{ topic: { name: 'lite' }, expression: { expression: '*' } }],
      },
    });
    expect(answer.settings?.subscription).toMatchObject({
      ...{ lite_subscription_quota: 2000, max_lite_topic_size: 64, fifo: true },
    });
    await stream.end();
  });

  it.each([
    ['an empty lite topic', ADD, [''], {}, Code.ILLEGAL_LITE_TOPIC],
    ['a lite topic with other characters', SET, ['a b'], {}, Code.ILLEGAL_LITE_TOPIC],
    ['a lite topic that is too long', ADD, ['x'.repeat(65)], {}, Code.ILLEGAL_LITE_TOPIC],
    ['a topic that has none', ADD, ['a'], { topic: { name: 'normal' } }, Code.ILLEGAL_TOPIC],
    ['a topic that is not there', ADD, ['a'], { topic: { name: 'no' } }, Code.TOPIC_NOT_FOUND],
    ['no topic', ADD, ['a'], { topic: null }, Code.ILLEGAL_TOPIC],
    ['no group', ADD, ['a'], { group: null }, Code.ILLEGAL_CONSUMER_GROUP],
    ['an offset below 0', ADD, ['a'], { offset_option: { offset: -1 } }, Code.ILLEGAL_OFFSET],
    [
      'more than a client may have',
      SET,
      Array.from({ length: 2001 }, (_, i) => `l${i}`),
      {},
      Code.LITE_SUBSCRIPTION_QUOTA_EXCEEDED,
    ],
  ] as const)('is refused %s', async (_what, action, names, more, code) => {
    const status = await sync(server.another('lite-4'), 'g-refused', action, [...names], more);
    expect(status.code).toBe(code);
    expect(status.message).not.toBe('');
  });

  it('is refused an action of the future', async () => {
    const status = await sync(server.another('lite-5'), 'g-refused', 9 as 0, ['a']);
    expect(status.code).toBe(Code.BAD_REQUEST);
  });

  it('is not of a group that receives other topics', async () => {
    await server.subscribe('g-regular', 'normal');
    const status = await sync(server.another('lite-6'), 'g-regular', ADD, ['a']);
    expect(status.code).toBe(Code.ILLEGAL_CONSUMER_GROUP);
    await sync(server.another('lite-7'), 'g-lite', ADD, ['a']);
    const { status: other } = await server.receive('g-lite', 'normal');
    expect(other.code).toBe(Code.ILLEGAL_CONSUMER_GROUP);
  });
});

describe('a message of a lite topic', () => {
  it('can be acknowledged, and put off', async () => {
    const client = server.another('lite-8');
    await sync(client, 'g-ack', ADD, ['ack']);
    await server.send('lite', ['k1', 'k2'], { lite_topic: 'ack' });
    const { messages } = await server.receive(
      'g-ack',
      'lite',
      {},
      { headers: { 'x-mq-client-id': 'lite-8' } },
    );
    const handles = messages.map(({ system_properties: system }) => ({
      message_id: system?.message_id ?? '',
      receipt_handle: system?.receipt_handle ?? '',
      lite_topic: 'ack',
    }));
    const names = { group: { name: 'g-ack' }, topic: { name: 'lite' } };
    const acked = await client.status('AckMessage', { ...names, entries: handles.slice(0, 1) });
    expect(acked.code).toBe(Code.OK);
    const put = { ...names, ...handles[1], invisible_duration: { seconds: 0 }, suspend: true };
    expect((await client.status('ChangeInvisibleDuration', put)).code).toBe(Code.OK);
    expect(await received('g-ack', 'lite-8')).toEqual(['ack']);
  });

  it('names its lite topic, or is refused', async () => {
    const messages = [message('lite', 'plain', {})];
    const status = await server.client.status('SendMessage', { messages });
    expect(status.code).toBe(Code.MESSAGE_PROPERTY_CONFLICT_WITH_TYPE);
  });
});
