/** What is asked when receiving, on the wire. */
import type { PopRequest } from '../../api/broker-api';
import type {
  PopRequest as WireRequest,
  PopRequest__Output,
} from '../../rpc/generated/gantry/v1/PopRequest';
import { filterFromWire, filterToWire } from './filter';

export function popRequestToWire(request: PopRequest): WireRequest {
  return {
    group: request.group,
    topic: request.topic,
    client_id: request.clientId,
    attempt_id: request.attemptId,
    filter: filterToWire(request.filter),
    max_messages: request.maxMessages,
    invisible_ms: request.invisibleMs,
    poll_ms: request.pollMs,
    auto_renew: request.autoRenew,
  };
}

/** @throws RangeError when there is no filter. */
export function popRequestFromWire(wire: PopRequest__Output): PopRequest {
  return {
    group: wire.group,
    topic: wire.topic,
    clientId: wire.client_id,
    attemptId: wire.attempt_id,
    filter: filterFromWire(wire.filter),
    maxMessages: wire.max_messages,
    invisibleMs: wire.invisible_ms,
    pollMs: wire.poll_ms,
    autoRenew: wire.auto_renew,
  };
}
