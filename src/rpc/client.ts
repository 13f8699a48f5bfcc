/** Clients for calls between our own processes: few connections, many messages on each. */
import {
  credentials,
  makeGenericClientConstructor,
  type Client,
  type ServiceDefinition,
} from '@grpc/grpc-js';
import { ClientCredentials, type ClientTls } from './client-credentials';

export interface RpcClientOptions {
  /** Largest message either way, bytes. Default 130 MiB. */
  readonly maxMessageBytes?: number;
  /** Longest wait before a lost connection is tried again, ms. Default 1000. */
  readonly maxReconnectMs?: number;
  /** The server is sent a PING this often, ms. Default 10,000. */
  readonly keepaliveMs?: number;
  /** Whether it is also while there are no calls. Default true. */
  readonly keepaliveWithoutCalls?: boolean;
  /** A server that leaves a PING unanswered for this long is given up, ms. Default 5000. */
  readonly keepaliveTimeoutMs?: number;
  /** Default: plaintext, unless the address says TLS. */
  readonly tls?: ClientTls | undefined;
}

const DEFAULTS: Required<Omit<RpcClientOptions, 'tls'>> = {
  maxMessageBytes: 130 * 1024 * 1024,
  maxReconnectMs: 1000,
  keepaliveMs: 10_000,
  keepaliveWithoutCalls: true,
  keepaliveTimeoutMs: 5000,
};

const TLS_SCHEME = /^tls:\/\//;
const systemRoots: ClientTls = () => ({});

/**
 * A client of one service, on a connection of its own; its methods are those of the definition,
 * as grpc-js makes them. It connects when first used. Calls made while it is not connected end UNAVAILABLE,
 * unless made with `waitForReady`.
 * @typeParam Methods the client's type as generated for the service
 * @param address `host:port`, an IPv6 host in brackets; by TLS with `tls://` before it or `tls` in the options, else in
 *   plaintext. The certificate is checked against `tls`, else against the system's roots, or those in the file of gRPC's
 *   variable GRPC_DEFAULT_SSL_ROOTS_FILE_PATH.
 */
export function makeClient<Methods>(
  definition: ServiceDefinition,
  address: string,
  options: RpcClientOptions = {},
): Client & Methods {
  const { maxMessageBytes, maxReconnectMs, ...keepalive } = { ...DEFAULTS, ...options };
  const Constructor = makeGenericClientConstructor(definition, 'Gantry');
  const tls = options.tls ?? (TLS_SCHEME.test(address) ? systemRoots : undefined);
  const trust = tls === undefined ? credentials.createInsecure() : new ClientCredentials(tls);
  // The methods are made from the definition at run time, so the compiler can't know them.
  const client: unknown = new Constructor(address.replace(TLS_SCHEME, ''), trust, {
    'grpc.max_receive_message_length': maxMessageBytes,
    'grpc.max_send_message_length': maxMessageBytes,
    'grpc.initial_reconnect_backoff_ms': Math.min(100, maxReconnectMs),
    'grpc.max_reconnect_backoff_ms': maxReconnectMs,
    // A peer that moved to another address is found again as fast as one that came back.
    'grpc.dns_min_time_between_resolutions_ms': maxReconnectMs,
    'grpc.service_config_disable_resolution': 1,
    'grpc.keepalive_time_ms': keepalive.keepaliveMs,
    'grpc.keepalive_timeout_ms': keepalive.keepaliveTimeoutMs,
    'grpc.keepalive_permit_without_calls': keepalive.keepaliveWithoutCalls ? 1 : 0,
    // Clients must not share a connection, nor its backoff, with others to the same address.
    'grpc.use_local_subchannel_pool': 1,
    // Our own processes are never behind the proxy of the environment's http_proxy.
    'grpc.enable_http_proxy': 0,
    'grpc.enable_channelz': 0,
  });
  return client as Client & Methods;
}
