/** A consumer's subscriptions on the wire. */
import type { SubscribeRequest } from '../../api/broker-api';
import type {
  SubscribeRequest as Wire,
  SubscribeRequest__Output,
} from '../../rpc/generated/gantry/v1/SubscribeRequest';
import { filterFromWire, filterToWire } from './filter';

export function subscribeToWire(request: SubscribeRequest): Wire {
  return {
    group: request.group,
    client_id: request.clientId,
    subscriptions: request.subscriptions.map(({ topic, filter }) => ({
      topic,
      filter: filterToWire(filter),
    })),
    fifo_if_new: request.fifoIfNew,
  };
}

/** @throws RangeError when a subscription has no filter. */
export function subscribeFromWire(wire: SubscribeRequest__Output): SubscribeRequest {
  return {
    group: wire.group,
    clientId: wire.client_id,
    subscriptions: wire.subscriptions.map(({ topic, filter }) => ({
      topic,
      filter: filterFromWire(filter),
    })),
    fifoIfNew: wire.fifo_if_new,
  };
}
