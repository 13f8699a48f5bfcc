/**
 * AckMessage, ChangeInvisibleDuration and ForwardMessageToDeadLetterQueue (sections 3.9 to 3.11 of the API's reference;
 * of section 8 the cases of AckMessageActivity, ChangeInvisibleDurationActivity, ForwardMessageToDLQActivity), over a
 * real connection. Brokers that fail: test/unit/proxy/ack.test.ts; renewal: test/unit/broker/pop.
 */
import { Code } from '../../../src/message/status';
import { type ApiServer, startApiServer } from '../../support/api-server';
import type { Status } from '../../support/raw-calls';

let server: ApiServer;
beforeAll(async () => {
  server = await startApiServer({ 'receive.minInvisible': '100ms', 'receive.minPolling': '200ms' });
});
afterAll(() => server.stop());

const ms = (all: number): { seconds: number; nanos: number } => ({
  seconds: Math.floor(all / 1000),
  nanos: (all % 1000) * 1e6,
});
const names = (group: string, topic = 'normal') => ({
  group: { name: group },
  topic: { name: topic },
});

/** Messages that a new group holds, as their handles. */
async function held(group: string, count = 1, invisibleMs = 30_000): Promise<readonly string[]> {
  await server.subscribe(group, 'normal');
  await server.send(
    'normal',
    Array.from({ length: count }, (_, i) => `${group} ${i}`),
  );
  const { handles } = await server.receive(group, 'normal', {
    invisible_duration: ms(invisibleMs),
  });
  expect(handles).toHaveLength(count);
  return handles;
}

/** The handle of a message that came again meanwhile, and its new one. */
async function superseded(group: string): Promise<readonly [string, string]> {
  const [old = ''] = await held(group, 1, 100);
  const { handles } = await server.receive(group, 'normal');
  expect(handles).toHaveLength(1);
  return [old, handles[0] ?? ''];
}

async function ack(group: string, receiptHandle: string): Promise<Status> {
  return server.client.status('AckMessage', {
    ...names(group),
    entries: [{ message_id: 'm', receipt_handle: receiptHandle }],
  });
}

function change(group: string, receiptHandle: string, invisibleMs: number): Promise<Status> {
  return server.client.status('ChangeInvisibleDuration', {
    ...names(group),
    receipt_handle: receiptHandle,
    invisible_duration: ms(invisibleMs),
  });
}

function forward(group: string, receipt_handle: string): Promise<Status> {
  return server.client.status('ForwardMessageToDeadLetterQueue', {
    ...names(group),
    receipt_handle,
    ...{ message_id: 'm', delivery_attempt: 3, max_delivery_attempts: 1 },
  });
}

const calls = {
  AckMessage: ack,
  ChangeInvisibleDuration: (group: string, handle: string) => change(group, handle, 10_000),
  ForwardMessageToDeadLetterQueue: forward,
} as const;
const RPCS = Object.keys(calls) as (keyof typeof calls)[];

describe.each(RPCS)(
  '%s: INVALID_RECEIPT_HANDLE, and no other lasting error, for a handle',
  (rpc) => {
    const call = calls[rpc];
    it.each([
      ['that is empty', ''],
      ['that is none', 'garbage'],
      ['of Apache’s form', '0 1700000000000 60000 3 0 broker-a 1 77 4096'],
      ['without a token', 'broker-a~'],
      ['of an unknown broker', 'broker-z~AAAAAAAAAAAAAAAAAAAAAAAAAAAA'],
      ['that is forged', 'broker-a~AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'],
    ])('%s', async (_what, receiptHandle) => {
      const status = await call('nobody', receiptHandle);
      expect(status.code).toBe(Code.INVALID_RECEIPT_HANDLE);
      expect(status.message).not.toBe('');
    });

    it('that another one has replaced', async () => {
      const [old] = await superseded(`replaced-${rpc}`);
      expect((await call(`replaced-${rpc}`, old)).code).toBe(Code.INVALID_RECEIPT_HANDLE);
    });

    it('of another group', async () => {
      const [handle = ''] = await held(`owner-${rpc}`);
      expect((await call(`thief-${rpc}`, handle)).code).toBe(Code.INVALID_RECEIPT_HANDLE);
      expect((await ack(`owner-${rpc}`, handle)).code).toBe(Code.OK);
    });

    it('with one letter changed', async () => {
      const [handle = ''] = await held(`changed-${rpc}`);
      const at = handle.length - 5;
      const letter = handle[at] === 'A' ? 'B' : 'A';
      const wrong = handle.slice(0, at) + letter + handle.slice(at + 1);
      expect((await call(`changed-${rpc}`, wrong)).code).toBe(Code.INVALID_RECEIPT_HANDLE);
    });
  },
);

describe('AckMessage', () => {
  it('finishes messages, answers each entry in order, and is OK when repeated', async () => {
    const [a = '', b = ''] = await held('acks', 2);
    const entries = [
      { message_id: 'acks 1', receipt_handle: b },
      { message_id: 'acks 0', receipt_handle: a },
    ];
    for (let i = 0; i < 2; i++) {
      const answer = await server.client.unary('AckMessage', { ...names('acks'), entries });
      expect(answer.status).toEqual({ code: Code.OK, message: 'OK' });
      expect(answer.entries).toEqual(
        entries.map((entry) => ({ ...entry, status: { code: Code.OK, message: 'OK' } })),
      );
    }
  });

  it('answers MULTIPLE_RESULTS when the entries differ, each with its own status', async () => {
    const [good = ''] = await held('mixes');
    const answer = await server.client.unary('AckMessage', {
      ...names('mixes'),
      entries: ['garbage', good, 'broker-z~x'].map((receipt_handle) => ({ receipt_handle })),
    });
    expect(answer.status).toEqual({ code: Code.MULTIPLE_RESULTS, message: 'MULTIPLE_RESULTS' });
    expect(answer.entries.map(({ status }) => status?.code)).toEqual([
      ...[Code.INVALID_RECEIPT_HANDLE, Code.OK, Code.INVALID_RECEIPT_HANDLE],
    ]);
    expect(answer.entries[2]?.status?.message).toBe('cannot find broker broker-z');
  });

  it('answers the common code when all fail alike', async () => {
    const entries = [{ receipt_handle: 'x' }, { receipt_handle: 'y' }];
    const status = await server.client.status('AckMessage', { ...names('g'), entries });
    expect(status.code).toBe(Code.INVALID_RECEIPT_HANDLE);
  });

  it.each([
    ['no entries', 0, 'entries is empty'],
    ['1025 entries', 1025, '1025 elements, the limit is 1024'],
  ])('with %s is BAD_REQUEST', async (_what, count, text) => {
    const entries = Array.from({ length: count }, () => ({ receipt_handle: 'x' }));
    const answer = await server.client.unary('AckMessage', { ...names('g'), entries });
    expect(answer.status?.code).toBe(Code.BAD_REQUEST);
    expect(answer.status?.message).toContain(text);
    expect(answer.entries).toEqual([]);
  });

  it('on a topic that is not there is INVALID_RECEIPT_HANDLE: nobody would end a retry of it', async () => {
    const [receipt_handle = ''] = await held('elsewhere');
    const request = { ...names('elsewhere', 'gone'), entries: [{ receipt_handle }] };
    const status = await server.client.status('AckMessage', request);
    expect(status.code).toBe(Code.INVALID_RECEIPT_HANDLE);
  });
});

describe('ChangeInvisibleDuration', () => {
  it.each([
    ['below 0', -1000, 'min is 0, invisible_duration is -1000 ms'],
    ['above 12 h', 43_200_001, 'max is 43200000, invisible_duration is 43200001 ms'],
  ])('%s is ILLEGAL_INVISIBLE_TIME', async (_what, invisibleMs, text) => {
    const [handle = ''] = await held(`time-${Math.abs(invisibleMs)}`);
    const status = await change(`time-${Math.abs(invisibleMs)}`, handle, invisibleMs);
    expect(status.code).toBe(Code.ILLEGAL_INVISIBLE_TIME);
    expect(status.message).toContain(text);
  });

  it('answers a new handle that is good, and the old one no more', async () => {
    const [handle = ''] = await held('renews');
    const answer = await server.client.unary('ChangeInvisibleDuration', {
      ...names('renews'),
      receipt_handle: handle,
      invisible_duration: ms(43_200_000),
    });
    expect(answer.status).toEqual({ code: Code.OK, message: 'OK' });
    expect((await ack('renews', handle)).code).toBe(Code.INVALID_RECEIPT_HANDLE);
    expect((await ack('renews', answer.receipt_handle)).code).toBe(Code.OK);
  });

  it.each([
    ['counts an attempt', false, 2],
    ['counts none when it suspends', true, 1],
  ])('of 0 brings the message again at once, and %s', async (_what, suspend, attempt) => {
    const group = `again-${attempt}`;
    const [receipt_handle = ''] = await held(group);
    const status = await server.client.status('ChangeInvisibleDuration', {
      ...names(group),
      ...{ receipt_handle, suspend },
    });
    expect(status.code).toBe(Code.OK);
    const { messages } = await server.receive(group, 'normal');
    expect(messages[0]?.system_properties?.delivery_attempt).toBe(attempt);
  });
});

describe('ForwardMessageToDeadLetterQueue', () => {
  it('makes the message a dead letter that says where it came from, and is OK when repeated', async () => {
    // The queue is made with its first dead letter; the reader begins behind that one.
    const [first = '', second = ''] = await held('gives-up', 2);
    expect(await forward('gives-up', first)).toEqual({ code: Code.OK, message: 'OK' });
    await server.subscribe('reads-dead-letters', '%DLQ%gives-up');
    expect((await forward('gives-up', second)).code).toBe(Code.OK);
    expect((await forward('gives-up', second)).code).toBe(Code.OK);
    const { messages } = await server.receive('reads-dead-letters', '%DLQ%gives-up');
    expect(
      messages.map(({ system_properties: s }) => [s?.message_id, s?.dead_letter_queue]),
    ).toEqual([['gives-up 1', { topic: 'normal', message_id: 'gives-up 1' }]]);
    expect(messages[0]?.user_properties).toEqual({});
  });
});
