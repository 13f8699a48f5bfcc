import { DEFAULT_BACKOFF } from '../../../src/api/topic';
import { Code, StatusError } from '../../../src/message/status';
import { AdminServer } from '../../support/admin-server';
import { filterFault } from '../../support/model-broker';
import { gantry, rowsOf, type Outcome } from '../../support/command-line';

let server: AdminServer;
beforeEach(async () => {
  server = await AdminServer.start();
});
afterEach(() => server.stop());

const at = (...args: string[]): Promise<Outcome> =>
  gantry([...args, '--endpoint', server.endpoint]);

const succeeded = (out: string): Outcome => ({ code: 0, out, err: '' });

describe('gantry topic', () => {
  it('create makes a NORMAL topic of 8 queues when told no more', async () => {
    expect(await at('topic', 'create', 'mails')).toEqual(
      succeeded('topic mails is in force: NORMAL, 8 queues\n'),
    );
    expect(server.topics.get('mails')).toMatchObject({ name: 'mails', type: 'NORMAL', queues: 8 });
  });

  it('create takes a type in any case, and queues', async () => {
    const outcome = await at('topic', 'create', 'orders', '--type', 'fifo', '--queues', '1');
    expect(outcome).toEqual(succeeded('topic orders is in force: FIFO, 1 queue\n'));
    expect(server.topics.get('orders')).toMatchObject({ type: 'FIFO', queues: 1 });
  });

  it('create of a topic that there is changes what is said, and nothing else', async () => {
    await at('topic', 'create', 'chats', '--type', 'LITE', '--queues', '12', '--lite-idle', '36h');
    const made = server.topics.get('chats');
    expect(await at('topic', 'create', 'chats')).toEqual(
      succeeded('topic chats is in force: LITE, 12 queues\n'),
    );
    expect(server.topics.get('chats')).toEqual(made);
    await at('topic', 'create', 'chats', '--queues', '16');
    expect(server.topics.get('chats')).toEqual({ ...made, queues: 16 });
    await at('topic', 'update', 'chats', '--queues', '17');
    expect(server.topics.get('chats')).toEqual({ ...made, queues: 17 });
  });

  it('create takes the brokers that hold it', async () => {
    await at('topic', 'create', 'orders', '--broker', 'broker-c', '--broker', 'broker-d');
    await at('topic', 'create', 'mails', '--broker', 'broker-c', 'broker-d');
    for (const name of ['orders', 'mails']) {
      expect(server.topics.get(name)?.brokers).toEqual(['broker-c', 'broker-d']);
    }
  });

  it('update changes what is said, on the brokers that hold it and those that are named', async () => {
    await at('topic', 'create', 'orders', '--type', 'FIFO', '--broker', 'broker-a');
    const more = await at('topic', 'update', 'orders', '--queues', '16');
    expect(more).toEqual(succeeded('topic orders is in force: FIFO, 16 queues\n'));
    expect(server.topics.get('orders')).toMatchObject({ queues: 16, brokers: ['broker-a'] });
    await at('topic', 'update', 'orders', '--broker', 'broker-b');
    expect(server.topics.get('orders')).toEqual({
      ...{ name: 'orders', type: 'FIFO', queues: 16 },
      brokers: ['broker-a', 'broker-b'],
    });
  });

  it.each([
    ['nothing', [], 2],
    ['a topic that is not there', ['--queues', '16'], 1],
  ])('update refuses %s', async (_what, flags, code) => {
    expect((await at('topic', 'update', 'nowhere', ...flags)).code).toBe(code);
  });

  it('create and update say when unused lite topics go', async () => {
    const idleMs = () => server.topics.get('chats')?.liteIdleMs;
    await at('topic', 'create', 'chats', '--type', 'LITE', '--lite-idle', '36h');
    expect(idleMs()).toBe(129_600_000);
    await at('topic', 'update', 'chats', '--lite-idle', 'never');
    expect(idleMs()).toBe(0);
    const refused = await at('topic', 'update', 'chats', '--lite-idle', '10ms');
    expect(refused).toMatchObject({ code: 2 });
    expect(refused.err).toMatch(/--lite-idle must be a duration .* or never, got 10ms/);
  });

  it('list is a table for people and a list for programs', async () => {
    expect(rowsOf((await at('topic', 'list')).out)).toEqual([
      ['NAME', 'TYPE', 'QUEUES', 'BROKERS'],
    ]);
    expect(JSON.parse((await at('topic', 'list', '-o', 'json')).out)).toEqual([]);
    await at('topic', 'create', 'mails');
    expect(rowsOf((await at('topic', 'list')).out)).toEqual([
      ['NAME', 'TYPE', 'QUEUES', 'BROKERS'],
      ['mails', 'NORMAL', '8', 'broker-a,broker-b'],
    ]);
    expect(JSON.parse((await at('topic', 'list', '-o', 'json')).out)).toEqual([
      { name: 'mails', type: 'NORMAL', queues: 8, brokers: ['broker-a', 'broker-b'] },
    ]);
  });

  it('show tells of one topic, and fails for none', async () => {
    await at('topic', 'create', 'mails');
    await at('topic', 'create', 'orders');
    expect(rowsOf((await at('topic', 'show', 'orders')).out)[1]?.[0]).toBe('orders');
    expect(JSON.parse((await at('topic', 'show', 'orders', '-o', 'json')).out)).toMatchObject({
      name: 'orders',
    });
    expect(await at('topic', 'show', 'nowhere')).toEqual({
      code: 1,
      out: '',
      err: 'TOPIC_NOT_FOUND: there is no topic nowhere\n',
    });
  });

  it('delete takes it away, once', async () => {
    await at('topic', 'create', 'mails');
    expect(await at('topic', 'delete', 'mails')).toEqual(succeeded('topic mails is deleted\n'));
    expect(server.topics.size).toBe(0);
    expect(await at('topic', 'delete', 'mails')).toEqual({
      code: 1,
      out: '',
      err: 'TOPIC_NOT_FOUND: topic mails is on no broker\n',
    });
  });
});

describe('gantry group', () => {
  it('create makes a concurrent group of 17 attempts that starts at the end', async () => {
    expect(await at('group', 'create', 'billing')).toEqual(
      succeeded('group billing is in force: concurrent, 17 attempts at most, starts at the end\n'),
    );
    expect(server.groups.get('billing')).toEqual({
      name: 'billing',
      fifo: false,
      maxAttempts: 17,
      backoff: DEFAULT_BACKOFF,
      startFrom: 'end',
    });
  });

  it('create takes order, attempts, a parent topic and the start', async () => {
    const flags = ['--fifo', '--max-attempts', '3', '--lite-topic', 'parent', '--from-beginning'];
    const { code, out } = await at('group', 'create', 'billing', ...flags, '-o', 'json');
    const wanted = { fifo: true, maxAttempts: 3, liteTopic: 'parent', startFrom: 'beginning' };
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject(wanted);
    expect(server.groups.get('billing')).toMatchObject(wanted);
  });

  it('create and update take how many lite topics a client may receive', async () => {
    await at('group', 'create', 'chats', '--lite-topic', 'parent', '--lite-quota', '10');
    await at('group', 'update', 'chats', '--lite-quota', '20');
    expect(server.groups.get('chats')).toMatchObject({ liteTopic: 'parent', liteQuota: 20 });
    const shown = rowsOf((await at('group', 'show', 'chats')).out);
    expect(shown).toContainEqual(['lite quota', '20']);
    expect(await at('group', 'update', 'chats', '--lite-quota', '0')).toMatchObject({ code: 2 });
  });

  it('list and show tell what was made', async () => {
    await at('group', 'create', 'billing', '--fifo', '--max-attempts', '2');
    expect(rowsOf((await at('group', 'list')).out)).toEqual([
      ['NAME', 'ORDER', 'MAX ATTEMPTS', 'LITE TOPIC', 'STARTS AT'],
      ['billing', 'FIFO', '2', '-', 'end'],
    ]);
    const shown = rowsOf((await at('group', 'show', 'billing')).out);
    expect(shown).toContainEqual(['max attempts', '2']);
    expect(shown.find(([name]) => name === 'backoff')?.[1]).toMatch(
      /^1s 5s 10s 30s 1m .* 30m 1h 2h$/,
    );
    expect(await at('group', 'show', 'nobody')).toMatchObject({
      code: 1,
      err: 'CONSUMER_GROUP_NOT_FOUND: there is no consumer group nobody\n',
    });
  });

  it('create and update take both kinds of backoff, and update leaves the rest', async () => {
    await at('group', 'create', 'billing', '--fifo', '--max-attempts', '3', '--backoff', '1s, 2m');
    const made = { fifo: true, maxAttempts: 3 };
    expect(server.groups.get('billing')).toMatchObject({
      ...made,
      backoff: { kind: 'customized', nextMs: [1000, 120_000] },
    });
    expect(await at('group', 'update', 'billing', '--backoff', 'exponential:1s,2m,1.5')).toEqual(
      succeeded('group billing is in force: FIFO, 3 attempts at most, starts at the end\n'),
    );
    const backoff = { kind: 'exponential', initialMs: 1000, maxMs: 120_000, multiplier: 1.5 };
    expect(server.groups.get('billing')).toMatchObject({ ...made, backoff });
    const shown = rowsOf((await at('group', 'show', 'billing')).out);
    expect(shown).toContainEqual(['backoff', '1s, times 1.5 up to 2m']);
    await at('group', 'update', 'billing', '--no-fifo', '--max-attempts', '5');
    expect(server.groups.get('billing')).toMatchObject({ fifo: false, maxAttempts: 5, backoff });
  });

  it('update fails for a group that is not there, without a change, and for bad delays', async () => {
    expect(await at('group', 'update', 'nobody', '--max-attempts', '5')).toMatchObject({
      code: 1,
      err: 'CONSUMER_GROUP_NOT_FOUND: there is no consumer group nobody\n',
    });
    expect(await at('group', 'update', 'nobody')).toMatchObject({ code: 2 });
    for (const bad of ['', '1s,', '13h', 'exponential:1s,2s', 'exponential:1s,2s,x', 'soon']) {
      const outcome = await at('group', 'create', 'billing', '--backoff', bad);
      expect([bad, outcome.code, outcome.err]).toEqual([
        bad,
        2,
        expect.stringMatching(/^gantry: --backoff.*got/),
      ]);
    }
    expect(server.groups.size).toBe(0);
  });

  it('delete takes it away, once', async () => {
    await at('group', 'create', 'billing');
    expect(JSON.parse((await at('group', 'delete', 'billing', '-o', 'json')).out)).toEqual({
      deleted: 'billing',
    });
    expect(await at('group', 'delete', 'billing')).toMatchObject({
      code: 1,
      err: 'CONSUMER_GROUP_NOT_FOUND: group billing is on no broker\n',
    });
  });
});

describe('where commands go, and what they say when it fails', () => {
  it('GANTRY_ENDPOINT names the proxy, and --endpoint goes before it', async () => {
    const env = { GANTRY_ENDPOINT: server.endpoint };
    expect(await gantry(['topic', 'create', 'one'], { env })).toMatchObject({ code: 0 });
    const other = { GANTRY_ENDPOINT: '127.0.0.1:1' };
    const flag = ['--endpoint', server.endpoint];
    expect(await gantry(['topic', 'create', 'two', ...flag], { env: other })).toMatchObject({
      code: 0,
    });
    expect([...server.topics.keys()]).toEqual(['one', 'two']);
  });

  it('what the proxy refuses is its code and its words', async () => {
    server.failure = new StatusError(Code.PROXY_TIMEOUT, 'no broker is known');
    expect(await at('topic', 'list')).toEqual({
      code: 1,
      out: '',
      err: 'PROXY_TIMEOUT: no broker is known\n',
    });
  });

  it('a proxy that is not there is told apart from one that refuses', async () => {
    const { endpoint } = server;
    await server.stop();
    expect(await gantry(['group', 'list', '--endpoint', endpoint])).toEqual({
      code: 1,
      out: '',
      err: `gantry: UNAVAILABLE: nothing answers at ${endpoint}: connect ECONNREFUSED ${endpoint}\n`,
    });
  });
});

describe('gantry group faults', () => {
  it('lists what filters could not evaluate, where and when', async () => {
    server.faults = [{ broker: 'broker-a', ...filterFault }];
    expect(JSON.parse((await at('group', 'faults', '-o', 'json')).out)).toEqual(server.faults);
    expect((await at('group', 'faults')).out).toMatch(
      /^g +t +broker-a +3 +7 +42 +2023-11-14T22:13:20.000Z +property price is no number: "dear"$/m,
    );
  });
});
