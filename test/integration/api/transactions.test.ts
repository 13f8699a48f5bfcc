/** EndTransaction and half messages (section 3.12 of the API's reference), over a real connection. */
import { Code } from '../../../src/message/status';
import { type ApiServer, startApiServer } from '../../support/api-server';
import { message } from '../../support/public-client';
import type { Status } from '../../support/raw-calls';

let server: ApiServer;
beforeAll(async () => {
  server = await startApiServer();
});
afterAll(() => server.stop());

const COMMIT = 1;
const ROLLBACK = 2;
const begin = (id: string): Promise<void> => server.send('transaction', [id], { message_type: 4 });

function end(transaction_id: string, resolution: number, changes: object = {}): Promise<Status> {
  return server.client.status('EndTransaction', {
    topic: { name: 'transaction' },
    message_id: transaction_id,
    transaction_id,
    resolution: resolution as 1,
    ...changes,
  });
}

describe('EndTransaction', () => {
  it('commits what was sent, and nothing before', async () => {
    await server.subscribe('g', 'transaction');
    for (const id of ['a', 'b', 'c']) await begin(id);
    expect(await end('a', COMMIT)).toEqual({ code: Code.OK, message: 'OK' });
    expect(await end('b', ROLLBACK)).toEqual({ code: Code.OK, message: 'OK' });
    const { messages } = await server.receive('g', 'transaction');
    expect(messages.map(({ system_properties: s }) => s?.message_id)).toEqual(['a']);
  });

  it.each([
    ['committed', COMMIT, ROLLBACK, 'was committed, it cannot be rolled back'],
    ['rolled back', ROLLBACK, COMMIT, 'was rolled back, it cannot be committed'],
  ])('when it was %s: again is OK, the opposite BAD_REQUEST', async (how, first, other, text) => {
    const id = `was ${how}`;
    await begin(id);
    expect((await end(id, first)).code).toBe(Code.OK);
    expect((await end(id, first)).code).toBe(Code.OK);
    const status = await end(id, other);
    expect(status.code).toBe(Code.BAD_REQUEST);
    expect(status.message).toContain(text);
  });

  it.each([0, 77])('with resolution %d changes nothing', async (resolution) => {
    const id = `undecided ${resolution}`;
    await begin(id);
    expect((await end(id, resolution)).code).toBe(Code.OK);
    expect((await end(id, ROLLBACK)).code).toBe(Code.OK);
  });

  it.each([
    ['no source', 0],
    ['the client', 1],
    ['a check', 2],
    ['a source of the future', 9],
  ])('comes from %s', async (_what, source) => {
    const id = `source ${source}`;
    await begin(id);
    expect((await end(id, COMMIT, { source })).code).toBe(Code.OK);
  });

  it('goes without the message id, by another client and another connection', async () => {
    await begin('elsewhere');
    const status = await server.another('client-9').status('EndTransaction', {
      ...{ topic: { name: 'transaction' }, transaction_id: 'elsewhere', resolution: COMMIT },
    });
    expect(status.code).toBe(Code.OK);
  });

  it.each([
    ['no transaction id', { transaction_id: '' }, Code.INVALID_TRANSACTION_ID, 'cannot be empty'],
    ['one that nobody knows', {}, Code.INVALID_TRANSACTION_ID, 'no transaction never'],
    ['that of another message', { message_id: 'x' }, Code.INVALID_TRANSACTION_ID, 'message x'],
    ['another topic', { topic: { name: 'mixed' } }, Code.INVALID_TRANSACTION_ID, 'mixed'],
    ['a topic that is not there', { topic: { name: 'no' } }, Code.TOPIC_NOT_FOUND, 'no'],
    ['no topic', { topic: null }, Code.ILLEGAL_TOPIC, 'blank'],
  ])('is refused with %s', async (_what, changes, code, text) => {
    const status = await end('never', COMMIT, changes);
    expect(status.code).toBe(code);
    expect(status.message).toContain(text);
  });
});

describe('a half message', () => {
  it('that is sent again gets the same answer and is one message', async () => {
    await server.subscribe('once', 'transaction');
    const request = { messages: [message('transaction', 'twice', { message_type: 4 })] };
    const first = await server.client.unary('SendMessage', request);
    expect(first.entries).toMatchObject([{ message_id: 'twice', transaction_id: 'twice' }]);
    expect(await server.client.unary('SendMessage', request)).toEqual(first);
    expect((await end('twice', COMMIT)).code).toBe(Code.OK);
    expect(await server.client.unary('SendMessage', request)).toEqual(first);
    const { messages } = await server.receive('once', 'transaction');
    expect(messages).toHaveLength(1);
  });
});
