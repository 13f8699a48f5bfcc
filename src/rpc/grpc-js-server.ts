/** An RpcServer on @grpc/grpc-js. Pings of clients are always answered and never held against them. */
import {
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import type { Timers } from '../platform/platform';
import { tolerateLongDeadlines } from './long-deadlines';
import { DEFAULT_RPC_SERVER_OPTIONS, type RpcServer, type RpcServerOptions } from './server';
import { StandardServices } from './standard-services';

/** @param reflected files below `proto/` that the reflection service tells of */
export function grpcJsServer(
  timers: Timers,
  reflected: readonly string[],
  options: RpcServerOptions = {},
): RpcServer {
  return new GrpcJsServer(timers, reflected, { ...DEFAULT_RPC_SERVER_OPTIONS, ...options });
}

class GrpcJsServer implements RpcServer {
  private readonly server: Server;
  private readonly services: StandardServices;

  constructor(
    private readonly timers: Timers,
    reflected: readonly string[],
    options: Required<RpcServerOptions>,
  ) {
    // Not with grpc.enable_channelz 0: without its books forceShutdown forgets to cut connections (1.14).
    this.server = new Server({
      'grpc.max_receive_message_length': options.maxReceiveBytes,
      'grpc.max_send_message_length': -1,
      'grpc.max_concurrent_streams': options.maxConcurrentStreams,
      'grpc.max_connection_idle_ms': options.idleMs,
      'grpc.keepalive_time_ms': options.keepaliveMs,
      'grpc.keepalive_timeout_ms': options.keepaliveTimeoutMs,
    });
    tolerateLongDeadlines(this.server);
    this.services = new StandardServices(this.server, reflected);
  }

  addService(definition: ServiceDefinition, implementation: UntypedServiceImplementation): void {
    this.services.addService(definition, implementation);
  }

  listen(host: string, port: number): Promise<number> {
    const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
    return new Promise((resolve, reject) => {
      this.server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) => {
        if (error === null) resolve(bound);
        else reject(error);
      });
    });
  }

  setServing(serving: boolean): void {
    this.services.setServing(serving);
  }

  async drain(graceMs: number): Promise<void> {
    this.services.end();
    const finished = new Promise<void>((resolve) => {
      this.server.tryShutdown(() => resolve());
    });
    const cut = this.timers.after(graceMs, () => this.server.forceShutdown());
    await finished;
    cut.cancel();
  }
}
