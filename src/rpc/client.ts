/** Clients for calls between our own processes: few connections, many messages on each. */
import {
  credentials,
  makeGenericClientConstructor,
  type Client,
  type ServiceDefinition,
} from '@grpc/grpc-js';

export interface RpcClientOptions {
  /** Largest message either way, bytes. Default 130 MiB. */
  readonly maxMessageBytes?: number;
}

const DEFAULT_MAX_MESSAGE_BYTES = 130 * 1024 * 1024;

/**
 * A client of one service; its methods are those of the definition, as grpc-js makes them. It
 * connects when first used, again after at most a second, and notices a dead peer within 15 s.
 * @param address `host:port`
 */
export function makeClient<T>(
  definition: ServiceDefinition,
  address: string,
  options: RpcClientOptions = {},
): Client & T {
  const maxBytes = options.maxMessageBytes ?? DEFAULT_MAX_MESSAGE_BYTES;
  const Constructor = makeGenericClientConstructor(definition, 'Gantry');
  const client: unknown = new Constructor(address, credentials.createInsecure(), {
    'grpc.max_receive_message_length': maxBytes,
    'grpc.max_send_message_length': maxBytes,
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 1000,
    'grpc.keepalive_time_ms': 10_000,
    'grpc.keepalive_timeout_ms': 5000,
    'grpc.keepalive_permit_without_calls': 1,
    'grpc.use_local_subchannel_pool': 1,
  });
  return client as Client & T;
}
