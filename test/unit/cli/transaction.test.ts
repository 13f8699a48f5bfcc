import { AdminServer } from '../../support/admin-server';
import { gantry, rowsOf, type Outcome } from '../../support/command-line';

let server: AdminServer;
beforeEach(async () => {
  server = await AdminServer.start();
  server.transactions = ['a', 'b', 'c'].map((transactionId, i) => ({
    ...{ topic: i === 2 ? 'other' : 't', transactionId, storedMs: 1_700_000_000_000 + i },
    ...{ checks: i, queueOffset: 10 + i, physicalOffset: 100 * i },
  }));
});
afterEach(() => server.stop());

const at = (...args: string[]): Promise<Outcome> =>
  gantry(['transaction', ...args, '--endpoint', server.endpoint]);

describe('gantry transaction', () => {
  it('list shows what has not ended, of one topic or all, and how much more there is', async () => {
    expect(rowsOf((await at('list')).out)).toEqual([
      ['TRANSACTION ID', 'TOPIC', 'SENT AT', 'CHECKS'],
      ['a', 't', '2023-11-14T22:13:20.000Z', '0'],
      ['b', 't', '2023-11-14T22:13:20.001Z', '1'],
      ['c', 'other', '2023-11-14T22:13:20.002Z', '2'],
    ]);
    expect((await at('list', '--topic', 't', '--max', '1')).out).toMatch(/\n1 of 2\n$/);
    const { out } = await at('list', '--topic', 'other', '-o', 'json');
    expect(JSON.parse(out)).toMatchObject({ total: 1, transactions: [{ transactionId: 'c' }] });
  });

  it('show tells of one, and fails for none', async () => {
    const { out } = await at('show', 'b', '-o', 'json');
    expect(JSON.parse(out)).toEqual({
      ...{ topic: 't', transactionId: 'b', checks: 1, queueOffset: 11, physicalOffset: 100 },
      storedAt: '2023-11-14T22:13:20.001Z',
    });
    expect((await at('show', 'b')).out).toContain('queue offset 11, log position 100');
    expect(await at('show', 'x')).toEqual({
      code: 1,
      out: '',
      err: 'INVALID_TRANSACTION_ID: no transaction x is pending\n',
    });
  });

  it.each([
    ['commit', 'committed'],
    ['rollback', 'rolled back'],
  ] as const)('%s ends one, when it is meant', async (resolution, done) => {
    expect((await at(resolution, 'c')).code).toBe(2);
    expect(server.ended).toEqual([]);
    expect(await at(resolution, 'c', '--yes')).toEqual({
      code: 0,
      out: `transaction c of topic other is ${done}\n`,
      err: '',
    });
    expect(server.ended).toEqual([{ topic: 'other', transactionId: 'c', resolution }]);
    // One that is not pending any more needs its topic: how it ended is the answer.
    expect((await at(resolution, 'gone', '--yes')).code).toBe(1);
    expect((await at(resolution, 'gone', '--topic', 't', '--yes')).code).toBe(0);
  });

  it('needs the topic of an id that is pending on several', async () => {
    server.transactions = ['t', 'other'].map((topic) => ({
      ...{ topic, transactionId: 'a', storedMs: 1, checks: 0, queueOffset: 1, physicalOffset: 1 },
    }));
    expect((await at('commit', 'a', '--yes')).err).toBe(
      'BAD_REQUEST: transactions a are pending on topics t and other: say --topic\n',
    );
    expect((await at('commit', 'a', '--topic', 'other', '--yes')).code).toBe(0);
  });
});
