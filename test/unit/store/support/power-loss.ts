/**
 * One run of a store on a simulated disk: appends, syncs, orderly stops, losses of power at any change
 * to the disk, also while the store recovers from the last one. A model knows what was promised.
 */
import { encodeProperties, Property } from '../../../../src/message/properties';
import { draftRecord, type RecordDraft } from '../../../../src/message/record-draft';
import type { FlushMode } from '../../../../src/store/message-store';
import { type Chance, seeded } from '../../../support/seeded';
import { SimClock } from '../../../support/sim-clock';
import { SimulatedDisk } from '../../../support/simulated-disk';
import { DEFAULT_RETENTION } from '../../../../src/store/retention';
import {
  DIRECTORY,
  draft,
  openTestStore,
  run,
  stop,
  textOf,
  texts,
  type TestStore,
} from './test-store';

const QUEUES = 3;
const STEPS = 30;
const SIZES = [0, 40, 300, 2500];
const WAITS_MS = [200, 1000, 11_000];
/** So many messages have a key in common, each KEYS-th. */
const KEYS = 9;
const DAY_MS = 86_400_000;
/** Small index files, and old segments that go at the hour that it is. */
const CHANGES = {
  index: { slots: 20, entries: 60 },
  retention: { ...DEFAULT_RETENTION, hour: new Date(new SimClock().clock.wallMs()).getHours() },
};

class Run {
  private readonly chance: Chance;
  private disk: SimulatedDisk;
  private appended: string[][] = Array.from({ length: QUEUES }, () => []);
  private promised: number[] = Array.from({ length: QUEUES }, () => 0);
  /** Messages of each queue that are so old that they may be gone. */
  private aged: number[] = Array.from({ length: QUEUES }, () => 0);
  private jumpedMs = 0;
  /** Topics that were deleted, and must not come back. */
  private readonly deleted = new Set<string>();
  /** Counts the lives of the store: what an earlier one promises late does not count. */
  private life = 0;
  private sequence = 0;
  private opened: TestStore | undefined;
  /** Every second store does all that is behind the hot path in small slices. */
  private readonly lookMs: number;

  constructor(
    private readonly seed: number,
    private readonly flush: FlushMode,
  ) {
    this.chance = seeded(seed);
    this.lookMs = seed % 2 === 0 ? 0 : 300;
    this.disk = new SimulatedDisk(this.chance);
  }

  async go(): Promise<void> {
    try {
      await this.disk.makeDirectory(DIRECTORY);
      await this.disk.syncDirectory('/');
      await this.reopen();
      for (let i = 0; i < STEPS; i++) await this.step();
      await this.losePower();
    } catch (error) {
      throw new Error(`seed ${this.seed}, flush ${this.flush}`, { cause: error });
    }
  }

  private async step(): Promise<void> {
    const { chance } = this;
    const opened = this.opened ?? (await this.reopen());
    const what = chance.below(22);
    if (what === 20) await this.deleteOne(opened);
    else if (what === 21) await this.age(opened);
    else if (what < 10) this.append(opened, 1 + chance.below(6));
    else if (what < 14) await opened.sim.settle();
    else if (what < 17) await opened.sim.advance(WAITS_MS[chance.below(3)] ?? 0);
    else if (what < 18) await this.stopAndOpen(opened);
    else {
      this.disk.powerOffAfter(chance.below(12));
      this.append(opened, 3);
      await opened.sim.advance(chance.hits(0.5) ? 0 : 1500);
      await this.losePower();
    }
  }

  private append({ store }: TestStore, count: number): void {
    const { chance, life } = this;
    for (let i = 0; i < count; i++) {
      if (store.failure !== undefined) return;
      const queue = chance.below(QUEUES);
      const text = `m${this.sequence++}`;
      const placed = store.append(keyed(text, SIZES[chance.below(4)] ?? 0), queue);
      const mine = this.appended[queue] ?? [];
      if (placed.queueOffset !== mine.length) {
        throw new Error(`queue ${queue} gives offset ${placed.queueOffset} at ${mine.length}`);
      }
      mine.push(text);
      const keep = (): void => {
        if (this.life !== life) return;
        this.promised[queue] = Math.max(this.promised[queue] ?? 0, placed.queueOffset + 1);
      };
      // Under flush async nothing is promised for a loss of power.
      store
        .durable(placed.endOffset)
        .then(this.flush === 'sync' ? keep : () => undefined, () => undefined);
    }
  }

  /** A topic of its own comes and goes. Sometimes the power fails in between. */
  private async deleteOne({ store, sim }: TestStore): Promise<void> {
    if (store.failure !== undefined) return;
    const topic = `gone${this.sequence++}`;
    for (let i = 0; i < 3; i++) store.append(draft(topic, 'must not come back', 300), i);
    await sim.advance(this.chance.hits(0.5) ? 0 : 1500);
    if (this.chance.hits(0.3)) this.disk.powerOffAfter(this.chance.below(12));
    const done = await run(sim, store.deleteTopic(topic)).then(
      () => true,
      () => false,
    );
    if (done) this.deleted.add(topic);
    else await this.losePower();
  }

  /** All that is there becomes old, and its segments may go. */
  private async age({ sim }: TestStore): Promise<void> {
    this.aged = this.appended.map((queue) => queue.length);
    this.jumpedMs += 4 * DAY_MS;
    sim.jumpWall(4 * DAY_MS);
    const off = this.chance.hits(0.5);
    if (off) this.disk.powerOffAfter(this.chance.below(25));
    await sim.advance(10_000);
    await sim.advance(11_000);
    if (off) await this.losePower();
  }

  private async stopAndOpen(opened: TestStore): Promise<void> {
    await stop(opened);
    this.promised = this.appended.map((queue) => queue.length);
    await this.reopen();
  }

  private async losePower(): Promise<void> {
    this.life++;
    this.disk = this.disk.afterPowerLoss();
    while (this.chance.hits(0.3)) {
      // Once more, in the middle of the recovery.
      this.disk.powerOffAfter(this.chance.below(25));
      await this.open().catch(() => undefined);
      this.disk = this.disk.afterPowerLoss();
    }
    await this.reopen();
  }

  private open(): Promise<TestStore> {
    const sim = new SimClock();
    sim.lookMs = this.lookMs;
    return openTestStore(this.disk, { flush: this.flush, ...CHANGES }, sim);
  }

  /** A search that calls itself complete finds what is there, all of it and nothing else. */
  private async search({ store, sim }: TestStore): Promise<void> {
    const times = { beginMs: 0, endMs: Number.MAX_SAFE_INTEGER };
    const key = `k${this.chance.below(KEYS)}`;
    const query = { topics: ['orders'], by: 'key', key, maxMessages: 64 } as const;
    const { records, complete } = await run(sim, store.finder.find({ ...query, ...times }));
    const found = records.map(textOf);
    for (let queue = 0; queue < QUEUES; queue++) {
      const sent = this.appended[queue] ?? [];
      const [min, max] = [store.minOffset('orders', queue), store.maxOffset('orders', queue)];
      const lacking = sent
        .slice(min, max)
        .filter((text) => keyOf(text) === key && !found.includes(text));
      if (complete && lacking.length > 0)
        throw new Error(`a search for ${key} lacks ${lacking.join()}`);
    }
    // What lies below a queue's beginning may still be in the log.
    const sent = this.appended.flat();
    const other = found.find((text) => keyOf(text) !== key || !sent.includes(text));
    if (other !== undefined) throw new Error(`a search for ${key} finds ${other}`);
  }

  /** Opens the store and compares: all that was promised, nothing that was never sent, no hole. */
  private async reopen(): Promise<TestStore> {
    this.life++;
    const opened = await this.open();
    opened.sim.jumpWall(this.jumpedMs);
    await this.search(opened);
    for (const topic of this.deleted) {
      for (let queue = 0; queue < QUEUES; queue++) {
        if (opened.store.maxOffset(topic, queue) > 0) throw new Error(`${topic} is back`);
      }
    }
    for (let queue = 0; queue < QUEUES; queue++) {
      const min = opened.store.minOffset('orders', queue);
      if (min > (this.aged[queue] ?? 0)) throw new Error(`queue ${queue} begins at ${min}`);
      const kept = await run(opened.sim, texts(opened.store, 'orders', queue));
      const found = [...(this.appended[queue] ?? []).slice(0, min), ...kept];
      const sent = (this.appended[queue] ?? []).slice(0, found.length);
      if (found.join() !== sent.join()) {
        throw new Error(`queue ${queue} holds ${found.join()}, sent were ${sent.join()}`);
      }
      const promised = this.promised[queue] ?? 0;
      if (found.length < promised) {
        throw new Error(`queue ${queue} has ${found.length} messages, promised were ${promised}`);
      }
      this.appended[queue] = found;
      this.promised[queue] = found.length;
    }
    this.opened = opened;
    return opened;
  }
}

function keyOf(text: string): string {
  return `k${Number(text.slice(1)) % KEYS}`;
}

function keyed(text: string, bytes: number): RecordDraft {
  const body = Buffer.alloc(Math.max(bytes, text.length));
  body.write(text);
  const properties = encodeProperties([[Property.KEYS, keyOf(text)]]);
  return draftRecord({ topic: 'orders', body, properties, tag: '', bornTimestamp: 1000 });
}

/** @throws Error naming the seed when a promise was broken, or the store did not open */
export function powerLossRun(seed: number, flush: FlushMode): Promise<void> {
  return new Run(seed, flush).go();
}
