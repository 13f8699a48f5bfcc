import { HALF_TOPIC } from '../../../../src/message/names';
import { messageDraft } from '../../../support/test-broker';
import { type TransactionBench, transactionBench } from '../../../support/transaction-bench';

interface Place {
  readonly queueOffset: number;
  readonly physicalOffset: number;
}

/** Sends the half message of `id` again, or for the first time. */
function prepare(bench: TransactionBench, id: string): Promise<Place> {
  const { transactions } = bench.broker;
  return bench.drive(transactions.prepare({ queueId: 0, draft: messageDraft('t', id) }));
}

async function halves(bench: TransactionBench): Promise<number> {
  return (await bench.stored(HALF_TOPIC)).length;
}

describe('a half message that is sent again', () => {
  it('gets the first result, while it is pending and after its end', async () => {
    const bench = await transactionBench();
    const first = await prepare(bench, 'a');
    await prepare(bench, 'b');
    expect(await prepare(bench, 'a')).toEqual(first);
    await bench.commit('a');
    expect(await prepare(bench, 'a')).toEqual(first);
    expect(await halves(bench)).toBe(2);
    expect(await bench.received()).toEqual(['a']);
  });

  it('while the first is still being written is stored once', async () => {
    const bench = await transactionBench();
    const { transactions } = bench.broker;
    const send = (): Promise<Place> =>
      transactions.prepare({ queueId: 0, draft: messageDraft('t', 'a') });
    const answers = await bench.drive(Promise.all([send(), send(), send()]));
    expect(new Set(answers.map(({ physicalOffset }) => physicalOffset)).size).toBe(1);
    expect(await halves(bench)).toBe(1);
  });

  it.each([
    ['pending', 'kill', undefined],
    ['pending', 'restart', undefined],
    ['committed', 'kill', 'commit'],
    ['committed', 'restart', 'commit'],
    ['rolled back', 'kill', 'rollback'],
    ['rolled back', 'restart', 'rollback'],
  ] as const)('gets the first result when it is %s, after a %s', async (_state, how, decision) => {
    // Each record is one more reason for a snapshot, so that a start replays none of the transaction's.
    const bench = await transactionBench({}, { settings: { snapshotEveryBytes: 1 } });
    await prepare(bench, 'before');
    const first = await prepare(bench, 'a');
    if (decision !== undefined) await bench.end('a', decision);
    await prepare(bench, 'after');
    await bench.restart();
    await bench[how]();
    expect(await prepare(bench, 'a')).toEqual(first);
    expect(await halves(bench)).toBe(3);
    expect(await bench.pendingIds()).toEqual(
      ['before', 'a', 'after'].filter((id) => id !== 'a' || decision === undefined),
    );
    const seen = decision === 'commit' ? ['a'] : [];
    expect(await bench.received()).toEqual(seen);
  });

  it('is a new one once the window is over and nothing else knows how it ended', async () => {
    const bench = await transactionBench({}, { settings: { dedupWindowMs: 5_000 } });
    await prepare(bench, 'a');
    await bench.commit('a');
    await bench.restart();
    await bench.sim.advance(4_999);
    await prepare(bench, 'a');
    expect(await halves(bench)).toBe(1);
    await bench.sim.advance(1);
    await bench.restart();
    await prepare(bench, 'a');
    expect(await halves(bench)).toBe(2);
  });

  it('is not known by the message that its commit made, nor by one of another kind with its id', async () => {
    const bench = await transactionBench();
    const send = (): Promise<Place> =>
      bench.drive(bench.broker.send({ queueId: 0, draft: messageDraft('t', 'a') }));
    await prepare(bench, 'a');
    await bench.commit('a');
    expect((await send()).queueOffset).toBe(1);
    await bench.restart();
    expect((await send()).queueOffset).toBe(1);
    expect(await bench.received()).toEqual(['a', 'a']);
  });
});
