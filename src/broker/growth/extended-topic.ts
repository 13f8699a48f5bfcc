/** A topic that is made or changed, with its generations. */
import { hasMessageGroups, type TopicConfig, type TopicGeneration } from '../../api/topic';
import { continues, grown, MAX_GENERATIONS, queuesIn, shrunkIn } from '../../api/topic-generations';
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
  const shrunk = shrunkIn(generations);
  if (shrunk !== undefined) {
    const { brokerName: where, had, queues } = shrunk;
    throw fewerQueues(`topic ${config.name} on broker ${where}`, had, queues);
  }
  const asked = queuesIn(generations.at(-1), brokerName) || config.queues;
  const wasOut = known?.generations && queuesIn(known.generations.at(-1), brokerName) === 0;
  // One that had no part in it keeps what it has: messages without a message group may lie there.
  const queues = wasOut ? Math.max(known.queues, asked) : asked;
  const settled = Math.max(config.settled ?? 1, known?.settled ?? 1);
  return { ...config, queues, generations, ...(settled > 1 ? { settled } : {}) };
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
  return grown(
    had ?? first,
    next.toSorted((a, b) => (a.brokerName < b.brokerName ? -1 : 1)),
  );
}

function fewerQueues(what: string, had: number, asked: number): StatusError {
  return new StatusError(
    Code.BAD_REQUEST,
    `${what} has ${had} queues; fewer (${asked}) would hide messages`,
  );
}
