/** An RpcServer on our own HTTP/2. */
import type { ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import type { Platform, TlsIdentity } from '../../platform/platform';
import type { Http2Options } from '../http2/options';
import type { PortPolicy } from '../http2/server';
import { DEFAULT_RPC_SERVER_OPTIONS, type RpcServer, type RpcServerOptions } from '../server';
import { StandardServices } from '../standard-services';
import { GrpcServer, type GrpcServerOptions } from './grpc-server';

/** What the stock server has no counterpart of. */
export interface Http2ServerOptions extends RpcServerOptions {
  /** See `GrpcServerOptions`. */
  readonly grpc?: Pick<GrpcServerOptions, 'compressAnswers' | 'onHandlerError' | keyof PortPolicy>;
  /** Limits beside those that both servers have. */
  readonly limits?: Partial<Http2Options>;
}

/**
 * Takes plaintext and, once it has an identity, TLS on the same port, as `grpc.tlsMode` says.
 * @param reflected files below `proto/` that the reflection service tells of
 */
export function http2RpcServer(
  platform: Platform,
  reflected: readonly string[],
  options: Http2ServerOptions = {},
): RpcServer {
  return new OwnRpcServer(platform, reflected, options);
}

class OwnRpcServer implements RpcServer {
  private readonly server: GrpcServer;
  private readonly services: StandardServices;

  constructor(
    platform: Platform,
    reflected: readonly string[],
    { grpc, limits, ...common }: Http2ServerOptions,
  ) {
    const { maxReceiveBytes, maxSendBytes, ...http2 } = {
      ...DEFAULT_RPC_SERVER_OPTIONS,
      ...common,
    };
    this.server = new GrpcServer(platform, {
      ...grpc,
      maxReceiveBytes,
      maxSendBytes,
      http2: { ...http2, ...limits },
    });
    this.services = new StandardServices(this.server, reflected);
  }

  setIdentity(identity: TlsIdentity): void {
    this.server.setIdentity(identity);
  }

  addService(definition: ServiceDefinition, implementation: UntypedServiceImplementation): void {
    this.services.addService(definition, implementation);
  }

  listen(host: string, port: number): Promise<number> {
    return this.server.listen(host, port);
  }

  setServing(serving: boolean): void {
    this.services.setServing(serving);
  }

  connections(): number {
    return this.server.connectionCount;
  }

  async drain(graceMs: number): Promise<void> {
    this.services.end();
    await this.server.drain(graceMs);
  }
}
