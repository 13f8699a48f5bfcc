/** What a send answers, and recalls, on the wire. */
import type { SendResult } from '../../api/broker-api';
import type { RecallRequest } from '../../api/delayed-api';
import type {
  RecallRequest as WireRecall,
  RecallRequest__Output,
} from '../../rpc/generated/gantry/v1/RecallRequest';
import type {
  SendResult as WireResult,
  SendResult__Output,
} from '../../rpc/generated/gantry/v1/SendResult';

export function sendResultToWire(result: SendResult): WireResult {
  const { queueOffset, physicalOffset, delayed = false } = result;
  return { queue_offset: queueOffset, physical_offset: physicalOffset, delayed };
}

export function sendResultFromWire(wire: SendResult__Output): SendResult {
  const { queue_offset: queueOffset, physical_offset: physicalOffset } = wire;
  return wire.delayed
    ? { queueOffset, physicalOffset, delayed: true }
    : { queueOffset, physicalOffset };
}

export function recallToWire({ topic, messageId, deliverMs }: RecallRequest): WireRecall {
  return { topic, message_id: messageId, deliver_ms: deliverMs };
}

export function recallFromWire(wire: RecallRequest__Output): RecallRequest {
  return { topic: wire.topic, messageId: wire.message_id, deliverMs: wire.deliver_ms };
}
