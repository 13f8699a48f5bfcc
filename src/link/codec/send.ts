/** Recalls on the wire. */
import type { RecallRequest } from '../../api/delayed-api';
import type {
  RecallRequest as WireRecall,
  RecallRequest__Output,
} from '../../rpc/generated/gantry/v1/RecallRequest';

export function recallToWire({ topic, messageId, deliverMs }: RecallRequest): WireRecall {
  return { topic, message_id: messageId, deliver_ms: deliverMs };
}

export function recallFromWire(wire: RecallRequest__Output): RecallRequest {
  return { topic: wire.topic, messageId: wire.message_id, deliverMs: wire.deliver_ms };
}
