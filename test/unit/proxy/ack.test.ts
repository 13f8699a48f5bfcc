import { Code, StatusError } from '../../../src/message/status';
import { ModelCluster } from '../../support/model-cluster';
import { message, PublicClient, receiveRequest } from '../../support/public-client';

const names = { group: { name: 'g' }, topic: { name: 't' } };

/** Sends messages to one-queue topic t of every broker and answers their receipt handles. */
async function received(
  cluster: ModelCluster,
  count: number,
  brokerName = 'broker-a',
): Promise<string[]> {
  cluster.topic('t', 'NORMAL', 1);
  const client = new PublicClient(cluster);
  for (let i = 0; i < 50 * count; i++) {
    if (cluster.broker(brokerName).sends.length >= count) break;
    await client.unary('SendMessage', { messages: [message('t', `id-${i}`)] });
  }
  const receive = client.receive(
    receiveRequest('g', 't', {
      message_queue: { topic: { name: 't' }, broker: { name: brokerName } },
    }),
  );
  await cluster.sim.settle();
  const handles = receive.messages.map(({ system_properties: s }) => s?.receipt_handle ?? '');
  expect(handles).toHaveLength(count);
  return handles;
}

describe('AckMessage', () => {
  it('finishes messages and answers each entry in order', async () => {
    const cluster = new ModelCluster();
    const [a = '', b = ''] = await received(cluster, 2);
    const answer = await new PublicClient(cluster).unary('AckMessage', {
      ...names,
      entries: [
        { message_id: 'b', receipt_handle: b },
        { message_id: 'a', receipt_handle: a },
      ],
    });
    expect(answer.status).toEqual({ code: Code.OK, message: 'OK' });
    expect(answer.entries).toEqual([
      { message_id: 'b', receipt_handle: b, status: { code: Code.OK, message: 'OK' } },
      { message_id: 'a', receipt_handle: a, status: { code: Code.OK, message: 'OK' } },
    ]);
    expect(cluster.broker().unfinished).toBe(0);
  });

  it('sends each handle to its own broker and keeps the order of the request', async () => {
    const cluster = new ModelCluster({}, ['broker-a', 'broker-b']);
    const [onA = ''] = await received(cluster, 1, 'broker-a');
    const left = cluster.broker('broker-a').unfinished;
    const answer = await new PublicClient(cluster).unary('AckMessage', {
      ...names,
      entries: ['broker-b~nothing', onA, 'garbage', 'broker-x~t'].map((receipt_handle) => ({
        message_id: 'm',
        receipt_handle,
      })),
    });
    expect(answer.status?.code).toBe(Code.MULTIPLE_RESULTS);
    expect(answer.entries.map(({ status }) => status?.code)).toEqual([
      Code.INVALID_RECEIPT_HANDLE,
      Code.OK,
      Code.INVALID_RECEIPT_HANDLE,
      Code.INVALID_RECEIPT_HANDLE,
    ]);
    expect(answer.entries[3]?.status?.message).toBe('cannot find broker broker-x');
    expect(cluster.broker('broker-a').unfinished).toBe(left - 1);
  });

  it('answers the common code when all entries fail alike', async () => {
    const cluster = new ModelCluster();
    const status = await new PublicClient(cluster).status('AckMessage', {
      ...names,
      entries: [{ receipt_handle: 'x' }, { receipt_handle: 'y' }],
    });
    expect(status.code).toBe(Code.INVALID_RECEIPT_HANDLE);
  });

  it('gives the entries of a broker that does not answer its status', async () => {
    const cluster = new ModelCluster();
    const [handle = ''] = await received(cluster, 1);
    cluster.broker().failure = new StatusError(Code.PROXY_TIMEOUT, 'no answer');
    const answer = await new PublicClient(cluster).unary('AckMessage', {
      ...names,
      entries: [{ message_id: 'm', receipt_handle: handle }],
    });
    expect(answer.entries.map(({ status }) => status)).toEqual([
      { code: Code.PROXY_TIMEOUT, message: 'no answer' },
    ]);
  });

  it.each([
    ['no entries', { ...names, entries: [] }, Code.BAD_REQUEST, 'entries'],
    [
      'too many entries',
      { ...names, entries: Array.from({ length: 3 }, () => ({ receipt_handle: 'x' })) },
      Code.BAD_REQUEST,
      'limit is 2',
    ],
    [
      'a blank group',
      { ...names, group: { name: '' }, entries: [{}] },
      Code.ILLEGAL_CONSUMER_GROUP,
      'group',
    ],
    [
      'an illegal topic',
      { ...names, topic: { name: '!' }, entries: [{}] },
      Code.ILLEGAL_TOPIC,
      '!',
    ],
  ])('refuses %s', async (_name, request, code, text) => {
    const cluster = new ModelCluster({ maxAckEntries: 2 });
    const answer = await new PublicClient(cluster).unary('AckMessage', request);
    expect(answer.status?.code).toBe(code);
    expect(answer.status?.message).toContain(text);
    expect(answer.entries).toEqual([]);
  });

  it('still reaches a broker that left the routes a moment ago, and then no more', async () => {
    const cluster = new ModelCluster({}, ['broker-a', 'broker-b']);
    const [handle = ''] = await received(cluster, 1);
    cluster.absent.add('broker-a');
    cluster.announce();
    const client = new PublicClient(cluster);
    const ack = { ...names, entries: [{ message_id: 'm', receipt_handle: handle }] };
    expect((await client.status('AckMessage', ack)).code).toBe(Code.OK);
    await cluster.sim.advance(30_000);
    expect(cluster.broker().closed).toBe(true);
    expect((await client.status('AckMessage', ack)).code).toBe(Code.INVALID_RECEIPT_HANDLE);
  });
});

describe('ChangeInvisibleDuration', () => {
  it('answers the new handle; the old one is void', async () => {
    const cluster = new ModelCluster();
    const [handle = ''] = await received(cluster, 1);
    const client = new PublicClient(cluster);
    const change = {
      ...names,
      receipt_handle: handle,
      message_id: 'm',
      invisible_duration: { seconds: 43200 },
      suspend: true,
    };
    const answer = await client.unary('ChangeInvisibleDuration', change);
    expect(answer.status?.code).toBe(Code.OK);
    expect(answer.receipt_handle).not.toBe(handle);
    expect(cluster.broker().changed).toMatchObject([
      { group: 'g', topic: 't', invisibleMs: 43_200_000, suspend: true, messageId: 'm' },
    ]);
    expect((await client.status('ChangeInvisibleDuration', change)).code).toBe(
      Code.INVALID_RECEIPT_HANDLE,
    );
    const entries = [{ message_id: 'm', receipt_handle: answer.receipt_handle }];
    expect((await client.status('AckMessage', { ...names, entries })).code).toBe(Code.OK);
  });

  it('takes 0: at once', async () => {
    const cluster = new ModelCluster();
    const [handle = ''] = await received(cluster, 1);
    const status = await new PublicClient(cluster).status('ChangeInvisibleDuration', {
      ...names,
      receipt_handle: handle,
    });
    expect(status.code).toBe(Code.OK);
    expect(cluster.broker().changed[0]).toMatchObject({ invisibleMs: 0, suspend: false });
  });

  it.each([
    [{ seconds: 43200, nanos: 1_000_000 }, 'max is 43200000'],
    [{ seconds: -1 }, 'min is 0'],
  ])('refuses %j', async (invisible_duration, text) => {
    const status = await new PublicClient(new ModelCluster()).status('ChangeInvisibleDuration', {
      ...names,
      receipt_handle: 'broker-a~x',
      invisible_duration,
    });
    expect(status.code).toBe(Code.ILLEGAL_INVISIBLE_TIME);
    expect(status.message).toContain(text);
  });

  it.each(['', 'no-separator', '~token', 'broker-a~', 'gone~token'])(
    'has no use for the handle %j',
    async (receipt_handle) => {
      const status = await new PublicClient(new ModelCluster()).status('ChangeInvisibleDuration', {
        ...names,
        receipt_handle,
        invisible_duration: { seconds: 10 },
      });
      expect(status.code).toBe(Code.INVALID_RECEIPT_HANDLE);
    },
  );
});

describe('ForwardMessageToDeadLetterQueue', () => {
  it('moves the message and answers OK', async () => {
    const cluster = new ModelCluster();
    const [handle = ''] = await received(cluster, 1);
    const forward = { ...names, receipt_handle: handle, message_id: 'm' };
    const status = await new PublicClient(cluster).status(
      'ForwardMessageToDeadLetterQueue',
      forward,
    );
    expect(status).toEqual({ code: Code.OK, message: 'OK' });
    expect(cluster.broker().forwarded).toMatchObject([{ group: 'g', topic: 't', messageId: 'm' }]);
  });

  it.each([
    ['a bad topic', { topic: { name: 'a/b' } }, Code.ILLEGAL_TOPIC],
    ['a bad group', { group: { name: '' } }, Code.ILLEGAL_CONSUMER_GROUP],
    ['an unreadable handle', { receipt_handle: 'x' }, Code.INVALID_RECEIPT_HANDLE],
    ['a handle of an unknown broker', { receipt_handle: 'b~x' }, Code.INVALID_RECEIPT_HANDLE],
  ])('refuses %s', async (_name, wrong, code) => {
    const cluster = new ModelCluster();
    const [handle = ''] = await received(cluster, 1);
    const forward = { ...names, receipt_handle: handle, message_id: 'm', ...wrong };
    const status = await new PublicClient(cluster).status(
      'ForwardMessageToDeadLetterQueue',
      forward,
    );
    expect(status.code).toBe(code);
    expect(cluster.broker().forwarded).toEqual([]);
  });
});
