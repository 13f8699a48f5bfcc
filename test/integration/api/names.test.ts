/**
 * Names of topics and consumer groups (section 3.1 of the API's reference), by every RPC that takes one; one row a
 * rule, over a real connection.
 */
import { Code } from '../../../src/message/status';
import { type ApiServer, startApiServer } from '../../support/api-server';
import { message, receiveRequest } from '../../support/public-client';

let server: ApiServer;
beforeAll(async () => {
  server = await startApiServer();
});
afterAll(() => server.stop());

describe('a topic name', () => {
  const rules: readonly (readonly [string, string, readonly string[]])[] = [
    ['empty', '', ['topic', 'blank']],
    ['blank', '  ', ['topic', 'blank']],
    ['of 128 characters', 't'.repeat(128), ['topic', '127', '128']],
    ['with a dot', 'a.b', ['illegal characters', '^[%|a-zA-Z0-9_-]+$', 'a.b']],
    ['with a blank', 'a b', ['illegal characters', 'a b']],
    ['with a letter outside ASCII', 'tüte', ['illegal characters', 'tüte']],
    ...[
      ...['TBW102', 'SCHEDULE_TOPIC_XXXX', 'BenchmarkTest', 'RMQ_SYS_TRANS_HALF_TOPIC'],
      ...['RMQ_SYS_TRACE_TOPIC', 'RMQ_SYS_TRANS_OP_HALF_TOPIC', 'TRANS_CHECK_MAX_TIME_TOPIC'],
      ...['SELF_TEST_TOPIC', 'OFFSET_MOVED_EVENT', 'CHECKPOINT_TOPIC', 'rmq_sys_anything'],
    ].map((name) => [`of the system: ${name}`, name, ['system topic', name]] as const),
  ];
  it.each(rules)('%s is ILLEGAL_TOPIC', async (_rule, name, texts) => {
    const { client } = server;
    const names = { topic: { name }, group: { name: 'g' } };
    const statuses = [
      await client.status('SendMessage', { messages: [message(name, 'm')] }),
      await client.status('QueryRoute', { topic: { name } }),
      await client.status('QueryAssignment', names),
      await client.status('AckMessage', { ...names, entries: [{ receipt_handle: 'x' }] }),
      await client.status('ChangeInvisibleDuration', names),
      await client.status('ForwardMessageToDeadLetterQueue', names),
      await client.status('EndTransaction', { topic: { name }, transaction_id: 'm' }),
      await client.status('RecallMessage', { topic: { name }, recall_handle: 'x' }),
      (await client.receive(receiveRequest('g', name))).status,
    ];
    for (const status of statuses) {
      expect(status.code).toBe(Code.ILLEGAL_TOPIC);
      for (const text of texts) expect(status.message).toContain(text);
    }
  });

  it('of 127 characters and each legal one is looked for', async () => {
    const name = '%|azAZ09_-'.padEnd(127, 'x');
    const status = await server.client.status('QueryRoute', { topic: { name } });
    expect(status.code).toBe(Code.TOPIC_NOT_FOUND);
    expect(status.message).toContain(name);
  });
});

describe('a consumer group name', () => {
  const rules: readonly (readonly [string, string, readonly string[]])[] = [
    ['empty', '', ['consumer group', 'blank']],
    ['blank', ' \t', ['consumer group', 'blank']],
    ['of 121 characters', 'g'.repeat(121), ['consumer group', '120', '121']],
    ['with a dot', 'a.b', ['illegal characters', 'a.b']],
    ['of the system', 'CID_RMQ_SYS_x', ['system consumer group', 'CID_RMQ_SYS_x']],
  ];
  it.each(rules)('%s is ILLEGAL_CONSUMER_GROUP', async (_rule, name, texts) => {
    const { client } = server;
    const names = { topic: { name: 'normal' }, group: { name } };
    const statuses = [
      await client.status('QueryAssignment', names),
      await client.status('AckMessage', { ...names, entries: [{ receipt_handle: 'x' }] }),
      await client.status('ChangeInvisibleDuration', names),
      await client.status('ForwardMessageToDeadLetterQueue', names),
      (await client.receive(receiveRequest(name, 'normal'))).status,
    ];
    for (const status of statuses) {
      expect(status.code).toBe(Code.ILLEGAL_CONSUMER_GROUP);
      for (const text of texts) expect(status.message).toContain(text);
    }
  });

  it('of 120 characters is taken', async () => {
    const name = 'g'.repeat(120);
    const request = { topic: { name: 'normal' }, group: { name } };
    expect((await server.client.status('QueryAssignment', request)).code).toBe(Code.OK);
  });
});
