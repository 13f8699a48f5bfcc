/** Which brokers are to hold a topic that an operator makes or changes, with how many queues, and who is told first. */
import { byBrokerName } from '../api/by-broker-name';
import { QueueSlots } from '../api/queue-slots';
import {
  DEFAULT_QUEUES,
  hasMessageGroups,
  type TopicConfig,
  type TopicGeneration,
} from '../api/topic';
import {
  allGone,
  brokersSince,
  decidingBroker,
  grown,
  isGone,
  leftAfter,
  mostQueues,
  queuesIn,
} from '../api/topic-generations';
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

/** The brokers that there are. */
export interface PlanCluster {
  readonly masters: readonly PooledBroker[];
  /** Whether a broker is to get no new messages. */
  readonly isDraining: (brokerName: string) => boolean;
}

/**
 * @param named names of brokers that are to hold the topic, beside those that do; none: all masters
 * @param route the topic as it is now
 * @throws StatusError BAD_REQUEST when a named broker is not there, FORBIDDEN when all are being drained
 */
export function planTopic(
  config: TopicConfig,
  named: readonly string[],
  route: TopicRoute | undefined,
  cluster: PlanCluster,
): TopicPlan {
  const { masters, isDraining } = cluster;
  checkNames(named, masters);
  const holders = namesOf(route?.brokers ?? []);
  const drained = named.find((name) => isDraining(name) && !holders.has(name));
  if (drained !== undefined) {
    throw new StatusError(Code.FORBIDDEN, `broker ${drained} is being drained`);
  }
  const asked = masters.filter(
    ({ brokerName }) => named.length === 0 || named.includes(brokerName) || holders.has(brokerName),
  );
  const targets = asked.filter(({ brokerName }) => !isDraining(brokerName));
  if (targets.length === 0) {
    throw new StatusError(Code.FORBIDDEN, `all brokers for topic ${config.name} are being drained`);
  }
  if (!hasMessageGroups(config.type)) return { config, ...toldOf(targets, route, undefined) };
  const known = route?.order.known ?? [];
  const generations = grown(known, nextGeneration(config.queues, targets, known));
  // Also one that an earlier attempt made a part of the topic and did not reach.
  const told = masters.filter(
    (one) =>
      targets.includes(one) ||
      holders.has(one.brokerName) ||
      queuesIn(generations.at(-1), one.brokerName) > 0,
  );
  return {
    config: { ...config, generations },
    ...toldOf(told, route, decidingBroker({ generations })),
  };
}

/**
 * A topic with message groups without one of its brokers: others get as many queues more.
 * @param gone whether that broker holds nothing any more, or never comes back
 * @returns `undefined` when nothing changes, and all brokers know the newest generation
 * @throws StatusError FORBIDDEN when no other broker can take them
 */
export function planWithout(
  brokerName: string,
  route: TopicRoute,
  cluster: PlanCluster,
  gone: boolean,
): TopicPlan | undefined {
  const { name, type, order } = route;
  const slots = new QueueSlots(order.known).of(brokerName);
  const open = cluster.masters.filter(
    (one) => one.brokerName !== brokerName && !cluster.isDraining(one.brokerName),
  );
  const has = (one: PooledBroker): boolean => queuesIn(order.known.at(-1), one.brokerName) > 0;
  const takers = open.some(has) ? open.filter(has) : open;
  if (slots > 0 && takers.length === 0) {
    throw new StatusError(
      Code.FORBIDDEN,
      `no other broker is there that takes messages of topic ${name}`,
    );
  }
  const generations =
    slots === 0
      ? order.known
      : grown(order.known, withoutBroker(order.known, brokerName, slots, takers));
  const last = leftAfter({ generations }, brokerName);
  const goneNow = gone && last > 0 ? allGone(order.gone, [{ brokerName, generation: last }]) : [];
  const isKnown = goneNow.every((part) => isGone(order, part.brokerName, part.generation));
  if (slots === 0 && isKnown && order.isSettled) return undefined;
  const holders = namesOf(route.brokers);
  const told = cluster.masters.filter(
    ({ brokerName: name }) => holders.has(name) || queuesIn(generations.at(-1), name) > 0,
  );
  const queues = Math.max(1, ...route.brokers.map((one) => one.queues));
  const config = {
    ...{ name, type, queues, generations },
    ...(goneNow.length > 0 && { gone: goneNow }),
    ...liteIdleOf(route),
  };
  return { config, ...toldOf(told, route, decidingBroker(config)) };
}

/**
 * A topic on more brokers, with as many queues there as those have that hold it.
 * @param named names of brokers that are to hold it, too; none: all masters
 * @returns `undefined` when nothing changes
 * @throws StatusError as `planTopic`
 */
export function planSpread(
  route: TopicRoute,
  named: readonly string[],
  cluster: PlanCluster,
): TopicPlan | undefined {
  const { name, type, order, brokers } = route;
  const counts = hasMessageGroups(type)
    ? [...openQueues(order.known)].filter(([broker]) => !cluster.isDraining(broker))
    : brokers.map((one) => [one.brokerName, one.queues] as const);
  const fewest = Math.min(...counts.flatMap(([, queues]) => (queues > 0 ? [queues] : [])));
  const queues = Number.isFinite(fewest) ? fewest : DEFAULT_QUEUES;
  const config = { name, type, queues, ...liteIdleOf(route) };
  const plan = planTopic(config, named, route, cluster);
  if (plan.config.generations !== undefined) {
    const isNew = plan.config.generations.length > order.known.length;
    return isNew || !order.isSettled ? plan : undefined;
  }
  return plan.fresh.length > 0 ? { ...plan, steps: [plan.fresh] } : undefined;
}

function liteIdleOf({ liteIdleMs }: TopicRoute): Pick<TopicConfig, 'liteIdleMs'> {
  return liteIdleMs === undefined ? {} : { liteIdleMs };
}

/** How many queues of a topic's newest generation take new messages, on each broker that ever had some. */
export function openQueues(generations: readonly TopicGeneration[]): ReadonlyMap<string, number> {
  const slots = new QueueSlots(generations);
  return new Map(brokersSince({ generations }, 1).map((name) => [name, slots.of(name)]));
}

/**
 * Brokers that are away or being drained keep their queues. One that comes back has new ones: what lies in its old
 * ones is older than what lies elsewhere.
 */
function nextGeneration(
  queues: number,
  targets: readonly PooledBroker[],
  known: readonly TopicGeneration[],
): TopicGeneration {
  const newest = known.at(-1) ?? [];
  const names = namesOf(targets);
  const parts = newest.filter(({ brokerName }) => names.has(brokerName));
  // Fewer than all have is refused by those who are asked; one that has taken over others' queues keeps them.
  const fewest = Math.min(...parts.map((part) => part.queues));
  const here = targets.map(({ brokerName }) => {
    const had = mostQueues(known, brokerName);
    if (queuesIn(newest, brokerName) === 0) return { brokerName, queues: had + queues };
    return { brokerName, queues: queues < fewest ? queues : Math.max(queues, had) };
  });
  const away = newest.filter(({ brokerName }) => !names.has(brokerName));
  return sorted([...here, ...away]);
}

/** Those who have the fewest get the next. */
function withoutBroker(
  known: readonly TopicGeneration[],
  without: string,
  slots: number,
  takers: readonly PooledBroker[],
): TopicGeneration {
  const next = new Map(
    (known.at(-1) ?? [])
      .filter(({ brokerName }) => brokerName !== without)
      .map(({ brokerName, queues }) => [brokerName, queues]),
  );
  const countOf = (name: string): number => next.get(name) ?? mostQueues(known, name);
  for (let i = 0; i < slots; i++) {
    const [taker] = takers
      .map(({ brokerName }) => brokerName)
      .toSorted((a, b) => countOf(a) - countOf(b));
    if (taker !== undefined) next.set(taker, countOf(taker) + 1);
  }
  return sorted([...next].map(([brokerName, queues]) => ({ brokerName, queues })));
}

/**
 * New brokers first: from the moment that the others refuse the older generation, the queues of the newer
 * one are needed. Then the deciding one: of two operators who change a topic at once it lets one through.
 */
function toldOf(
  targets: readonly PooledBroker[],
  route: TopicRoute | undefined,
  deciding: string | undefined,
): Pick<TopicPlan, 'fresh' | 'steps'> {
  if (route === undefined) return { fresh: [], steps: [targets] };
  const holders = namesOf(route.brokers);
  const fresh = targets.filter(({ brokerName }) => !holders.has(brokerName));
  const first = targets.filter((one) => one.brokerName === deciding && !fresh.includes(one));
  const rest = targets.filter((one) => !fresh.includes(one) && !first.includes(one));
  return { fresh, steps: [fresh, first, rest].filter((step) => step.length > 0) };
}

function sorted(generation: TopicGeneration): TopicGeneration {
  return generation.toSorted(byBrokerName);
}

function namesOf(brokers: readonly { readonly brokerName: string }[]): ReadonlySet<string> {
  return new Set(brokers.map(({ brokerName }) => brokerName));
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
