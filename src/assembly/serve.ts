/** Opening a role's ports: gRPC with its services, HTTP with liveness and readiness. */
import type { ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import { listenHealth, type Readiness } from '../observe/http';
import { http2RpcServer } from '../rpc/grpc/rpc-server';
import { grpcJsServer } from '../rpc/grpc-js-server';
import type { RpcServer } from '../rpc/server';
import { ConfigError } from '../config/config-error';
import { clientCaFaults } from '../config/tls-faults';
import { proxyProtocolOf } from './proxy-protocol';
import { refusalLog } from './refusal-log';
import type { Shutdown, Surroundings } from './role';
import type { RpcOptions, TlsOptions } from './rpc-options';
import { secure } from './secure';

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
  readonly rpc: RpcOptions;
  readonly tls: TlsOptions;
}

/** A gRPC port with its services on it. */
export interface Served {
  readonly endpoints: Readonly<Record<string, string>>;
  /** The port of gRPC. */
  readonly port: number;
  /** Open connections; `undefined` where the server does not tell. */
  connections(): number | undefined;
  /** Tells health, readiness and whoever asks that the role serves. */
  announceReady(): void;
}

export interface ServeHooks {
  /** What must be known before the first call; the port for health is there meanwhile. */
  readonly beforeCalls?: () => Promise<void>;
  /** Ends calls that would go on for long, when the port is drained. */
  readonly drainCalls?: () => Promise<void>;
}

/** @param reflected files below `proto/` that reflection tells of */
export async function serve(
  options: ListenOptions,
  services: readonly MountedService[],
  reflected: readonly string[],
  surroundings: Surroundings,
  readiness: Readiness,
  shutdown: Shutdown,
  { beforeCalls, drainCalls }: ServeHooks = {},
): Promise<Served> {
  const { host, graceMs } = options;
  const { platform, logger } = surroundings;
  const server = makeServer(options, reflected, surroundings);
  for (const { definition, implementation } of services) {
    server.addService(definition, implementation);
  }
  await secureIfAsked(server, options, surroundings, shutdown);
  let healthPort: number | undefined;
  if (options.httpPort !== undefined) {
    const http = await listenHealth(platform.sockets, host, options.httpPort, readiness);
    healthPort = http.port;
    shutdown.add('http', () => http.close());
  }
  // A balancer that cannot ask for health sends calls as soon as the port takes connections.
  await beforeCalls?.();
  const port = await server.listen(host, options.port);
  const endpoints: Record<string, string> = {
    grpc: endpoint(host, port),
    ...(healthPort !== undefined && { http: endpoint(host, healthPort) }),
  };
  shutdown.add('grpc', async () => {
    // Clients learn first that they are to go elsewhere: then they repeat there what ends here.
    const drained = server.drain(graceMs);
    await drainCalls?.();
    await drained;
  });
  shutdown.add('readiness', () => {
    readiness.set('serving', false);
    server.setServing(false);
  });
  return {
    endpoints,
    port,
    connections: () => server.connections(),
    announceReady: () => {
      readiness.set('serving', true);
      server.setServing(true);
      logger.info({ endpoints }, 'ready');
    },
  };
}

function makeServer(
  { rpc, tls }: ListenOptions,
  reflected: readonly string[],
  { platform, logger }: Surroundings,
): RpcServer {
  const { transport, compressAnswers, proxyProtocol, proxyProtocolFrom, ...limits } = rpc;
  const headers = { transport, proxyProtocol, proxyProtocolFrom };
  const balancers = proxyProtocolOf(headers, platform.clock, logger);
  if (transport === 'grpc-js') return grpcJsServer(platform.timers, reflected, limits);
  const { maxReceiveBytes, maxSendBytes, maxHeldConnectionBytes, ...http2 } = limits;
  return http2RpcServer(platform, reflected, {
    maxReceiveBytes,
    maxSendBytes,
    grpc: {
      compressAnswers,
      tlsMode: tls.mode,
      proxyProtocol: balancers,
      // A port that takes anybody would tell of each scanner.
      ...(tls.clientCa && {
        onInsecure: refusalLog(platform.clock, (refused) =>
          logger.warn(refused, 'connection refused'),
        ),
      }),
      onHandlerError: (path, error) => logger.error({ err: error, path }, 'handler failed'),
    },
    limits: { ...http2, maxHeldConnectionBytes: maxHeldConnectionBytes + maxReceiveBytes },
  });
}

/** grpc-js cannot tell TLS from plaintext: it takes plaintext where both are welcome, as clients can be told to use it. */
async function secureIfAsked(
  server: RpcServer,
  { host, rpc, tls }: ListenOptions,
  surroundings: Surroundings,
  shutdown: Shutdown,
): Promise<void> {
  const faults = clientCaFaults({ ...tls, transport: rpc.transport });
  if (faults.length > 0) throw new ConfigError(faults);
  if (tls.mode === 'disabled') return;
  if (rpc.transport === 'grpc-js' && tls.mode === 'permissive') {
    surroundings.logger.info(
      'rpc.transport grpc-js serves plaintext only when tls.mode is permissive; choose enforcing for TLS only',
    );
    return;
  }
  await secure(server, host, tls, surroundings, shutdown);
}

function endpoint(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
