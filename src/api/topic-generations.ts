/**
 * The generations of a topic with message groups: how many queues each broker has. A generation adds queues, on
 * brokers that it has or on others; a broker that is left out takes no new messages, and the first of the queues
 * that are added stand in the place of its own (./queue-slots):
 *
 *     generation 1   { a: 2 }            a/0 a/1
 *     generation 2   { a: 3, b: 2 }      a/0 a/1 a/2 b/0 b/1
 *     generation 3   { b: 5 }            b/2 b/3 b/4 b/0 b/1
 *
 * Nobody's queues ever become fewer but all at once; one who comes back has as many as ever before, and more.
 */
import { byBrokerName } from './by-broker-name';
import type { TopicConfig, TopicGeneration } from './topic';

/** Generations that a topic may have. */
export const MAX_GENERATIONS = 64;

/** How many queues a broker has in a generation; 0 when it has no part in it. */
export function queuesIn(generation: TopicGeneration | undefined, brokerName: string): number {
  return generation?.find((part) => part.brokerName === brokerName)?.queues ?? 0;
}

/** The most queues that a broker has in any of some generations. */
export function mostQueues(generations: readonly TopicGeneration[], brokerName: string): number {
  let most = 0;
  for (const generation of generations) most = Math.max(most, queuesIn(generation, brokerName));
  return most;
}

/** Whether `generations` are those of `before`, with more or none behind them. */
export function continues(
  generations: readonly TopicGeneration[],
  before: readonly TopicGeneration[],
): boolean {
  return before.every((generation, i) => sameGeneration(generation, generations[i]));
}

/** The generations that two lists begin with. */
export function sharedGenerations(
  a: readonly TopicGeneration[],
  b: readonly TopicGeneration[],
): readonly TopicGeneration[] {
  const end = a.findIndex((generation, i) => !sameGeneration(generation, b[i]));
  return end < 0 ? a : a.slice(0, end);
}

/** The generations of a topic with one more, unless that would be the newest again. */
export function grown(
  generations: readonly TopicGeneration[],
  next: TopicGeneration,
): readonly TopicGeneration[] {
  const newest = generations.at(-1);
  return newest !== undefined && sameGeneration(newest, next)
    ? generations
    : [...generations, next];
}

/** The number of the newest generation, 0 without one. */
export function newestGeneration({ generations }: Pick<TopicConfig, 'generations'>): number {
  return generations?.length ?? 0;
}

/**
 * The generation in which a broker's present part in a topic began; 0: it has none.
 * Those before it may have had the broker, too, in an earlier life.
 */
export function joinedIn(generations: readonly TopicGeneration[], brokerName: string): number {
  const has = (generation: TopicGeneration | undefined): boolean =>
    queuesIn(generation, brokerName) > 0;
  const at = generations.findLastIndex((one, i) => has(one) && !has(generations[i - 1]));
  return at + 1;
}

/** The last generation that a broker has a part in; 0: none. */
export function leftAfter(
  { generations = [] }: Pick<TopicConfig, 'generations'>,
  brokerName: string,
): number {
  return generations.findLastIndex((generation) => queuesIn(generation, brokerName) > 0) + 1;
}

/** Brokers that have a part in the generations from one on (the first is 1), each once. */
export function brokersSince(
  { generations = [] }: Pick<TopicConfig, 'generations'>,
  first: number,
): readonly string[] {
  const parts = generations.slice(Math.max(0, first - 1)).flat();
  return [...new Set(parts.map(({ brokerName }) => brokerName))];
}

/** Whether a broker holds nothing any more of a generation (the first is 1), whatever it once held. */
export function isGone(
  { gone = [] }: Pick<TopicConfig, 'gone'>,
  brokerName: string,
  generation: number,
): boolean {
  return gone.some((part) => part.brokerName === brokerName && part.generation >= generation);
}

/**
 * The broker that lets one through of two operators who change a topic at once: the first one of its first
 * generation that is not gone from it.
 */
export function decidingBroker(
  topic: Pick<TopicConfig, 'generations' | 'gone'>,
): string | undefined {
  const { generations = [] } = topic;
  for (const [i, generation] of generations.entries()) {
    const first = generation.find(({ brokerName }) => !isGone(topic, brokerName, i + 1));
    if (first !== undefined) return first.brokerName;
  }
  return undefined;
}

/** What both say of brokers that are gone, sorted by name. */
export function allGone(
  a: TopicConfig['gone'] = [],
  b: TopicConfig['gone'] = [],
): NonNullable<TopicConfig['gone']> {
  const byName = new Map<string, number>();
  for (const { brokerName, generation } of [...a, ...b]) {
    byName.set(brokerName, Math.max(generation, byName.get(brokerName) ?? 0));
  }
  return [...byName]
    .map(([brokerName, generation]) => ({ brokerName, generation }))
    .toSorted(byBrokerName);
}

function sameGeneration(a: TopicGeneration, b: TopicGeneration | undefined): boolean {
  return (
    a.length === b?.length &&
    a.every(
      ({ brokerName, queues }, i) => b[i]?.brokerName === brokerName && b[i]?.queues === queues,
    )
  );
}
