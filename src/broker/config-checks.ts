/** What a topic and a group must be, and the errors for those that are not there. */
import {
  MAX_BACKOFF_MS,
  MAX_BACKOFF_STEPS,
  MAX_LITE_IDLE_MS,
  MAX_LITE_QUOTA,
  MAX_QUEUES,
  MIN_LITE_IDLE_MS,
  TOPIC_TYPES,
  type BackoffPolicy,
  type GroupConfig,
  type TopicConfig,
} from '../api/topic';
import { checkGroupName, checkTopicName } from '../message/names';
import { Code, StatusError } from '../message/status';

export function checkTopicConfig(config: TopicConfig): void {
  checkTopicName(config.name);
  if (!TOPIC_TYPES.includes(config.type)) {
    throw new StatusError(
      Code.BAD_REQUEST,
      `topic type ${String(config.type)} is none of ${TOPIC_TYPES.join(', ')}`,
    );
  }
  if (!Number.isInteger(config.queues) || config.queues < 1 || config.queues > MAX_QUEUES) {
    throw new StatusError(
      Code.BAD_REQUEST,
      `queues must be 1 .. ${MAX_QUEUES}, not ${config.queues}`,
    );
  }
  checkLiteIdle(config);
}

function checkLiteIdle({ name, type, liteIdleMs: idleMs }: TopicConfig): void {
  if (idleMs === undefined) return;
  if (type !== 'LITE') refuse(`topic ${name} is ${type}: only those of LITE topics can be idle`);
  if (idleMs === 0) return;
  if (Number.isInteger(idleMs) && idleMs >= MIN_LITE_IDLE_MS && idleMs <= MAX_LITE_IDLE_MS) return;
  refuse(
    `lite topics must be idle for 0 (never removed) or ${MIN_LITE_IDLE_MS} .. ${MAX_LITE_IDLE_MS} ms, not ${idleMs}`,
  );
}

export function checkGroupConfig(config: GroupConfig): void {
  checkGroupName(config.name);
  if (
    !Number.isInteger(config.maxAttempts) ||
    config.maxAttempts < 1 ||
    config.maxAttempts > 1000
  ) {
    throw new StatusError(
      Code.BAD_REQUEST,
      `max attempts must be 1 .. 1000, not ${config.maxAttempts}`,
    );
  }
  checkBackoff(config.backoff);
  if (config.liteTopic !== undefined) checkTopicName(config.liteTopic);
  const { liteQuota: quota } = config;
  if (quota === undefined) return;
  if (config.liteTopic === undefined) {
    refuse(`group ${config.name} is not a group of lite topics: it can have no lite quota`);
  }
  if (!Number.isInteger(quota) || quota < 1 || quota > MAX_LITE_QUOTA) {
    refuse(`lite quota must be 1 .. ${MAX_LITE_QUOTA}, not ${quota}`);
  }
}

function checkBackoff(policy: BackoffPolicy): void {
  if (policy.kind === 'customized') {
    const { length } = policy.nextMs;
    if (length < 1 || length > MAX_BACKOFF_STEPS) {
      refuse(`backoff must have 1 .. ${MAX_BACKOFF_STEPS} delays, not ${length}`);
    }
    for (const delayMs of policy.nextMs) checkDelay('delay', delayMs, 1);
    return;
  }
  const { initialMs, maxMs, multiplier } = policy;
  checkDelay('first delay', initialMs, 1);
  checkDelay('longest delay', maxMs, initialMs);
  if (!(multiplier >= 1 && multiplier <= 100)) {
    refuse(`backoff multiplier must be 1 .. 100, not ${multiplier}`);
  }
}

function checkDelay(what: string, delayMs: number, minMs: number): void {
  if (Number.isInteger(delayMs) && delayMs >= minMs && delayMs <= MAX_BACKOFF_MS) return;
  refuse(`backoff ${what} must be ${minMs} .. ${MAX_BACKOFF_MS} ms, not ${delayMs}`);
}

function refuse(text: string): never {
  throw new StatusError(Code.BAD_REQUEST, text);
}

/**
 * Groups of lite topics receive those of their parent topic and nothing else.
 * @throws StatusError ILLEGAL_CONSUMER_GROUP, ILLEGAL_TOPIC
 */
export function checkLiteGroup(group: GroupConfig, topic: TopicConfig): void {
  const { name, liteTopic } = group;
  if (topic.type !== 'LITE') {
    if (liteTopic === undefined) return;
    throw new StatusError(
      Code.ILLEGAL_CONSUMER_GROUP,
      `group ${name} receives lite topics of ${liteTopic}, topic ${topic.name} is none`,
    );
  }
  if (liteTopic === undefined) {
    throw new StatusError(
      Code.ILLEGAL_CONSUMER_GROUP,
      `group ${name} is not a group of lite topics, topic ${topic.name} has nothing else`,
    );
  }
  if (liteTopic === topic.name) return;
  throw new StatusError(
    Code.ILLEGAL_TOPIC,
    `group ${name} receives lite topics of ${liteTopic}, not of ${topic.name}`,
  );
}

export function noTopic(name: string): StatusError {
  return new StatusError(Code.TOPIC_NOT_FOUND, `topic ${name} does not exist on this broker`);
}

export function noGroup(name: string): StatusError {
  return new StatusError(Code.CONSUMER_GROUP_NOT_FOUND, `consumer group ${name} does not exist`);
}

/**
 * The topic, which has that queue.
 * @throws StatusError TOPIC_NOT_FOUND, BAD_REQUEST
 */
export function checkedQueue(
  topic: TopicConfig | undefined,
  name: string,
  queueId: number,
): TopicConfig {
  if (topic === undefined) throw noTopic(name);
  if (Number.isInteger(queueId) && queueId >= 0 && queueId < topic.queues) return topic;
  throw new StatusError(
    Code.BAD_REQUEST,
    `queue id ${queueId} is not in 0 .. ${topic.queues - 1} of topic ${name}`,
  );
}
