/** Which brokers are to hold a topic that an operator makes or changes, with how many queues, and who is told first. */
import { hasMessageGroups, type TopicConfig, type TopicGeneration } from '../api/topic';
import { grown } from '../api/topic-generations';
import { Code, StatusError } from '../message/status';
import type { PooledBroker } from './broker-pool';
import type { TopicRoute } from './route-table';

export interface TopicPlan {
  readonly config: TopicConfig;
  /** Brokers that are to hold it and do not yet. */
  readonly fresh: readonly PooledBroker[];
  /** Who is told together; each step only when the one before has succeeded. */
  readonly steps: readonly (readonly PooledBroker[])[];
}

/**
 * @param named names of brokers that are to hold the topic, beside those that do; none: all masters
 * @param route the topic as it is now
 * @throws StatusError BAD_REQUEST when a named broker is not there
 */
export function planTopic(
  config: TopicConfig,
  named: readonly string[],
  route: TopicRoute | undefined,
  masters: readonly PooledBroker[],
): TopicPlan {
  checkNames(named, masters);
  const holders = new Set((route?.brokers ?? []).map(({ brokerName }) => brokerName));
  const targets = masters.filter(
    ({ brokerName }) => named.length === 0 || named.includes(brokerName) || holders.has(brokerName),
  );
  if (!hasMessageGroups(config.type)) return { config, fresh: [], steps: [targets] };
  const fresh = targets.filter(({ brokerName }) => !holders.has(brokerName));
  const known = route?.order.known ?? [];
  const generations = grown(known, nextGeneration(config, targets, known.at(-1) ?? []));
  return {
    config: { ...config, generations },
    fresh: route === undefined ? [] : fresh,
    steps: route === undefined ? [targets] : stepsOf(targets, fresh, known),
  };
}

/** Brokers that are away keep their queues: new ones could not be reached. */
function nextGeneration(
  { queues }: TopicConfig,
  targets: readonly PooledBroker[],
  newest: TopicGeneration,
): TopicGeneration {
  const here = targets.map(({ brokerName }) => ({ brokerName, queues }));
  const names = new Set(here.map(({ brokerName }) => brokerName));
  const away = newest.filter(({ brokerName }) => !names.has(brokerName));
  return [...here, ...away].toSorted((a, b) => (a.brokerName < b.brokerName ? -1 : 1));
}

/**
 * New brokers first: from the moment that the others refuse the older generation, the queues of the newer
 * one are needed. Then the topic's first broker: of two operators who grow it at once it lets one through.
 */
function stepsOf(
  targets: readonly PooledBroker[],
  fresh: readonly PooledBroker[],
  known: readonly TopicGeneration[],
): readonly (readonly PooledBroker[])[] {
  const name = known[0]?.[0]?.brokerName;
  const first = targets.filter((one) => one.brokerName === name && !fresh.includes(one));
  const rest = targets.filter((one) => !fresh.includes(one) && !first.includes(one));
  return [fresh, first, rest].filter((step) => step.length > 0);
}

function checkNames(named: readonly string[], masters: readonly PooledBroker[]): void {
  const names = masters.map(({ brokerName }) => brokerName);
  const missing = named.find((name) => !names.includes(name));
  if (missing === undefined) return;
  throw new StatusError(
    Code.BAD_REQUEST,
    `broker ${missing} is not there; those that are: ${names.join(', ')}`,
  );
}
