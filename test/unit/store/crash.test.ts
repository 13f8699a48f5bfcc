/**
 * The process, or the machine, stops after every single change to the files of a run. Whatever the
 * store had promised by then must be there when it is opened again.
 */
import { readRecord, recordIntact } from '../../../src/message/record';
import type { Files } from '../../../src/platform/platform';
import type { FlushMode, MessageStore } from '../../../src/store/message-store';
import { JournalFiles } from './support/journal-files';
import {
  draft,
  openTestStore,
  run,
  stop,
  textOf,
  texts,
  type TestStore,
} from './support/test-store';

interface Promised {
  readonly topic: string;
  readonly queueId: number;
  readonly queueOffset: number;
  readonly text: string;
  /** Changes to the files when `durable` had resolved. */
  readonly changes: number;
}

interface Run {
  readonly files: JournalFiles;
  readonly promised: readonly Promised[];
  /** All texts that were ever appended, by queue and offset. */
  readonly appended: ReadonlyMap<string, string>;
}

const queues = [
  ['orders', 0],
  ['orders', 1],
  ['other', 0],
] as const;

function slot(topic: string, queueId: number, queueOffset: number): string {
  return `${topic}/${queueId}/${queueOffset}`;
}

/** Appends across segments and queue files, lets time pass, restarts once in an orderly way. */
async function record(flush: FlushMode): Promise<Run> {
  const files = new JournalFiles();
  const promised: Promised[] = [];
  const appended = new Map<string, string>();
  let opened = await openTestStore(files, { flush });
  for (let round = 0; round < 12; round++) {
    for (let i = 0; i < 5; i++) {
      const [topic, queueId] = queues[(round + i) % queues.length] ?? queues[0];
      const text = `round ${round} message ${i}`;
      const placed = opened.store.append(draft(topic, text, 100 + 200 * i), queueId);
      const { queueOffset } = placed;
      appended.set(slot(topic, queueId, queueOffset), text);
      const kept = opened.store.durable(placed.endOffset);
      void kept.then(() =>
        promised.push({ topic, queueId, queueOffset, text, changes: files.changes.length }),
      );
    }
    await opened.sim.settle();
    if (round % 3 === 1) await opened.sim.advance(1000);
    if (round === 7) await opened.sim.advance(11_000);
    if (round === 8) {
      await stop(opened);
      opened = await openTestStore(files, { flush });
    }
  }
  await stop(opened);
  return { files, promised, appended };
}

/** Opens what a crash has left, checks it, uses it, and opens it once more. */
async function expectKept(run: Run, left: Files, changes: number): Promise<void> {
  const first = await openTestStore(left);
  await expectContent(first.store, run, changes);
  await useAfterwards(first);
  await stop(first);
  const second = await openTestStore(left);
  for (const [topic, queueId] of queues) {
    expect((await texts(second.store, topic, queueId)).at(-1)).toBe('afterwards');
  }
  await stop(second);
}

async function expectContent(store: MessageStore, run: Run, changes: number): Promise<void> {
  for (const [topic, queueId] of queues) {
    const max = store.maxOffset(topic, queueId);
    for (const entry of await store.entries(topic, queueId, 0, max)) {
      const bytes = await store.record(topic, queueId, entry);
      expect(recordIntact(bytes, 0, readRecord(bytes, 0))).toBe(true);
      expect(textOf(bytes)).toBe(run.appended.get(slot(topic, queueId, entry.queueOffset)));
    }
    const mine = run.promised.filter((p) => p.topic === topic && p.queueId === queueId);
    const kept = mine.filter((p) => p.changes <= changes).map((p) => p.queueOffset);
    expect(max).toBeGreaterThan(Math.max(-1, ...kept));
  }
}

async function useAfterwards({ store, sim }: TestStore): Promise<void> {
  for (const [topic, queueId] of queues) {
    const { endOffset, queueOffset } = store.append(draft(topic, 'afterwards'), queueId);
    await run(sim, store.durable(endOffset));
    expect(store.maxOffset(topic, queueId)).toBe(queueOffset + 1);
  }
}

/** Numbers in 0 .. 1 that are the same in every run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

describe.each(['sync', 'async'] as const)('flush %s', (flush) => {
  let recorded: Run;
  beforeAll(async () => {
    recorded = await record(flush);
  });

  test('the run crosses segments and promises all it appended', () => {
    expect(recorded.promised.length).toBe(60);
    expect(recorded.files.changes.length).toBeGreaterThan(100);
  });

  test('killed after any change: all that was promised is there', async () => {
    for (let count = 0; count <= recorded.files.changes.length; count++) {
      await expectKept(recorded, await recorded.files.afterKill(count), count);
    }
  });

  test.each([
    ['behind its first byte', () => 1],
    ['behind its seventh byte', () => 7],
    ['in its middle', (bytes: number) => Math.floor(bytes / 2)],
    ['before its last byte', (bytes: number) => bytes - 1],
  ])('killed in any write %s: all that was promised is there', async (_where, part) => {
    for (const [count, change] of recorded.files.changes.entries()) {
      if (change.kind !== 'write') continue;
      await expectKept(
        recorded,
        await recorded.files.afterKill(count, part(change.data.length)),
        count,
      );
    }
  });
});

test.each([20_261_121, 2])(
  'flush sync, power lost after any change: all that was promised is there (seed %i)',
  async (seed) => {
    const recorded = await record('sync');
    const chance = seeded(seed);
    for (let count = 0; count <= recorded.files.changes.length; count++) {
      await expectKept(recorded, await recorded.files.afterPowerLoss(count, chance), count);
    }
  },
);

test('flush async, power lost after any change: what was synced is there, and nothing false', async () => {
  const recorded = await record('async');
  const chance = seeded(7);
  const unpromised = { ...recorded, promised: [] };
  for (let count = 0; count <= recorded.files.changes.length; count++) {
    await expectKept(unpromised, await recorded.files.afterPowerLoss(count, chance), count);
  }
});
