import { hostOf } from '../../../src/message/host';
import { encodeProperties } from '../../../src/message/properties';
import { placeRecord } from '../../../src/message/record';
import { draftRecord } from '../../../src/message/record-draft';
import type { FoundMessage } from '../../../src/api/message-search';
import { AdminServer } from '../../support/admin-server';
import { gantry, rowsOf, type Outcome } from '../../support/command-line';
import { gzipSync } from 'node:zlib';

let server: AdminServer;
beforeEach(async () => {
  server = await AdminServer.start();
});
afterEach(() => server.stop());

const at = (...args: string[]): Promise<Outcome> =>
  gantry(['message', ...args, '--endpoint', server.endpoint]);

const STORED_MS = Date.parse('2026-11-21T07:00:00.123Z');

function found(id: string, body: Buffer = Buffer.from(`body of ${id}`), sysFlag = 0): FoundMessage {
  const properties = encodeProperties([
    ['UNIQ_KEY', id],
    ['KEYS', 'k1 k2'],
    ['TAGS', 'a'],
    ['mine', 'of me'],
  ]);
  const bornHost = hostOf('10.0.0.7', 5000);
  const fields = { topic: 'orders', body, properties, tag: 'a', bornTimestamp: 1000, bornHost };
  const draft = draftRecord({ ...fields, sysFlag });
  const record = Buffer.alloc(draft.byteLength);
  draft.writeTo(record, 0);
  const storeHost = hostOf('127.0.0.1', 10911);
  const place = { queueId: 3, queueOffset: 41, physicalOffset: 135, storeTimestamp: STORED_MS };
  placeRecord(record, 0, { ...place, storeHost });
  return { broker: 'broker-a', record };
}

it('get shows one message, and asks all topics unless one is named', async () => {
  server.found = { messages: [found('id-1')], complete: true };
  const { code, out } = await at('get', 'id-1');
  expect(code).toBe(0);
  const rows = rowsOf(out);
  expect(rows).toContainEqual(['message id', 'id-1']);
  expect(rows).toContainEqual(['offset message id', '7F00000100002A9F0000000000000087']);
  expect(rows).toContainEqual(['property mine', 'of me']);
  expect(rows).toContainEqual(['body', 'body of id-1']);
  await at('get', 'id-1', '--topic', 'orders');
  const search = { by: 'id', key: 'id-1', maxMessages: 64, beginMs: 0, endMs: 2 ** 53 - 1 };
  expect(server.searches).toEqual([
    { ...search, topic: '' },
    { ...search, topic: 'orders' },
  ]);
});

it('get gives programs all of the message', async () => {
  server.found = { messages: [found('id-1')], complete: true };
  expect(JSON.parse((await at('get', 'id-1', '-o', 'json')).out)).toEqual({
    messageId: 'id-1',
    offsetMessageId: '7F00000100002A9F0000000000000087',
    topic: 'orders',
    broker: 'broker-a',
    queue: 3,
    offset: 41,
    tag: 'a',
    keys: ['k1', 'k2'],
    properties: { mine: 'of me' },
    storedAt: '2026-11-21T07:00:00.123Z',
    bornAt: '1970-01-01T00:00:01.000Z',
    bornHost: '10.0.0.7:5000',
    body: 'body of id-1',
  });
});

it('get fails when there is none, and says when it may be that it is not indexed', async () => {
  const missing = { code: 1, out: '' };
  expect(await at('get', 'x', '--topic', 'orders')).toEqual({
    ...missing,
    err: 'MESSAGE_NOT_FOUND: there is no message x in topic orders\n',
  });
  server.found = { messages: [], complete: false };
  expect(await at('get', 'x')).toEqual({
    ...missing,
    err: 'MESSAGE_NOT_FOUND: there is no message x, as far as messages are indexed yet\n',
  });
});

it('find lists by key and time, and says when there may be more', async () => {
  server.found = { messages: [found('id-2'), found('id-1')], complete: false };
  const range = ['--from', '2026-11-21T07:00:00Z', '--to', '1795302000000'];
  const { out } = await at('find', '--topic', 'orders', '--key', 'k1', '--max', '2', ...range);
  expect(rowsOf(out).map(([id]) => id)).toEqual([
    'MESSAGE ID',
    'id-2',
    'id-1',
    'there may be more',
  ]);
  expect(server.searches).toEqual([
    {
      topic: 'orders',
      by: 'key',
      key: 'k1',
      maxMessages: 2,
      beginMs: Date.parse('2026-11-21T07:00:00Z'),
      endMs: 1_795_302_000_000,
    },
  ]);
  const listed = await at('find', '--topic', 'orders', '--from', '0', '-o', 'json');
  expect(JSON.parse(listed.out)).toMatchObject({
    complete: false,
    messages: [{ offset: 41 }, { offset: 41 }],
  });
  expect(server.searches[1]).toMatchObject({ by: 'time', key: '', beginMs: 0 });
});

it('a compressed body is shown unpacked, one that is no text as base64', async () => {
  const packed = found('id-1', gzipSync('packed text'), 1);
  server.found = { messages: [packed, found('id-2', Buffer.from([0xff, 0xfe]))], complete: true };
  const { messages } = JSON.parse(
    (await at('find', '--topic', 'orders', '--key', 'k1', '-o', 'json')).out,
  ) as { messages: object[] };
  expect(messages).toMatchObject([{ body: 'packed text' }, { bodyBase64: '//4=' }]);
});

it.each([
  [['find', '--key', 'k'], 'say where to look: --topic TOPIC'],
  [['find', '--topic', 't'], 'say what to look for: --key or --from'],
  [['find', '--topic', 't', '--key', 'k', '--max', '65'], '--max must be a whole number from 1 to'],
  [['find', '--topic', 't', '--from', 'noon'], '--from must be like 2026-11-21T07:00:00Z or milli'],
  [['find', '--topic', 't', '--from', '2', '--to', '1'], '--from is behind --to'],
])('%j is refused', async (args, text) => {
  const { code, err } = await at(...args);
  expect(code).toBe(2);
  expect(err).toContain(text);
  expect(server.searches).toEqual([]);
});
