/** The queue that a request names. */
import { checkTopicName } from '../message/names';
import type { ResourceName } from '../message/public-message';
import { Code, StatusError } from '../message/status';
import type { MessageQueue__Output } from '../rpc/generated/apache/rocketmq/v2/MessageQueue';
import type { ProxyParts } from './parts';

export interface NamedQueue {
  /** The topic as the client named it. */
  readonly asked: ResourceName;
  readonly topic: string;
  readonly queueId: number;
  readonly brokerName: string;
}

/**
 * A queue, and its broker's name; a broker that is not named is the one that holds the topic.
 * @throws StatusError ILLEGAL_TOPIC, TOPIC_NOT_FOUND, BAD_REQUEST (no such broker, or more than one)
 */
export function namedQueue(
  { routes }: Pick<ProxyParts, 'routes'>,
  queue: MessageQueue__Output | null,
): NamedQueue {
  const topic = queue?.topic?.name ?? '';
  checkTopicName(topic);
  const asked = { resource_namespace: queue?.topic?.resource_namespace ?? '', name: topic };
  const names = routes.get(topic).brokers.map(({ brokerName }) => brokerName);
  const named = queue?.broker?.name ?? '';
  const brokerName = named === '' && names.length === 1 ? names[0] : named;
  if (brokerName === undefined || !names.includes(brokerName)) {
    throw new StatusError(
      Code.BAD_REQUEST,
      `message_queue.broker is ${JSON.stringify(named)}, topic ${topic} is on ${names.join(', ')}`,
    );
  }
  return { asked, topic, queueId: queue?.id ?? 0, brokerName };
}
