import { AdminServer } from '../../support/admin-server';
import { gantry, rowsOf, type Outcome } from '../../support/command-line';

let server: AdminServer;
beforeEach(async () => {
  server = await AdminServer.start();
  const brokers = [
    { broker: 'broker-a', before: 4, after: 8 },
    { broker: 'broker-b', before: 4, after: 0 },
  ];
  server.moves = [{ topic: 'orders', type: 'FIFO', brokers }];
});
afterEach(() => server.stop());

const run = (...args: string[]): Promise<Outcome> =>
  gantry([...args, '--endpoint', server.endpoint]);
const watched = (...args: string[]): Promise<Outcome> =>
  gantry([...args, '--endpoint', server.endpoint], { interactive: true });

const moved = [
  ['TOPIC', 'TYPE', 'BROKER', 'QUEUES', 'THEN'],
  ['orders', 'FIFO', 'broker-a', '4', '8'],
  ['orders', 'FIFO', 'broker-b', '4', '0'],
];

describe('gantry topic rebalance', () => {
  it('shows which topics get queues where, or would', async () => {
    const { out, err, code } = await run('topic', 'rebalance');
    expect(code).toBe(0);
    expect(rowsOf(out)).toEqual([...moved, ['1 topic got queues on more brokers']]);
    expect(err).toBe('');
    const dry = await run('topic', 'rebalance', 'orders', '--broker', 'b', 'c', '--dry-run');
    expect(dry.out).toContain('1 topic would get queues on more brokers');
    expect(server.changes).toEqual([
      { topics: [], brokers: [], dryRun: true },
      { topics: ['orders'], brokers: [], dryRun: false },
      { topics: ['orders'], brokers: ['b', 'c'], dryRun: true },
    ]);
    const programs = await run('topic', 'rebalance', '-o', 'json');
    expect(JSON.parse(programs.out)).toEqual({ dryRun: false, topics: server.moves });
    server.moves = [...server.moves, ...server.moves];
    const two = await watched('topic', 'rebalance', '-o', 'json');
    expect(two.err).toContain(' 50 %  1 of 2 topics');
    expect(two.err).toContain('100 %  2 of 2 topics');
    server.moves = [];
    expect((await run('topic', 'rebalance')).out).toBe(
      'nothing to do: each topic is on all of these brokers\n',
    );
  });
});

describe('gantry cluster drain', () => {
  it('shows what changes, and undoes it', async () => {
    const { out, code } = await run('cluster', 'drain', 'broker-b');
    expect(code).toBe(0);
    expect(rowsOf(out).slice(0, 3)).toEqual(moved);
    expect(out).toContain('broker broker-b gets no new messages: 1 topic changed');
    const dry = await run('cluster', 'drain', 'broker-b', '--dry-run', '-o', 'json');
    expect(JSON.parse(dry.out)).toEqual({
      ...{ broker: 'broker-b', undo: false, dryRun: true, topics: server.moves },
    });
    const undone = await run('cluster', 'drain', 'broker-b', '--undo');
    expect(undone.out).toContain('broker broker-b takes new messages again');
    expect(server.changes).toEqual([
      { broker: 'broker-b', undo: false, dryRun: false },
      { broker: 'broker-b', undo: false, dryRun: true },
      { broker: 'broker-b', undo: true, dryRun: false },
    ]);
  });
});

describe('gantry cluster leave', () => {
  const unfinished = [
    { topic: 'orders', group: 'g', kind: 'ready', messages: 7 },
    { topic: 'orders', group: '', kind: 'delayed', messages: 1 },
  ] as const;

  it('fails with numbers while something unfinished lies there', async () => {
    server.leaving = { left: false, unfinished };
    const { out, err, code } = await run('cluster', 'leave', 'broker-b');
    expect(code).toBe(1);
    expect(out).toBe('');
    expect(rowsOf(err)).toEqual([
      ['TOPIC', 'GROUP', 'WHAT', 'MESSAGES'],
      ['orders', 'g', 'ready', '7'],
      ['orders', '-', 'delayed', '1'],
      ['broker broker-b does not leave: 8 messages unfinished there; --force would lose them'],
    ]);
    const dry = await run('cluster', 'leave', 'broker-b', '--dry-run');
    expect([dry.code, dry.out]).toEqual([
      0,
      expect.stringContaining('broker broker-b would not leave: 8 messages unfinished there'),
    ]);
    const programs = await run('cluster', 'leave', 'broker-b', '--dry-run', '-o', 'json');
    expect(JSON.parse(programs.out)).toEqual({
      ...{ broker: 'broker-b', left: false, force: false, dryRun: true, messages: 8, unfinished },
    });
  });

  it('tells that it is done, and what is lost', async () => {
    expect((await run('cluster', 'leave', 'broker-b')).out).toBe(
      'broker broker-b has left, nothing is lost: stop its process, its directory is of no use any more\n',
    );
    server.leaving = { left: true, unfinished };
    const { out } = await run('cluster', 'leave', 'broker-b', '--force');
    expect(out).toContain('broker broker-b has left, 8 messages LOST');
    expect(server.changes.at(-1)).toEqual({ broker: 'broker-b', force: true, dryRun: false });
  });
});

describe('gantry cluster forget', () => {
  it('says what is given up', async () => {
    const { out } = await run('cluster', 'forget', 'broker-b');
    expect(rowsOf(out).slice(0, 3)).toEqual(moved);
    expect(out).toContain(
      'broker broker-b is given up for 1 topic; what nobody has consumed there is LOST',
    );
    const dry = await run('cluster', 'forget', 'broker-b', '--dry-run', '-o', 'json');
    expect(JSON.parse(dry.out)).toEqual({ broker: 'broker-b', dryRun: true, topics: server.moves });
    server.moves = [];
    expect((await run('cluster', 'forget', 'x')).out).toContain(
      'no topic with message groups waits for broker x',
    );
  });
});
