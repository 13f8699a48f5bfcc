/** What a handler knows of its caller: headers, peer, deadline (the API's request headers). */
import type { Origin } from '../message/incoming-message';
import { Code, StatusError } from '../message/status';
import { headerOf, type HeaderSource, peerAddress, remainingMs } from '../rpc/call-context';

/** The part of a grpc-js call that tells of the caller. */
export interface CallSurface extends HeaderSource {
  getPeer(): string;
  getHost(): string;
  getDeadline(): Date | number;
  /** `host:port` of our end of the connection, where the server tells it. */
  getLocalAddress?(): string;
}

export interface RequestContext {
  readonly clientId: string;
  /** `x-mq-client-version`, '' when absent. */
  readonly clientVersion: string;
  readonly peer: Origin;
  /** `:authority`, '' when absent. */
  readonly authority: string;
  /** `host:port` of our end of the connection, '' when it is not known. */
  readonly localAddress: string;
  /** Until the call's deadline as it came in; `undefined` without one. */
  readonly remainingMs: number | undefined;
}

/** The peers of the latest calls: most calls come from few connections. */
const peers = new Map<string, Origin>();
const MAX_PEERS = 10_000;

/**
 * @throws StatusError CLIENT_ID_REQUIRED: the one header that every RPC must have
 */
export function requestContext(call: CallSurface, wallMs: number): RequestContext {
  const clientId = headerOf(call, 'x-mq-client-id').trim();
  if (clientId === '') {
    throw new StatusError(
      Code.CLIENT_ID_REQUIRED,
      'client id cannot be empty: the header x-mq-client-id is missing or blank',
    );
  }
  return {
    clientId,
    clientVersion: headerOf(call, 'x-mq-client-version'),
    peer: originOf(call.getPeer()),
    authority: call.getHost(),
    localAddress: call.getLocalAddress?.() ?? '',
    remainingMs: remainingMs(call.getDeadline(), wallMs),
  };
}

function originOf(peer: string): Origin {
  let origin = peers.get(peer);
  if (origin === undefined) {
    origin = peerAddress(peer);
    if (peers.size >= MAX_PEERS) peers.clear();
    peers.set(peer, origin);
  }
  return origin;
}
