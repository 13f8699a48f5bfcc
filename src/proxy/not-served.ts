/** RPCs that are not served yet: each answers NOT_IMPLEMENTED in its own status field, at once. */
import { Code, StatusError } from '../message/status';
import { type CallGate, unary } from './calls';
import type { MessagingServiceHandlers } from './messaging-handlers';
import type { ProxyParts } from './parts';

type Handlers = Pick<MessagingServiceHandlers, 'SyncLiteSubscription'>;

export function notServedHandlers(parts: ProxyParts, gate: CallGate): Handlers {
  return {
    SyncLiteSubscription: unary(parts, gate, () =>
      Promise.reject(new StatusError(Code.NOT_IMPLEMENTED, 'lite topics are not served yet')),
    ),
  };
}
