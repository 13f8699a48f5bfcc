/** RecallMessage (section 3.7 of the API's reference), over a real connection. */
import { Code } from '../../../src/message/status';
import { type ApiServer, startApiServer } from '../../support/api-server';
import { message } from '../../support/public-client';
import type { Status } from '../../support/raw-calls';

let server: ApiServer;
beforeAll(async () => {
  server = await startApiServer();
});
afterAll(() => server.stop());

/** Sends a message that is due in so many milliseconds; answers its recall handle. */
async function sendIn(id: string, ms: number): Promise<string> {
  const at = Date.now() + ms;
  const delivery_timestamp = { seconds: Math.floor(at / 1000), nanos: (at % 1000) * 1e6 };
  const messages = [message('delay', id, { delivery_timestamp })];
  const { status, entries } = await server.client.unary('SendMessage', { messages });
  expect(status?.code).toBe(Code.OK);
  return entries[0]?.recall_handle ?? '';
}

function recall(recall_handle: string, topic = 'delay'): Promise<Status> {
  return server.client.status('RecallMessage', { topic: { name: topic }, recall_handle });
}

/** A handle with these parts, as SendMessage makes them. */
const handle = (...parts: readonly string[]): string =>
  Buffer.from(parts.join(' ')).toString('base64url');

describe('RecallMessage', () => {
  it('is OK with the message id, also when it is repeated; the message never comes', async () => {
    await server.subscribe('g', 'delay');
    const recalled = await sendIn('m', 300);
    await sendIn('n', 300);
    const request = { topic: { name: 'delay' }, recall_handle: recalled };
    for (let i = 0; i < 2; i++) {
      const answer = await server.client.unary('RecallMessage', request);
      expect(answer).toMatchObject({ status: { code: Code.OK }, message_id: 'm' });
    }
    const { messages } = await server.receive('g', 'delay');
    expect(messages.map(({ system_properties: s }) => s?.message_id)).toEqual(['n']);
    expect((await recall(recalled)).code).toBe(Code.OK);
  });

  it('of a message that was delivered says so', async () => {
    await server.subscribe('g2', 'delay');
    const recallHandle = await sendIn('d', 100);
    expect((await server.receive('g2', 'delay')).messages).toHaveLength(1);
    expect(await recall(recallHandle)).toEqual({
      code: Code.MESSAGE_NOT_FOUND,
      message: 'message d of topic delay has been delivered already',
    });
  });

  it('of a message that nobody knows says so', async () => {
    const due = String(Date.now() + 60_000);
    const status = await recall(handle('v1', 'delay', 'broker-a', due, 'unknown'));
    expect(status.code).toBe(Code.MESSAGE_NOT_FOUND);
    expect(status.message).toContain('unknown');
    expect(status.message).toContain('is known, or not any more');
  });

  it('of a message on a broker that is not known says that nobody can tell', async () => {
    const due = String(Date.now() + 60_000);
    const status = await recall(handle('v1', 'delay', 'broker-z', due, 'm'));
    expect(status.code).toBe(Code.PROXY_TIMEOUT);
    expect(status.message).toContain('broker-z');
  });

  const due = '1800000000000';
  it.each([
    ['none', ''],
    ['no base64', 'a.b'],
    ['base64 of something else', handle('hello')],
    ['of another version', handle('v2', 'delay', 'broker-a', due, 'm')],
    ['without a message id', handle('v1', 'delay', 'broker-a', due)],
    ['whose time is no number', handle('v1', 'delay', 'broker-a', 'soon', 'm')],
    ['whose time is too large', handle('v1', 'delay', 'broker-a', '9999999999999999', 'm')],
    ['that is too long', handle('v1', 'delay', 'broker-a', due, 'm'.repeat(20_000))],
    ['of another topic', handle('v1', 'mixed', 'broker-a', due, 'm')],
  ])('with a handle %s is BAD_REQUEST', async (_what, recallHandle) => {
    const status = await recall(recallHandle);
    expect(status.code).toBe(Code.BAD_REQUEST);
    expect(status.message).toContain('recall_handle');
    expect(status.message.length).toBeLessThan(200);
  });

  it.each([
    ['normal', Code.MESSAGE_PROPERTY_CONFLICT_WITH_TYPE],
    ['fifo', Code.MESSAGE_PROPERTY_CONFLICT_WITH_TYPE],
    ['transaction', Code.MESSAGE_PROPERTY_CONFLICT_WITH_TYPE],
    ['priority', Code.MESSAGE_PROPERTY_CONFLICT_WITH_TYPE],
    ['lite', Code.MESSAGE_PROPERTY_CONFLICT_WITH_TYPE],
    ['mixed', Code.MESSAGE_NOT_FOUND],
    ['unknown', Code.TOPIC_NOT_FOUND],
  ])('on the topic %s', async (topic, code) => {
    const status = await recall(handle('v1', topic, 'broker-a', due, 'm'), topic);
    expect(status.code).toBe(code);
    expect(status.message).toContain(topic);
  });
});
