/** An RpcServer on our own HTTP/2. */
import type { ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import type { Platform } from '../../platform/platform';
import { DEFAULT_RPC_SERVER_OPTIONS, type RpcServer, type RpcServerOptions } from '../server';
import { StandardServices } from '../standard-services';
import { GrpcServer } from './grpc-server';

/** @param reflected files below `proto/` that the reflection service tells of */
export function http2RpcServer(
  platform: Platform,
  reflected: readonly string[],
  options: RpcServerOptions = {},
): RpcServer {
  return new Http2RpcServer(platform, reflected, { ...DEFAULT_RPC_SERVER_OPTIONS, ...options });
}

class Http2RpcServer implements RpcServer {
  private readonly server: GrpcServer;
  private readonly services: StandardServices;

  constructor(
    platform: Platform,
    reflected: readonly string[],
    { maxReceiveBytes, ...http2 }: Required<RpcServerOptions>,
  ) {
    this.server = new GrpcServer(platform, { maxReceiveBytes, http2 });
    this.services = new StandardServices(this.server, reflected);
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

  async drain(graceMs: number): Promise<void> {
    this.services.end();
    await this.server.drain(graceMs);
  }
}
