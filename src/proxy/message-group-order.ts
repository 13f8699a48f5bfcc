/**
 * Which queue each message group of a topic lies in, through the generations of the topic
 * (../api/topic-generations). A message group goes over to the queue of a newer generation only when the
 * broker that had it takes no more messages for the older one: else a proxy that does not know of the newer
 * one could still put messages there, behind those of the new queue.
 */
import type { TopicConfig, TopicGeneration } from '../api/topic';
import { QueueSlots, type QueuePlace } from '../api/queue-slots';
import { allGone, continues, decidingBroker, newestGeneration } from '../api/topic-generations';
import { javaHashCode } from '../message/java-hash';
import { jumpHash } from '../message/jump-hash';

/** A queue that a topic has, on a broker that may be away. */
export interface GroupPlace extends QueuePlace {
  /** The generation that it was chosen in, 0 for a topic that has none. */
  readonly generation: number;
}

/** A topic as one broker has registered it. */
export interface HeldTopic {
  readonly brokerName: string;
  readonly topic: TopicConfig;
}

export class MessageGroupOrder {
  /** Brokers that hold nothing any more of any generation up to that one. */
  readonly gone: NonNullable<TopicConfig['gone']>;
  private readonly slots: QueueSlots;
  /** The newest generation of each broker that is there: it takes no messages for older ones. */
  private readonly newest = new Map<string, number>();
  /** No broker takes messages for a generation before this one; the first is 1. */
  private readonly settled: number;

  private constructor(
    private readonly generations: readonly TopicGeneration[],
    /** Whether brokers know these generations, or they are only what is there. */
    private readonly declared: boolean,
    held: readonly HeldTopic[],
  ) {
    this.gone = held.reduce((all, { topic }) => allGone(all, topic.gone), allGone());
    // One that is gone takes no messages either.
    for (const { brokerName, generation } of this.gone) {
      this.newest.set(brokerName, generation + 1);
    }
    for (const { brokerName, topic } of held) {
      this.newest.set(brokerName, newestGeneration(topic));
    }
    const settled = Math.max(...held.map(({ topic }) => topic.settled ?? 1));
    this.settled = Math.min(settled, Math.max(1, generations.length));
    this.slots = new QueueSlots(generations);
  }

  /** @param held at least one, sorted by broker name */
  static of(held: readonly HeldTopic[]): MessageGroupOrder {
    const declared = newestOf(held);
    if (declared !== undefined) return new MessageGroupOrder(declared, true, held);
    const present = held.map(({ brokerName, topic: { queues } }) => ({ brokerName, queues }));
    return new MessageGroupOrder([present], false, held);
  }

  /** Whether all brokers know the newest generation, as far as they say. */
  get isSettled(): boolean {
    return this.settled >= this.generations.length;
  }

  /** The generations so far; those of a topic that has none are what is there. */
  get known(): readonly TopicGeneration[] {
    return this.generations;
  }

  /** Hot path. */
  placeOf(messageGroup: string): GroupPlace {
    const hash = javaHashCode(messageGroup);
    let generation = this.settled;
    let place = this.placeIn(generation, hash);
    while (
      generation < this.generations.length &&
      (this.newest.get(place.brokerName) ?? 0) > generation
    ) {
      generation++;
      place = this.placeIn(generation, hash);
    }
    const { brokerName, queueId } = place;
    return { brokerName, queueId, generation: this.declared ? generation : 0 };
  }

  private placeIn(generation: number, hash: number): QueuePlace {
    return this.slots.at(jumpHash(hash, this.slots.count(generation)), generation);
  }
}

/**
 * The longest generations that a broker says. Should two have grown the topic at once, those of the broker count
 * that lets only one of them.
 */
function newestOf(held: readonly HeldTopic[]): readonly TopicGeneration[] | undefined {
  let newest: TopicConfig | undefined;
  for (const { topic } of held) {
    if (newestGeneration(topic) > newestGeneration(newest ?? {})) newest = topic;
  }
  if (newest?.generations === undefined) return undefined;
  const deciding = decidingBroker(newest);
  const own = held.find(({ brokerName }) => brokerName === deciding)?.topic.generations;
  return own !== undefined && !continues(newest.generations, own) ? own : newest.generations;
}
