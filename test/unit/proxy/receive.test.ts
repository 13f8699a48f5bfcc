import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { Code, StatusError } from '../../../src/message/status';
import { message } from '../../support/public-client';
import { scene } from './support/receive-scene';

describe('ReceiveMessage', () => {
  it('answers status, messages and the delivery time, in this order', async () => {
    const { receive, send } = scene();
    await send('a', 'b');
    const { call, contents, code, messages, items } = await receive();
    expect(contents).toEqual(['status', 'message', 'message', 'delivery_timestamp']);
    expect(code).toBe(Code.OK);
    expect(messages.map(({ body }) => body.toString())).toEqual(['body of a', 'body of b']);
    expect(items.at(-1)?.delivery_timestamp).toEqual({ seconds: 1_700_000_000, nanos: 0 });
    expect(call.ended).toBe(true);
    expect(call.error).toBeUndefined();
  });

  it('delivers all that a producer set, and what a consumer needs', async () => {
    const { client, receive } = scene();
    const body = gzipSync('hello');
    const sent = message(
      't',
      '01AB',
      {
        tag: 'red',
        keys: ['k1', 'k2'],
        trace_context: '00-trace-01',
        body_encoding: 2,
        // Garbage that some clients send; none of it may come through.
        delivery_attempt: 4711,
        queue_id: 99,
        receipt_handle: 'forged',
        store_host: 'nowhere',
      },
      { body, user_properties: { colour: 'blå', size: '10' } },
    );
    await client.status('SendMessage', { messages: [sent] });
    const { messages } = await receive({
      message_queue: {
        topic: { resource_namespace: 'shop', name: 't' },
        broker: { name: 'broker-a' },
      },
    });
    const [got] = messages;
    expect(got?.topic).toEqual({ resource_namespace: 'shop', name: 't' });
    expect(got?.user_properties).toEqual({ colour: 'blå', size: '10' });
    expect(got?.body.equals(body)).toBe(true);
    expect(got?.system_properties).toMatchObject({
      tag: 'red',
      keys: ['k1', 'k2'],
      message_id: '01AB',
      body_digest: {
        type: 2,
        checksum: createHash('md5').update(body).digest('hex').toUpperCase(),
      },
      body_encoding: 2,
      message_type: 1,
      born_timestamp: { seconds: 1_699_999_999, nanos: 5_000_000 },
      born_host: 'client-host',
      store_timestamp: { seconds: 1_700_000_000, nanos: 123_000_000 },
      store_host: '0.0.0.0:0',
      queue_id: 0,
      queue_offset: 0,
      delivery_attempt: 1,
      invisible_duration: { seconds: 30, nanos: 0 },
      trace_context: '00-trace-01',
    });
    expect(got?.system_properties?.receipt_handle).toMatch(/^broker-a~/);
    expect(got?.system_properties?.message_group).toBeUndefined();
    expect(got?.system_properties?.dead_letter_queue).toBeUndefined();
  });

  it('takes the peer for the born host when a client names none', async () => {
    const { client, receive } = scene();
    await client.status(
      'SendMessage',
      { messages: [message('t', 'm', { born_host: '' })] },
      { peer: '[2001:db8::7]:99' },
    );
    const { messages } = await receive();
    expect(messages[0]?.system_properties?.born_host).toBe('2001:db8::7');
  });

  it('says MESSAGE_NOT_FOUND when the poll ends, not before', async () => {
    const { cluster, receive } = scene();
    const waiting = await receive();
    expect(waiting.items).toEqual([]);
    cluster.broker().endPolls();
    await cluster.sim.settle();
    expect(waiting.contents).toEqual(['status', 'delivery_timestamp']);
    expect(waiting.code).toBe(Code.MESSAGE_NOT_FOUND);
    expect(waiting.call.ended).toBe(true);
  });

  it('is woken by a message that comes while it waits', async () => {
    const { cluster, receive, send } = scene();
    const waiting = await receive();
    await send('late');
    await cluster.sim.settle();
    expect(waiting.messages.map(({ body }) => body.toString())).toEqual(['body of late']);
  });

  it.each([
    ['blank topic', { message_queue: { topic: { name: '' } } }, Code.ILLEGAL_TOPIC, 'topic'],
    ['no queue', { message_queue: null }, Code.ILLEGAL_TOPIC, 'topic'],
    ['unknown topic', { message_queue: { topic: { name: 'u' } } }, Code.TOPIC_NOT_FOUND, 'u'],
    ['blank group', { group: { name: ' ' } }, Code.ILLEGAL_CONSUMER_GROUP, 'group'],
    [
      'invisible time too small',
      { invisible_duration: { seconds: 9, nanos: 999_000_000 } },
      Code.ILLEGAL_INVISIBLE_TIME,
      'min is 10000',
    ],
    [
      'no invisible time',
      { invisible_duration: null },
      Code.ILLEGAL_INVISIBLE_TIME,
      'min is 10000',
    ],
    [
      'invisible time too large',
      { invisible_duration: { seconds: 43201 } },
      Code.ILLEGAL_INVISIBLE_TIME,
      'max is 43200000',
    ],
    [
      'empty SQL',
      { filter_expression: { type: 2, expression: ' ' } },
      Code.ILLEGAL_FILTER_EXPRESSION,
      'empty',
    ],
    [
      'SQL that cannot be read',
      { filter_expression: { type: 2, expression: "a > 'x'" } },
      Code.ILLEGAL_FILTER_EXPRESSION,
      "position 5: > takes numbers and properties, found the string 'x'",
    ],
  ] as const)('refuses: %s', async (_name, changes, code, text) => {
    const { cluster, receive } = scene();
    const refused = await receive(changes);
    expect(refused).toMatchObject({ contents: ['status', 'delivery_timestamp'], code });
    expect(refused.text).toContain(text);
    expect(refused.call.ended).toBe(true);
    expect(cluster.broker().pops).toEqual([]);
  });

  it.each([
    ['what is asked', { long_polling_timeout: { seconds: 7 } }, undefined, 7000],
    ['at least 5 s', { long_polling_timeout: { seconds: 1 } }, undefined, 5000],
    ['at most 20 s', { long_polling_timeout: { seconds: 60 } }, undefined, 20_000],
    ['20 s without any deadline', { long_polling_timeout: null }, undefined, 20_000],
    ['the deadline less half a request timeout', { long_polling_timeout: null }, 10_000, 8500],
    ['a little less than a near deadline', { long_polling_timeout: { seconds: 20 } }, 6000, 5800],
    ['what a deadline of 5 s leaves', { long_polling_timeout: { seconds: 5 } }, 5000, 4800],
  ])('polls for %s', async (_name, changes, timeoutMs, pollMs) => {
    const { cluster, receive } = scene();
    await receive(changes, timeoutMs === undefined ? {} : { timeoutMs });
    expect(cluster.broker().pops.map((pop) => pop.pollMs)).toEqual([pollMs]);
  });

  it.each([
    ['5.0.3', Code.ILLEGAL_POLLING_TIME],
    ['5.0.2', Code.BAD_REQUEST],
    ['v5.1.4', Code.ILLEGAL_POLLING_TIME],
    ['', Code.ILLEGAL_POLLING_TIME],
  ])('tells a client of version %j that its deadline is too near', async (version, code) => {
    const { receive } = scene();
    const refused = await receive(
      {},
      { timeoutMs: 4000, headers: [['x-mq-client-version', version]] },
    );
    expect(refused.code).toBe(code);
    expect(refused.text).toContain('4000');
    expect(refused.text).toContain('5000');
  });

  it.each([
    [33, 32],
    [32, 32],
    [1, 1],
    [0, 1],
    [-1, 1],
  ])('asks for a batch of %d as %d', async (asked, maxMessages) => {
    const { cluster, receive } = scene();
    await receive({ batch_size: asked });
    expect(cluster.broker().pops[0]?.maxMessages).toBe(maxMessages);
  });

  it('gives push consumers 60 s, renewed by the broker, whatever they ask', async () => {
    const { cluster, receive } = scene();
    await receive({ auto_renew: true, invisible_duration: { seconds: 1 }, attempt_id: 'try-1' });
    expect(cluster.broker().pops[0]).toMatchObject({
      autoRenew: true,
      invisibleMs: 60_000,
      attemptId: 'try-1',
      clientId: 'client-1',
      group: 'g',
      topic: 't',
    });
  });

  it('passes tag filters on, an absent type being TAG', async () => {
    const { cluster, receive } = scene();
    await receive({ filter_expression: { expression: 'red || blue' } });
    expect(cluster.broker().pops[0]?.filter).toEqual({ type: 'TAG', expression: 'red || blue' });
  });

  it('asks the broker of the queue, and each broker in turn for an unknown one, for each group', async () => {
    const { cluster, receive } = scene({}, ['broker-a', 'broker-b']);
    const queue = (name: string): object => ({ topic: { name: 't' }, broker: { name } });
    await receive({ message_queue: queue('broker-b') });
    for (let i = 0; i < 4; i++)
      for (const name of ['g', 'other'])
        await receive({ group: { name }, message_queue: queue('gone') });
    const { pops } = cluster.broker('broker-a');
    expect(pops.map(({ group }) => group)).toEqual(['g', 'other', 'g', 'other']);
    expect(cluster.broker('broker-b').pops).toHaveLength(1 + 4);
  });

  it('subscribes the group on all brokers of the topic with its first receive, once', async () => {
    const { cluster, receive } = scene({}, ['broker-a', 'broker-b']);
    for (let i = 0; i < 3; i++) await receive();
    for (const broker of cluster.brokers.values()) {
      expect(broker.subscribed).toEqual([
        {
          group: 'g',
          clientId: 'client-1',
          subscriptions: [{ topic: 't', filter: { type: 'TAG', expression: '*' } }],
          fifoIfNew: false,
        },
      ]);
    }
    expect(cluster.broker('broker-a').pops).toHaveLength(3);
  });

  it('receives from one broker while another one of the topic is away', async () => {
    const { cluster, receive } = scene({}, ['broker-a', 'broker-b']);
    cluster.broker('broker-b').failure = new Error('away');
    await receive();
    expect(cluster.broker('broker-a').pops).toHaveLength(1);
  });

  it('subscribes again when a broker no longer knows the group', async () => {
    const { cluster, receive, send } = scene();
    await receive();
    cluster.broker().groups.clear();
    await send('m');
    cluster.broker().groups.clear();
    const again = await receive();
    cluster.broker().endPolls();
    await cluster.sim.settle();
    expect(cluster.broker().subscribed).toHaveLength(2);
    expect(again.code).toBe(Code.MESSAGE_NOT_FOUND);
  });

  it('says CONSUMER_GROUP_NOT_FOUND where groups are not made by use', async () => {
    const { cluster, receive } = scene();
    cluster.broker().autoCreateGroups = false;
    const refused = await receive();
    expect(refused.code).toBe(Code.CONSUMER_GROUP_NOT_FOUND);
    expect(refused.contents).toEqual(['status', 'delivery_timestamp']);
  });

  it('passes on what a broker refuses', async () => {
    const { cluster, receive } = scene();
    await receive();
    cluster.broker().failure = new StatusError(Code.TOO_MANY_REQUESTS, 'polling full');
    const refused = await receive();
    expect([refused.code, refused.text]).toEqual([Code.TOO_MANY_REQUESTS, 'polling full']);
  });

  it('bounds the receives under way', async () => {
    const { receive } = scene({ maxReceives: 1 });
    await receive();
    const refused = await receive();
    expect(refused.contents).toEqual(['status']);
    expect(refused.code).toBe(Code.TOO_MANY_REQUESTS);
  });

  it('leaves out a record that cannot be read', async () => {
    const { cluster, receive, send } = scene();
    cluster.broker().put('t', Buffer.alloc(200));
    await send('good');
    const { contents, messages } = await receive();
    expect(contents).toEqual(['status', 'message', 'delivery_timestamp']);
    expect(messages[0]?.body.toString()).toBe('body of good');
    expect(cluster.broker().released).toEqual([]);
  });

  it('finds no message when none can be read', async () => {
    const { cluster, receive } = scene();
    cluster.broker().put('t', Buffer.alloc(200));
    const { contents, code } = await receive();
    expect(contents).toEqual(['status', 'delivery_timestamp']);
    expect(code).toBe(Code.MESSAGE_NOT_FOUND);
  });
});
