/** Sending on the wire: the record travels as the bytes that the store will hold. */
import type { SendRequest, SendResult } from '../../api/broker-api';
import type { RecallRequest } from '../../api/delayed-api';
import { CRC_PROPERTY_BYTES } from '../../message/record';
import { draftOfBytes } from '../../message/record-draft';
import type {
  RecallRequest as WireRecall,
  RecallRequest__Output,
} from '../../rpc/generated/gantry/v1/RecallRequest';
import type {
  SendRequest as WireRequest,
  SendRequest__Output,
} from '../../rpc/generated/gantry/v1/SendRequest';
import type {
  SendResult as WireResult,
  SendResult__Output,
} from '../../rpc/generated/gantry/v1/SendResult';

/** Hot path. */
export function sendRequestToWire({
  queueId,
  draft,
  generation = -1,
  liteTopic = '',
}: SendRequest): WireRequest {
  const record = Buffer.allocUnsafe(draft.byteLength);
  // The draft leaves the record CRC to whoever places the record.
  record.fill(0, record.length - CRC_PROPERTY_BYTES);
  draft.writeTo(record, 0);
  return {
    ...{ queue_id: queueId, record, generation_and_one: generation + 1 },
    lite_topic: liteTopic,
  };
}

/** @throws RangeError when the bytes are no whole record. */
export function sendRequestFromWire(wire: SendRequest__Output): SendRequest {
  const { lite_topic: liteTopic } = wire;
  const request = {
    queueId: wire.queue_id,
    draft: draftOfBytes(wire.record),
    ...(liteTopic === '' ? undefined : { liteTopic }),
  };
  const { generation_and_one: generationAndOne } = wire;
  return generationAndOne === 0 ? request : { ...request, generation: generationAndOne - 1 };
}

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
