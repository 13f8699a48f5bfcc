/** An RpcServer on @grpc/grpc-js, with health and reflection beside the services. */
import {
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { HealthImplementation } from 'grpc-health-check';
import type { Timers } from '../platform/platform';
import { loadPackage } from './protos';
import { DEFAULT_MAX_RECEIVE_BYTES, type RpcServer, type RpcServerOptions } from './server';

/** @param reflected files below `proto/` that the reflection service tells of */
export function grpcJsServer(
  timers: Timers,
  reflected: readonly string[],
  options: RpcServerOptions = {},
): RpcServer {
  return new GrpcJsServer(timers, reflected, options);
}

class GrpcJsServer implements RpcServer {
  private readonly server: Server;
  private readonly health = new HealthImplementation({ '': 'NOT_SERVING' });
  private bound: string | undefined;

  constructor(
    private readonly timers: Timers,
    reflected: readonly string[],
    options: RpcServerOptions,
  ) {
    this.server = new Server({
      'grpc.max_receive_message_length': options.maxReceiveBytes ?? DEFAULT_MAX_RECEIVE_BYTES,
      'grpc.max_send_message_length': -1,
    });
    this.health.addToServer(this.server);
    const files = Object.assign({}, ...reflected.map(loadPackage)) as ReturnType<
      typeof loadPackage
    >;
    new ReflectionService(files).addToServer(this.server);
  }

  addService(definition: ServiceDefinition, implementation: UntypedServiceImplementation): void {
    this.server.addService(definition, implementation);
  }

  async listen(host: string, port: number): Promise<number> {
    const address = host.includes(':') ? `[${host}]` : host;
    const taken = await new Promise<number>((resolve, reject) => {
      this.server.bindAsync(
        `${address}:${port}`,
        ServerCredentials.createInsecure(),
        (error, at) => {
          if (error === null) resolve(at);
          else reject(error);
        },
      );
    });
    this.bound = `${address}:${taken}`;
    return taken;
  }

  setServing(serving: boolean): void {
    this.health.setStatus('', serving ? 'SERVING' : 'NOT_SERVING');
  }

  async drain(graceMs: number): Promise<void> {
    this.setServing(false);
    const finished = new Promise<void>((resolve) => {
      this.server.tryShutdown(() => resolve());
    });
    if (this.bound !== undefined) this.server.drain(this.bound, graceMs);
    const cut = this.timers.after(graceMs, () => this.server.forceShutdown());
    await finished;
    cut.cancel();
  }
}
