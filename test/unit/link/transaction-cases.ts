import { Code } from '../../../src/message/status';
import { readRecord } from '../../../src/message/record';
import { idsOf, messageDraft, popRequest } from '../../support/test-broker';
import type { BrokerApiUnderTest } from './broker-api-suite';

/** What every BrokerApi does with transactions; topic `t` and group `g` are there. */
export function transactionCases(broker: () => BrokerApiUnderTest): void {
  const never = new AbortController().signal;

  it('keeps a half message unseen until it is committed, and answers how it ended', async () => {
    const { api, drive } = broker();
    const { transactions } = api;
    for (const id of ['a', 'b']) {
      await drive(transactions.prepare({ queueId: 0, draft: messageDraft('t', id) }));
    }
    const all = { topic: 't', transactionId: '', maxCount: 1 };
    const listed = await drive(transactions.listTransactions(all));
    expect(listed).toMatchObject({ total: 2, transactions: [{ transactionId: 'a', checks: 0 }] });
    expect(idsOf(await drive(api.pop(popRequest('g', 't'), never)))).toEqual([]);
    const end = (transactionId: string, resolution: 'commit' | 'rollback'): Promise<void> =>
      drive(transactions.endTransaction({ topic: 't', transactionId, resolution }));
    await end('a', 'commit');
    await end('b', 'rollback');
    expect(idsOf(await drive(api.pop(popRequest('g', 't'), never)))).toEqual(['a']);
    await expect(end('a', 'rollback')).rejects.toMatchObject({
      code: Code.BAD_REQUEST,
      message: expect.stringContaining('was committed') as string,
    });
    await expect(end('c', 'commit')).rejects.toMatchObject({ code: Code.INVALID_TRANSACTION_ID });
  });

  it('gives a transaction that nobody ended to a proxy that has a producer', async () => {
    const { api, drive } = broker();
    const { transactions } = api;
    const properties = { CHECK_IMMUNITY_TIME_IN_SECONDS: '1' };
    const draft = messageDraft('t', 'a', '', properties);
    await drive(transactions.prepare({ queueId: 1, draft }));
    const request = { proxyId: 'p', topics: ['other', 't'], pollMs: 5000 };
    const [check] = await drive(transactions.takeChecks(request, never));
    expect(check).toMatchObject({ topic: 't', transactionId: 'a' });
    expect(readRecord(check?.record ?? Buffer.alloc(0), 0).body.toString()).toBe('body of a');
    await drive(transactions.reportChecks([{ topic: 't', transactionId: 'a', reached: true }]));
    const all = { topic: '', transactionId: 'a', maxCount: 10 };
    const {
      transactions: [listed],
    } = await drive(transactions.listTransactions(all));
    expect(listed).toMatchObject({ topic: 't', transactionId: 'a', checks: 1 });
  });
}
