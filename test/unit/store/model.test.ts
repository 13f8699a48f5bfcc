/**
 * Random runs against a plain model: what was visible is what is read, in order; what was promised
 * outlives every kill and every loss of power; offsets are never given out twice.
 */
import fc from 'fast-check';
import { JournalFiles } from './support/journal-files';
import { draft, openTestStore, run, stop, texts, type TestStore } from './support/test-store';

type Step =
  | {
      readonly kind: 'append';
      readonly queue: number;
      readonly count: number;
      readonly bytes: number;
    }
  | { readonly kind: 'settle' }
  | { readonly kind: 'advance'; readonly ms: number }
  | { readonly kind: 'restart' }
  | { readonly kind: 'kill' }
  | { readonly kind: 'powerLoss'; readonly seed: number }
  | { readonly kind: 'delete' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      queue: fc.nat(2),
      count: fc.integer({ min: 1, max: 12 }),
      bytes: fc.constantFrom(0, 50, 700, 4000),
    }),
  },
  { weight: 5, arbitrary: fc.constant({ kind: 'settle' as const }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('advance' as const),
      ms: fc.constantFrom(1000, 5000, 12_000),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'kill' as const }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('powerLoss' as const), seed: fc.nat(1e6) }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'delete' as const }) },
);

/** All that was appended, and how much of it must outlive a crash. */
class Model {
  appended: string[][] = [[], [], []];
  promised = [0, 0, 0];
  private sequence = 0;

  nextText(): string {
    return `m${this.sequence++}`;
  }

  /** After a crash: what is left becomes what is, if it holds all that was promised. */
  adopt(found: readonly (readonly string[])[]): void {
    found.forEach((texts, queue) => {
      const before = this.appended[queue] ?? [];
      expect(texts).toEqual(before.slice(0, texts.length));
      expect(texts.length).toBeGreaterThanOrEqual(this.promised[queue] ?? 0);
      this.appended[queue] = [...texts];
      this.promised[queue] = texts.length;
    });
  }
}

class Scene {
  readonly model = new Model();

  private constructor(
    private opened: TestStore,
    private files: JournalFiles,
  ) {}

  static async open(): Promise<Scene> {
    const files = new JournalFiles();
    return new Scene(await openTestStore(files), files);
  }

  async apply(step: Step): Promise<void> {
    const { store, sim } = this.opened;
    switch (step.kind) {
      case 'append':
        return this.append(step.queue, step.count, step.bytes);
      case 'settle':
        return sim.settle();
      case 'advance':
        return sim.advance(step.ms);
      case 'restart':
        await stop(this.opened);
        this.opened = await openTestStore(this.files);
        return this.check();
      case 'delete':
        await run(sim, store.deleteTopic('orders'));
        this.model.appended = this.model.appended.map(() => []);
        this.model.promised = [0, 0, 0];
        return this.check();
      case 'kill':
        return this.crash((files) => files.afterKill(files.changes.length));
      case 'powerLoss':
        return this.crash((files) => files.afterPowerLoss(files.changes.length, seeded(step.seed)));
    }
  }

  async check(): Promise<void> {
    await this.opened.sim.settle();
    expect(await this.found()).toEqual(this.model.appended);
  }

  async end(): Promise<void> {
    await stop(this.opened);
  }

  private append(queue: number, count: number, bytes: number): void {
    const { store } = this.opened;
    const mine = this.model.appended[queue] ?? [];
    for (let i = 0; i < count; i++) {
      const text = this.model.nextText();
      const placed = store.append(draft('orders', text, bytes), queue);
      expect(placed.queueOffset).toBe(mine.length);
      mine.push(text);
      const { appended, promised } = this.model;
      void store.durable(placed.endOffset).then(() => {
        // Not after a deletion: the topic of these messages is another one then.
        if (appended[queue] === mine && this.model.appended === appended) {
          promised[queue] = Math.max(promised[queue] ?? 0, placed.queueOffset + 1);
        }
      });
    }
  }

  /** Stops everything here and goes on with what the disk has, as files that remember changes again. */
  private async crash(left: (files: JournalFiles) => Promise<unknown>): Promise<void> {
    const disk = (await left(this.files)) as Parameters<typeof JournalFiles.of>[0];
    this.files = await JournalFiles.of(disk);
    this.opened = await openTestStore(this.files);
    this.model.adopt(await this.found());
  }

  private found(): Promise<string[][]> {
    return Promise.all([0, 1, 2].map((queue) => texts(this.opened.store, 'orders', queue)));
  }
}

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

test('random runs with crashes keep what was promised', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async (steps) => {
      const scene = await Scene.open();
      for (const next of steps) await scene.apply(next);
      await scene.check();
      await scene.end();
    }),
    { seed: 20261121, numRuns: 150 },
  );
});
