/**
 * The process stops after every change to the files of a run, and inside of each write between any two
 * records: the outcome of every transaction is the model's.
 */
import type { TransactionBench } from '../../../support/transaction-bench';
import type { Files } from '../../../../src/platform/platform';
import { committedDraft } from '../../../../src/message/transaction-records';
import { Code } from '../../../../src/message/status';
import { MAGIC_V1, readRecord } from '../../../../src/message/record';
import { seeded } from '../../../support/seeded';
import { transactionBench, TransactionBench as Bench } from '../../../support/transaction-bench';
import { JournalFiles } from '../../store/support/journal-files';

type Resolution = 'commit' | 'rollback';

/** What the model knows of one transaction: changes to the files when things began and were answered. */
interface Known {
  readonly id: string;
  preparedAt: number;
  decision: Resolution | undefined;
  askedAt: number;
  decidedAt: number;
}

const store = { segmentBytes: 8 * 1024 };

/** Begins and ends transactions, some at the same time, over several segments. */
async function record(seed: number): Promise<{ files: JournalFiles; model: readonly Known[] }> {
  const files = new JournalFiles();
  const chance = seeded(seed);
  const bench = await transactionBench({}, { store }, files);
  const open: Known[] = [];
  const model: Known[] = [];
  for (let i = 0; i < 14; i++) {
    const known: Known = {
      ...{ id: `id-${i}`, preparedAt: 0, decision: undefined, askedAt: Infinity },
      decidedAt: Infinity,
    };
    await bench.begin(known.id, { filling: 'x'.repeat(chance.below(1500)) });
    known.preparedAt = files.changes.length;
    model.push(known);
    open.push(known);
    if (chance.hits(0.4)) continue;
    const ending = open.splice(chance.below(open.length), 1 + chance.below(2));
    await Promise.all(
      ending.map(async (ends) => {
        ends.decision = chance.hits(0.6) ? 'commit' : 'rollback';
        ends.askedAt = files.changes.length;
        await bench.end(ends.id, ends.decision);
        ends.decidedAt = files.changes.length;
      }),
    );
  }
  expect(open.length).toBeGreaterThan(1);
  return { files, model };
}

/** Where records of a write to the log begin, but for the first. */
function boundaries(data: Buffer): number[] {
  const found: number[] = [];
  for (let at = 0; at + 8 <= data.length && data.readInt32BE(at + 4) === MAGIC_V1;) {
    at += data.readInt32BE(at);
    if (at < data.length) found.push(at);
  }
  return found;
}

async function expectOutcomes(
  model: readonly Known[],
  left: Files,
  changes: number,
): Promise<void> {
  const bench: TransactionBench = new Bench({ store }, left);
  await bench.open();
  const pending = new Set(await bench.pendingIds());
  const seen = new Set(await all(bench));
  for (const { id, preparedAt, decision, askedAt, decidedAt } of model) {
    if (preparedAt > changes && !pending.has(id)) expect(seen.has(id)).toBe(false);
    if (preparedAt > changes) continue;
    const outcome = pending.has(id) ? 'pending' : seen.has(id) ? 'commit' : 'rollback';
    if (decidedAt <= changes) expect([id, outcome]).toEqual([id, decision]);
    else if (askedAt > changes) expect([id, outcome]).toEqual([id, 'pending']);
    else expect(['pending', decision]).toContain(outcome);
    if (outcome === 'pending') continue;
    const opposite = outcome === 'commit' ? 'rollback' : 'commit';
    await bench.end(id, outcome);
    await expect(bench.end(id, opposite)).rejects.toMatchObject({ code: Code.BAD_REQUEST });
  }
  for (const id of pending) {
    expect(seen.has(id)).toBe(false);
    await bench.commit(id);
  }
  expect((await all(bench)).toSorted()).toEqual([...pending].toSorted());
  await bench.kill();
  expect(await bench.pendingIds()).toEqual([]);
  expect(await all(bench)).toEqual([]);
}

async function all(bench: TransactionBench): Promise<string[]> {
  // The topic may not be there yet.
  if ((await bench.broker.listTopics()).length === 0) return [];
  if ((await bench.broker.listGroups()).length === 0) return [];
  const ids: string[] = [];
  for (let batch = await bench.received(); batch.length > 0; batch = await bench.received()) {
    ids.push(...batch);
  }
  expect(new Set(ids).size).toBe(ids.length);
  return ids;
}

describe('a crash', () => {
  it.each([[1], [2]])('keeps the outcome of every transaction, run %i', async (seed) => {
    const { files, model } = await record(seed);
    let insides = 0;
    for (let count = 0; count <= files.changes.length; count++) {
      await expectOutcomes(model, await files.afterKill(count), count);
      const change = files.changes[count];
      if (change?.kind !== 'write') continue;
      for (const cut of boundaries(change.data)) {
        insides++;
        await expectOutcomes(model, await files.afterKill(count, cut), count);
      }
    }
    expect(insides).toBeGreaterThan(2);
  });

  it('between the two records of a commit leaves a commit', async () => {
    const bench = await transactionBench();
    await bench.begin('a');
    await bench.begin('b');
    const [half] = (await bench.storedBytes('RMQ_SYS_TRANS_HALF_TOPIC')) as [Buffer];
    const { store: log } = bench.running ?? {};
    const end =
      log?.append(committedDraft(half, 't', readRecord(half, 0).physicalOffset), 0).endOffset ?? 0;
    await bench.drive(log?.durable(end) ?? Promise.resolve());
    await bench.kill();
    expect(await bench.pendingIds()).toEqual(['b']);
    await expect(bench.rollback('a')).rejects.toMatchObject({ code: Code.BAD_REQUEST });
    await bench.commit('a');
    expect(await bench.received()).toEqual(['a']);
  });
});
