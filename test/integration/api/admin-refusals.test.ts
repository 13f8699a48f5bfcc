/** What each method of the Admin service refuses, over a real connection. What they answer: test/unit/proxy/admin-rpc.test.ts. */
import { Code } from '../../../src/message/status';
import { AdminCalls } from '../../support/admin-calls';
import { type ApiServer, startApiServer } from '../../support/api-server';
import type { RawTelemetry } from '../../support/raw-calls';

let server: ApiServer;
let admin: AdminCalls;
let stream: RawTelemetry;
beforeAll(async () => {
  server = await startApiServer({ 'flow.calls': '1' });
  admin = new AdminCalls(server.client.endpoint);
  stream = server.another('member').telemetry();
  await stream.settings({
    client_type: 2,
    subscription: {
      group: { name: 'g' },
      subscriptions: [{ topic: { name: 'normal' }, expression: { expression: '*' } }],
    },
  });
});
afterAll(async () => {
  admin.close();
  await server.stop();
});

const g = { name: 'g' };
const normal = { name: 'normal' };
const no = { name: 'no' };
const illegal = { name: 'a b' };
const member = { group: g, client_id: 'member' };
const body = Buffer.from('x');

type Method = Parameters<AdminCalls['code']>[0];
type Row = readonly [method: Method, what: string, request: object, code: Code];

const topics: readonly Row[] = [
  ...(['DescribeTopicStatus', 'GetTopicRoute'] as const).flatMap((method): readonly Row[] => [
    [method, 'no topic', {}, Code.ILLEGAL_TOPIC],
    [method, 'an illegal topic', { topic: illegal }, Code.ILLEGAL_TOPIC],
    [method, 'an unknown topic', { topic: no }, Code.TOPIC_NOT_FOUND],
  ]),
  ['QueryMessage', 'no topic and no id', {}, Code.ILLEGAL_TOPIC],
  ['QueryMessage', 'a key without a topic', { message_key: 'k' }, Code.ILLEGAL_TOPIC],
  ['QueryMessage', 'an unknown topic', { topic: no }, Code.TOPIC_NOT_FOUND],
  [
    'QueryMessage',
    'a key of an unknown topic',
    { topic: no, message_key: 'k' },
    Code.TOPIC_NOT_FOUND,
  ],
  ['QueryMessage', 'a negative page', { topic: normal, page_size: -1 }, Code.BAD_REQUEST],
  ['AdminSendMessage', 'no topic', { body }, Code.ILLEGAL_TOPIC],
  ['AdminSendMessage', 'an unknown topic', { topic: no, body }, Code.TOPIC_NOT_FOUND],
  ['AdminSendMessage', 'no body', { topic: normal }, Code.MESSAGE_BODY_EMPTY],
  [
    'AdminSendMessage',
    'an illegal key',
    { topic: normal, body, key: 'a\u0001' },
    Code.ILLEGAL_MESSAGE_KEY,
  ],
];

const groups: readonly Row[] = [
  ['ListSubscription', 'neither topic nor group', {}, Code.BAD_REQUEST],
  ['ListSubscription', 'an illegal topic', { topic: illegal }, Code.ILLEGAL_TOPIC],
  ['ListSubscription', 'an illegal group', { group: illegal }, Code.ILLEGAL_CONSUMER_GROUP],
  ['DescribeSubscription', 'an illegal topic', { topic: illegal }, Code.ILLEGAL_TOPIC],
  ['DescribeSubscription', 'an illegal group', { group: illegal }, Code.ILLEGAL_CONSUMER_GROUP],
  ['DeleteSubscription', 'no group', { topic: normal }, Code.ILLEGAL_CONSUMER_GROUP],
  ['DeleteSubscription', 'no topic', { group: g }, Code.ILLEGAL_TOPIC],
  ['DeleteSubscription', 'a group with members', { group: g, topic: normal }, Code.BAD_REQUEST],
  ['DeleteSubscription', 'an unknown group', { group: no, topic: normal }, Code.OFFSET_NOT_FOUND],
  ['DescribeGroupAccumulation', 'no group', {}, Code.ILLEGAL_CONSUMER_GROUP],
  [
    'DescribeGroupAccumulation',
    'an illegal topic',
    { group: g, topics: [illegal] },
    Code.ILLEGAL_TOPIC,
  ],
  ['DescribeGroupAccumulation', 'an unknown group', { group: no }, Code.CONSUMER_GROUP_NOT_FOUND],
  ['QueryTimeSpan', 'neither group nor topics', {}, Code.BAD_REQUEST],
  ['QueryTimeSpan', 'an unknown topic', { topics: [no] }, Code.TOPIC_NOT_FOUND],
  ['QueryTimeSpan', 'an illegal topic', { topics: [illegal] }, Code.ILLEGAL_TOPIC],
  ['QueryTimeSpan', 'an unknown group', { group: no }, Code.CONSUMER_GROUP_NOT_FOUND],
  ['ResetGroupOffset', 'no group', { topic: normal }, Code.ILLEGAL_CONSUMER_GROUP],
  ['ResetGroupOffset', 'no topic', { group: g }, Code.ILLEGAL_TOPIC],
  ['ResetGroupOffset', 'no time', { group: g, topic: normal }, Code.BAD_REQUEST],
  [
    'ResetGroupOffset',
    'a time before the epoch',
    { group: g, topic: normal, reset_timestamp: { seconds: -1 } },
    Code.BAD_REQUEST,
  ],
  [
    'ResetGroupOffset',
    'an unknown topic',
    { group: g, topic: no, reset_timestamp: { seconds: 1 } },
    Code.TOPIC_NOT_FOUND,
  ],
];

const clients: readonly Row[] = [
  ['ListConsumerConnection', 'no group', {}, Code.ILLEGAL_CONSUMER_GROUP],
  ['ListConsumerConnection', 'an illegal topic', { group: g, topic: illegal }, Code.ILLEGAL_TOPIC],
  ['ListConsumerConnection', 'an unknown group', { group: no }, Code.CONSUMER_GROUP_NOT_FOUND],
  ['ListConsumerConnection', 'one lite topic', { group: g, liteTopic: 'l' }, Code.NOT_IMPLEMENTED],
  ...(['GetConsumerRunningInfo', 'PrintThreadStackTrace', 'VerifyMessage'] as const).flatMap(
    (method): readonly Row[] => [
      [method, 'no group', { client_id: 'member' }, Code.ILLEGAL_CONSUMER_GROUP],
      [method, 'no client', { group: g }, Code.NOT_FOUND],
      [method, 'a client of another group', { ...member, group: no }, Code.NOT_FOUND],
    ],
  ),
  ['VerifyMessage', 'no topic', { ...member, message_id: 'm' }, Code.ILLEGAL_TOPIC],
  [
    'VerifyMessage',
    'an unknown topic',
    { ...member, topic: no, message_id: 'm' },
    Code.TOPIC_NOT_FOUND,
  ],
  ['VerifyMessage', 'no message', { ...member, topic: normal }, Code.BAD_REQUEST],
  [
    'VerifyMessage',
    'an unknown message',
    { ...member, topic: normal, message_id: 'm' },
    Code.MESSAGE_NOT_FOUND,
  ],
];

it.each([...topics, ...groups, ...clients])(
  '%s refuses %s',
  async (method, _what, request, code) => {
    expect(await admin.code(method, request as never)).toBe(code);
  },
);

it('calls beyond those that may be under way are refused, and a client that goes answers nothing', async () => {
  const waiting = admin.code('PrintThreadStackTrace', member);
  expect((await stream.next()).print_thread_stack_trace_command).toBeTruthy();
  expect(await admin.code('GetProxyRuntimeStats', {})).toBe(Code.TOO_MANY_REQUESTS);
  await stream.end();
  expect(await waiting).toBe(Code.PROXY_TIMEOUT);
  expect(await admin.code('GetProxyRuntimeStats', {})).toBe(Code.OK);
  expect(await admin.code('PrintThreadStackTrace', member)).toBe(Code.NOT_FOUND);
});
