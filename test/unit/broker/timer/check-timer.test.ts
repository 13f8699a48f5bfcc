/** Bytes of gantry/timer are damaged: they are named, and the broker delivers from the log. */
import { checkDirectory } from '../../../../src/assembly/check-directory';
import type { Files } from '../../../../src/platform/platform';
import { wholeJson, withChecksum } from '../../../../src/store/kept-twice';
import { findingLine } from '../../../../src/store/tools/finding';
import { readyBench, type BrokerBench } from '../../../support/broker-bench';
import { type Contents, CopyOnWriteFiles } from '../../../support/copy-on-write-files';
import { HOUR_MS, popIds, recall, sendIn } from '../../../support/delayed';

const FOLDER = '/broker/gantry/timer';
const CHECKPOINT = `${FOLDER}/checkpoint.json`;

async function check(files: Files): Promise<readonly string[]> {
  const lines: string[] = [];
  const onFinding = (finding: Parameters<typeof findingLine>[0]): void => {
    lines.push(findingLine(finding));
  };
  await checkDirectory({ files, directory: '/broker', onFinding });
  return lines;
}

/** A broker that was stopped: of messages in two periods some wait, one is delivered, one recalled. */
async function stopped(): Promise<BrokerBench> {
  const bench = await readyBench({ store: { segmentBytes: 64 * 1024 } });
  await sendIn(bench, 'a', 1000);
  const recalled = await sendIn(bench, 'b', HOUR_MS);
  await sendIn(bench, 'c', HOUR_MS);
  await sendIn(bench, 'd', 20_000);
  await bench.sim.advance(1000);
  await recall(bench, 'b', recalled);
  await bench.drive(bench.running?.stop() ?? Promise.resolve());
  return bench;
}

const contentsOf = ({ platform }: BrokerBench): Promise<Contents> =>
  CopyOnWriteFiles.contents(platform.files, '/broker');

test('the files of a broker that was stopped are sound, and of one that was killed', async () => {
  const bench = await stopped();
  const { files } = bench.platform;
  expect(await files.list(FOLDER)).toHaveLength(3);
  expect(await check(files)).toEqual([]);
  await bench.open();
  await sendIn(bench, 'e', 2000);
  await bench.sim.advance(1000);
  await bench.kill();
  await bench.drive(bench.running?.stop() ?? Promise.resolve());
  expect(await check(bench.platform.files)).toEqual([]);
});

test('any byte that is flipped, and any cut, is named with its file', async () => {
  const contents = await contentsOf(await stopped());
  const mine = [...contents.keys()].filter((path) => path.startsWith(FOLDER));
  expect(mine).toHaveLength(3);
  for (const path of mine) {
    const bytes = contents.get(path) ?? Buffer.alloc(0);
    for (let at = 0; at < bytes.length; at++) {
      const flipped = Buffer.from(bytes);
      flipped[at] = (bytes[at] ?? 0) ^ (1 + ((at * 37) % 255));
      for (const harmed of [flipped, bytes.subarray(0, at)]) {
        const lines = await check(new CopyOnWriteFiles(new Map(contents).set(path, harmed)));
        expect(lines).toEqual([expect.stringContaining(`wrong  ${path.replace('/broker/', '')} `)]);
      }
    }
  }
});

test('what comes behind the end that the checkpoint names does not count, and no folder is no fault', async () => {
  const contents = new Map(await contentsOf(await stopped()));
  for (const [path, bytes] of contents) {
    if (!path.startsWith(FOLDER) || path === CHECKPOINT) continue;
    contents.set(path, Buffer.concat([bytes, Buffer.from('torn')]));
  }
  expect(await check(new CopyOnWriteFiles(contents))).toEqual([]);
  for (const path of [...contents.keys()]) if (path.startsWith(FOLDER)) contents.delete(path);
  expect(await check(new CopyOnWriteFiles(contents))).toEqual([]);
});

interface Told {
  position: number;
  readonly periods: [number, number, number, number, number][];
}

test.each<[string, (told: Told) => void, RegExp]>([
  [
    'a position behind the log',
    (told) => (told.position = 2 ** 40),
    /checkpoint\.json {2}has position 1099511627776, the log ends at \d+$/,
  ],
  [
    'a position before its entries',
    (told) => (told.position = 1),
    /@0 {2}is behind the checkpoint's position 1$/,
  ],
  [
    'another number of messages',
    ({ periods: [first] }) => first && (first[2] = 9),
    / {2}1 messages wait, the checkpoint speaks of 9$/,
  ],
  [
    'another period',
    ({ periods: [first] }) => first && (first[0] += 300_000),
    / @0 {2}has 0 bytes, the checkpoint speaks of \d+$/,
  ],
])('a whole checkpoint with %s is named', async (_what, change, text) => {
  const contents = await contentsOf(await stopped());
  const told = JSON.parse(wholeJson(contents.get(CHECKPOINT)) ?? '') as Told;
  change(told);
  const harmed = new Map(contents).set(CHECKPOINT, withChecksum(JSON.stringify(told)));
  const lines = await check(new CopyOnWriteFiles(harmed));
  expect(lines[0]).toMatch(text);
});

test('with a damaged checkpoint the next start reads all from the log', async () => {
  const bench = await stopped();
  const { files } = bench.platform;
  const text = (await files.readFile(CHECKPOINT))?.toString() ?? '';
  // Still JSON, and a position that skips what waits.
  await files.writeFile(CHECKPOINT, text.replace('"position":', '"position":9'));
  await bench.open();
  await bench.sim.advance(HOUR_MS);
  expect(await popIds(bench)).toEqual(['a', 'd', 'c']);
});
