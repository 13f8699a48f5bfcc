/** What `gantry store check --for apache` says of a directory that a broker has left. */
import { checkDirectory } from '../../../../src/assembly/check-directory';
import { HALF_TOPIC, OP_TOPIC, TIMER_TOPIC } from '../../../../src/message/names';
import { encodeProperties } from '../../../../src/message/properties';
import { draftRecord } from '../../../../src/message/record-draft';
import { findingLine } from '../../../../src/store/tools/finding';
import type { Files } from '../../../../src/platform/platform';
import { type BrokerBench, readyBench } from '../../../support/broker-bench';
import { sendIn } from '../../../support/delayed';
import { messageDraft } from '../../../support/test-broker';

const DIRECTORY = '/broker';
const SEGMENT_BYTES = 64 * 1024;
const small = { store: { segmentBytes: SEGMENT_BYTES } };

async function check(files: Files): Promise<readonly string[]> {
  const lines: string[] = [];
  await checkDirectory({
    files,
    directory: DIRECTORY,
    forApache: true,
    onFinding: (finding) => lines.push(findingLine(finding)),
  });
  return lines;
}

async function stop(bench: BrokerBench): Promise<void> {
  await bench.drive(bench.running?.stop() ?? Promise.resolve());
}

async function damage(files: Files, position: number): Promise<void> {
  const name = String(position - (position % SEGMENT_BYTES)).padStart(20, '0');
  const handle = await files.open(`${DIRECTORY}/commitlog/${name}`, 'write');
  await handle.write([Buffer.from([0xff])], position % SEGMENT_BYTES);
  await handle.close();
}

test('lengths that Apache has to be told, and what it delivers again, are notes', async () => {
  const bench = await readyBench(small);
  await bench.send('t', 'a');
  await stop(bench);
  expect(await check(bench.platform.files)).toEqual([
    'note   commitlog  Apache: it needs mappedFileSizeCommitLog=65536',
    'note   consumequeue  Apache: it needs mappedFileSizeConsumeQueue=20000',
    'note   index  Apache: it needs maxHashSlotNum=1000 and maxIndexNum=4000',
    expect.stringContaining('what consumers hold'),
  ]);
});

test('a damaged record in the last ten segments is named with what it would cost; one before is a note', async () => {
  const bench = await readyBench(small);
  const body = 'x'.repeat(6000);
  for (let i = 0; i < 130; i++) await bench.send('t', `m${i}`, '', 0, { body });
  await stop(bench);
  const { files } = bench.platform;
  const segments = await files.list(`${DIRECTORY}/commitlog`);
  expect(segments.length).toBeGreaterThan(11);
  // In the first record of all, and in the fourth segment from the end.
  await damage(files, 60);
  await damage(files, Number(segments.at(-4)) + 60);
  const lines = (await check(files)).filter((line) => line.includes('Apache: '));
  expect(lines[0]).toMatch(/^note {3}commitlog\/0{20} @0 .*too far back for it to see/);
  const cut = new RegExp(
    `^wrong {2}commitlog/${segments.at(-4)} @0 .*it cuts the log here and loses the (\\d+) bytes`,
  );
  expect(Number(cut.exec(lines[1] ?? '')?.[1])).toBeGreaterThan(3 * SEGMENT_BYTES);
});

test('after kill -9 it says what Apache does', async () => {
  const bench = await readyBench(small);
  await bench.send('t', 'a');
  await bench.kill();
  await stop(bench);
  const { files } = bench.platform;
  await files.writeFile(`${DIRECTORY}/abort`, '1');
  expect(await check(files)).toContainEqual(
    expect.stringMatching(/^note {3}abort {2}Apache: the broker was not stopped in an orderly way/),
  );
});

test('pending transactions and delayed messages are counted, those that are over are not', async () => {
  const bench = await readyBench(small);
  const put = (topic: string, properties: Record<string, string>): number => {
    const draft = messageDraft(topic, 'm', '', properties);
    return bench.running?.store.append(draft, 0, true).physicalOffset ?? -1;
  };
  for (let i = 0; i < 3; i++) put(HALF_TOPIC, { REAL_TOPIC: 't' });
  const op = { topic: OP_TOPIC, body: Buffer.from('1,'), tag: 'd', bornTimestamp: 1 };
  bench.running?.store.append(draftRecord({ ...op, properties: encodeProperties([]) }), 0, true);
  const delays = [1, 2, 3, 4, 5].map(() => put(TIMER_TOPIC, { REAL_TOPIC: 't' }));
  put('t', { GANTRY_DELAY_RECORD: String(delays[0]) });
  put(TIMER_TOPIC, { GANTRY_DELAY_ENDED: `recalled 99 ${delays[1]},${delays[2]}` });
  put(TIMER_TOPIC, { GANTRY_DELAY_ROLLED: String(delays[3]) });
  await bench.sim.settle();
  await bench.drive(bench.running?.store.close() ?? Promise.resolve());
  const lines = await check(bench.platform.files);
  expect(lines).toContainEqual(
    `note   consumequeue/${HALF_TOPIC}/0  Apache: 2 transactions are pending: it asks their producers on`,
  );
  expect(lines).toContainEqual(
    `wrong  consumequeue/${TIMER_TOPIC}/0  Apache: 2 delayed messages wait that it does not know: start the broker and stop it first`,
  );
});

test('delayed messages that a stop has handed over are a note', async () => {
  const bench = await readyBench(small);
  await sendIn(bench, 'a', 60_000);
  await stop(bench);
  expect(await check(bench.platform.files)).toContainEqual(
    'note   timerlog  Apache: 1 delayed messages wait: it delivers them',
  );
});

test('topics that are not in config are named', async () => {
  const bench = await readyBench(small);
  bench.running?.store.append(messageDraft('nobody-made-it', 'm'), 0, true);
  await stop(bench);
  expect(await check(bench.platform.files)).toContainEqual(
    expect.stringMatching(
      /config\/topics\.json {2}Apache: it does not serve 1 topics.*: nobody-made-it$/,
    ),
  );
});
