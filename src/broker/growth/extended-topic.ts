/** A topic that is made or changed, with its generations. */
import { byBrokerName } from '../../api/by-broker-name';
import {
  hasMessageGroups,
  MAX_QUEUES,
  type TopicConfig,
  type TopicGeneration,
} from '../../api/topic';
import { QueueSlots, type GenerationFault } from '../../api/queue-slots';
import { allGone, continues, grown, MAX_GENERATIONS, queuesIn } from '../../api/topic-generations';
import { Code, StatusError } from '../../message/status';

/**
 * @param config what is asked for; without generations: as many queues on this broker as it says
 * @param known what this broker has
 * @throws StatusError FORBIDDEN when it has grown otherwise than `config` says, or too often; BAD_REQUEST
 *   for fewer queues than it has, here or on another broker
 */
export function extendedTopic(
  config: TopicConfig,
  known: TopicConfig | undefined,
  brokerName: string,
): TopicConfig {
  const idleMs = config.liteIdleMs ?? known?.liteIdleMs;
  const topic = {
    ...withGenerations(config, known, brokerName),
    ...(idleMs === undefined || config.type !== 'LITE' ? {} : { liteIdleMs: idleMs }),
  };
  if (known !== undefined && topic.queues < known.queues) {
    throw fewerQueues(`topic ${topic.name}`, known.queues, topic.queues);
  }
  return topic;
}

function withGenerations(
  config: TopicConfig,
  known: TopicConfig | undefined,
  brokerName: string,
): TopicConfig {
  const generations = config.generations ?? generationsFor(config, known, brokerName);
  if (generations === undefined) return { ...config };
  if (generations.length > MAX_GENERATIONS) {
    throw new StatusError(
      Code.FORBIDDEN,
      `topic ${config.name} would have ${generations.length} generations, the limit is ${MAX_GENERATIONS}`,
    );
  }
  if (!continues(generations, known?.generations ?? [])) {
    throw new StatusError(
      Code.FORBIDDEN,
      `topic ${config.name} has grown otherwise meanwhile: look at it and try again`,
    );
  }
  // The broker that would have fewer may be away, or be asked only after this one has taken the generation.
  const { fault } = new QueueSlots(generations);
  if (fault !== undefined) throw refusal(config.name, fault);
  const part = queuesIn(generations.at(-1), brokerName);
  const crowded = generations.at(-1)?.find((one) => one.queues > MAX_QUEUES);
  if (crowded !== undefined) {
    throw new StatusError(
      Code.FORBIDDEN,
      `topic ${config.name} would have ${crowded.queues} queues on broker ${crowded.brokerName}, the limit is ${MAX_QUEUES}`,
    );
  }
  // It keeps what it has, also beyond its part, as of a generation that was not used: messages may lie there.
  const kept = known?.generations === undefined ? 0 : known.queues;
  const queues = part === 0 ? (known?.queues ?? config.queues) : Math.max(part, kept);
  const settled = Math.max(config.settled ?? 1, known?.settled ?? 1);
  const gone = allGone(config.gone, known?.gone);
  return {
    ...{ name: config.name, type: config.type, queues, generations },
    ...(settled > 1 ? { settled } : {}),
    ...(gone.length > 0 ? { gone } : {}),
  };
}

function generationsFor(
  config: TopicConfig,
  known: TopicConfig | undefined,
  brokerName: string,
): readonly TopicGeneration[] | undefined {
  const had = known?.generations;
  if (had === undefined && !hasMessageGroups(config.type)) return undefined;
  const hadGroups = known !== undefined && hasMessageGroups(known.type);
  const first = hadGroups ? [[{ brokerName, queues: known.queues }]] : [];
  const others = (had?.at(-1) ?? []).filter((part) => part.brokerName !== brokerName);
  const next = [...others, { brokerName, queues: config.queues }];
  return grown(had ?? first, next.toSorted(byBrokerName));
}

function refusal(topic: string, fault: GenerationFault): StatusError {
  if (fault.kind === 'fewer') {
    return fewerQueues(`topic ${topic} on broker ${fault.brokerName}`, fault.had, fault.queues);
  }
  return new StatusError(
    Code.BAD_REQUEST,
    `topic ${topic} would lose ${fault.slots} queues that no others take the place of`,
  );
}

function fewerQueues(what: string, had: number, asked: number): StatusError {
  return new StatusError(
    Code.BAD_REQUEST,
    `${what} has ${had} queues; fewer (${asked}) would hide messages`,
  );
}
