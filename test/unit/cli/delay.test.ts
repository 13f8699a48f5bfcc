import { formatRecallHandle } from '../../../src/api/recall-handle';
import { AdminServer } from '../../support/admin-server';
import { gantry, rowsOf, type Outcome } from '../../support/command-line';

const HOUR_MS = 3_600_000;
const NOON_MS = Date.parse('2026-11-21T12:00:00Z');

let server: AdminServer;
beforeEach(async () => {
  server = await AdminServer.start();
  const view = { broker: 'broker-a', sentMs: NOON_MS - HOUR_MS };
  server.delayed = {
    messages: [
      { ...view, topic: 't', messageId: 'a', dueMs: NOON_MS + 1 },
      { ...view, topic: 'u', messageId: 'b', dueMs: NOON_MS + HOUR_MS },
    ],
    counts: [
      { topic: 't', hourMs: NOON_MS, messages: 2 },
      { topic: 't', hourMs: NOON_MS + HOUR_MS, messages: 3 },
      { topic: 'u', hourMs: NOON_MS + HOUR_MS, messages: 1 },
    ],
    total: 6,
  };
});
afterEach(() => server.stop());

const at = (...args: string[]): Promise<Outcome> =>
  gantry(['delay', ...args, '--endpoint', server.endpoint]);

describe('gantry delay', () => {
  it('list counts what waits, by topic and hour', async () => {
    const { out } = await at('list');
    expect(rowsOf(out)).toEqual([
      ['TOPIC', 'DUE IN THE HOUR OF', 'MESSAGES'],
      ['t', '2026-11-21T12:00:00.000Z', '2'],
      ['t', '2026-11-21T13:00:00.000Z', '3'],
      ['u', '2026-11-21T13:00:00.000Z', '1'],
      ['6 in all'],
    ]);
    const one = await at('list', '--topic', 'u', '-o', 'json');
    expect(JSON.parse(one.out)).toMatchObject({
      hours: [{ topic: 'u', hour: '2026-11-21T13:00:00.000Z', messages: 1 }],
    });
  });

  it('list --messages shows the messages, and how many more there are', async () => {
    const { out } = await at('list', '--messages', '--max', '1');
    expect(rowsOf(out)).toEqual([
      ['MESSAGE ID', 'TOPIC', 'DUE AT', 'SENT AT'],
      ['a', 't', '2026-11-21T12:00:00.001Z', '2026-11-21T11:00:00.000Z'],
      ['1 of 6'],
    ]);
    expect((await at('list', '--max', '1001')).code).toBe(2);
  });

  it('show tells of one, with its handle, and fails for none', async () => {
    const handle = { topic: 'u', brokerName: 'broker-a', deliverMs: NOON_MS + HOUR_MS };
    const recallHandle = formatRecallHandle({ ...handle, messageId: 'b' });
    const { out } = await at('show', 'b', '-o', 'json');
    expect(JSON.parse(out)).toEqual({
      ...{ broker: 'broker-a', topic: 'u', messageId: 'b', recallHandle },
      ...{ dueAt: '2026-11-21T13:00:00.000Z', sentAt: '2026-11-21T11:00:00.000Z' },
    });
    expect((await at('show', 'b')).out).toContain(recallHandle);
    expect(await at('show', 'x')).toEqual({
      ...{ code: 1, out: '' },
      err: 'MESSAGE_NOT_FOUND: no message x waits, as far as messages are indexed yet\n',
    });
  });

  it('recall takes an id or the handle that the send answered', async () => {
    const message = { broker: 'broker-a', topic: 't', messageId: 'a', deliverMs: NOON_MS + 1 };
    expect(await at('recall', 'a')).toEqual({
      ...{ code: 0, out: 'message a of topic t is recalled\n', err: '' },
    });
    const { broker: brokerName, ...rest } = message;
    server.delayed = { messages: [], counts: [], total: 0 };
    expect((await at('recall', formatRecallHandle({ ...rest, brokerName }))).code).toBe(0);
    expect(server.recalled).toEqual([message, message]);
    expect((await at('recall', 'a')).code).toBe(1);
  });

  it('needs the topic of an id that waits on several', async () => {
    const view = { broker: 'broker-a', messageId: 'a', dueMs: NOON_MS, sentMs: 1 };
    const messages = ['t', 'u'].map((topic) => ({ ...view, topic }));
    server.delayed = { messages, counts: [], total: 2 };
    expect((await at('recall', 'a')).err).toBe(
      'BAD_REQUEST: messages a wait on topics t and u: say --topic\n',
    );
    expect((await at('recall', 'a', '--topic', 'u')).code).toBe(0);
    expect(server.recalled).toMatchObject([{ topic: 'u' }]);
  });
});
