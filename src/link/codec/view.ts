/** Topics with the brokers that hold them, on the wire. */
import type { TopicView } from '../../api/admin-api';
import type { TopicView as Wire, TopicView__Output } from '../../rpc/generated/gantry/v1/TopicView';
import { topicFromWire, topicToWire } from './topic';

export function viewToWire({ brokers, ...topic }: TopicView): Wire {
  return { topic: topicToWire(topic), brokers: [...brokers] };
}

/** @throws RangeError when the topic is missing or its type is not known. */
export function viewFromWire({ topic, brokers }: TopicView__Output): TopicView {
  return { ...topicFromWire(topic), brokers };
}
