/**
 * ReceiveMessage (section 3.8 of the API's reference; of section 8 the cases of ReceiveMessageActivity and
 * ReceiveMessageResponseStreamWriter), over a real connection. Clients that stop reading or go away:
 * test/unit/proxy/delivery-stream.test.ts; what the broker is asked for: test/unit/proxy/receive.test.ts.
 */
import { Code } from '../../../src/message/status';
import type { ReceiveMessageRequest } from '../../../src/rpc/generated/apache/rocketmq/v2/ReceiveMessageRequest';
import { type ApiServer, startApiServer } from '../../support/api-server';
import type { CallOptions } from '../../support/raw-calls';
import { until } from '../../support/until';

const MIN_POLL_MS = 200;
const MAX_POLL_MS = 900;

let server: ApiServer;
beforeAll(async () => {
  server = await startApiServer({
    'receive.minPolling': `${MIN_POLL_MS}ms`,
    'receive.maxPolling': `${MAX_POLL_MS}ms`,
    'receive.minInvisible': '1s',
    'consumers.waitingPerGroup': '2',
  });
});
afterAll(() => server.stop());

const ms = (all: number): { seconds: number; nanos: number } => ({
  seconds: Math.floor(all / 1000),
  nanos: (all % 1000) * 1e6,
});

describe('what is wrong with a receive comes as a status and the time, then the stream ends well', () => {
  const rows: readonly (readonly [string, ReceiveMessageRequest, number, string])[] = [
    ['no queue', { message_queue: null }, Code.ILLEGAL_TOPIC, 'blank'],
    [
      'a topic that is not there',
      { message_queue: { topic: { name: 'no' } } },
      Code.TOPIC_NOT_FOUND,
      'no',
    ],
    ['no group', { group: null }, Code.ILLEGAL_CONSUMER_GROUP, 'blank'],
    [
      'an invisible duration that is too small',
      { invisible_duration: ms(999) },
      Code.ILLEGAL_INVISIBLE_TIME,
      'min is 1000, invisible_duration is 999 ms',
    ],
    [
      'none at all',
      { invisible_duration: null },
      Code.ILLEGAL_INVISIBLE_TIME,
      'min is 1000, invisible_duration is 0 ms',
    ],
    [
      'one that is too large',
      { invisible_duration: ms(43_200_001) },
      Code.ILLEGAL_INVISIBLE_TIME,
      'max is 43200000, invisible_duration is 43200001 ms',
    ],
    [
      'an empty SQL filter',
      { filter_expression: { type: 2, expression: '' } },
      Code.ILLEGAL_FILTER_EXPRESSION,
      'empty',
    ],
    [
      'an SQL filter that cannot be read',
      { filter_expression: { type: 2, expression: 'a BETWEEN' } },
      Code.ILLEGAL_FILTER_EXPRESSION,
      'position',
    ],
  ];
  it.each(rows)('%s', async (_what, changes, code, text) => {
    const received = await server.receive('wrong', 'normal', changes);
    expect(received.contents).toEqual(['status', 'delivery_timestamp']);
    expect(received.status.code).toBe(code);
    expect(received.status.message).toContain(text);
  });

  it('but a missing client id as a status alone', async () => {
    const headers = { 'x-mq-client-id': undefined };
    const received = await server.receive('g', 'normal', {}, { headers });
    expect(received.contents).toEqual(['status']);
    expect(received.status.code).toBe(Code.CLIENT_ID_REQUIRED);
  });

  it.each([
    ['5.0.3', Code.ILLEGAL_POLLING_TIME],
    ['v5.1.4', Code.ILLEGAL_POLLING_TIME],
    ['5.0.2', Code.BAD_REQUEST],
    [undefined, Code.ILLEGAL_POLLING_TIME],
  ])('a deadline that is too near, by a client of version %s', async (version, code) => {
    const near = await startApiServer();
    try {
      const options: CallOptions = { timeoutMs: 4000, headers: { 'x-mq-client-version': version } };
      const { status } = await near.receive('g', 'normal', {}, options);
      expect(status.code).toBe(code);
      expect(status.message).toContain('not enough for polling');
      expect(status.message).toContain('at least 5000');
    } finally {
      await near.stop();
    }
  });
});

describe('an empty poll', () => {
  it.each([
    ['as long as is asked', { long_polling_timeout: ms(500) }, {}, 500],
    ['at least the shortest time', { long_polling_timeout: ms(1) }, {}, MIN_POLL_MS],
    ['at most the longest time', { long_polling_timeout: ms(60_000) }, {}, MAX_POLL_MS],
    [
      'the longest time without a deadline',
      { long_polling_timeout: null },
      { timeoutMs: 0 },
      MAX_POLL_MS,
    ],
    ['what the deadline leaves', { long_polling_timeout: null }, { timeoutMs: 1900 }, 400],
  ] as const)('waits %s, and finds nothing', async (_what, changes, options, leastMs) => {
    const begun = performance.now();
    const received = await server.receive('empty', 'normal', changes, options);
    const tookMs = performance.now() - begun;
    expect(received.contents).toEqual(['status', 'delivery_timestamp']);
    expect(received.status).toEqual({ code: Code.MESSAGE_NOT_FOUND, message: 'no new message' });
    // A timer may be a little early by another clock; the machine may be busy, so late says little.
    expect(tookMs).toBeGreaterThan(leastMs - 20);
    expect(tookMs).toBeLessThan(leastMs + 5000);
  });

  it.each([
    ['a tag that no message has', { type: 1, expression: 'none' }],
    ['an SQL filter that none meets', { type: 2, expression: "colour = 'none'" }],
  ] as const)('of %s', async (_what, filter_expression) => {
    await server.subscribe('filters', 'mixed');
    await server.send('mixed', [`tagged ${filter_expression.type}`], { tag: 'some' });
    const { status } = await server.receive('filters', 'mixed', { filter_expression });
    expect(status.code).toBe(Code.MESSAGE_NOT_FOUND);
  });

  it('beyond as many as may wait is TOO_MANY_REQUESTS, at once', async () => {
    const wait = (): ReturnType<ApiServer['receive']> =>
      server.receive('full', 'fifo', { long_polling_timeout: ms(MAX_POLL_MS) });
    const answers = await Promise.all([wait(), wait(), wait()]);
    expect(answers.map(({ status }) => status.code).toSorted()).toEqual([
      ...[Code.MESSAGE_NOT_FOUND, Code.MESSAGE_NOT_FOUND, Code.TOO_MANY_REQUESTS],
    ]);
    const full = answers.find(({ status }) => status.code === Code.TOO_MANY_REQUESTS);
    expect(full?.contents).toEqual(['status', 'delivery_timestamp']);
    expect(full?.status.message).toContain('2');
  });
});

describe('a receive', () => {
  it('gives the status, the messages in order, and the time', async () => {
    await server.subscribe('reads', 'normal');
    const ids = ['a', 'b', 'c'].map((id) => `in order ${id}`);
    await server.send('normal', ids);
    const received = await server.receive('reads', 'normal');
    expect(received.contents).toEqual([
      ...['status', 'message', 'message', 'message', 'delivery_timestamp'],
    ]);
    expect(received.status).toEqual({ code: Code.OK, message: 'OK' });
    expect(received.messages.map(({ body }) => body.toString())).toEqual(
      ids.map((id) => `body of ${id}`),
    );
  });

  it.each([
    [1, 1],
    [32, 32],
    [33, 32],
    [0, 1],
    [-5, 1],
  ])('of %d messages gives %d at most', async (batch_size, count) => {
    const group = `batch of ${batch_size}`.replaceAll(' ', '_');
    await server.subscribe(group, 'normal');
    await server.send(
      'normal',
      Array.from({ length: 40 }, (_, i) => `${group} ${i}`),
    );
    const { messages } = await server.receive(group, 'normal', { batch_size });
    expect(messages).toHaveLength(count);
  });

  it.each([
    ['the broker that is asked for', 'broker-a'],
    ['any other for one that is not known', 'broker-z'],
    ['any without one', ''],
  ])('comes from %s', async (_what, name) => {
    const group = `from-${name}`;
    await server.subscribe(group, 'normal');
    await server.send('normal', [group]);
    const message_queue = { topic: { name: 'normal' }, id: 99, broker: { name } };
    const { messages } = await server.receive(group, 'normal', { message_queue });
    expect(messages).toHaveLength(1);
  });

  it('is woken by a message that comes', async () => {
    await server.subscribe('woken', 'normal');
    const waiting = server.receive('woken', 'normal', { long_polling_timeout: ms(MAX_POLL_MS) });
    await server.send('normal', ['wakes']);
    expect((await waiting).messages).toHaveLength(1);
  });

  it('of a push consumer holds its messages longer than it asks for', async () => {
    await server.subscribe('pushed', 'normal');
    await server.send('normal', ['pushed']);
    const asked = { auto_renew: true, invisible_duration: ms(1), attempt_id: 'try 1' };
    const { messages } = await server.receive('pushed', 'normal', asked);
    expect(messages[0]?.system_properties?.invisible_duration).toEqual(ms(60_000));
  });

  it('that repeats an attempt of a FIFO group gives the same messages again', async () => {
    await server.subscribe('ordered', 'fifo');
    await server.send('fifo', ['f1', 'f2'], { message_group: 'g' });
    const request = { attempt_id: 'one', auto_renew: true };
    const ids = async (changes: ReceiveMessageRequest): Promise<(string | undefined)[]> => {
      const { messages } = await server.receive('ordered', 'fifo', changes);
      return messages.map(({ system_properties: s }) => s?.message_id);
    };
    const first = await ids(request);
    expect(first[0]).toBe('f1');
    expect(await ids(request)).toEqual(first);
    // Another attempt waits behind the group's first.
    expect(await ids({ ...request, attempt_id: 'two' })).toEqual([]);
  });

  it('that is cancelled leaves what comes then to others', async () => {
    await server.subscribe('cancelled', 'delay');
    const gone = server.another('gone');
    const waiting = gone
      .receive({
        group: { name: 'cancelled' },
        message_queue: { topic: { name: 'delay' } },
        ...{ batch_size: 1, invisible_duration: ms(60_000), long_polling_timeout: ms(MAX_POLL_MS) },
      })
      .catch(() => undefined);
    gone.close();
    await waiting;
    await server.send('delay', ['left'], { delivery_timestamp: { seconds: 1 } });
    const got = await until('the message', 10_000, async () => {
      const { messages } = await server.receive('cancelled', 'delay');
      return messages.length > 0 ? messages : undefined;
    });
    expect(got.map(({ system_properties: s }) => s?.message_id)).toEqual(['left']);
  });
});
