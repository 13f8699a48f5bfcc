/** PullMessage, and clients that keep their own progress with it, over a real connection. */
import { Code } from '../../../src/message/status';
import type { MessageQueue } from '../../../src/rpc/generated/apache/rocketmq/v2/MessageQueue';
import type { PullMessageRequest } from '../../../src/rpc/generated/apache/rocketmq/v2/PullMessageRequest';
import { type ApiServer, startApiServer } from '../../support/api-server';
import { message } from '../../support/public-client';
import type { Pulled, RawCalls } from '../../support/raw-calls';

const QUEUES = 2;
let server: ApiServer;
beforeAll(async () => {
  server = await startApiServer({
    'receive.minPolling': '0ms',
    'receive.maxPolling': '400ms',
    'flow.receives': '2',
    'topics.create': `normal:NORMAL:1,pulled:NORMAL:1,empty:NORMAL:1,busy:NORMAL:1,shared:NORMAL:${QUEUES}`,
  });
  for (const [id, tag] of [
    ['a1', 'a'],
    ['b1', 'b'],
    ['a2', 'a'],
  ] as const) {
    await server.client.status('SendMessage', {
      messages: [{ ...message('pulled', id, { tag }), user_properties: { size: id } }],
    });
  }
  const names = Array.from({ length: 20 }, (_, i) => `s${i}`);
  for (const name of names) await server.send('shared', [name]);
});
afterAll(() => server.stop());

const queue = (topic: string, id = 0): MessageQueue => ({
  ...{ topic: { name: topic }, id, broker: { name: 'broker-a' } },
});
const pull = (
  changes: PullMessageRequest = {},
  client: RawCalls = server.client,
): Promise<Pulled> =>
  client.pull({ group: { name: 'g' }, message_queue: queue('pulled'), batch_size: 32, ...changes });

describe('PullMessage', () => {
  it('answers its status, messages in order, and where to go on', async () => {
    const pulled = await pull({ offset: 1 });
    expect(pulled.contents).toEqual(['status', 'message', 'message', 'next_offset']);
    expect(pulled.status).toEqual({ code: Code.OK, message: 'OK' });
    expect([pulled.ids, pulled.nextOffset]).toEqual([['b1', 'a2'], 3]);
    const [first] = pulled.messages;
    expect(first?.system_properties).toMatchObject({ queue_offset: 1, receipt_handle: '' });
  });

  it.each([
    ['TAG', 'a', ['a1', 'a2']],
    ['TAG', 'a || b', ['a1', 'b1', 'a2']],
    ['SQL', "TAGS = 'b'", ['b1']],
    ['SQL', "size IN ('a2')", ['a2']],
  ] as const)('filters by %s %s', async (type, expression, ids) => {
    const pulled = await pull({ filter_expression: { type, expression } });
    expect([pulled.ids, pulled.nextOffset]).toEqual([ids, 3]);
  });

  it('moves over what its filter does not let through', async () => {
    const filter_expression = { type: 'TAG', expression: 'none' } as const;
    const pulled = await pull({ filter_expression });
    expect(pulled.contents).toEqual(['status', 'next_offset']);
    expect([pulled.status.code, pulled.nextOffset]).toEqual([Code.MESSAGE_NOT_FOUND, 3]);
  });

  it('waits as long as it says for a first message, and no longer than it may', async () => {
    const long_polling_timeout = { seconds: 5 };
    const message_queue = queue('empty');
    const start = performance.now();
    const empty = await pull({ message_queue, long_polling_timeout });
    expect(performance.now() - start).toBeGreaterThanOrEqual(399);
    expect([empty.status.code, empty.nextOffset]).toEqual([Code.MESSAGE_NOT_FOUND, 0]);
    const waiting = pull({ message_queue, long_polling_timeout });
    await server.send('empty', ['now']);
    expect((await waiting).ids).toEqual(['now']);
    expect((await pull({ message_queue, offset: 1 })).status.code).toBe(Code.MESSAGE_NOT_FOUND);
  });

  it.each<readonly [string, PullMessageRequest, Code, string, number | undefined]>([
    ['no queue', { message_queue: null }, Code.ILLEGAL_TOPIC, 'blank', undefined],
    [
      'a topic that is not there',
      { message_queue: queue('no') },
      ...([Code.TOPIC_NOT_FOUND, 'no', undefined] as const),
    ],
    [
      'a queue that is not there',
      { message_queue: queue('pulled', 1) },
      ...([Code.BAD_REQUEST, 'queue id 1', undefined] as const),
    ],
    [
      'a broker that is not there',
      { message_queue: { ...queue('pulled'), broker: { name: 'z' } } },
      ...([Code.BAD_REQUEST, '"z"', undefined] as const),
    ],
    ['no group', { group: null }, Code.ILLEGAL_CONSUMER_GROUP, 'blank', undefined],
    [
      'a filter that cannot be read',
      { filter_expression: { type: 'SQL', expression: 'a >' } },
      ...([Code.ILLEGAL_FILTER_EXPRESSION, 'a >', undefined] as const),
    ],
    ['an offset before the queue', { offset: -1 }, Code.ILLEGAL_OFFSET, '-1', 0],
    ['an offset behind the queue', { offset: 4 }, Code.ILLEGAL_OFFSET, '4', 3],
  ])('refuses %s', async (_what, changes, code, text, next) => {
    const pulled = await pull(changes);
    expect([pulled.status.code, pulled.nextOffset, pulled.messages]).toEqual([code, next, []]);
    expect(pulled.status.message).toContain(text);
  });

  it('needs a client id', async () => {
    const pulled = await server.client.pull({}, { headers: { 'x-mq-client-id': undefined } });
    expect(pulled.status.code).toBe(Code.CLIENT_ID_REQUIRED);
  });

  it('is refused where too many are under way', async () => {
    const request = { message_queue: queue('busy'), long_polling_timeout: { seconds: 5 } };
    const all = await Promise.all([pull(request), pull(request), pull(request)]);
    const codes = all.map(({ status }) => status.code).toSorted((a, b) => a - b);
    const { MESSAGE_NOT_FOUND: empty, TOO_MANY_REQUESTS: many } = Code;
    expect(codes).toEqual([empty, empty, many]);
  });
});

/** A group begins at the ends of a topic's queues, by what it commits on any of them: this one at their beginnings. */
async function beginAll(client: RawCalls, group: string): Promise<void> {
  for (let id = 0; id < QUEUES; id++) {
    const names = { group: { name: group }, message_queue: queue('shared', id) };
    const before = await client.unary('QueryOffset', {
      ...names,
      query_offset_policy: 'BEGINNING',
    });
    const status = await client.status('UpdateOffset', { ...names, offset: before.offset });
    expect(status.code).toBe(Code.OK);
  }
}

/** Reads a queue from its committed progress to its end, and commits. */
async function readOn(client: RawCalls, group: string, id: number): Promise<readonly string[]> {
  const names = { group: { name: group }, message_queue: queue('shared', id) };
  const committed = await client.unary('GetOffset', names);
  expect(committed.status?.code).toBe(Code.OK);
  const ids: string[] = [];
  let { offset } = committed;
  for (let i = 0; i < 50; i++) {
    const pulled = await pull({ ...names, offset, batch_size: 3 }, client);
    if (pulled.status.code === Code.MESSAGE_NOT_FOUND) return ids;
    ids.push(...pulled.ids);
    offset = pulled.nextOffset ?? offset;
    expect((await client.status('UpdateOffset', { ...names, offset })).code).toBe(Code.OK);
  }
  throw new Error('the queue has no end');
}

describe('clients that keep their own progress', () => {
  it('in cluster style share out the queues, and go on where the group is', async () => {
    const [one, other] = [server.another('pull-1'), server.another('pull-2')];
    await beginAll(one, 'cluster');
    const first = await Promise.all([readOn(one, 'cluster', 0), readOn(other, 'cluster', 1)]);
    const all = first.flat();
    expect(new Set(all).size).toBe(20);
    expect(all).toHaveLength(20);
    await server.send('shared', ['s20', 's21', 's22']);
    // The other way round: what counts is the group's progress, not who made it.
    const rest = await Promise.all([readOn(one, 'cluster', 1), readOn(other, 'cluster', 0)]);
    expect(rest.flat().toSorted()).toEqual(['s20', 's21', 's22']);
  });

  it('in broadcast style each read all', async () => {
    for (const reader of ['broadcast-1', 'broadcast-2']) {
      const client = server.another(reader);
      await beginAll(client, reader);
      const all = [...(await readOn(client, reader, 0)), ...(await readOn(client, reader, 1))];
      expect(all).toHaveLength(23);
      expect(new Set(all).size).toBe(23);
    }
  });
});
