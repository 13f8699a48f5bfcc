/** A broker's own records, or the note of its newest snapshot, are not what they must be: the check names them. */
import { checkDirectory } from '../../../src/assembly/check-directory';
import { LEDGER_TOPIC, META_TOPIC } from '../../../src/message/names';
import { draftRecord } from '../../../src/message/record-draft';
import type { Files } from '../../../src/platform/platform';
import { withChecksum } from '../../../src/store/kept-twice';
import { findingLine } from '../../../src/store/tools/finding';
import { readyBench, type BrokerBench } from '../../support/broker-bench';

const VIEWS = '/broker/gantry/views.json';

async function check(files: Files): Promise<readonly string[]> {
  const lines: string[] = [];
  const onFinding = (finding: Parameters<typeof findingLine>[0]): void => {
    lines.push(findingLine(finding));
  };
  await checkDirectory({ files, directory: '/broker', onFinding });
  return lines;
}

/** A broker that has taken some snapshots. */
async function used(): Promise<BrokerBench> {
  const bench = await readyBench({ settings: { snapshotEveryBytes: 500 } });
  for (let i = 0; i < 20; i++) {
    await bench.send('t', `m${i}`);
    await bench.ack(await bench.pop());
  }
  return bench;
}

const stop = (bench: BrokerBench): Promise<unknown> =>
  bench.drive(bench.running?.stop() ?? Promise.resolve());

test('a broker that was stopped is sound', async () => {
  const bench = await used();
  await stop(bench);
  const { files } = bench.platform;
  expect((await files.readFile(VIEWS))?.toString()).toMatch(/^{"begin":[1-9]\d*}\n/);
  expect(await check(files)).toEqual([]);
});

test.each([
  ['ledgers', LEDGER_TOPIC, Buffer.from([9])],
  ['topics and groups', META_TOPIC, Buffer.from('{"kind"')],
])('a whole record of %s that cannot be read is named', async (_what, topic, body) => {
  const bench = await used();
  bench.running?.store.append(
    draftRecord({ topic, body, properties: '', tag: '', bornTimestamp: 1 }),
    0,
    true,
  );
  await stop(bench);
  expect(await check(bench.platform.files)).toEqual([
    expect.stringMatching(
      new RegExp(
        `^wrong {2}commitlog/0{20} @\\d+ {2}${topic} queue 0 offset \\d+: cannot be read, and a broker does not start`,
      ),
    ),
  ]);
});

test('a note that leads to no whole snapshot is named', async () => {
  const bench = await used();
  await stop(bench);
  const { files } = bench.platform;
  for (const copy of ['', '.bak'])
    await files.writeFile(`${VIEWS}${copy}`, withChecksum('{"begin":7}'));
  expect(await check(files)).toEqual([
    'wrong  gantry/views.json  says that a whole snapshot begins at 7, and none does',
  ]);
});
