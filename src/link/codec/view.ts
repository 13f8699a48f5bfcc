/** Topics with the brokers that hold them, and what brokers say, on the wire. */
import type { FilterFaultView, TopicView } from '../../api/admin-api';
import type { TopicView as Wire, TopicView__Output } from '../../rpc/generated/gantry/v1/TopicView';
import type {
  FilterFaultView as FaultWire,
  FilterFaultView__Output,
} from '../../rpc/generated/gantry/v1/FilterFaultView';
import { faultFromWire, faultToWire } from './filter-fault';
import { missing } from './missing';
import { topicFromWire, topicToWire } from './topic';

export function viewToWire({ brokers, ...topic }: TopicView): Wire {
  return { topic: topicToWire(topic), brokers: [...brokers] };
}

/** @throws RangeError when the topic is missing or its type is not known. */
export function viewFromWire({ topic, brokers }: TopicView__Output): TopicView {
  return { ...topicFromWire(topic), brokers };
}

export function faultViewToWire({ broker, ...fault }: FilterFaultView): FaultWire {
  return { broker, fault: faultToWire(fault) };
}

/** @throws RangeError when the fault is missing. */
export function faultViewFromWire({ broker, fault }: FilterFaultView__Output): FilterFaultView {
  if (fault === null) throw missing('fault');
  return { broker, ...faultFromWire(fault) };
}
