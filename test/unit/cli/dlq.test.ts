import type { FoundMessage } from '../../../src/api/message-search';
import { newGroup } from '../../../src/api/topic';
import { deadLetterDraft } from '../../../src/message/dead-letter';
import { ANY_HOST } from '../../../src/message/host';
import { placeRecord } from '../../../src/message/record';
import type { RecordDraft } from '../../../src/message/record-draft';
import { Code, StatusError } from '../../../src/message/status';
import { AdminServer } from '../../support/admin-server';
import { gantry, rowsOf, type Outcome } from '../../support/command-line';
import { messageDraft } from '../../support/test-broker';

let server: AdminServer;
beforeEach(async () => {
  server = await AdminServer.start();
});
afterEach(() => server.stop());

const at = (...args: string[]): Promise<Outcome> =>
  gantry(['dlq', ...args, '--endpoint', server.endpoint]);

function stored(draft: RecordDraft): Buffer {
  const record = Buffer.alloc(draft.byteLength);
  draft.writeTo(record, 0);
  const place = { queueId: 0, queueOffset: 1, physicalOffset: 135, storeTimestamp: 1000 };
  placeRecord(record, 0, { ...place, storeHost: ANY_HOST });
  return record;
}

function letter(id: string): FoundMessage {
  const origin = { group: 'g', topic: 'orders', queueId: 0, queueOffset: 1, generation: 0 };
  const record = stored(deadLetterDraft(stored(messageDraft('orders', id)), origin, 16));
  return { broker: 'broker-a', record };
}

it('list shows dead letters with where they came from', async () => {
  server.found = { messages: [letter('id-1'), letter('id-2')], complete: false };
  const { code, out } = await at('list', 'g', '--max', '2');
  expect(code).toBe(0);
  const stored = new Date(1000).toISOString();
  expect(rowsOf(out)).toContainEqual(['id-1', 'orders', '16', stored, 'body of id-1']);
  expect(out).toContain('there may be more');
  expect(server.searches).toMatchObject([{ topic: '%DLQ%g', by: 'time', maxMessages: 2 }]);
});

it('show tells all of one, for people and for programs', async () => {
  server.found = { messages: [letter('id-1')], complete: true };
  const { out } = await at('show', 'id-1', '--group', 'g');
  expect(rowsOf(out)).toContainEqual(['from topic', 'orders']);
  expect(rowsOf(out)).toContainEqual(['attempts', '16']);
  const json = JSON.parse((await at('show', 'id-1', '--group', 'g', '-o', 'json')).out) as object;
  expect(json).toMatchObject({ messageId: 'id-1', originTopic: 'orders', attempts: 16 });
});

it('show fails when there is no such dead letter', async () => {
  server.found = { messages: [], complete: true };
  const { code, err } = await at('show', 'id-9', '--group', 'g');
  expect(code).toBe(1);
  expect(err).toMatch(/^MESSAGE_NOT_FOUND: group g has no dead letter id-9/);
});

it('purge deletes them only when that is meant', async () => {
  server.topics.set('%DLQ%g', { name: '%DLQ%g', type: 'NORMAL', queues: 1, brokers: [] });
  expect((await at('purge', 'g')).code).toBe(2);
  expect(server.topics.has('%DLQ%g')).toBe(true);
  expect((await at('purge', 'g', '--yes')).code).toBe(0);
  expect(server.topics.has('%DLQ%g')).toBe(false);
});

describe('a group without a topic of dead letters', () => {
  const noTopic = new StatusError(Code.TOPIC_NOT_FOUND, 'topic %DLQ%g does not exist');
  const commands = [['list'], ['show', 'id-1', '--group'], ['purge', '--yes']];

  it('has none when it is there', async () => {
    server.groups.set('g', newGroup('g'));
    server.found = noTopic;
    expect(rowsOf((await at('list', 'g')).out)).toHaveLength(1);
    expect((await at('show', 'id-1', '--group', 'g')).err).toMatch(/^MESSAGE_NOT_FOUND: group g/);
    expect((await at('purge', 'g', '--yes')).code).toBe(0);
  });

  it.each(commands)('is unknown to %s when it is not', async (...args) => {
    server.found = noTopic;
    expect(await at(...args, 'nobody')).toEqual({
      ...{ code: 1, out: '' },
      err: 'CONSUMER_GROUP_NOT_FOUND: there is no consumer group nobody\n',
    });
  });
});
