/** Transactions that are pending when a directory goes to Apache RocketMQ and comes back. */
import { parseApacheJson } from '../../../../src/broker/exchange/apache-json';
import { objectIn, offsetsOf } from '../../../../src/broker/exchange/apache-shapes';
import { HALF_TOPIC, OP_TOPIC } from '../../../../src/message/names';
import { encodeProperties } from '../../../../src/message/properties';
import { draftRecord } from '../../../../src/message/record-draft';
import { committedDraft, renewedHalfDraft } from '../../../../src/message/transaction-records';
import { transactionBench, type TransactionBench } from '../../../support/transaction-bench';

const OFFSETS = '/broker/config/consumerOffset.json';
const GROUP = 'CID_RMQ_SYS_TRANS';

async function stop(bench: TransactionBench): Promise<void> {
  await bench.drive(bench.running?.stop() ?? Promise.resolve());
}

/** Where Apache's scanner would go on: offsets of half messages and of op records. */
async function scanner(bench: TransactionBench): Promise<(number | undefined)[]> {
  const text = (await bench.platform.files.readFile(OFFSETS))?.toString() ?? '{}';
  const table = objectIn(parseApacheJson(text), 'offsetTable');
  return [HALF_TOPIC, OP_TOPIC].map((topic) =>
    offsetsOf(objectIn(table, `${topic}@${GROUP}`)).get(0),
  );
}

/** Stops, and starts again as after Apache, whose scanner has come to `half`. */
async function visited(bench: TransactionBench, half?: number): Promise<void> {
  await stop(bench);
  const { files } = bench.platform;
  if (half !== undefined) {
    const text = (await files.readFile(OFFSETS))?.toString() ?? '';
    const entry = new RegExp(`("${HALF_TOPIC}@${GROUP}":\\{\\s*0:)\\d+`);
    expect(text).toMatch(entry);
    await files.writeFile(OFFSETS, text.replace(entry, `$1${half}`));
  }
  await files.writeFile('/broker/abort.bak', '');
  await bench.open();
}

/** Appends what Apache's broker writes when transactions end: their half messages' offsets. */
function appendOp(bench: TransactionBench, body: string): void {
  const properties = encodeProperties([['TAGS', 'd']]);
  const op = { topic: OP_TOPIC, body: Buffer.from(body), properties, tag: 'd', bornTimestamp: 1 };
  bench.running?.store.append(draftRecord(op), 0, true);
}

describe('a directory for Apache', () => {
  it('has its scanner begin at the oldest pending transaction, and at the decisions behind it', async () => {
    const bench = await transactionBench();
    for (const id of ['a', 'b']) await bench.begin(id);
    await bench.commit('a');
    await bench.rollback('b');
    for (const id of ['c', 'd', 'e']) await bench.begin(id);
    await bench.commit('d');
    await stop(bench);
    expect(await scanner(bench)).toEqual([2, 2]);
  });

  it('has nothing to be asked about when all have ended', async () => {
    const bench = await transactionBench();
    await bench.begin('a');
    await bench.commit('a');
    await stop(bench);
    expect(await scanner(bench)).toEqual([1, 1]);
  });

  it('says nothing of transactions where there never was one', async () => {
    const bench = await transactionBench();
    await stop(bench);
    expect(await scanner(bench)).toEqual([undefined, undefined]);
  });
});

describe('a directory that Apache has had', () => {
  it('has pending transactions that can be committed, and those that ended stay so', async () => {
    const bench = await transactionBench();
    for (const id of ['a', 'b', 'c', 'd']) await bench.begin(id);
    await bench.commit('a');
    appendOp(bench, '1,');
    await visited(bench, 0);
    expect(await bench.pendingIds()).toEqual(['c', 'd']);
    await bench.commit('c');
    expect(await bench.received()).toEqual(['a', 'c']);
    await bench.restart();
    expect(await bench.pendingIds()).toEqual(['d']);
  });

  it('has one transaction where its half message was written anew, with the checks so far', async () => {
    const bench = await transactionBench();
    await bench.begin('a');
    await bench.begin('b');
    const [half] = await bench.storedBytes(HALF_TOPIC);
    if (half === undefined) throw new Error('no half message');
    bench.running?.store.append(renewedHalfDraft(half, 14), 0, true);
    await visited(bench, 1);
    expect(await bench.pendingIds()).toEqual(['b', 'a']);
    await bench.sim.advance(31_000);
    expect((await bench.askedIds()).sort()).toEqual(['a', 'b']);
    await bench.sim.advance(31_000);
    expect(await bench.askedIds()).toEqual(['b']);
    expect(await bench.pendingIds()).toEqual(['b']);
  });

  it('ends a transaction whose op record names an earlier copy of its half message', async () => {
    const bench = await transactionBench();
    await bench.begin('a');
    const [half] = await bench.storedBytes(HALF_TOPIC);
    if (half === undefined) throw new Error('no half message');
    bench.running?.store.append(renewedHalfDraft(half, 1), 0, true);
    appendOp(bench, '0,');
    await visited(bench, 0);
    expect(await bench.pendingIds()).toEqual([]);
  });

  it('commits nothing twice whose op record was lost', async () => {
    const bench = await transactionBench();
    for (const id of ['a', 'b']) await bench.begin(id);
    const [first, second] = await bench.stored(HALF_TOPIC);
    const [, half] = await bench.storedBytes(HALF_TOPIC);
    if (half === undefined || second === undefined) throw new Error('no half message');
    bench.running?.store.append(committedDraft(half, 't', second.physicalOffset), 0);
    await bench.send('t', 'other');
    await visited(bench, first?.queueOffset);
    expect(await bench.pendingIds()).toEqual(['a']);
    await bench.commit('b');
    expect(await bench.received()).toEqual(['b', 'other']);
    await bench.rollback('a');
    await stop(bench);
    expect(await scanner(bench)).toEqual([2, 2]);
  });
});
