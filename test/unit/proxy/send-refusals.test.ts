import { Code } from '../../../src/message/status';
import type { Message } from '../../../src/rpc/generated/apache/rocketmq/v2/Message';
import { ModelCluster } from '../../support/model-cluster';
import { message, PublicClient } from '../../support/public-client';

function userProperties(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`key${i}`, 'v']));
}

const body = (bytes: number): Partial<Message> => ({ body: Buffer.alloc(bytes, 'x') });

/** One row a rule: what is wrong, a message that is so, the code, and what the text must name. */
const refusals: readonly (readonly [string, Message, number, readonly string[]])[] = [
  ['blank topic', message('', 'm'), Code.ILLEGAL_TOPIC, ['topic', 'blank']],
  ['topic too long', message('t'.repeat(128), 'm'), Code.ILLEGAL_TOPIC, ['127', '128']],
  ['illegal topic character', message('a.b', 'm'), Code.ILLEGAL_TOPIC, ['topic', 'a.b']],
  ['system topic', message('TBW102', 'm'), Code.ILLEGAL_TOPIC, ['system topic', 'TBW102']],
  ['blank tag', message('t', 'm', { tag: '  ' }), Code.ILLEGAL_MESSAGE_TAG, ['tag', 'blanks']],
  ['tag with a bar', message('t', 'm', { tag: 'a|b' }), Code.ILLEGAL_MESSAGE_TAG, ['bar', 'a|b']],
  [
    'tag with a control character',
    message('t', 'm', { tag: 'a\tb' }),
    Code.ILLEGAL_MESSAGE_TAG,
    ['control', 'a\\tb'],
  ],
  ['empty key', message('t', 'm', { keys: ['a', ''] }), Code.ILLEGAL_MESSAGE_KEY, ['key', 'blank']],
  ['blank key', message('t', 'm', { keys: [' '] }), Code.ILLEGAL_MESSAGE_KEY, ['key', 'blank']],
  [
    'key with a control character',
    message('t', 'm', { keys: ['a\u0085'] }),
    Code.ILLEGAL_MESSAGE_KEY,
    ['control'],
  ],
  [
    'blank message group',
    message('t', 'm', { message_group: ' ' }),
    Code.ILLEGAL_MESSAGE_GROUP,
    ['message_group', 'blanks'],
  ],
  [
    'message group of 64 bytes',
    message('t', 'm', { message_group: 'ä'.repeat(32) }),
    Code.ILLEGAL_MESSAGE_GROUP,
    ['message_group', '64'],
  ],
  [
    'message group with a control character',
    message('t', 'm', { message_group: 'a\nb' }),
    Code.ILLEGAL_MESSAGE_GROUP,
    ['control', 'a\\nb'],
  ],
  [
    'too many user properties',
    message('t', 'm', {}, { user_properties: userProperties(129) }),
    Code.MESSAGE_PROPERTIES_TOO_LARGE,
    ['user_properties', '128', '129'],
  ],
  [
    'reserved property',
    message('t', 'm', {}, { user_properties: { UNIQ_KEY: 'x' } }),
    Code.ILLEGAL_MESSAGE_PROPERTY_KEY,
    ['used by system', 'UNIQ_KEY'],
  ],
  [
    'internal property',
    message('t', 'm', {}, { user_properties: { __SHARDINGKEY: 'x' } }),
    Code.ILLEGAL_MESSAGE_PROPERTY_KEY,
    ['used by system', '__SHARDINGKEY'],
  ],
  [
    'empty property value',
    message('t', 'm', {}, { user_properties: { colour: '' } }),
    Code.ILLEGAL_MESSAGE_PROPERTY_KEY,
    ['empty value', 'colour'],
  ],
  [
    'empty property key',
    message('t', 'm', {}, { user_properties: { '': 'x' } }),
    Code.ILLEGAL_MESSAGE_PROPERTY_KEY,
    ['empty key'],
  ],
  [
    'control character in a property key',
    message('t', 'm', {}, { user_properties: { 'a\u0001': 'x' } }),
    Code.ILLEGAL_MESSAGE_PROPERTY_KEY,
    ['control', 'key'],
  ],
  [
    'control character in a property value',
    message('t', 'm', {}, { user_properties: { colour: 'a\u0002' } }),
    Code.ILLEGAL_MESSAGE_PROPERTY_KEY,
    ['control', 'value', 'colour'],
  ],
  [
    'properties of 16385 bytes',
    message('t', 'm', { tag: 'tag', keys: ['k'] }, { user_properties: { ab: 'x'.repeat(16379) } }),
    Code.MESSAGE_PROPERTIES_TOO_LARGE,
    ['16384', '16385'],
  ],
  ['empty body', message('t', 'm', {}, body(0)), Code.MESSAGE_BODY_EMPTY, ['body', 'empty']],
  [
    'body too large',
    message('t', 'm', {}, body(4194305)),
    Code.MESSAGE_BODY_TOO_LARGE,
    ['body', '4194304', '4194305'],
  ],
  ['empty message id', message('t', ''), Code.ILLEGAL_MESSAGE_ID, ['message id', 'empty']],
  ['blank message id', message('t', '  '), Code.ILLEGAL_MESSAGE_ID, ['message id', 'empty']],
  [
    'message id that breaks the store',
    message('t', 'a\u0001b'),
    Code.ILLEGAL_MESSAGE_ID,
    ['message id', 'control'],
  ],
  [
    'trace context that breaks the store',
    message('t', 'm', { trace_context: 'a\u0002b' }),
    Code.ILLEGAL_MESSAGE_PROPERTY_KEY,
    ['trace_context'],
  ],
  [
    'delivery time beyond a day',
    message('t', 'm', { delivery_timestamp: { seconds: 1_700_000_000 + 86_401 } }),
    Code.ILLEGAL_DELIVERY_TIME,
    ['86400000', '86401000'],
  ],
  [
    'recovery duration beyond an hour',
    message('t', 'm', { orphaned_transaction_recovery_duration: { seconds: 3601 } }),
    Code.BAD_REQUEST,
    ['3600000', '3601000'],
  ],
  ['negative priority', message('t', 'm', { priority: -1 }), Code.BAD_REQUEST, ['priority', '-1']],
  [
    'properties that do not fit a record',
    message('t', 'm', { trace_context: 'x'.repeat(33_000) }),
    Code.MESSAGE_PROPERTIES_TOO_LARGE,
    ['32767'],
  ],
];

describe('SendMessage refuses', () => {
  it.each(refusals)('%s', async (_rule, sent, code, named) => {
    const cluster = new ModelCluster();
    cluster.topic('t');
    const answer = await new PublicClient(cluster).unary('SendMessage', { messages: [sent] });
    expect(answer.status?.code).toBe(code);
    for (const text of named) expect(answer.status?.message).toContain(text);
    expect(answer.entries).toEqual([]);
    expect(cluster.broker().sends).toEqual([]);
  });

  it('a request without messages', async () => {
    const status = await new PublicClient(new ModelCluster()).status('SendMessage', {});
    expect(status).toEqual({ code: Code.MESSAGE_CORRUPTED, message: 'no message to send' });
  });

  it('messages of two topics in one request', async () => {
    const cluster = new ModelCluster();
    cluster.topic('t');
    const messages = [message('t', 'a'), message('u', 'b')];
    const status = await new PublicClient(cluster).status('SendMessage', { messages });
    expect(status.code).toBe(Code.MESSAGE_CORRUPTED);
    expect(cluster.broker().sends).toEqual([]);
  });

  it('all messages of a request when one of them is wrong', async () => {
    const cluster = new ModelCluster();
    cluster.topic('t');
    const messages = [message('t', 'a'), message('t', 'b', { tag: '|' })];
    const status = await new PublicClient(cluster).status('SendMessage', { messages });
    expect(status.code).toBe(Code.ILLEGAL_MESSAGE_TAG);
    expect(cluster.broker().sends).toEqual([]);
  });

  it('more messages in one request than the limit', async () => {
    const cluster = new ModelCluster({ maxMessagesPerSend: 2 });
    cluster.topic('t');
    const messages = ['a', 'b', 'c'].map((id) => message('t', id));
    const status = await new PublicClient(cluster).status('SendMessage', { messages });
    expect(status.code).toBe(Code.BAD_REQUEST);
    expect(status.message).toContain('limit is 2');
  });

  it('an unknown topic', async () => {
    const status = await new PublicClient(new ModelCluster()).status('SendMessage', {
      messages: [message('unknown', 'm')],
    });
    expect(status.code).toBe(Code.TOPIC_NOT_FOUND);
  });

  it.each([
    ['FIFO', { message_group: 'g' }, 'NORMAL'],
    ['DELAY', { delivery_timestamp: { seconds: 1_700_000_100 } }, 'FIFO'],
    ['TRANSACTION', { message_type: 4 }, 'NORMAL'],
    ['PRIORITY', { priority: 3 }, 'MIXED'],
    ['LITE', { lite_topic: 'l' }, 'MIXED'],
    ['PRIORITY', { priority: 0 }, 'NORMAL'],
    ['PRIORITY', { priority: 0 }, 'FIFO'],
    ['NORMAL', {}, 'PRIORITY'],
    ['FIFO', { message_group: 'g' }, 'PRIORITY'],
    ['NORMAL', {}, 'FIFO'],
  ] as const)(
    'a %s message where the topic takes another type',
    async (type, system, topicType) => {
      const cluster = new ModelCluster();
      cluster.topic('t', topicType);
      const status = await new PublicClient(cluster).status('SendMessage', {
        messages: [message('t', 'm', system)],
      });
      expect(status.code).toBe(Code.MESSAGE_PROPERTY_CONFLICT_WITH_TYPE);
      expect(status.message).toContain(type);
      expect(status.message).toContain(topicType);
    },
  );
});
