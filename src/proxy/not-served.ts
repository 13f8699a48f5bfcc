/** RPCs that are not served yet: each answers NOT_IMPLEMENTED in its own status field, at once. */
import type { ServerWritableStream } from '@grpc/grpc-js';
import { Code, StatusError } from '../message/status';
import type { MessagingServiceHandlers } from './messaging-handlers';
import type { Status } from '../rpc/generated/apache/rocketmq/v2/Status';
import { type CallGate, statusOf, unary } from './calls';
import type { ProxyParts } from './parts';
import { requestContext } from './request-context';

type Handlers = Pick<
  MessagingServiceHandlers,
  'SyncLiteSubscription' | 'PullMessage' | 'UpdateOffset' | 'GetOffset' | 'QueryOffset'
>;

export function notServedHandlers(parts: ProxyParts, gate: CallGate): Handlers {
  const refuse = <Request, Response extends { status?: Status | null }>(what: string) =>
    unary<Request, Response>(parts, gate, () => Promise.reject(notServed(what)));
  return {
    SyncLiteSubscription: refuse('lite topics are'),
    UpdateOffset: refuse('changing offsets is'),
    GetOffset: refuse('reading offsets is'),
    QueryOffset: refuse('querying offsets is'),
    PullMessage: (call) => {
      call.write({ status: pullStatus(parts, call) });
      call.end();
    },
  };
}

function pullStatus(parts: ProxyParts, call: ServerWritableStream<unknown, unknown>): Status {
  try {
    requestContext(call, parts.platform.clock.wallMs());
    return statusOf(notServed('pulling messages is'));
  } catch (error) {
    return statusOf(error);
  }
}

function notServed(what: string): StatusError {
  return new StatusError(Code.NOT_IMPLEMENTED, `${what} not served yet`);
}
