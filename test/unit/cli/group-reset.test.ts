import { AdminServer } from '../../support/admin-server';
import { gantry, rowsOf, type Outcome } from '../../support/command-line';

let server: AdminServer;
beforeEach(async () => {
  server = await AdminServer.start();
  const one = {
    broker: 'broker-a',
    queueId: 0,
    from: 9,
    to: 4,
    again: 5,
    skipped: 0,
    cancelled: 2,
  };
  server.resets = [one, { ...one, queueId: 1, from: 3, again: 0, skipped: 1, cancelled: 0 }];
});
afterEach(() => server.stop());

const reset = (...args: string[]): Promise<Outcome> =>
  gantry(['group', 'reset', 'g', ...args, '--endpoint', server.endpoint]);

describe('gantry group reset', () => {
  it('shows what happens to each queue, and in all', async () => {
    const { out, code } = await reset('--topic', 't', '--to-beginning');
    expect(code).toBe(0);
    expect(rowsOf(out)).toEqual([
      ['BROKER', 'QUEUE', 'FROM', 'TO', 'AGAIN', 'SKIPPED', 'CANCELLED'],
      ['broker-a', '0', '9', '4', '5', '0', '2'],
      ['broker-a', '1', '3', '4', '0', '1', '0'],
      ['group g is moved on topic t: 5 come again, 1 are skipped, 2 in flight are cancelled'],
    ]);
    const dry = await reset('--topic', 't', '--to-end', '--dry-run');
    expect(dry.out).toContain('group g would be moved on topic t');
    const programs = await reset('--topic', 't', '--to-end', '--dry-run', '-o', 'json');
    expect(JSON.parse(programs.out)).toEqual({
      ...{ group: 'g', topic: 't', dryRun: true, again: 5, skipped: 1, cancelled: 2 },
      queues: server.resets,
    });
  });

  it.each([
    [['--to-beginning'], { to: { at: 'beginning' } }],
    [['--to-end', '--queue', '3'], { to: { at: 'end' }, queueId: 3 }],
    [['--time', '1700000000000'], { to: { at: 'time', timeMs: 1_700_000_000_000 } }],
    [['--time', '2023-11-14T22:13:20Z'], { to: { at: 'time', timeMs: 1_700_000_000_000 } }],
    [['--offset', '2:17'], { to: { at: 'offset', offset: 17 }, queueId: 2 }],
    [['--to-end', '--broker', 'b'], { to: { at: 'end' }, broker: 'b' }],
    [['--to-end', '--dry-run'], { to: { at: 'end' }, dryRun: true }],
  ] as const)('asks for %p', async (args, request) => {
    expect((await reset('--topic', 't', ...args)).code).toBe(0);
    const plain = { group: 'g', topic: 't', broker: '', queueId: undefined, dryRun: false };
    expect(server.moved).toEqual([{ ...plain, ...request }]);
  });

  it.each([
    [['--to-end'], 'say on which topic: --topic TOPIC'],
    [['--topic', 't'], 'say one of --time, --to-beginning, --to-end and --offset'],
    [
      ['--topic', 't', '--to-end', '--to-beginning'],
      'say one of --time, --to-beginning, --to-end and --offset',
    ],
    [['--topic', 't', '--offset', '7'], '--offset must be QUEUE:OFFSET, got 7'],
    [['--topic', 't', '--offset', '1:2', '--queue', '1'], '--queue is not needed'],
    [['--topic', 't', '--time', 'yesterday'], '--time must be like'],
  ] as const)('refuses %p, and asks nobody', async (args, text) => {
    const { code, err } = await reset(...args);
    expect(code).toBe(2);
    expect(err).toContain(text);
    expect(server.moved).toEqual([]);
  });
});
