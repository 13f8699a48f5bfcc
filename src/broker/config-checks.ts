/** What a topic and a group must be, and the errors for those that are not there. */
import { MAX_QUEUES, TOPIC_TYPES, type GroupConfig, type TopicConfig } from '../api/topic';
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
  if (config.liteTopic !== undefined) checkTopicName(config.liteTopic);
}

export function noTopic(name: string): StatusError {
  return new StatusError(Code.TOPIC_NOT_FOUND, `topic ${name} does not exist on this broker`);
}

export function noGroup(name: string): StatusError {
  return new StatusError(Code.CONSUMER_GROUP_NOT_FOUND, `consumer group ${name} does not exist`);
}
