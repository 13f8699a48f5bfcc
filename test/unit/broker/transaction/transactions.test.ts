import { readRecord, recordProperties, SysFlag } from '../../../../src/message/record';
import { Code } from '../../../../src/message/status';
import { messageDraft } from '../../../support/test-broker';
import { transactionBench } from '../../../support/transaction-bench';

const HALF = 'RMQ_SYS_TRANS_HALF_TOPIC';
const OP = 'RMQ_SYS_TRANS_OP_HALF_TOPIC';

describe('a transaction', () => {
  it('is not seen before its commit, and once after it', async () => {
    const bench = await transactionBench();
    await bench.begin('a');
    expect(await bench.received()).toEqual([]);
    await bench.commit('a');
    expect(await bench.received()).toEqual(['a']);
    await bench.sim.advance(60_000);
    expect(await bench.received()).toEqual([]);
  });

  it('is never seen when it is rolled back', async () => {
    const bench = await transactionBench();
    await bench.begin('a');
    await bench.rollback('a');
    await bench.sim.advance(600_000);
    expect(await bench.received()).toEqual([]);
    expect(await bench.pendingIds()).toEqual([]);
  });

  it.each([['kill'], ['restart']] as const)('goes on after a %s', async (how) => {
    const bench = await transactionBench();
    for (const id of ['a', 'b', 'c']) await bench.begin(id);
    await bench.commit('a');
    await bench[how]();
    expect(await bench.pendingIds()).toEqual(['b', 'c']);
    await bench.commit('b');
    await bench.rollback('c');
    expect(await bench.received()).toEqual(['a', 'b']);
    await bench[how]();
    expect(await bench.pendingIds()).toEqual([]);
    expect(await bench.received()).toEqual([]);
  });

  it('is kept when its half message makes a snapshot due, and ends when its end does', async () => {
    const bench = await transactionBench({}, { settings: { snapshotEveryBytes: 1 } });
    await bench.begin('a');
    await bench.kill();
    expect(await bench.pendingIds()).toEqual(['a']);
    await bench.commit('a');
    await bench.kill();
    expect(await bench.pendingIds()).toEqual([]);
    expect(await bench.received()).toEqual(['a']);
  });

  it('is stored once when its message is sent again, also after its end', async () => {
    const bench = await transactionBench();
    expect([await bench.begin('a'), await bench.begin('a'), await bench.begin('b')]).toEqual([
      0, 0, 1,
    ]);
    await bench.commit('a');
    expect(await bench.begin('a')).toBe(0);
    expect(await bench.pendingIds()).toEqual(['b']);
    expect(await bench.received()).toEqual(['a']);
  });

  it('is rolled back when its topic is deleted', async () => {
    const bench = await transactionBench();
    await bench.begin('a');
    await bench.drive(bench.broker.deleteTopic('t'));
    expect(await bench.pendingIds()).toEqual([]);
    await expect(bench.commit('a')).rejects.toMatchObject({ code: Code.BAD_REQUEST });
  });
});

describe('a decision', () => {
  it.each([
    ['commit', 'rollback', 'was committed', 'rolled back'],
    ['rollback', 'commit', 'was rolled back', 'committed'],
  ] as const)(
    'to %s counts: the same again is fine, %s is refused and told why',
    async (first, opposite, was, wanted) => {
      const bench = await transactionBench();
      await bench.begin('a');
      await bench.end('a', first);
      await bench.end('a', first);
      const refused = {
        code: Code.BAD_REQUEST,
        message: `transaction a of topic t ${was}, it cannot be ${wanted}`,
      };
      await expect(bench.end('a', opposite)).rejects.toMatchObject(refused);
      // From the records of the log, then from the index alone.
      await bench.kill();
      await expect(bench.end('a', opposite)).rejects.toMatchObject(refused);
      await bench.restart();
      await bench.restart();
      await expect(bench.end('a', opposite)).rejects.toMatchObject(refused);
      await bench.end('a', first);
      expect(await bench.received()).toEqual(first === 'commit' ? ['a'] : []);
    },
  );

  it('is one, whatever comes at the same time', async () => {
    const bench = await transactionBench();
    await bench.begin('a');
    const ask = (resolution: 'commit' | 'rollback'): Promise<void> =>
      bench.broker.transactions.endTransaction({ topic: 't', transactionId: 'a', resolution });
    const all = [ask('commit'), ask('rollback'), ask('commit'), ask('rollback')];
    const outcomes = await bench.drive(Promise.allSettled(all));
    expect(outcomes.map(({ status }) => status)).toEqual([
      ...['fulfilled', 'rejected', 'fulfilled', 'rejected'],
    ]);
    expect(await bench.received()).toEqual(['a']);
    expect(await bench.stored(OP)).toHaveLength(1);
  });

  it('about what never was is refused', async () => {
    const bench = await transactionBench();
    await bench.begin('a');
    await expect(bench.commit('b')).rejects.toMatchObject({ code: Code.INVALID_TRANSACTION_ID });
    await expect(bench.end('a', 'commit', 'other')).rejects.toMatchObject({
      code: Code.INVALID_TRANSACTION_ID,
    });
  });
});

describe('what is stored of a transaction', () => {
  it('has the bytes that Apache RocketMQ gives it', async () => {
    const bench = await transactionBench();
    await bench.begin('first');
    const own = { colour: 'blue', TRAN_MSG: 'true', PGROUP: 't' };
    await bench.begin('a', own);
    const [, half] = await bench.stored(HALF);
    expect(half).toMatchObject({ queueId: 0, queueOffset: 1, sysFlag: 0, preparedOffset: 0 });
    expect(Object.fromEntries(recordProperties(half ?? readRecord(Buffer.alloc(0), 0)))).toEqual({
      ...own,
      ...{ UNIQ_KEY: 'a', REAL_TOPIC: 't', REAL_QID: '0', __transactionId__: 'a' },
    });
    await bench.commit('a');
    const [committed] = await bench.stored('t');
    expect(committed).toMatchObject({
      ...{ queueId: 0, queueOffset: 0, sysFlag: SysFlag.COMMIT },
      ...{ preparedOffset: half?.physicalOffset, bornTimestamp: half?.bornTimestamp },
    });
    expect(committed?.body.toString()).toBe('body of a');
    expect(
      Object.fromEntries(recordProperties(committed ?? readRecord(Buffer.alloc(0), 0))),
    ).toEqual({ ...own, UNIQ_KEY: 'a', __transactionId__: 'a' });
    const [op] = await bench.stored(OP);
    expect(op).toMatchObject({ queueId: 0, sysFlag: 0 });
    expect(op?.body.toString()).toBe('1,');
    expect(op?.properties).toMatch(/^WAIT\u0001true\u0002TAGS\u0001d\u0002/);
  });

  it('is bounded: beyond the limit half messages are refused, and the answer names it', async () => {
    const bench = await transactionBench({ maxPending: 2 });
    await bench.begin('a');
    await bench.begin('b');
    await expect(bench.begin('c')).rejects.toMatchObject({
      code: Code.TOO_MANY_REQUESTS,
      message: '2 transactions are pending, the limit is 2',
    });
    await bench.rollback('a');
    expect(await bench.begin('c')).toBe(2);
  });

  it('needs a queue of the topic', async () => {
    const bench = await transactionBench();
    const { transactions } = bench.broker;
    const draft = messageDraft('t', 'a');
    await expect(bench.drive(transactions.prepare({ queueId: 1, draft }))).rejects.toMatchObject({
      code: Code.BAD_REQUEST,
      message: 'queue id 1 is not in 0 .. 0 of topic t',
    });
    const elsewhere = messageDraft('no-such', 'a');
    await expect(
      bench.drive(transactions.prepare({ queueId: 0, draft: elsewhere })),
    ).rejects.toMatchObject({ code: Code.TOPIC_NOT_FOUND });
  });
});
