// long: each method of one service, with each of its answers.
import { Code } from '../../../src/message/status';
import { fromMs } from '../../../src/message/time';
import type { Settings } from '../../../src/rpc/generated/apache/rocketmq/v2/Settings';
import { AdminCalls } from '../../support/admin-calls';
import { type ApiServer, startApiServer } from '../../support/api-server';
import type { RawTelemetry } from '../../support/raw-calls';

const g = { name: 'g' };
const normal = { name: 'normal' };
const ok = { code: Code.OK, message: 'OK' };

const settings: Settings = {
  client_type: 2,
  user_agent: { language: 1, version: '5.0.7', hostname: 'h1' },
  client_properties: { region: 'eu' },
  subscription: {
    group: g,
    subscriptions: [{ topic: normal, expression: { type: 1, expression: 'a||b' } }],
  },
};

let server: ApiServer;
let admin: AdminCalls;
beforeAll(async () => {
  server = await startApiServer();
  admin = new AdminCalls(server.client.endpoint);
});
afterAll(async () => {
  admin.close();
  await server.stop();
});

/** A consumer of `g` on `normal`, with its stream open. */
async function member(clientId: string, changes: Settings = {}): Promise<RawTelemetry> {
  const stream = server.another(clientId, { 'x-mq-language': 'JAVA' }).telemetry();
  await stream.settings({ ...settings, ...changes });
  return stream;
}

describe('Admin, over topics and groups', () => {
  let stream: RawTelemetry;
  beforeAll(async () => {
    stream = await member('c1');
    await server.send('normal', ['m1', 'm2', 'm3'], { keys: ['order-1'], tag: 'a' });
    const { messages } = await server.receive('g', 'normal', { batch_size: 1 });
    expect(messages).toHaveLength(1);
  });
  afterAll(() => stream.end());

  it('DescribeTopicStatus tells the type, and counts as tags', async () => {
    const answer = await admin.call('DescribeTopicStatus', { topic: normal });
    expect(answer).toMatchObject({
      ...{ status: ok, topic_message_type: 1 },
      tags: { type: 'NORMAL', queues: '1', messages: '3', delayed: '0', groups: 'g' },
    });
    const mixed = await admin.call('DescribeTopicStatus', { topic: { name: 'mixed' } });
    expect(mixed).toMatchObject({ topic_message_type: 0, tags: { type: 'MIXED' } });
    expect(await admin.code('DescribeTopicStatus', { topic: { name: 'no' } })).toBe(
      Code.TOPIC_NOT_FOUND,
    );
    expect(await admin.code('DescribeTopicStatus', {})).toBe(Code.ILLEGAL_TOPIC);
  });

  it('DescribeGroupAccumulation counts what is ready and in flight, by topic and in all', async () => {
    const answer = await admin.call('DescribeGroupAccumulation', { group: g, topics: [] });
    const counts = { inflight_messages: 1, ready_messages: 2, accumulation: 3 };
    expect(answer).toMatchObject({
      ...{ status: ok, accumulation: counts, topic_accumulation: { normal: counts } },
    });
    const waited = answer.accumulation?.deliver_delay_time;
    expect((waited?.seconds ?? 0) + (waited?.nanos ?? 0)).toBeGreaterThanOrEqual(0);
    const none = await admin.call('DescribeGroupAccumulation', {
      group: g,
      topics: [{ name: 'fifo' }],
    });
    expect(none).toMatchObject({ accumulation: { accumulation: 0 }, topic_accumulation: {} });
    const code = (request: object) => admin.code('DescribeGroupAccumulation', request);
    expect(await code({ group: { name: 'no' } })).toBe(Code.CONSUMER_GROUP_NOT_FOUND);
    expect(await code({})).toBe(Code.ILLEGAL_CONSUMER_GROUP);
  });

  it('DescribeGroupAccumulation counts lite topics, together and one', async () => {
    const names = { topic: { name: 'lite' }, group: { name: 'lites' } };
    await server.client.status('SyncLiteSubscription', { ...names, lite_topic_set: ['a', 'b'] });
    await server.send('lite', ['l1', 'l2'], { lite_topic: 'a' });
    await server.send('lite', ['l3'], { lite_topic: 'b' });
    const ask = (lite_topic?: string) =>
      admin.call('DescribeGroupAccumulation', {
        ...{ group: names.group, topics: [] },
        ...(lite_topic === undefined ? {} : { lite_topic }),
      });
    expect(await ask()).toMatchObject({
      ...{ accumulation: { ready_messages: 3 }, lite_topic_accumulation: {} },
    });
    expect(await ask('a')).toMatchObject({
      accumulation: { ready_messages: 2 },
      lite_topic_accumulation: { a: { ready_messages: 2, inflight_messages: 0 } },
    });
    const unknown = await ask('none');
    expect(unknown).toMatchObject({ status: ok, lite_topic_accumulation: {} });
  });

  it('QueryTimeSpan tells from when to when messages are there, and where a group is', async () => {
    const before = Date.now();
    const answer = await admin.call('QueryTimeSpan', { group: g, topics: [] });
    const [span] = answer.queue_time_span_list;
    expect(answer.status).toEqual(ok);
    expect(span?.message_queue).toMatchObject({ topic: normal, id: 0 });
    expect(span?.min_timestamp).toBeGreaterThan(before - 60_000);
    expect(span?.max_timestamp).toBeGreaterThanOrEqual(span?.min_timestamp ?? Infinity);
    expect(span?.consume_timestamp).toBe(0);
    const alone = await admin.call('QueryTimeSpan', { topics: [{ name: 'fifo' }] });
    expect(alone.queue_time_span_list).toMatchObject([{ min_timestamp: 0, delay_time_ms: 0 }]);
    expect(await admin.code('QueryTimeSpan', {})).toBe(Code.BAD_REQUEST);
  });

  it('GetTopicRoute answers JSON as consoles know it', async () => {
    const answer = await admin.call('GetTopicRoute', { topic: normal });
    expect(answer.status).toEqual(ok);
    const queue = { readQueueNums: 1, writeQueueNums: 1, perm: 6, topicSysFlag: 0 };
    expect(JSON.parse(answer.topic_route_data)).toEqual({
      queueDatas: [{ brokerName: 'broker-a', ...queue }],
      brokerDatas: [
        {
          ...{ cluster: 'DefaultCluster', brokerName: 'broker-a' },
          brokerAddrs: { '0': server.client.endpoint },
        },
      ],
      filterServerTable: {},
    });
    expect(await admin.code('GetTopicRoute', { topic: { name: 'no' } })).toBe(Code.TOPIC_NOT_FOUND);
  });

  it('ListSubscription and DescribeSubscription tell who reads what, and whether all read alike', async () => {
    const list = async () => (await admin.call('ListSubscription', { group: g })).subscription_info;
    expect(await list()).toMatchObject([
      {
        ...{ group: g, topic: normal, online: true, message_model: 1 },
        ...{ expression: { type: 1, expression: 'a||b' }, subscription_consistency: true },
      },
    ]);
    const subscription = {
      group: g,
      subscriptions: [{ topic: normal, expression: { type: 1 as const, expression: '*' } }],
    };
    const other = await member('c2', { subscription });
    expect(await list()).toMatchObject([{ subscription_consistency: false }]);
    const each = await admin.call('DescribeSubscription', { topic: normal });
    expect(each.client_subscription_info).toMatchObject([
      {
        client_info: { client_id: 'c1', language: 'JAVA', version: '5.0.7', hostname: 'h1' },
        subscription_info: { expression: { expression: 'a||b' }, subscription_consistency: false },
      },
      { client_info: { client_id: 'c2' }, subscription_info: { expression: { expression: '*' } } },
    ]);
    await other.end();
    await server.another('c2').status('NotifyClientTermination', { group: g });
    expect(await admin.code('ListSubscription', {})).toBe(Code.BAD_REQUEST);
  });

  it('ListConsumerConnection and GetConsumerRunningInfo tell of members', async () => {
    const answer = await admin.call('ListConsumerConnection', { group: g, topic: normal });
    expect(answer).toMatchObject({
      status: ok,
      client_info: [
        {
          ...{ client_id: 'c1', language: 'JAVA', version: '5.0.7', hostname: 'h1' },
          ...{ egress_ip: '127.0.0.1', message_model: 1 },
        },
      ],
    });
    const elsewhere = await admin.call('ListConsumerConnection', {
      group: g,
      topic: { name: 'fifo' },
    });
    expect(elsewhere).toMatchObject({ status: ok, client_info: [] });
    const code = (request: object) => admin.code('ListConsumerConnection', request);
    expect(await code({ group: { name: 'no' } })).toBe(Code.CONSUMER_GROUP_NOT_FOUND);
    expect(await code({ group: g, liteTopic: 'l' })).toBe(Code.NOT_IMPLEMENTED);
    const info = await admin.call('GetConsumerRunningInfo', { group: g, client_id: 'c1' });
    expect(info.consumer_running_info).toMatchObject({
      properties: { region: 'eu', language: 'JAVA', type: 'PUSH_CONSUMER' },
      subscriptions: { normal: { expression: 'a||b' } },
      message_queue_table: [
        { message_queue: { topic: normal, id: 0 }, process_queue_info: { commit_offset: 0 } },
      ],
    });
    const unknown = { group: g, client_id: 'c9' };
    expect(await admin.code('GetConsumerRunningInfo', unknown)).toBe(Code.NOT_FOUND);
  });

  it('QueryMessage finds by id, by key and by time, page after page', async () => {
    const find = async (request: object): Promise<[string[], string]> => {
      const { messages, scroll_id: next } = await admin.call('QueryMessage', {
        ...{ topic: normal, ...request },
      });
      return [messages.map((one) => one.system_properties?.message_id ?? ''), next];
    };
    expect(await find({ message_id: 'm2' })).toEqual([['m2'], '']);
    expect(await find({ message_id: 'm2', topic: null })).toEqual([['m2'], '']);
    expect(await find({ message_id: 'no' })).toEqual([[], '']);
    expect((await find({ message_key: 'order-1' }))[0].toSorted()).toEqual(['m1', 'm2', 'm3']);
    expect(await find({ message_key: 'order-1', queue_id: 1 })).toEqual([[], '']);
    const [first, next] = await find({ max_message_nums: 2 });
    expect([first, next]).toEqual([['m1', 'm2'], 'broker-a/0/2']);
    expect(await find({ max_message_nums: 2, scroll_id: next })).toEqual([['m3'], '']);
    expect(await find({ end_timestamp: { seconds: 1 } })).toEqual([[], '']);
    expect(await find({ begin_timestamp: fromMs(Date.now() + 60_000) })).toEqual([[], '']);
    expect(await find({ broker_name: 'no' })).toEqual([[], '']);
    const code = (request: object) => admin.code('QueryMessage', { topic: normal, ...request });
    expect(await code({ topic: { name: 'no' } })).toBe(Code.TOPIC_NOT_FOUND);
    expect(await code({ scroll_id: 'x/1/1' })).toBe(Code.BAD_REQUEST);
    expect(await code({ page_num: 2 })).toBe(Code.BAD_REQUEST);
    expect(await code({ max_message_nums: -1 })).toBe(Code.BAD_REQUEST);
    expect(await code({ begin_timestamp: { seconds: 2 }, end_timestamp: { seconds: 1 } })).toBe(
      Code.BAD_REQUEST,
    );
    expect(await code({ subscription: 's' })).toBe(Code.UNSUPPORTED);
    expect(await code({ lite_topic: 'l' })).toBe(Code.NOT_IMPLEMENTED);
  });

  it('VerifyMessage and PrintThreadStackTrace go through the client, and answer its status', async () => {
    const ask = { group: g, client_id: 'c1' };
    const verified = admin.call('VerifyMessage', { ...ask, topic: normal, message_id: 'm1' });
    const command = (await stream.next()).verify_message_command;
    expect(command?.message?.system_properties?.message_id).toBe('m1');
    const failed = { code: 60_000, message: 'threw' } as const;
    stream.send({ status: failed, verify_message_result: { nonce: command?.nonce ?? '' } });
    expect((await verified).status).toEqual(failed);
    const printed = admin.call('PrintThreadStackTrace', ask);
    const { nonce = '' } = (await stream.next()).print_thread_stack_trace_command ?? {};
    stream.send({ status: ok, thread_stack_trace: { nonce, thread_stack_trace: 'main: here' } });
    expect(await printed).toMatchObject({ status: ok, thread_stack_trace: 'main: here' });
    const missing = { ...ask, topic: normal, message_id: 'no' };
    expect(await admin.code('VerifyMessage', missing)).toBe(Code.MESSAGE_NOT_FOUND);
    const unknown = { group: g, client_id: 'c9' };
    expect(await admin.code('PrintThreadStackTrace', unknown)).toBe(Code.NOT_FOUND);
    const otherGroup = { group: { name: 'other' }, client_id: 'c1' };
    expect(await admin.code('PrintThreadStackTrace', otherGroup)).toBe(Code.NOT_FOUND);
  });
});

describe('Admin, changing things', () => {
  it('AdminSendMessage sends as a producer does, with the same refusals', async () => {
    const topic = { name: 'delay' };
    const answer = await admin.call('AdminSendMessage', {
      ...{ topic, tag: 't', key: 'k', body: Buffer.from('hello'), user_properties: { a: 'b' } },
      system_properties: { delivery_timestamp: fromMs(Date.now() - 1000) },
    });
    expect(answer.status).toEqual(ok);
    expect(answer.message_id).toMatch(/^01[0-9A-F]{32}$/);
    const found = await admin.call('QueryMessage', { topic, message_id: answer.message_id });
    expect(found.messages).toMatchObject([
      {
        ...{ topic, user_properties: { a: 'b' }, body: Buffer.from('hello') },
        system_properties: { tag: 't', keys: ['k'] },
      },
    ]);
    const code = (request: object) =>
      admin.code('AdminSendMessage', { topic: normal, body: Buffer.from('x'), ...request });
    expect(await code({ topic: { name: 'fifo' } })).toBe(Code.MESSAGE_PROPERTY_CONFLICT_WITH_TYPE);
    expect(await code({ topic: { name: 'no' } })).toBe(Code.TOPIC_NOT_FOUND);
    expect(await code({ ext_info: { protocol_type: 'REMOTING' } })).toBe(Code.UNSUPPORTED);
    expect(await code({ tag: 'a|b' })).toBe(Code.ILLEGAL_MESSAGE_TAG);
  });

  it('ResetGroupOffset gives a group its messages again', async () => {
    const names = { group: { name: 'reset' }, topic: { name: 'mixed' } };
    await server.subscribe('reset', 'mixed');
    await server.send('mixed', ['r1']);
    const again = async () => (await server.receive('reset', 'mixed')).messages.length;
    expect(await again()).toBe(1);
    const answer = await admin.call('ResetGroupOffset', {
      ...names,
      reset_timestamp: { seconds: 1 },
    });
    expect(answer.status).toEqual(ok);
    expect(await again()).toBe(1);
    const code = (request: object) => admin.code('ResetGroupOffset', { ...names, ...request });
    expect(await code({})).toBe(Code.BAD_REQUEST);
    const reset_timestamp = { seconds: 1 };
    expect(await code({ reset_timestamp, group: { name: 'no' } })).toBe(
      Code.CONSUMER_GROUP_NOT_FOUND,
    );
    expect(await code({ reset_timestamp, topic: { name: 'fifo' } })).toBe(Code.OFFSET_NOT_FOUND);
  });

  it('DeleteSubscription forgets a group on a topic, but not while a member reads it', async () => {
    const names = { group: { name: 'gone' }, topic: { name: 'mixed' } };
    await server.subscribe('gone', 'mixed');
    expect(await admin.code('DeleteSubscription', names)).toBe(Code.BAD_REQUEST);
    await server.client.status('NotifyClientTermination', { group: names.group });
    expect(await admin.code('DeleteSubscription', names)).toBe(Code.OK);
    const left = await admin.call('ListSubscription', { group: names.group });
    expect(left.subscription_info).toEqual([]);
    expect(await admin.code('DeleteSubscription', names)).toBe(Code.OFFSET_NOT_FOUND);
  });

  it('ChangeLogLevel sets the level of the process, and refuses what is none', async () => {
    const remark = (level: string) => `the log level of this process is ${level}`;
    const first = await admin.call('ChangeLogLevel', { level: 'ERROR' });
    expect(first.remark).toBe(`${remark('error')}, it was silent`);
    await expect(admin.call('ChangeLogLevel', { level: 9 as never })).rejects.toMatchObject({
      code: 3,
      details: 'level is 9, it must be 0 .. 4',
    });
  });

  it('GetProxyRuntimeStats counts connections, clients and messages', async () => {
    const stats = await admin.call('GetProxyRuntimeStats', {});
    expect(stats.status).toEqual(ok);
    expect(stats.proxy_name).toBe(server.client.endpoint);
    expect(stats.version).toMatch(/^\d+\.\d+\.\d+/);
    expect(stats.connections).toBeGreaterThan(0);
    expect(stats.in_tps).toBeGreaterThanOrEqual(0);
  });
});
