/** Opening a role's ports: gRPC with its services, HTTP with liveness and readiness. */
import type { ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import { listenHealth, type Readiness } from '../observe/http';
import { http2RpcServer } from '../rpc/grpc/rpc-server';
import { grpcJsServer } from '../rpc/grpc-js-server';
import type { Shutdown, Surroundings } from './role';

export interface MountedService {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
}

export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  /** `undefined`: no HTTP port. */
  readonly httpPort: number | undefined;
  readonly graceMs: number;
  /** Which server stands behind `RpcServer`. */
  readonly rpc: { readonly transport: 'grpc-js' | 'http2' };
}

/** A gRPC port with its services on it. */
export interface Served {
  readonly endpoints: Readonly<Record<string, string>>;
  /** The port of gRPC. */
  readonly port: number;
  /** Tells health, readiness and whoever asks that the role serves. */
  announceReady(): void;
}

/** @param reflected files below `proto/` that reflection tells of */
export async function serve(
  options: ListenOptions,
  services: readonly MountedService[],
  reflected: readonly string[],
  { platform, logger }: Surroundings,
  readiness: Readiness,
  shutdown: Shutdown,
): Promise<Served> {
  const { host, graceMs } = options;
  const server =
    options.rpc.transport === 'http2'
      ? http2RpcServer(platform, reflected)
      : grpcJsServer(platform.timers, reflected);
  for (const { definition, implementation } of services) {
    server.addService(definition, implementation);
  }
  const port = await server.listen(host, options.port);
  const endpoints: Record<string, string> = { grpc: endpoint(host, port) };
  if (options.httpPort !== undefined) {
    const http = await listenHealth(platform.sockets, host, options.httpPort, readiness);
    endpoints['http'] = endpoint(host, http.port);
    shutdown.add('http', () => http.close());
  }
  shutdown.add('grpc', () => server.drain(graceMs));
  shutdown.add('readiness', () => {
    readiness.set('serving', false);
    server.setServing(false);
  });
  return {
    endpoints,
    port,
    announceReady: () => {
      readiness.set('serving', true);
      server.setServing(true);
      logger.info({ endpoints }, 'ready');
    },
  };
}

function endpoint(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
