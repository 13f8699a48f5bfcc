import type { ClientView } from '../../../src/api/client-view';
import { newGroup } from '../../../src/api/topic';
import { AdminServer } from '../../support/admin-server';
import { gantry, rowsOf, type Outcome } from '../../support/command-line';

const NOON = '2026-11-21T12:00:00.000Z';
const NOON_MS = Date.parse(NOON);

const member: ClientView = {
  ...{ clientId: 'c1', type: 'PUSH_CONSUMER', group: 'g', language: 'JAVA', version: '5.0.7' },
  ...{ host: 'h1', address: '10.0.0.1', properties: { region: 'eu' }, publishes: [] },
  subscriptions: [{ topic: 't', filter: { type: 'TAG', expression: 'a||b' } }],
  ...{ connected: true, heardMs: NOON_MS },
};
const producer: ClientView = {
  ...{ ...member, clientId: 'p1', type: 'PRODUCER', group: '', language: 'GO', host: '' },
  ...{ subscriptions: [], publishes: ['t', 'u'], connected: false, properties: {} },
};

let server: AdminServer;
beforeEach(async () => {
  server = await AdminServer.start();
  server.clients = [member, producer];
  const queue = { queueId: 0, minOffset: 2, maxOffset: 10, firstStoredMs: NOON_MS };
  server.details = {
    ...{ name: 't', type: 'NORMAL', groups: ['g', 'h'] },
    brokers: [
      { broker: 'a', queues: [{ ...queue, lastStoredMs: NOON_MS + 1 }], delayed: 3 },
      {
        ...{ broker: 'b', delayed: 0 },
        queues: [{ ...queue, minOffset: 0, maxOffset: 0, firstStoredMs: 0, lastStoredMs: 0 }],
      },
    ],
  };
  const lag = { queueId: 0, committed: 4, maxOffset: 10, ready: 5, inFlight: 1 };
  const queues = [
    { ...lag, readyStoredMs: NOON_MS + 5, finishedStoredMs: 0 },
    { ...lag, queueId: 1, ready: 2, inFlight: 0, readyStoredMs: NOON_MS, finishedStoredMs: 0 },
  ];
  server.lags = [
    { broker: 'a', topic: 't', queues, delayed: 3 },
    {
      broker: 'a',
      topic: 'u',
      queues: [{ ...lag, ready: 0, readyStoredMs: 0, finishedStoredMs: 0 }],
      delayed: 0,
    },
  ];
});
afterEach(() => server.stop());

const at = (...args: string[]): Promise<Outcome> =>
  gantry([...args, '--endpoint', server.endpoint]);

describe('gantry topic status', () => {
  it('shows each queue, and sums up', async () => {
    const { out } = await at('topic', 'status', 't');
    expect(rowsOf(out)).toEqual([
      ['BROKER', 'QUEUE', 'FIRST', 'END', 'MESSAGES', 'FIRST STORED', 'LAST STORED'],
      ['a', '0', '2', '10', '8', NOON, '2026-11-21T12:00:00.001Z'],
      ['b', '0', '0', '0', '0', '-', '-'],
      ['topic t (NORMAL): 8 messages, 3 delayed; read by groups g, h'],
    ]);
    const json = await at('topic', 'status', 't', '-o', 'json');
    expect(JSON.parse(json.out)).toEqual({ ...server.details, messages: 8, delayed: 3 });
    expect((await at('topic', 'status', 'no')).err).toMatch(/^TOPIC_NOT_FOUND: /);
  });
});

describe('gantry group lag', () => {
  it('shows each topic, and sums up', async () => {
    const { out } = await at('group', 'lag', 'g');
    expect(rowsOf(out)).toEqual([
      ['TOPIC', 'BROKER', 'READY', 'IN FLIGHT', 'DELAYED', 'OLDEST READY SINCE'],
      ['t', 'a', '7', '1', '3', NOON],
      ['u', 'a', '0', '1', '0', '-'],
      ['group g: 9 not finished, 7 ready, 2 in flight; 3 delayed'],
    ]);
  });

  it('shows some topics only, each queue, and JSON', async () => {
    const { out } = await at('group', 'lag', 'g', '--queues', '--topic', 't');
    expect(rowsOf(out).slice(1)).toEqual([
      ['t', 'a', '0', '4', '10', '5', '1', '2026-11-21T12:00:00.005Z'],
      ['t', 'a', '1', '4', '10', '2', '0', NOON],
      ['group g: 8 not finished, 7 ready, 1 in flight; 3 delayed'],
    ]);
    await at('group', 'lag', 'g', '--lite-topic', 'chat-1');
    expect(server.asked.at(-1)).toEqual({ group: 'g', topics: [], liteTopic: 'chat-1' });
    const json = await at('group', 'lag', 'g', '-o', 'json');
    const sums = { group: 'g', ready: 7, inFlight: 2, delayed: 3 };
    expect(JSON.parse(json.out)).toEqual({ ...sums, topics: server.lags });
  });

  it('of a topic that there is not is none; of one that the group is not on, it is nothing', async () => {
    const unknown = await at('group', 'lag', 'g', '--topic', 'nope');
    expect(unknown).toMatchObject({ code: 1, err: 'TOPIC_NOT_FOUND: there is no topic nope\n' });
    server.topics.set('other', { name: 'other', type: 'NORMAL', queues: 1, brokers: ['a'] });
    const other = await at('group', 'lag', 'g', '--topic', 'other');
    expect(other.out).toContain('group g: 0 not finished, 0 ready, 0 in flight; 0 delayed');
  });
});

describe('gantry client and group consumers', () => {
  it('tells a group without members from one that there is not', async () => {
    server.clients = [];
    server.groups.set('g', newGroup('g'));
    expect((await at('group', 'consumers', 'g')).code).toBe(0);
    const unknown = await at('group', 'consumers', 'nobody');
    expect(unknown).toMatchObject({
      ...{ code: 1, out: '' },
      err: 'CONSUMER_GROUP_NOT_FOUND: there is no consumer group nobody\n',
    });
  });

  it('list shows all, or the members of a group', async () => {
    const { out } = await at('client', 'list');
    expect(rowsOf(out).slice(1)).toEqual([
      ['c1', 'PUSH_CONSUMER', 'g', 'JAVA', '5.0.7', 'h1', '10.0.0.1', 't', 'yes'],
      ['p1', 'PRODUCER', '-', 'GO', '5.0.7', '-', '10.0.0.1', 't,u', 'no'],
    ]);
    expect(rowsOf((await at('client', 'list', '--max', '1')).out).at(-1)).toEqual(['1 of 2']);
    const members = await at('group', 'consumers', 'g', '-o', 'json');
    const { heardMs, ...rest } = member;
    expect(heardMs).toBe(NOON_MS);
    expect(JSON.parse(members.out)).toEqual({ clients: [{ ...rest, heardAt: NOON }], total: 1 });
    expect((await at('client', 'list', '--max', '1001')).code).toBe(2);
  });

  it('list is JSON for programs, and members are a table for people', async () => {
    const json = JSON.parse((await at('client', 'list', '-o', 'json')).out) as object;
    expect(json).toMatchObject({ clients: [{ clientId: 'c1' }, { clientId: 'p1' }], total: 2 });
    const { out } = await at('group', 'consumers', 'g');
    expect(rowsOf(out).map(([id]) => id)).toEqual(['CLIENT', 'c1']);
  });

  it('show tells all of one, and fails for none', async () => {
    const { out } = await at('client', 'show', 'c1');
    expect(rowsOf(out)).toEqual(
      expect.arrayContaining([
        ['last heard from', NOON],
        ['subscribes', 't TAG a||b'],
        ['property region', 'eu'],
      ]),
    );
    const { heardMs: _heardMs, ...rest } = member;
    const json = JSON.parse((await at('client', 'show', 'c1', '-o', 'json')).out) as object;
    expect(json).toEqual({ ...rest, heardAt: NOON });
    expect(await at('client', 'show', 'no')).toEqual({
      ...{ code: 1, out: '', err: 'NOT_FOUND: the proxy knows no client no\n' },
    });
  });
});

describe('gantry proxy stats', () => {
  it('shows what goes through a proxy', async () => {
    server.stats = {
      ...{ name: '127.0.0.1:8081', version: '1.2.3', inPerSecond: 12.34, outPerSecond: 0 },
      ...{ connections: 4, producers: 1, consumers: 2 },
    };
    const { out } = await at('proxy', 'stats');
    expect(rowsOf(out)).toEqual([
      ['FIELD', 'VALUE'],
      ['name', '127.0.0.1:8081'],
      ['version', '1.2.3'],
      ['messages in per second', '12.3'],
      ['messages out per second', '0.0'],
      ['connections', '4'],
      ['producers', '1'],
      ['consumers', '2'],
    ]);
    const json = await at('proxy', 'stats', '-o', 'json');
    expect(JSON.parse(json.out)).toEqual(server.stats);
  });
});
