import { Code } from '../../../src/message/status';
import { BrokerCluster, type Way } from '../../support/broker-cluster';
import { ModelCluster } from '../../support/model-cluster';
import { message, PublicClient, type Answered, type Pull } from '../../support/public-client';

type Policy = 0 | 1 | 2;
type PullRequest = Parameters<PublicClient['pull']>[0];
type Queue = NonNullable<PullRequest['message_queue']>;

const group = { name: 'g' };
const queue = (changes: Queue = {}): Queue => ({
  ...{ topic: { name: 't' }, id: 0, broker: { name: 'broker-a' } },
  ...changes,
});

describe.each<Way>(['in process', 'over a link'])('offsets and pull, %s', (way) => {
  let cluster: BrokerCluster;
  let client: PublicClient;

  beforeEach(async () => {
    cluster = await BrokerCluster.open(way);
    client = new PublicClient(cluster);
    await cluster.bench.topic('t');
  });

  const drive = <T>(promise: Promise<T>): Promise<T> => cluster.bench.drive(promise);
  const send = async (...ids: string[]): Promise<void> => {
    for (const id of ids) {
      const messages = [message('t', id, { tag: id.slice(0, 1) })];
      expect((await drive(client.status('SendMessage', { messages }))).code).toBe(Code.OK);
    }
  };
  const pull = async (changes: PullRequest = {}): Promise<Pull> => {
    const pulled = client.pull({ group, message_queue: queue(), batch_size: 32, ...changes });
    await cluster.sim.settle();
    return pulled;
  };
  const get = (named: Queue = queue(), name = 'g'): Promise<Answered<'GetOffset'>> =>
    drive(client.unary('GetOffset', { group: { name }, message_queue: named }));
  const update = async (offset: number, named = queue(), name = 'g'): Promise<number> => {
    const request = { group: { name }, message_queue: named, offset };
    return (await drive(client.status('UpdateOffset', request))).code;
  };
  const idsIn = (pulled: Pull): readonly string[] =>
    pulled.messages.map(({ system_properties: system }) => system?.message_id ?? '');

  it('a pull answers status, messages in order, and where to go on', async () => {
    await send('a', 'b', 'c');
    const pulled = await pull({ offset: 1 });
    expect(pulled.contents).toEqual(['status', 'message', 'message', 'next_offset']);
    expect(pulled.call.ended).toBe(true);
    expect(pulled.status).toEqual({ code: Code.OK, message: 'OK' });
    expect(idsIn(pulled)).toEqual(['b', 'c']);
    expect(pulled.nextOffset).toBe(3);
    const [first] = pulled.messages;
    expect(first?.system_properties).toMatchObject({ queue_offset: 1, receipt_handle: '' });
    expect(String(first?.body)).toBe('body of b');
  });

  it('a pull filters, moves over what does not match, and reads as often as it is asked', async () => {
    await send('a1', 'b1', 'a2');
    const tag = await pull({ filter_expression: { type: 'TAG', expression: 'b' } });
    expect([idsIn(tag), tag.nextOffset]).toEqual([['b1'], 3]);
    const sql = await pull({ filter_expression: { type: 'SQL', expression: "TAGS = 'a'" } });
    expect(idsIn(sql)).toEqual(['a1', 'a2']);
    const none = await pull({ filter_expression: { type: 'TAG', expression: 'x' } });
    expect(none.status?.code).toBe(Code.MESSAGE_NOT_FOUND);
    expect(none.nextOffset).toBe(3);
  });

  it('a pull waits as long as it says for a first message', async () => {
    const waiting = await pull({ long_polling_timeout: { seconds: 4 } });
    expect(waiting.items).toEqual([]);
    await cluster.sim.advance(3_000);
    await send('a');
    await cluster.sim.settle();
    expect(idsIn(waiting)).toEqual(['a']);
    const idle = await pull({ offset: 1, long_polling_timeout: { seconds: 4 } });
    await cluster.sim.advance(3_999);
    expect(idle.items).toEqual([]);
    await cluster.sim.advance(1);
    expect(idle.contents).toEqual(['status', 'next_offset']);
    expect(idle.status?.code).toBe(Code.MESSAGE_NOT_FOUND);
    expect(idle.nextOffset).toBe(1);
  });

  it('readers of their own progress do not disturb each other or the group', async () => {
    await send('a', 'b');
    const [one, other] = [await pull({ offset: 0 }), await pull({ offset: 0 })];
    expect([idsIn(one), idsIn(other)]).toEqual([
      ['a', 'b'],
      ['a', 'b'],
    ]);
    expect((await get()).status?.code).toBe(Code.OFFSET_NOT_FOUND);
  });

  it('committed progress is what was updated, forwards and back, after a crash too', async () => {
    await send('a', 'b', 'c');
    expect(await update(2)).toBe(Code.OK);
    expect(await get()).toMatchObject({ status: { code: Code.OK }, offset: 2 });
    expect(await update(1)).toBe(Code.OK);
    expect(await get()).toMatchObject({ offset: 1 });
    await cluster.bench.kill();
    const committed = cluster.bench.broker.offsets.get({ group: 'g', topic: 't', queueId: 0 });
    expect(await drive(committed)).toBe(1);
  });

  it('committed progress of a group that receives is the smallest unfinished offset', async () => {
    await cluster.bench.subscribe('g', 't');
    await send('a', 'b', 'c');
    const popped = await cluster.bench.pop();
    await cluster.bench.ack(popped.slice(1));
    expect(await get()).toMatchObject({ offset: 0 });
    await cluster.bench.ack(popped);
    expect(await get()).toMatchObject({ offset: 3 });
  });

  it('queries the beginning, the end, and the first message at a time', async () => {
    await send('a');
    await cluster.sim.advance(10_000);
    const thenMs = cluster.sim.clock.wallMs();
    await send('b');
    const query = async (policy: Policy, ms?: number): Promise<number> => {
      const timestamp = ms === undefined ? {} : { timestamp: { seconds: Math.floor(ms / 1000) } };
      const request = { message_queue: queue(), query_offset_policy: policy, ...timestamp };
      const { status, offset } = await drive(client.unary('QueryOffset', request));
      return status?.code === Code.OK ? offset : -(status?.code ?? 0);
    };
    expect([await query(0), await query(1)]).toEqual([0, 2]);
    expect(await query(2, thenMs)).toBe(1);
    expect(await query(2, thenMs + 60_000)).toBe(2);
    expect(await query(2)).toBe(-Code.BAD_REQUEST);
    expect(await query(7 as Policy)).toBe(-Code.BAD_REQUEST);
  });

  it.each([
    ['no topic', {}, Code.ILLEGAL_TOPIC],
    ['a topic that is not there', { topic: { name: 'none' } }, Code.TOPIC_NOT_FOUND],
    ['a queue that is not there', { id: 1 }, Code.BAD_REQUEST],
    ['a negative queue', { id: -1 }, Code.BAD_REQUEST],
    ['a broker that is not there', { broker: { name: 'none' } }, Code.BAD_REQUEST],
  ] as const)('all refuse %s', async (_what, changes, code) => {
    const named = Object.keys(changes).length === 0 ? {} : queue(changes);
    expect((await get(named)).status?.code).toBe(code);
    expect(await update(0, named)).toBe(code);
    const query = { message_queue: named, query_offset_policy: 1 as Policy };
    expect((await drive(client.status('QueryOffset', query))).code).toBe(code);
    const pulled = await pull({ message_queue: named });
    expect(pulled.contents).toEqual(['status']);
    expect(pulled.status?.code).toBe(code);
  });

  it('a broker need not be named where there is one', async () => {
    await send('a');
    expect(idsIn(await pull({ message_queue: { topic: { name: 't' } } }))).toEqual(['a']);
  });

  it('groups without a legal name are refused', async () => {
    expect((await get(queue(), 'a group')).status?.code).toBe(Code.ILLEGAL_CONSUMER_GROUP);
    expect(await update(0, queue(), '')).toBe(Code.ILLEGAL_CONSUMER_GROUP);
    const pulled = await pull({ group: { name: '' } });
    expect(pulled.status?.code).toBe(Code.ILLEGAL_CONSUMER_GROUP);
  });

  it('offsets out of range are ILLEGAL_OFFSET, and a pull is told the nearest', async () => {
    await send('a');
    for (const offset of [-1, 2]) expect(await update(offset)).toBe(Code.ILLEGAL_OFFSET);
    const beyond = await pull({ offset: 9 });
    expect(beyond.status).toEqual({
      code: Code.ILLEGAL_OFFSET,
      message: 'offset 9 is not in 0 .. 1 of queue 0 of topic t',
    });
    expect(beyond.nextOffset).toBe(1);
    expect((await pull({ offset: -1 })).nextOffset).toBe(0);
  });

  it('a filter that cannot be read is ILLEGAL_FILTER_EXPRESSION', async () => {
    const pulled = await pull({ filter_expression: { type: 'SQL', expression: 'a >' } });
    expect(pulled.status?.code).toBe(Code.ILLEGAL_FILTER_EXPRESSION);
  });

  it('a pull that waits ends when its topic is deleted, its client goes or the proxy drains, where none waits any more', async () => {
    const long_polling_timeout = { seconds: 10 };
    const deleted = await pull({ long_polling_timeout });
    await drive(cluster.bench.broker.deleteTopic('t'));
    await cluster.sim.settle();
    expect(deleted.status?.code).toBe(Code.TOPIC_NOT_FOUND);
    await cluster.bench.topic('t');
    const gone = await pull({ long_polling_timeout });
    gone.call.cancel();
    const drained = await pull({ long_polling_timeout });
    await drive(cluster.proxy.drain());
    expect(gone.items).toEqual([]);
    expect([drained.status?.code, drained.nextOffset]).toEqual([Code.MESSAGE_NOT_FOUND, 0]);
    const late = await pull({ long_polling_timeout });
    expect([late.status?.code, late.nextOffset]).toEqual([Code.MESSAGE_NOT_FOUND, 0]);
  });
});

describe('offsets and pull, refused by the broker or the proxy', () => {
  const setUp = (settings = {}): { cluster: ModelCluster; client: PublicClient } => {
    const cluster = new ModelCluster(settings, ['broker-a', 'broker-b']);
    cluster.topic('t');
    return { cluster, client: new PublicClient(cluster) };
  };

  it('what fails on the broker is the status', async () => {
    const { cluster, client } = setUp();
    cluster.broker().failure = new Error('disk on fire');
    const request = { group, message_queue: queue() };
    expect((await client.status('GetOffset', request)).code).toBe(Code.INTERNAL_SERVER_ERROR);
    const pulled = client.pull(request);
    await cluster.sim.settle();
    expect(pulled.status?.code).toBe(Code.INTERNAL_SERVER_ERROR);
  });

  it('a queue of a topic on several brokers needs its broker', async () => {
    const { client } = setUp();
    const request = { group, message_queue: queue({ broker: null }) };
    expect(await client.status('GetOffset', request)).toEqual({
      code: Code.BAD_REQUEST,
      message: 'message_queue.broker is "", topic t is on broker-a, broker-b',
    });
  });

  it('too many pulls at a time are TOO_MANY_REQUESTS', () => {
    const { client } = setUp({ maxReceives: 1 });
    const request = { group, message_queue: queue() };
    client.pull(request);
    expect(client.pull(request).status?.code).toBe(Code.TOO_MANY_REQUESTS);
  });
});
