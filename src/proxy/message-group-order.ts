/**
 * Which queue each message group of a topic lies in, through the generations of the topic
 * (../api/topic-generations). A message group goes over to the queue of a newer generation only when the
 * broker that had it takes no more messages for the older one: else a proxy that does not know of the newer
 * one could still put messages there, behind those of the new queue.
 */
import type { TopicConfig, TopicGeneration } from '../api/topic';
import { continues, newestGeneration, queuesIn } from '../api/topic-generations';
import { javaHashCode } from '../message/java-hash';
import { jumpHash } from '../message/jump-hash';

/** A queue that a topic has, on a broker that may be away. */
export interface GroupPlace {
  readonly brokerName: string;
  readonly queueId: number;
  /** The generation that it was chosen in, 0 for a topic that has none. */
  readonly generation: number;
}

/** A topic as one broker has registered it. */
export interface HeldTopic {
  readonly brokerName: string;
  readonly topic: TopicConfig;
}

export class MessageGroupOrder {
  /** The queues of all generations. */
  private readonly places: { readonly brokerName: string; readonly queueId: number }[] = [];
  /** How many of them each generation has. */
  private readonly counts: number[] = [];
  /** The newest generation of each broker that is there: it takes no messages for older ones. */
  private readonly newest: ReadonlyMap<string, number>;
  /** No broker takes messages for a generation before this one; the first is 1. */
  private readonly settled: number;

  private constructor(
    private readonly generations: readonly TopicGeneration[],
    /** Whether brokers know these generations, or they are only what is there. */
    private readonly declared: boolean,
    held: readonly HeldTopic[],
  ) {
    this.newest = new Map(
      held.map(({ brokerName, topic }) => [brokerName, newestGeneration(topic)]),
    );
    const settled = Math.max(...held.map(({ topic }) => topic.settled ?? 1));
    this.settled = Math.min(settled, Math.max(1, generations.length));
    generations.forEach((generation, i) => {
      for (const { brokerName, queues } of generation) {
        const had = queuesIn(generations[i - 1], brokerName);
        for (let queueId = had; queueId < queues; queueId++) {
          this.places.push({ brokerName, queueId });
        }
      }
      this.counts.push(this.places.length);
    });
  }

  /** @param held at least one, sorted by broker name */
  static of(held: readonly HeldTopic[]): MessageGroupOrder {
    const declared = newestOf(held);
    if (declared !== undefined) return new MessageGroupOrder(declared, true, held);
    const present = held.map(({ brokerName, topic: { queues } }) => ({ brokerName, queues }));
    return new MessageGroupOrder([present], false, held);
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
    return { ...place, generation: this.declared ? generation : 0 };
  }

  private placeIn(
    generation: number,
    hash: number,
  ): { readonly brokerName: string; readonly queueId: number } {
    const place = this.places[jumpHash(hash, this.counts[generation - 1] ?? 1)];
    if (place === undefined) throw new RangeError(`generation ${generation} has no queue`);
    return place;
  }
}

/**
 * The longest generations that a broker says. Should two have grown the topic at once, those of its first
 * broker count, which let only one of them.
 */
function newestOf(held: readonly HeldTopic[]): readonly TopicGeneration[] | undefined {
  let newest: readonly TopicGeneration[] | undefined;
  for (const { topic } of held) {
    if (newestGeneration(topic) > (newest?.length ?? 0)) newest = topic.generations;
  }
  const first = newest?.[0]?.[0]?.brokerName;
  const own = held.find(({ brokerName }) => brokerName === first)?.topic.generations;
  return own !== undefined && newest !== undefined && !continues(newest, own) ? own : newest;
}
