/**
 * One run of a store on a simulated disk: appends, syncs, orderly stops, losses of power at any change
 * to the disk, also while the store recovers from the last one. A model knows what was promised.
 */
import type { FlushMode } from '../../../../src/store/message-store';
import { type Chance, seeded } from '../../../support/seeded';
import { SimulatedDisk } from '../../../support/simulated-disk';
import { DIRECTORY, draft, openTestStore, run, stop, texts, type TestStore } from './test-store';

const QUEUES = 3;
const STEPS = 30;
const SIZES = [0, 40, 300, 2500];
const WAITS_MS = [200, 1000, 11_000];

class Run {
  private readonly chance: Chance;
  private disk: SimulatedDisk;
  private appended: string[][] = Array.from({ length: QUEUES }, () => []);
  private promised: number[] = Array.from({ length: QUEUES }, () => 0);
  /** Counts the lives of the store: what an earlier one promises late does not count. */
  private life = 0;
  private sequence = 0;
  private opened: TestStore | undefined;

  constructor(
    private readonly seed: number,
    private readonly flush: FlushMode,
  ) {
    this.chance = seeded(seed);
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
    const what = chance.below(20);
    if (what < 10) this.append(opened, 1 + chance.below(6));
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
      const placed = store.append(draft('orders', text, SIZES[chance.below(4)]), queue);
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
      await openTestStore(this.disk, { flush: this.flush }).catch(() => undefined);
      this.disk = this.disk.afterPowerLoss();
    }
    await this.reopen();
  }

  /** Opens the store and compares: all that was promised, nothing that was never sent, no hole. */
  private async reopen(): Promise<TestStore> {
    this.life++;
    const opened = await openTestStore(this.disk, { flush: this.flush });
    for (let queue = 0; queue < QUEUES; queue++) {
      const found = await run(opened.sim, texts(opened.store, 'orders', queue));
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

/** @throws Error naming the seed when a promise was broken, or the store did not open */
export function powerLossRun(seed: number, flush: FlushMode): Promise<void> {
  return new Run(seed, flush).go();
}
