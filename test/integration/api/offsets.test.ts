/**
 * GetOffset, UpdateOffset and QueryOffset (section 3.14 of the API's reference), over a real connection. What they
 * answer after crashes and in several processes: test/unit/proxy/offsets.test.ts.
 */
import { Code } from '../../../src/message/status';
import type { MessageQueue } from '../../../src/rpc/generated/apache/rocketmq/v2/MessageQueue';
import { type ApiServer, startApiServer } from '../../support/api-server';

let server: ApiServer;
beforeAll(async () => {
  server = await startApiServer();
  await server.send('normal', ['a', 'b', 'c']);
});
afterAll(() => server.stop());

const queue: MessageQueue = { topic: { name: 'normal' }, id: 0, broker: { name: 'broker-a' } };
const group = { name: 'g' };

describe('offsets of a group', () => {
  it('are not there before they are set, and then what they were set to', async () => {
    const request = { group: { name: 'sets' }, message_queue: queue };
    const before = await server.client.status('GetOffset', request);
    expect(before.code).toBe(Code.OFFSET_NOT_FOUND);
    expect(before.message).toContain('sets');
    for (const offset of [2, 0, 3]) {
      const set = await server.client.status('UpdateOffset', { ...request, offset });
      expect(set).toEqual({ code: Code.OK, message: 'OK' });
      const got = await server.client.unary('GetOffset', request);
      expect(got).toMatchObject({ status: { code: Code.OK }, offset });
    }
  });

  it.each([-1, 4])('cannot be %d where there are 3 messages', async (offset) => {
    const request = { group, message_queue: queue, offset };
    const status = await server.client.status('UpdateOffset', request);
    expect(status.code).toBe(Code.ILLEGAL_OFFSET);
    expect(status.message).toContain(`${offset}`);
  });
});

describe('QueryOffset', () => {
  it.each([
    ['BEGINNING', 0, undefined, 0],
    ['END', 1, undefined, 3],
    ['TIMESTAMP long ago', 2, { seconds: 1 }, 0],
    ['TIMESTAMP in the future', 2, { seconds: 99_999_999_999 }, 3],
  ] as const)('%s', async (_name, query_offset_policy, timestamp, offset) => {
    const answer = await server.client.unary('QueryOffset', {
      ...{ message_queue: queue, query_offset_policy },
      ...(timestamp && { timestamp }),
    });
    expect(answer).toMatchObject({ status: { code: Code.OK }, offset });
  });

  it.each([
    ['TIMESTAMP without one', { query_offset_policy: 2 }, 'timestamp is absent'],
    ['TIMESTAMP before the epoch', { query_offset_policy: 2, timestamp: { seconds: -1 } }, '-1000'],
    ['a policy of the future', { query_offset_policy: 9 }, 'query_offset_policy is 9'],
  ])('%s is BAD_REQUEST', async (_what, request, text) => {
    const sent = { message_queue: queue, ...request } as { message_queue: MessageQueue };
    const status = await server.client.status('QueryOffset', sent);
    expect(status.code).toBe(Code.BAD_REQUEST);
    expect(status.message).toContain(text);
  });
});

describe.each(['GetOffset', 'UpdateOffset', 'QueryOffset'] as const)('%s refuses', (name) => {
  it.each([
    ['no queue', null, Code.ILLEGAL_TOPIC, 'blank'],
    ['a topic that is not there', { topic: { name: 'no' } }, Code.TOPIC_NOT_FOUND, 'no'],
    ['a queue that is not there', { ...queue, id: 1 }, Code.BAD_REQUEST, '1'],
    ['a broker that is not there', { ...queue, broker: { name: 'z' } }, Code.BAD_REQUEST, '"z"'],
  ] as const)('%s', async (_what, message_queue, code, text) => {
    const status = await server.client.status(name, { group, message_queue });
    expect(status.code).toBe(code);
    expect(status.message).toContain(text);
  });
});
