/**
 * SendMessage beyond the checks of one message (section 3.6 of the API's reference; of section 8 the rest of
 * SendMessageActivity), over a real connection: requests, types of messages and topics, what is stored of a message.
 * What a broker's failures become: test/unit/proxy/send.test.ts.
 */
import { Code } from '../../../src/message/status';
import type { SystemProperties } from '../../../src/rpc/generated/apache/rocketmq/v2/SystemProperties';
import { type ApiServer, startApiServer } from '../../support/api-server';
import { message } from '../../support/public-client';

let server: ApiServer;
beforeAll(async () => {
  server = await startApiServer();
});
afterAll(() => server.stop());

let sent = 0;
const newId = (): string => `id-${sent++}`;
const inAnHour = (): { seconds: number } => ({ seconds: Math.floor(Date.now() / 1000) + 3600 });

describe('a request', () => {
  it('without messages is MESSAGE_CORRUPTED', async () => {
    expect(await server.client.status('SendMessage', {})).toEqual({
      code: Code.MESSAGE_CORRUPTED,
      message: 'no message to send',
    });
  });

  it('with messages of two topics is MESSAGE_CORRUPTED', async () => {
    const messages = [message('normal', newId()), message('mixed', newId())];
    expect(await server.client.status('SendMessage', { messages })).toEqual({
      code: Code.MESSAGE_CORRUPTED,
      message: 'topic in message is not same: normal and mixed',
    });
  });

  it('to a topic that is not there is TOPIC_NOT_FOUND', async () => {
    const status = await server.client.status('SendMessage', { messages: [message('no', 'm')] });
    expect(status.code).toBe(Code.TOPIC_NOT_FOUND);
    expect(status.message).toContain('no');
  });

  it('with one bad message stores none and has no entries', async () => {
    const good = newId();
    const messages = [message('normal', good), message('normal', newId(), { tag: 'a|b' })];
    const answer = await server.client.unary('SendMessage', { messages });
    expect(answer.status?.code).toBe(Code.ILLEGAL_MESSAGE_TAG);
    expect(answer.entries).toEqual([]);
    const alone = await server.client.unary('SendMessage', { messages: [message('normal', good)] });
    const next = await server.client.unary('SendMessage', {
      messages: [message('normal', newId())],
    });
    expect((next.entries[0]?.offset ?? 0) - (alone.entries[0]?.offset ?? 0)).toBe(1);
  });

  it('with several messages answers an entry for each, in order', async () => {
    const ids = Array.from({ length: 5 }, newId);
    const messages = ids.map((id) => message('normal', id));
    const { status, entries } = await server.client.unary('SendMessage', { messages });
    expect(status).toEqual({ code: Code.OK, message: 'OK' });
    expect(entries.map((entry) => [entry.message_id, entry.status?.code])).toEqual(
      ids.map((id) => [id, Code.OK]),
    );
    const first = entries[0]?.offset ?? 0;
    expect(entries.map(({ offset }) => offset - first)).toEqual([0, 1, 2, 3, 4]);
    expect(entries.map((entry) => entry.transaction_id + entry.recall_handle)).toEqual(
      ids.map(() => ''),
    );
  });

  it('with messages of several types and groups to a MIXED topic keeps what each is', async () => {
    const [plain, a1, b1, a2, half, late] = Array.from({ length: 6 }, newId);
    const messages = [
      message('mixed', plain ?? ''),
      message('mixed', a1 ?? '', { message_group: 'a' }),
      message('mixed', b1 ?? '', { message_group: 'b' }),
      message('mixed', a2 ?? '', { message_group: 'a' }),
      message('mixed', half ?? '', { message_type: 4 }),
      message('mixed', late ?? '', { delivery_timestamp: inAnHour() }),
    ];
    // The group begins now: what was sent before is not for it.
    await server.subscribe('batch', 'mixed');
    const { status, entries } = await server.client.unary('SendMessage', { messages });
    expect(status?.code).toBe(Code.OK);
    expect(entries.map(({ transaction_id: id }) => id)).toEqual(['', '', '', '', half, '']);
    expect(entries.map(({ recall_handle: handle }) => handle !== '')).toEqual([
      ...[false, false, false, false, false, true],
    ]);
    const { messages: got } = await server.receive('batch', 'mixed');
    expect(
      got.map(({ system_properties: s }) => [s?.message_id, s?.message_type, s?.message_group]),
    ).toEqual([
      [plain, 1, undefined],
      [a1, 2, 'a'],
      [b1, 2, 'b'],
      [a2, 2, 'a'],
    ]);
  });

  it('that repeats a message id is answered with the first result, whatever the id is', async () => {
    for (const id of ['x', 'not an id of a client', '01AB', 'ü'.repeat(100)]) {
      const request = { messages: [message('normal', id)] };
      const [first] = (await server.client.unary('SendMessage', request)).entries;
      const [again] = await server
        .another(`other-${id.length}`)
        .unary('SendMessage', request)
        .then(({ entries }) => entries);
      expect(first?.message_id).toBe(id);
      expect(again).toEqual(first);
    }
  });
});

const CARRIES = {
  NORMAL: {},
  FIFO: { message_group: 'g' },
  DELAY: { delivery_timestamp: { seconds: 4_000_000 } },
  'DELAY with a message group': {
    delivery_timestamp: { seconds: 4_000_000 },
    message_group: 'g',
  },
  TRANSACTION: { message_type: 4 },
  PRIORITY: { priority: 0 },
  LITE: { lite_topic: 'l' },
} as const satisfies Record<string, SystemProperties>;
type Kind = keyof typeof CARRIES;

/** Which topics take which messages. */
const taken: Readonly<Record<Kind, readonly string[]>> = {
  NORMAL: ['normal', 'mixed'],
  FIFO: ['fifo', 'mixed'],
  DELAY: ['delay', 'mixed'],
  'DELAY with a message group': ['delay', 'mixed'],
  TRANSACTION: ['transaction', 'mixed'],
  PRIORITY: ['priority'],
  LITE: ['lite'],
};
const TOPICS = ['normal', 'fifo', 'delay', 'transaction', 'mixed', 'priority', 'lite'] as const;
const pairs = (Object.keys(CARRIES) as Kind[]).flatMap((kind) =>
  TOPICS.map((topic) => [kind, topic] as const),
);

describe('the type of a message', () => {
  it.each(pairs)('%s on the topic %s', async (kind, topic) => {
    const status = await server.client.status('SendMessage', {
      messages: [message(topic, newId(), CARRIES[kind])],
    });
    if (!taken[kind].includes(topic)) {
      expect(status.code).toBe(Code.MESSAGE_PROPERTY_CONFLICT_WITH_TYPE);
      const type = kind.split(' ')[0] ?? '';
      for (const text of [topic, topic.toUpperCase(), type]) expect(status.message).toContain(text);
    } else {
      expect(status).toEqual({ code: Code.OK, message: 'OK' });
    }
  });

  it.each([0, 1, 2, 3, 5, 6, 99])('is not what message_type %d says', async (message_type) => {
    const plain = message('normal', newId(), { message_type: message_type as 0 });
    expect((await server.client.status('SendMessage', { messages: [plain] })).code).toBe(Code.OK);
  });

  it.each([
    [
      'message_type TRANSACTION',
      'delivery_timestamp',
      { message_type: 4, delivery_timestamp: { seconds: 9 } },
    ],
    ['message_type TRANSACTION', 'message_group', { message_type: 4, message_group: 'g' }],
    ['message_type TRANSACTION', 'priority', { message_type: 4, priority: 1 }],
    ['message_type TRANSACTION', 'lite_topic', { message_type: 4, lite_topic: 'l' }],
    ['delivery_timestamp', 'priority', { delivery_timestamp: { seconds: 9 }, priority: 1 }],
    ['delivery_timestamp', 'lite_topic', { delivery_timestamp: { seconds: 9 }, lite_topic: 'l' }],
    ['message_group', 'priority', { message_group: 'g', priority: 1 }],
    ['message_group', 'lite_topic', { message_group: 'g', lite_topic: 'l' }],
    ['priority', 'lite_topic', { priority: 1, lite_topic: 'l' }],
  ] as const)('%s does not go with %s', async (first, second, system) => {
    const id = newId();
    const status = await server.client.status('SendMessage', {
      messages: [message('mixed', id, system)],
    });
    expect(status).toEqual({
      code: Code.MESSAGE_PROPERTY_CONFLICT_WITH_TYPE,
      message: `a message with ${first} cannot have ${second}: "${id}"`,
    });
  });
});

describe('what a consumer gets', () => {
  it('is what the producer set, and none of what is the system’s', async () => {
    const out = message(
      'normal',
      newId(),
      {
        tag: 'red',
        keys: ['k1', 'k2'],
        trace_context: '00-01',
        // Not a producer's to say.
        ...{ delivery_attempt: -1, queue_id: 99, queue_offset: 7, receipt_handle: 'forged' },
        ...{ store_host: 'nowhere', store_timestamp: { seconds: 1 } },
        invisible_duration: { seconds: 1 },
      },
      { user_properties: { colour: 'blå', 'a key': ' ' } },
    );
    await server.subscribe('plain', 'normal');
    expect((await server.client.status('SendMessage', { messages: [out] })).code).toBe(Code.OK);
    const [got] = (await server.receive('plain', 'normal')).messages;
    expect(got?.user_properties).toEqual({ colour: 'blå', 'a key': ' ' });
    expect(got?.system_properties).toMatchObject({
      ...{ tag: 'red', keys: ['k1', 'k2'], trace_context: '00-01', message_type: 1 },
      ...{ queue_id: 0, delivery_attempt: 1, body_encoding: 1, born_host: 'client-host' },
      born_timestamp: { seconds: 1_699_999_999, nanos: 5_000_000 },
      invisible_duration: { seconds: 30, nanos: 0 },
    });
    expect(got?.system_properties?.receipt_handle).not.toBe('forged');
    expect(got?.system_properties?.store_timestamp?.seconds).toBeGreaterThan(1_700_000_000);
  });

  it.each([
    ['a committed message', 'transaction', { message_type: 4 }, 4],
    ['a delayed message', 'delay', { delivery_timestamp: { seconds: 1 } }, 3],
    ['a message of a group', 'fifo', { message_group: 'g' }, 2],
  ] as const)('of %s shows no property of the store’s', async (_what, topic, system, type) => {
    const id = newId();
    const out = message(topic, id, system, { user_properties: { a: 'b' } });
    const group = `reads-${topic}`;
    await server.subscribe(group, topic);
    await server.client.unary('SendMessage', { messages: [out] });
    if (topic === 'transaction') {
      await server.client.status('EndTransaction', {
        ...{ topic: { name: topic }, message_id: id, transaction_id: id, resolution: 1 },
      });
    }
    const { messages } = await server.receive(group, topic);
    expect(messages.map(({ user_properties: user }) => user)).toEqual([{ a: 'b' }]);
    expect(messages[0]?.system_properties).toMatchObject({ message_id: id, message_type: type });
  });
});
