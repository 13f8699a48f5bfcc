/** An RpcServer on @grpc/grpc-js. Pings of clients are always answered and never held against them. */
import {
  Server,
  ServerCredentials,
  type ServerOptions,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import type { Timers, TlsIdentity } from '../platform/platform';
import { RenewableCredentials } from './renewable-credentials';
import { tolerateLongDeadlines } from './long-deadlines';
import { DEFAULT_RPC_SERVER_OPTIONS, type RpcServer, type RpcServerOptions } from './server';
import { StandardServices } from './standard-services';

/**
 * Takes plaintext only, and once it has an identity TLS only: it cannot tell them apart on one port.
 * @param reflected files below `proto/` that the reflection service tells of
 */
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
  private secure: RenewableCredentials | undefined;

  constructor(
    private readonly timers: Timers,
    reflected: readonly string[],
    options: Required<RpcServerOptions>,
  ) {
    this.server = new Server(serverOptions(options));
    tolerateLongDeadlines(this.server);
    this.services = new StandardServices(this.server, reflected);
  }

  addService(definition: ServiceDefinition, implementation: UntypedServiceImplementation): void {
    this.services.addService(definition, implementation);
  }

  setIdentity(identity: TlsIdentity): void {
    if (this.secure === undefined) this.secure = new RenewableCredentials(identity);
    else this.secure.renew(identity);
  }

  listen(host: string, port: number): Promise<number> {
    const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
    return new Promise((resolve, reject) => {
      const credentials = this.secure ?? ServerCredentials.createInsecure();
      this.server.bindAsync(address, credentials, (error, bound) => {
        if (error === null) resolve(bound);
        else reject(error);
      });
    });
  }

  setServing(serving: boolean): void {
    this.services.setServing(serving);
  }

  /** It keeps no count that others may see. */
  connections(): undefined {
    return undefined;
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

/** Times that are 0 are left out: they are off then. */
function serverOptions(options: Required<RpcServerOptions>): ServerOptions {
  const { idleMs, maxAgeMs, keepaliveMs } = options;
  // Not with grpc.enable_channelz 0: without its books forceShutdown forgets to cut connections (1.14).
  return {
    'grpc.max_receive_message_length': options.maxReceiveBytes,
    'grpc.max_send_message_length': options.maxSendBytes,
    'grpc.max_concurrent_streams': options.maxConcurrentStreams,
    'grpc.max_connection_age_grace_ms': options.graceMs,
    'grpc.keepalive_timeout_ms': options.keepaliveTimeoutMs,
    ...(idleMs > 0 ? { 'grpc.max_connection_idle_ms': idleMs } : {}),
    ...(maxAgeMs > 0 ? { 'grpc.max_connection_age_ms': maxAgeMs } : {}),
    ...(keepaliveMs > 0 ? { 'grpc.keepalive_time_ms': keepaliveMs } : {}),
  };
}
