/** What serves gRPC. Handlers have the call shapes of @grpc/grpc-js, whatever stands behind this. */
import type { ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import type { TlsIdentity } from '../platform/platform';

export interface RpcServer {
  /** Before `listen`. A method without a handler is answered UNIMPLEMENTED. */
  addService(definition: ServiceDefinition, implementation: UntypedServiceImplementation): void;
  /**
   * What clients are shown in TLS; before `listen`, and again whenever it was renewed: new connections see the new
   * one. Without it there is no TLS.
   * @throws Error when certificate and key do not belong together, or are no PEM; the one before stays
   */
  setIdentity(identity: TlsIdentity): void;
  /**
   * Listens; in plaintext, unless there is an identity.
   * @param port 0 takes any free one
   * @returns the port
   * @throws Error with the system's text (EADDRINUSE ...) when the address can't be taken
   */
  listen(host: string, port: number): Promise<number>;
  /** What the standard health service answers for the server as a whole and each of its services. */
  setServing(serving: boolean): void;
  /** Open connections; `undefined` where that is not known. */
  connections(): number | undefined;
  /**
   * Stops serving: health says so, no new connections, clients are told to go elsewhere (GOAWAY). Calls that
   * run may finish within `graceMs`; then they are cut, and clients see UNAVAILABLE or CANCELLED.
   * @returns when the last connection is closed; a server can't listen again
   */
  drain(graceMs: number): Promise<void>;
}

export interface RpcServerOptions {
  /**
   * Largest message taken, bytes; a larger one ends its call with RESOURCE_EXHAUSTED. Default 130 MiB, as
   * Apache's proxy: a batch of 32 messages of 4 MiB.
   */
  readonly maxReceiveBytes?: number;
  /** Largest message sent, bytes; a larger one ends its call with RESOURCE_EXHAUSTED. Default 130 MiB. */
  readonly maxSendBytes?: number;
  /** Calls open at once on a connection; more wait at the client or are refused. Default 1024. */
  readonly maxConcurrentStreams?: number;
  /**
   * A connection without calls is ended (GOAWAY) after this, ms; one with an open stream never is.
   * Default 120,000, as Apache's proxy. 0: never.
   */
  readonly idleMs?: number;
  /** A connection is ended (GOAWAY, open calls go on) at this age, ms. Default 0: never. */
  readonly maxAgeMs?: number;
  /** What open calls get to end then, ms, before they are cut. Default 30,000. */
  readonly graceMs?: number;
  /** A peer is sent a PING this often, ms, so that streams of a dead one end. Default 30,000. 0: never. */
  readonly keepaliveMs?: number;
  /** A peer that leaves a PING unanswered for this long is dropped, ms. Default 20,000. */
  readonly keepaliveTimeoutMs?: number;
}

export const DEFAULT_RPC_SERVER_OPTIONS: Required<RpcServerOptions> = {
  maxReceiveBytes: 130 * 1024 * 1024,
  maxSendBytes: 130 * 1024 * 1024,
  maxConcurrentStreams: 1024,
  idleMs: 120_000,
  maxAgeMs: 0,
  graceMs: 30_000,
  keepaliveMs: 30_000,
  keepaliveTimeoutMs: 20_000,
};
