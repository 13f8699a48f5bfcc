/**
 * The process, or the machine, stops around every change to the files of the index. What is left is
 * opened: searches are right at once, and the index becomes, byte for byte, what the log makes it.
 */
import type { Files } from '../../../../src/platform/platform';
import { JournalFiles } from '../support/journal-files';
import { DIRECTORY, heardLog, stop, texts, type TestStore } from '../support/test-store';
import { find, indexed, indexFile, indexNames, openIndexed, post } from './support';

const ROUNDS = 9;

/** Several files, syncs in the middle of them, an orderly stop in between. */
async function record(): Promise<JournalFiles> {
  const files = new JournalFiles();
  let opened = await openIndexed(files);
  for (let round = 0; round < ROUNDS; round++) {
    for (let i = 0; i < 4; i++) {
      const id = `${round}-${i}`;
      await post(opened, { topic: 't', id, keys: `a${round} b${i} c`, tag: i === 0 ? 'x' : '' });
    }
    // Indexed; or indexed and synced; or, in the last rounds, neither.
    if (round < 7) await opened.sim.advance(round % 2 === 0 ? 200 : 30_000);
    if (round === 4) {
      await stop(opened);
      opened = await openIndexed(files);
    }
  }
  await stop(opened);
  return files;
}

/** Numbers of changes behind which the index's files differ from before. */
function aroundIndexChanges(files: JournalFiles): number[] {
  const ofIndex = new Set<number>();
  const counts: number[] = [];
  files.changes.forEach((change, i) => {
    if (change.kind === 'create' && /\/index(\/|\.json)/.test(change.path)) {
      ofIndex.add(change.file);
    }
    const isOurs =
      'file' in change ? ofIndex.has(change.file) : /\/index(\/|\.json|$)/.test(change.path);
    if (isOurs) counts.push(i + 1);
  });
  return counts;
}

async function bytesOfAll(files: Files): Promise<Buffer[]> {
  const names = await indexNames(files);
  return Promise.all(names.map((_name, n) => indexFile(files, n)));
}

async function expectFound(opened: TestStore): Promise<number> {
  const ids = await texts(opened.store, 't');
  for (const id of ids.length < 3 ? ids : [ids[0], ids[ids.length >> 1], ids.at(-1)]) {
    const found = await find(opened, 't', id ?? '', { by: 'id' });
    expect(found).toEqual({ ids: [id], complete: true });
  }
  const withKey = ids.filter((id) => id.endsWith('-2')).reverse();
  expect(await find(opened, 't', 'b2')).toEqual({ ids: withKey, complete: true });
  return ids.length;
}

async function expectRecovers(left: Files): Promise<void> {
  const { log, lines } = heardLog();
  const first = await openIndexed(left, { log });
  const count = await expectFound(first);
  await indexed(first);
  await stop(first);
  // It went on from what was noted, and needed nothing else.
  expect(lines.filter((line) => line.includes('index'))).toEqual([]);
  const recovered = await bytesOfAll(left);
  await left.removeTree(`${DIRECTORY}/index`);
  await left.remove(`${DIRECTORY}/gantry/index.json`);
  const anew = await openIndexed(left);
  await indexed(anew);
  await stop(anew);
  expect(recovered).toEqual(await bytesOfAll(left));
  expect(recovered.length).toBe(count === 0 ? 0 : Math.ceil(entriesOf(count) / 39));
}

/** Entries of the first messages of a run. */
function entriesOf(count: number): number {
  return 4 * count + Math.ceil(count / 4);
}

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

let files: JournalFiles;
let counts: number[];
beforeAll(async () => {
  files = await record();
  counts = aroundIndexChanges(files);
});

it('the run writes what can break', async () => {
  expect(await indexNames(files)).toHaveLength(4);
  expect(counts.length).toBeGreaterThan(60);
});

it('killed after any change of the index', async () => {
  for (const count of counts) await expectRecovers(await files.afterKill(count));
});

it('killed in the middle of any write of the index', async () => {
  for (const count of counts) {
    const change = files.changes[count - 1];
    if (change?.kind !== 'write') continue;
    await expectRecovers(await files.afterKill(count - 1, Math.ceil(change.data.length / 3)));
  }
});

it('power lost after any change of the index', async () => {
  const chance = seeded(20_261_121);
  for (const count of counts) await expectRecovers(await files.afterPowerLoss(count, chance));
});
