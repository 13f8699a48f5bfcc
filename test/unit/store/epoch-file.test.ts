import { memoryFiles } from '../../../src/platform/memory-files';
import { EpochFile } from '../../../src/store/epoch-file';
import { seeded } from '../../support/seeded';
import { SimulatedDisk } from '../../support/simulated-disk';

const PATH = '/data/epochFileCheckpoint';

async function filesWith(text: string): Promise<ReturnType<typeof memoryFiles>> {
  const files = memoryFiles();
  await files.makeDirectory('/data');
  await files.writeFile(PATH, text);
  return files;
}

test('a file as Apache RocketMQ writes it is read', async () => {
  const { lines } = await EpochFile.open(await filesWith('2\n1595479383\n1-0\n3-580\n'), PATH);
  expect(lines).toEqual([
    { epoch: 1, start: 0 },
    { epoch: 3, start: 580 },
  ]);
});

test('and written the same', async () => {
  const files = await filesWith('0\n0\n');
  const file = await EpochFile.open(files, PATH);
  await file.replace([
    { epoch: 1, start: 0 },
    { epoch: 3, start: 580 },
  ]);
  expect((await files.readFile(PATH))?.toString()).toBe('2\n1595479383\n1-0\n3-580\n');
});

test('without a file there are no epochs', async () => {
  expect((await EpochFile.open(memoryFiles(), PATH)).lines).toEqual([]);
});

test.each([
  ['a wrong checksum', '2\n1595479384\n1-0\n3-580\n'],
  ['a missing line', '2\n1595479383\n1-0\n'],
  ['a start that does not grow', '2\n0\n1-580\n3-580\n'],
  ['an epoch that does not grow', '2\n0\n3-0\n3-580\n'],
  ['no end of the last line', '1\n0\n1-0'],
  ['other text', 'epochs'],
])('%s is refused', async (_what, text) => {
  await expect(EpochFile.open(await filesWith(text), PATH)).rejects.toThrow('is damaged');
});

test('the newest thousand are kept', async () => {
  const file = await EpochFile.open(await filesWith('0\n0\n'), PATH);
  await file.replace(Array.from({ length: 1500 }, (_, i) => ({ epoch: i + 1, start: i * 10 })));
  expect(file.lines).toHaveLength(1000);
  expect(file.lines[0]).toEqual({ epoch: 501, start: 5000 });
});

test('after a loss of power there are the lines before or those after, whole', async () => {
  const before = [{ epoch: 1, start: 0 }];
  const after = [...before, { epoch: 2, start: 700 }];
  for (let changes = 0; changes < 6; changes++) {
    const disk = new SimulatedDisk(seeded(changes));
    await disk.makeDirectory('/data');
    await disk.syncDirectory('/');
    await (await EpochFile.open(disk, PATH)).replace(before);
    const file = await EpochFile.open(disk, PATH);
    disk.powerOffAfter(changes);
    const kept = await file.replace(after).then(
      () => true,
      () => false,
    );
    const { lines } = await EpochFile.open(disk.afterPowerLoss(), PATH);
    if (kept) expect(lines).toEqual(after);
    else expect([before, after]).toContainEqual(lines);
  }
});
