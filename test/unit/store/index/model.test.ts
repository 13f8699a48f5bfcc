/** Random runs against a plain list: a search gives what a look through the list gives. */
import fc from 'fast-check';
import { JournalFiles } from '../support/journal-files';
import { stop, type TestStore } from '../support/test-store';
import { find, openIndexed, post } from './support';

interface Posted {
  readonly topic: string;
  readonly id: string;
  readonly keys: readonly string[];
  readonly storedMs: number;
}

type Step =
  | { readonly kind: 'post'; readonly topic: string; readonly keys: readonly string[] }
  | { readonly kind: 'advance'; readonly ms: number }
  | { readonly kind: 'find'; readonly topic: string; readonly key: string; readonly max: number }
  | {
      readonly kind: 'findBetween';
      readonly key: string;
      readonly from: number;
      readonly to: number;
    }
  | { readonly kind: 'restart' }
  | { readonly kind: 'kill' };

const topic = fc.constantFrom('t', 'u');
// "Aa" and "BB" have one hash; there are so few slots that all share theirs.
const key = fc.constantFrom('Aa', 'BB', 'k', 'ü');
const steps: fc.Arbitrary<Step>[] = [
  fc.record({ kind: fc.constant('post' as const), topic, keys: fc.array(key, { maxLength: 3 }) }),
  fc.record({
    kind: fc.constant('advance' as const),
    ms: fc.constantFrom(1, 200, 999, 2000, 30_000, 70_000),
  }),
  fc.record({
    kind: fc.constant('find' as const),
    topic,
    key,
    max: fc.constantFrom(1, 2, 64),
  }),
  fc.record({ kind: fc.constant('findBetween' as const), key, from: fc.nat(99), to: fc.nat(99) }),
  fc.constant({ kind: 'restart' as const }),
  fc.constant({ kind: 'kill' as const }),
];
const weights = [12, 4, 4, 4, 1, 1];
const step = fc.oneof(...steps.map((arbitrary, i) => ({ arbitrary, weight: weights[i] ?? 1 })));

class Scene {
  private readonly posted: Posted[] = [];

  private constructor(
    private opened: TestStore,
    private files: JournalFiles,
  ) {}

  static async open(): Promise<Scene> {
    const files = new JournalFiles();
    return new Scene(await openIndexed(files), files);
  }

  async apply(next: Step): Promise<void> {
    switch (next.kind) {
      case 'post':
        return this.post(next.topic, next.keys);
      case 'advance':
        return this.opened.sim.advance(next.ms);
      case 'find':
        return this.expectFound(next.topic, next.key, next.max, 0, Number.MAX_SAFE_INTEGER);
      case 'findBetween': {
        const at = (i: number): number => this.posted[i % this.posted.length]?.storedMs ?? 0;
        const [from, to] = [at(next.from), at(next.to)];
        return this.expectFound('t', next.key, 64, Math.min(from, to), Math.max(from, to));
      }
      case 'restart':
        return this.end().then(() => this.reopen(this.files));
      case 'kill': {
        const left = await this.files.afterKill(this.files.changes.length);
        return this.reopen(await JournalFiles.of(left));
      }
    }
  }

  async checkAll(): Promise<void> {
    for (const { id, topic: where } of this.posted) {
      const found = await find(this.opened, where, id, { by: 'id' });
      expect(found).toEqual({ ids: [id], complete: true });
    }
  }

  end(): Promise<void> {
    return stop(this.opened);
  }

  private async post(where: string, keys: readonly string[]): Promise<void> {
    const id = `id${this.posted.length}`;
    const [placed] = await post(this.opened, { topic: where, id, keys: keys.join(' ') });
    this.posted.push({ topic: where, id, keys, storedMs: placed?.storeTimestamp ?? 0 });
  }

  private async expectFound(
    where: string,
    wanted: string,
    max: number,
    beginMs: number,
    endMs: number,
  ): Promise<void> {
    const all = this.posted
      .filter((one) => one.topic === where && one.keys.includes(wanted))
      .filter((one) => one.storedMs >= beginMs && one.storedMs <= endMs)
      .map(({ id }) => id)
      .reverse();
    const found = await find(this.opened, where, wanted, { maxMessages: max, beginMs, endMs });
    expect(found.ids).toEqual(all.slice(0, max));
    // With exactly as many as wanted it may look no further.
    if (all.length < max) expect(found.complete).toBe(true);
    if (all.length > max) expect(found.complete).toBe(false);
  }

  private async reopen(files: JournalFiles): Promise<void> {
    this.files = files;
    this.opened = await openIndexed(files);
  }
}

test('a search gives what a look through all messages gives', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 80 }), async (all) => {
      const scene = await Scene.open();
      for (const next of all) await scene.apply(next);
      await scene.checkAll();
      await scene.end();
    }),
    { seed: 20_261_121, numRuns: 40 },
  );
});
