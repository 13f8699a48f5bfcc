/**
 * The places of a topic's queues, over which a hash spreads message groups. They never become fewer, and a
 * consistent hash over their number moves a message group only into a place that is new. What lies in a place
 * changes when its broker is left out of a generation: one of the queues that this generation adds takes it over.
 * So a message group moves only into a queue that is new, whoever comes or goes.
 */
import type { TopicGeneration } from './topic';
import { queuesIn } from './topic-generations';

export interface QueuePlace {
  readonly brokerName: string;
  readonly queueId: number;
}

/** A queue in a slot, from a generation on. */
interface Tenant extends QueuePlace {
  readonly generation: number;
}

/** Why a generation cannot follow those before it. */
export type GenerationFault =
  | {
      readonly kind: 'fewer';
      readonly brokerName: string;
      readonly had: number;
      readonly queues: number;
    }
  /** So many slots of brokers that are left out have nobody who takes them over. */
  | { readonly kind: 'vacant'; readonly slots: number };

export class QueueSlots {
  /** For each slot the queues that it has had, the latest last. */
  private readonly slots: Tenant[][] = [];
  /** How many there are in each generation. */
  private readonly counts: number[] = [];
  /** The most queues that each broker has had. */
  private readonly most = new Map<string, number>();
  /** What is wrong with the first generation that cannot be. */
  fault: GenerationFault | undefined;

  constructor(generations: readonly TopicGeneration[]) {
    for (const generation of generations) this.add(generation);
  }

  /** How many slots a generation (the first is 1) has. */
  count(generation: number): number {
    return this.counts[generation - 1] ?? 0;
  }

  /** The queue that a slot has in a generation. @throws RangeError when there is no such slot in it */
  at(slot: number, generation: number): QueuePlace {
    const tenant = this.slots[slot]?.findLast((one) => one.generation <= generation);
    if (tenant === undefined) throw new RangeError(`generation ${generation} has no slot ${slot}`);
    return tenant;
  }

  /** How many slots a broker has in the newest generation. */
  of(brokerName: string): number {
    return this.slots.filter((slot) => slot.at(-1)?.brokerName === brokerName).length;
  }

  private add(next: TopicGeneration): void {
    const generation = this.counts.length + 1;
    const vacant = this.slots.filter((slot) => queuesIn(next, slot.at(-1)?.brokerName ?? '') === 0);
    for (const { brokerName, queues } of next) {
      const had = this.most.get(brokerName) ?? 0;
      if (queues < had) this.fault ??= { kind: 'fewer', brokerName, had, queues };
      for (let queueId = had; queueId < queues; queueId++) {
        const tenant = { generation, brokerName, queueId };
        const slot = vacant.shift();
        if (slot === undefined) this.slots.push([tenant]);
        else slot.push(tenant);
      }
      this.most.set(brokerName, Math.max(had, queues));
    }
    if (vacant.length > 0) this.fault ??= { kind: 'vacant', slots: vacant.length };
    this.counts.push(this.slots.length);
  }
}
