/** What is done with received messages beside acknowledging, on the wire. */
import type { ChangeInvisibleRequest, ForwardRequest } from '../../api/broker-api';
import type {
  ChangeInvisibleRequest as WireChange,
  ChangeInvisibleRequest__Output,
} from '../../rpc/generated/gantry/v1/ChangeInvisibleRequest';
import type {
  ForwardRequest as WireForward,
  ForwardRequest__Output,
} from '../../rpc/generated/gantry/v1/ForwardRequest';
import { missing } from './missing';

export function changeInvisibleToWire(request: ChangeInvisibleRequest): WireChange {
  return {
    group: request.group,
    topic: request.topic,
    handle: { receipt_handle: request.receiptHandle, message_id: request.messageId },
    invisible_ms: request.invisibleMs,
    suspend: request.suspend,
  };
}

/** @throws RangeError when there is no handle. */
export function changeInvisibleFromWire(
  wire: ChangeInvisibleRequest__Output,
): ChangeInvisibleRequest {
  if (wire.handle === null) throw missing('handle');
  return {
    group: wire.group,
    topic: wire.topic,
    receiptHandle: wire.handle.receipt_handle,
    messageId: wire.handle.message_id,
    invisibleMs: wire.invisible_ms,
    suspend: wire.suspend,
  };
}

export function forwardToWire({
  group,
  topic,
  receiptHandle,
  messageId,
}: ForwardRequest): WireForward {
  return { group, topic, handle: { receipt_handle: receiptHandle, message_id: messageId } };
}

/** @throws RangeError when there is no handle. */
export function forwardFromWire({ group, topic, handle }: ForwardRequest__Output): ForwardRequest {
  if (handle === null) throw missing('handle');
  return { group, topic, receiptHandle: handle.receipt_handle, messageId: handle.message_id };
}
