/** What is done with received messages, on the wire: acknowledging, giving back, changing when they come again. */
import type {
  AckRequest,
  ChangeInvisibleRequest,
  EntryStatus,
  ForwardRequest,
} from '../../api/broker-api';
import type {
  AckRequest as WireAck,
  AckRequest__Output,
} from '../../rpc/generated/gantry/v1/AckRequest';
import type { AckResult, AckResult__Output } from '../../rpc/generated/gantry/v1/AckResult';
import type {
  ChangeInvisibleRequest as WireChange,
  ChangeInvisibleRequest__Output,
} from '../../rpc/generated/gantry/v1/ChangeInvisibleRequest';
import type {
  ForwardRequest as WireForward,
  ForwardRequest__Output,
} from '../../rpc/generated/gantry/v1/ForwardRequest';
import { missing } from './missing';
import { codeFromWire } from './status';

export function ackRequestToWire(request: AckRequest): WireAck {
  return {
    group: request.group,
    topic: request.topic,
    entries: request.entries.map(({ receiptHandle, messageId }) => ({
      receipt_handle: receiptHandle,
      message_id: messageId,
    })),
  };
}

export function ackRequestFromWire(wire: AckRequest__Output): AckRequest {
  return {
    group: wire.group,
    topic: wire.topic,
    entries: wire.entries.map((entry) => ({
      receiptHandle: entry.receipt_handle,
      messageId: entry.message_id,
    })),
  };
}

export function ackResultToWire(entries: readonly EntryStatus[]): AckResult {
  return { entries: entries.map(({ code, message }) => ({ code, text: message })) };
}

export function ackResultFromWire(wire: AckResult__Output): readonly EntryStatus[] {
  return wire.entries.map(({ code, text }) => ({ code: codeFromWire(code), message: text }));
}

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
