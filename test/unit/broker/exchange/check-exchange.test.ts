/** Bytes of config/*.json and of what a broker keeps beside its log are damaged: they are named, and cost nothing. */
import { checkDirectory } from '../../../../src/assembly/check-directory';
import { findingLine } from '../../../../src/store/tools/finding';
import type { Files } from '../../../../src/platform/platform';
import { readyBench, type BrokerBench } from '../../../support/broker-bench';
import { type Contents, CopyOnWriteFiles } from '../../../support/copy-on-write-files';
import { idsOf } from '../../../support/test-broker';

const DIRECTORY = '/broker';

async function check(files: Files): Promise<readonly string[]> {
  const lines: string[] = [];
  await checkDirectory({
    files,
    directory: DIRECTORY,
    onFinding: (finding) => lines.push(findingLine(finding)),
  });
  return lines;
}

/** A broker that was stopped: of a, b, c and d, a and c are finished. */
async function stopped(): Promise<BrokerBench> {
  const bench = await readyBench({ store: { segmentBytes: 64 * 1024 } });
  for (const id of ['a', 'b', 'c', 'd']) await bench.send('t', id);
  await bench.ack((await bench.pop()).slice(2, 3));
  await bench.drive(bench.running?.stop() ?? Promise.resolve());
  // Once more, so that each file has been replaced.
  await bench.open();
  await bench.sim.advance(10_000);
  await bench.ack((await bench.pop()).slice(0, 1));
  await bench.topic('more');
  await bench.group({ name: 'more' });
  await bench.drive(bench.running?.stop() ?? Promise.resolve());
  return bench;
}

async function contentsOf(bench: BrokerBench): Promise<Contents> {
  return CopyOnWriteFiles.contents(bench.platform.files, DIRECTORY);
}

function flipped(bytes: Buffer, at: number): Buffer {
  const other = Buffer.from(bytes);
  other[at] = (bytes[at] ?? 0) ^ (1 + ((at * 37) % 255));
  return other;
}

const FILES = [
  'config/topics.json',
  'config/subscriptionGroup.json',
  'config/consumerOffset.json',
  'gantry/exchange.json',
  'gantry/exchange.json.bak',
];

test('the files of a broker that was stopped are sound', async () => {
  const contents = await contentsOf(await stopped());
  expect(FILES.filter((file) => !contents.has(`${DIRECTORY}/${file}`))).toEqual([]);
  expect(await check(new CopyOnWriteFiles(contents))).toEqual([]);
});

test.each(FILES)('flipped bytes of %s are named, and so is a file that is cut', async (file) => {
  const contents = await contentsOf(await stopped());
  const path = `${DIRECTORY}/${file}`;
  const bytes = contents.get(path) ?? Buffer.alloc(0);
  const step = 1 + Math.floor(bytes.length / 100);
  for (let at = 0; at < bytes.length; at += step) {
    for (const harmed of [flipped(bytes, at), bytes.subarray(0, at)]) {
      const lines = await check(new CopyOnWriteFiles(new Map(contents).set(path, harmed)));
      expect(lines).toEqual([expect.stringContaining(`wrong  ${file}  `)]);
    }
  }
});

test('files that Apache RocketMQ has changed are a note', async () => {
  const { files } = (await stopped()).platform;
  const path = `${DIRECTORY}/config/topics.json`;
  const text = ((await files.readFile(path)) ?? Buffer.alloc(0)).toString();
  await files.writeFile(path, text.replace('"counter":', '"counter":1'));
  await files.writeFile(`${DIRECTORY}/abort.bak`, '1');
  expect(await check(files)).toEqual([expect.stringMatching(/^note {3}config\/topics\.json/)]);
});

test.each([...FILES, ...['gantry/views.json', 'gantry/views.json.bak']])(
  'a broker that starts on a damaged %s knows all topics, groups and what is finished',
  async (file) => {
    const bench = await stopped();
    const { files } = bench.platform;
    const path = `${DIRECTORY}/${file}`;
    const bytes = (await files.readFile(path)) ?? Buffer.from('{"begin":0}\ncrc32 00000000\n');
    // A config file that is still JSON counts as one that somebody has changed.
    const harmed = file.startsWith('config') ? bytes.subarray(0, 30) : flipped(bytes, 12);
    await files.writeFile(path, harmed);
    await bench.open();
    expect(idsOf(await bench.pop())).toEqual([]);
    await bench.sim.advance(10_000);
    expect(idsOf(await bench.pop())).toEqual(['b', 'd']);
    await bench.drive(bench.running?.stop() ?? Promise.resolve());
    expect(await check(files)).toEqual([]);
  },
);
