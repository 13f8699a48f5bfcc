/**
 * The generations of a topic with message groups. A generation adds queues, on brokers that it has or on
 * others, and takes none away, so that the queues of all stand in one list:
 *
 *     generation 1   { a: 2 }            a/0 a/1
 *     generation 2   { a: 3, b: 2 }      a/0 a/1 | a/2 b/0 b/1
 *
 * A consistent hash over that list moves a message group only into a queue that the generation has added.
 */
import type { TopicConfig, TopicGeneration } from './topic';

/** Generations that a topic may have. */
export const MAX_GENERATIONS = 64;

/** How many queues a broker has in a generation; 0 when it has no part in it. */
export function queuesIn(generation: TopicGeneration | undefined, brokerName: string): number {
  return generation?.find((part) => part.brokerName === brokerName)?.queues ?? 0;
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

/** A broker that has fewer queues in some generation than in the one before, which none may have. */
export function shrunkIn(
  generations: readonly TopicGeneration[],
): { readonly brokerName: string; readonly had: number; readonly queues: number } | undefined {
  for (const [i, before] of generations.entries()) {
    const next = generations[i + 1];
    if (next === undefined) return undefined;
    for (const { brokerName, queues: had } of before) {
      const queues = queuesIn(next, brokerName);
      if (queues < had) return { brokerName, had, queues };
    }
  }
  return undefined;
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

function sameGeneration(a: TopicGeneration, b: TopicGeneration | undefined): boolean {
  return (
    a.length === b?.length &&
    a.every(
      ({ brokerName, queues }, i) => b[i]?.brokerName === brokerName && b[i]?.queues === queues,
    )
  );
}
