/**
 * The shared validation of messages (section 3.1 of the API's reference; of section 8 the cases of SendMessageActivity
 * and GrpcValidator): one row a rule, over a real connection. What is counted is taken at the limit, and refused one
 * beyond it.
 */
import { Code } from '../../../src/message/status';
import type { Message } from '../../../src/rpc/generated/apache/rocketmq/v2/Message';
import { type ApiServer, startApiServer } from '../../support/api-server';
import { message } from '../../support/public-client';

let server: ApiServer;
beforeAll(async () => {
  server = await startApiServer();
});
afterAll(() => server.stop());

const DAY_MS = 86_400_000;
const inMs = (ms: number): { seconds: number; nanos: number } => {
  const at = Date.now() + ms;
  return { seconds: Math.floor(at / 1000), nanos: (at % 1000) * 1e6 };
};
const body = (bytes: number): Partial<Message> => ({ body: Buffer.alloc(bytes, 'x') });
const user = (properties: Record<string, string>): Partial<Message> => ({
  user_properties: properties,
});
const many = (count: number): Partial<Message> =>
  user(Object.fromEntries(Array.from({ length: count }, (_, i) => [`key${i}`, 'v'])));

/** What is wrong, a message that is so, the code, and what the text must name: field, limit and value. */
const refusals: readonly (readonly [string, Message, number, readonly string[]])[] = [
  ['a blank tag', message('normal', 'm', { tag: ' ' }), Code.ILLEGAL_MESSAGE_TAG, ['tag', 'blank']],
  [
    'a bar in the tag',
    message('normal', 'm', { tag: 'a|b' }),
    Code.ILLEGAL_MESSAGE_TAG,
    ['tag', 'bar', 'a|b'],
  ],
  [
    'a control character in the tag',
    message('normal', 'm', { tag: 'a\u0007b' }),
    Code.ILLEGAL_MESSAGE_TAG,
    ['tag', 'control', 'a\\u0007b'],
  ],
  [
    'an empty key',
    message('normal', 'm', { keys: ['k', ''] }),
    Code.ILLEGAL_MESSAGE_KEY,
    ['key', 'blank', '""'],
  ],
  [
    'a blank key',
    message('normal', 'm', { keys: ['  '] }),
    Code.ILLEGAL_MESSAGE_KEY,
    ['key', 'blank', '"  "'],
  ],
  [
    'a control character in a key',
    message('normal', 'm', { keys: ['k\u0001'] }),
    Code.ILLEGAL_MESSAGE_KEY,
    ['key', 'control', 'k\\u0001'],
  ],
  [
    'a blank message group',
    message('fifo', 'm', { message_group: ' ' }),
    Code.ILLEGAL_MESSAGE_GROUP,
    ['message_group', 'blank'],
  ],
  [
    'a message group of 64 bytes',
    message('fifo', 'm', { message_group: 'ä'.repeat(32) }),
    Code.ILLEGAL_MESSAGE_GROUP,
    ['message_group', '64 bytes', 'fewer than 64'],
  ],
  [
    'a control character in the message group',
    message('fifo', 'm', { message_group: 'a\nb' }),
    Code.ILLEGAL_MESSAGE_GROUP,
    ['message_group', 'control', 'a\\nb'],
  ],
  [
    '129 user properties',
    message('normal', 'm', {}, many(129)),
    Code.MESSAGE_PROPERTIES_TOO_LARGE,
    ['user_properties', '128', '129'],
  ],
  [
    'a control character in a property’s key',
    message('normal', 'm', {}, user({ 'a\u0002': 'x' })),
    Code.ILLEGAL_MESSAGE_PROPERTY_KEY,
    ['property', 'control', 'a\\u0002'],
  ],
  [
    'a control character in a property’s value',
    message('normal', 'm', {}, user({ colour: 'a\u0000' })),
    Code.ILLEGAL_MESSAGE_PROPERTY_KEY,
    ['property', 'control', 'value', 'colour'],
  ],
  [
    'a property without a value',
    message('normal', 'm', {}, user({ colour: '' })),
    Code.ILLEGAL_MESSAGE_PROPERTY_KEY,
    ['property', 'empty value', 'colour'],
  ],
  [
    'a property without a key',
    message('normal', 'm', {}, user({ '': 'blue' })),
    Code.ILLEGAL_MESSAGE_PROPERTY_KEY,
    ['property', 'empty key'],
  ],
  [
    'properties, tag and keys of 16385 bytes',
    message('normal', 'm', { tag: 'tag', keys: ['kk'] }, user({ ää: 'x'.repeat(16_376) })),
    Code.MESSAGE_PROPERTIES_TOO_LARGE,
    ['16384', '16385'],
  ],
  [
    'no body',
    message('normal', 'm', {}, body(0)),
    Code.MESSAGE_BODY_EMPTY,
    ['message body cannot be empty'],
  ],
  [
    'a body of 4 MiB and one byte',
    message('normal', 'm', {}, body(4_194_305)),
    Code.MESSAGE_BODY_TOO_LARGE,
    ['body', '4194304', '4194305'],
  ],
  ['no message id', message('normal', ''), Code.ILLEGAL_MESSAGE_ID, ['message id', 'empty']],
  ['a blank message id', message('normal', ' '), Code.ILLEGAL_MESSAGE_ID, ['message id', 'empty']],
  [
    'a message id with a control character, which no index and no log can hold',
    message('normal', 'a\u0001'),
    Code.ILLEGAL_MESSAGE_ID,
    ['message id', 'control', 'a\\u0001'],
  ],
  [
    'no system properties at all',
    { topic: { name: 'normal' }, body: Buffer.from('x') },
    Code.ILLEGAL_MESSAGE_ID,
    ['message id', 'empty'],
  ],
  [
    'a delivery time beyond a day',
    message('delay', 'm', { delivery_timestamp: inMs(DAY_MS + 60_000) }),
    Code.ILLEGAL_DELIVERY_TIME,
    ['delivery_timestamp', `${DAY_MS}`],
  ],
  [
    'a recovery duration beyond an hour',
    message('transaction', 'm', {
      message_type: 4,
      orphaned_transaction_recovery_duration: { seconds: 3600, nanos: 1_000_000 },
    }),
    Code.BAD_REQUEST,
    ['orphaned_transaction_recovery_duration', '3600000', '3600001'],
  ],
  [
    'a negative priority',
    message('priority', 'm', { priority: -1 }),
    Code.BAD_REQUEST,
    ['priority', '0', '-1'],
  ],
  [
    'a blank lite topic',
    message('lite', 'm', { lite_topic: ' ' }),
    Code.ILLEGAL_LITE_TOPIC,
    ['lite_topic', 'blank'],
  ],
  [
    'a lite topic of 65 bytes',
    message('lite', 'm', { lite_topic: 'l'.repeat(65) }),
    Code.ILLEGAL_LITE_TOPIC,
    ['lite_topic', '64', '65'],
  ],
  [
    'an illegal character in the lite topic',
    message('lite', 'm', { lite_topic: 'a%b' }),
    Code.ILLEGAL_LITE_TOPIC,
    ['lite_topic', 'illegal characters', '^[a-zA-Z0-9_-]+$', 'a%b'],
  ],
  [
    'a trace context that the log cannot hold',
    message('normal', 'm', { trace_context: 'a\u0002' }),
    Code.ILLEGAL_MESSAGE_PROPERTY_KEY,
    ['trace_context', 'control'],
  ],
  [
    'a host that the log cannot hold',
    message('normal', 'm', { born_host: 'a\u0001' }),
    Code.ILLEGAL_MESSAGE_PROPERTY_KEY,
    ['born_host', 'control'],
  ],
];

/** The reserved keys of the API (4.3), and those that mean something to the store though the API lets them pass. */
const reserved = [
  ...'TRACE_ON MSG_REGION KEYS TAGS WAIT DELAY RETRY_TOPIC ORIGIN_GROUP REAL_TOPIC REAL_QID'.split(
    ' ',
  ),
  ...'TRAN_MSG PGROUP MIN_OFFSET MAX_OFFSET BUYER_ID ORIGIN_MESSAGE_ID TRANSFER_FLAG'.split(' '),
  ...'CORRECTION_FLAG MQ2_FLAG RECONSUME_TIME UNIQ_KEY MAX_RECONSUME_TIMES'.split(' '),
  ...'CONSUME_START_TIME POP_CK POP_CK_OFFSET 1ST_POP_TIME TRAN_PREPARED_QUEUE_OFFSET'.split(' '),
  ...'DUP_INFO EXTEND_UNIQ_INFO INSTANCE_ID CORRELATION_ID REPLY_TO_CLIENT TTL'.split(' '),
  ...'ARRIVE_TIME PUSH_REPLY_TIME CLUSTER MSG_TYPE INNER_MULTI_QUEUE_OFFSET'.split(' '),
  ...'TIMER_DELAY_MS TIMER_DELAY_SEC TIMER_DELIVER_MS TIMER_ENQUEUE_MS TIMER_DEQUEUE_MS'.split(' '),
  ...'TIMER_ROLL_TIMES TIMER_OUT_MS TIMER_DEL_UNIQKEY TIMER_DELAY_LEVEL __BORNHOST'.split(' '),
  ...'BORN_TIMESTAMP DLQ_ORIGIN_TOPIC DLQ_ORIGIN_MESSAGE_ID __CRC32#'.split(' '),
  ...'_SYS_MSG_PRIORITY_ __LITE_TOPIC'.split(' '),
  ...'__SHARDINGKEY TRACE_CONTEXT INNER_MULTI_DISPATCH CHECK_IMMUNITY_TIME_IN_SECONDS'.split(' '),
  ...'__transactionId__ TRANSACTION_CHECK_TIMES TRANS_OFFSET INNER_NUM INNER_BASE'.split(' '),
  ...'REDIRECT PROPERTY_FORWARD_QUEUE_ID TIMER_ROLL_LABEL GANTRY_DECISION'.split(' '),
];

describe('SendMessage refuses', () => {
  it.each(refusals)('%s', async (_rule, sent, code, texts) => {
    const answer = await server.client.unary('SendMessage', { messages: [sent] });
    expect(answer.status?.code).toBe(code);
    for (const text of texts) expect(answer.status?.message).toContain(text);
    expect(answer.entries).toEqual([]);
  });

  it.each(reserved)('the user property %s, which is the system’s', async (key) => {
    const sent = message('normal', 'm', {}, user({ [key]: 'x' }));
    const status = await server.client.status('SendMessage', { messages: [sent] });
    expect(status.code).toBe(Code.ILLEGAL_MESSAGE_PROPERTY_KEY);
    expect(status.message).toBe(`property is used by system: "${key}"`);
  });
});

describe('SendMessage takes', () => {
  it.each([
    ['an empty tag, as none', message('normal', 'a1', { tag: '' })],
    ['an empty message group, as none', message('normal', 'a2', { message_group: '' })],
    ['an empty lite topic, as none', message('normal', 'a3', { lite_topic: '' })],
    ['a message group of 63 bytes', message('fifo', 'a4', { message_group: 'g'.repeat(63) })],
    ['128 user properties', message('normal', 'a5', {}, many(128))],
    [
      'properties, tag and keys of 16384 bytes',
      message('normal', 'a6', { tag: 'tag', keys: ['kk'] }, user({ ää: 'x'.repeat(16_375) })),
    ],
    ['a body of 4 MiB', message('normal', 'a7', {}, body(4_194_304))],
    [
      'a body of 4 MiB with properties of 16 KiB',
      message('normal', 'a8', {}, { ...body(4_194_304), ...user({ k: 'x'.repeat(16_383) }) }),
    ],
    ['a message id of any form', message('normal', 'not what clients make, but an id')],
    [
      'a delivery time just within a day',
      message('delay', 'a9', { delivery_timestamp: inMs(DAY_MS - 60_000) }),
    ],
    [
      'a delivery time that has passed',
      message('delay', 'a10', { delivery_timestamp: { seconds: 1 } }),
    ],
    [
      'a recovery duration of an hour',
      message('transaction', 'a11', {
        message_type: 4,
        orphaned_transaction_recovery_duration: { seconds: 3600 },
      }),
    ],
    [
      'a wrong digest, which nobody checks',
      message('normal', 'a12', { body_digest: { type: 1, checksum: 'no' } }),
    ],
  ])('%s', async (_rule, sent) => {
    const answer = await server.client.unary('SendMessage', { messages: [sent] });
    expect(answer.status).toEqual({ code: Code.OK, message: 'OK' });
    expect(answer.entries[0]?.message_id).toBe(sent.system_properties?.message_id);
  });
});
