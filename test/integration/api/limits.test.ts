/** The limits of section 3.1 of the API's reference that are settings: what they are set to is what holds. */
import { Code } from '../../../src/message/status';
import type { Message } from '../../../src/rpc/generated/apache/rocketmq/v2/Message';
import { type ApiServer, startApiServer } from '../../support/api-server';
import { message } from '../../support/public-client';

let server: ApiServer;
beforeAll(async () => {
  server = await startApiServer({
    'messages.bodyBytes': '10',
    'messages.properties': '2',
    'messages.propertiesBytes': '8',
    'messages.groupBytes': '5',
    'messages.recovery': '2s',
    'messages.perSend': '3',
    'delay.max': '40000h',
    'delay.recall': false,
    'receive.minInvisible': '1s',
    'receive.maxInvisible': '2s',
    'receive.minPolling': '1s',
    'receive.maxPolling': '7s',
  });
});
afterAll(() => server.stop());

const small = { body: Buffer.from('x') };
const half = { message_type: 4 } as const;
const inHours = (hours: number): { seconds: number } => ({
  seconds: Math.floor(Date.now() / 1000) + hours * 3600,
});

/** A setting, what it takes, what it refuses, the code, and the limit that the text names. */
const rows: readonly (readonly [string, Message, Message, number, string])[] = [
  [
    'messages.bodyBytes',
    message('normal', 'a', {}, { body: Buffer.alloc(10) }),
    message('normal', 'a', {}, { body: Buffer.alloc(11) }),
    Code.MESSAGE_BODY_TOO_LARGE,
    'max 10',
  ],
  [
    'messages.properties',
    message('normal', 'b', {}, { ...small, user_properties: { a: '1', b: '2' } }),
    message('normal', 'b', {}, { ...small, user_properties: { a: '1', b: '2', c: '3' } }),
    Code.MESSAGE_PROPERTIES_TOO_LARGE,
    'limit is 2',
  ],
  [
    'messages.propertiesBytes',
    message('normal', 'c', {}, { ...small, user_properties: { a: '1234567' } }),
    message('normal', 'c', {}, { ...small, user_properties: { a: '12345678' } }),
    Code.MESSAGE_PROPERTIES_TOO_LARGE,
    'limit is 8',
  ],
  [
    'messages.groupBytes',
    message('fifo', 'd', { message_group: '1234' }, small),
    message('fifo', 'd', { message_group: '12345' }, small),
    Code.ILLEGAL_MESSAGE_GROUP,
    'fewer than 5',
  ],
  [
    'messages.recovery',
    message(
      'transaction',
      'e',
      { ...half, orphaned_transaction_recovery_duration: { seconds: 2 } },
      small,
    ),
    message(
      'transaction',
      'e',
      { ...half, orphaned_transaction_recovery_duration: { seconds: 3 } },
      small,
    ),
    Code.BAD_REQUEST,
    'maximum is 2000',
  ],
  [
    'delay.max',
    message('delay', 'f', { delivery_timestamp: inHours(39_999) }, small),
    message('delay', 'f', { delivery_timestamp: inHours(40_001) }, small),
    Code.ILLEGAL_DELIVERY_TIME,
    'maximum is 144000000000',
  ],
];

describe('a limit that is set', () => {
  it.each(rows)('%s', async (_key, taken, refused, code, limit) => {
    const { client } = server;
    expect((await client.status('SendMessage', { messages: [taken] })).code).toBe(Code.OK);
    const status = await client.status('SendMessage', { messages: [refused] });
    expect(status.code).toBe(code);
    expect(status.message).toContain(limit);
  });

  it('messages.perSend', async () => {
    const messages = ['1', '2', '3', '4'].map((id) => message('normal', id, {}, small));
    const { client } = server;
    const taken = await client.status('SendMessage', { messages: messages.slice(1) });
    expect(taken.code).toBe(Code.OK);
    const refused = await client.status('SendMessage', { messages });
    expect(refused).toEqual({
      code: Code.BAD_REQUEST,
      message: 'messages has 4 entries, the limit is 3',
    });
  });

  it('delay.recall', async () => {
    const later = message('delay', 'g', { delivery_timestamp: inHours(1) }, small);
    const sent = await server.client.unary('SendMessage', { messages: [later] });
    const recall_handle = sent.entries[0]?.recall_handle ?? '';
    const request = { topic: { name: 'delay' }, recall_handle };
    const status = await server.client.status('RecallMessage', request);
    expect(status.code).toBe(Code.FORBIDDEN);
    expect(status.message).toContain('delay.recall');
  });

  it.each([
    ['receive.minInvisible', 999, 'min is 1000'],
    ['receive.maxInvisible', 2001, 'max is 2000'],
  ])('%s', async (_key, ms, limit) => {
    const invisible_duration = { seconds: Math.floor(ms / 1000), nanos: (ms % 1000) * 1e6 };
    const { status } = await server.receive('g', 'normal', { invisible_duration });
    expect(status.code).toBe(Code.ILLEGAL_INVISIBLE_TIME);
    expect(status.message).toContain(limit);
  });

  it('is what clients are told', async () => {
    const stream = server.client.telemetry();
    const producer = await stream.settings({ client_type: 1, publishing: {} });
    expect(producer.settings?.publishing?.max_body_size).toBe(10);
    const group = { name: 'g' };
    const consumer = await stream.settings({ client_type: 2, subscription: { group } });
    const told = consumer.settings?.subscription?.long_polling_timeout;
    expect(told).toEqual({ seconds: 7, nanos: 0 });
    await stream.end();
  });
});
