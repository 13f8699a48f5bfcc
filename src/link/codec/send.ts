/** Sending on the wire: the record travels as the bytes that the store will hold. */
import type { SendRequest, SendResult } from '../../api/broker-api';
import { CRC_PROPERTY_BYTES } from '../../message/record';
import { draftOfBytes } from '../../message/record-draft';
import type {
  SendRequest as WireRequest,
  SendRequest__Output,
} from '../../rpc/generated/gantry/v1/SendRequest';
import type {
  SendResult as WireResult,
  SendResult__Output,
} from '../../rpc/generated/gantry/v1/SendResult';

/** Hot path. */
export function sendRequestToWire({ queueId, draft }: SendRequest): WireRequest {
  const record = Buffer.allocUnsafe(draft.byteLength);
  // The draft leaves the record CRC to whoever places the record.
  record.fill(0, record.length - CRC_PROPERTY_BYTES);
  draft.writeTo(record, 0);
  return { queue_id: queueId, record };
}

/** @throws RangeError when the bytes are no whole record. */
export function sendRequestFromWire(wire: SendRequest__Output): SendRequest {
  return { queueId: wire.queue_id, draft: draftOfBytes(wire.record) };
}

export function sendResultToWire(result: SendResult): WireResult {
  return { queue_offset: result.queueOffset, physical_offset: result.physicalOffset };
}

export function sendResultFromWire(wire: SendResult__Output): SendResult {
  return { queueOffset: wire.queue_offset, physicalOffset: wire.physical_offset };
}
