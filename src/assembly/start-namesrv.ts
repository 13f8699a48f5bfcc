/** A name server (`gantry namesrv`). */
import { routeService } from '../link/route-service';
import { RouteTable } from '../namesrv/route-table';
import { Readiness } from '../observe/http';
import { starting, type RunningRole, type Surroundings } from './role';
import type { RpcOptions, TlsOptions } from './rpc-options';
import { serve } from './serve';

export interface NamesrvOptions {
  readonly host: string;
  readonly port: number;
  readonly httpPort: number;
  readonly shutdown: { readonly graceMs: number };
  readonly rpc: RpcOptions;
  readonly tls: TlsOptions;
}

/** Machines that vanish close no connection; a name server is to notice as soon as links do. See `Http2Options`. */
const KEEPALIVE_MS = 10_000;
const KEEPALIVE_TIMEOUT_MS = 5_000;
const PROTO_FILE = 'gantry/v1/namesrv.proto';

export function startNamesrv(
  options: NamesrvOptions,
  surroundings: Surroundings,
): Promise<RunningRole> {
  return starting(surroundings, async (shutdown) => {
    const { platform, logger } = surroundings;
    const { graceMs } = options.shutdown;
    const readiness = new Readiness();
    readiness.set('serving', false);
    const table = new RouteTable(platform);
    const routes = routeService(table, { platform, log: logger.child({ part: 'routes' }) });
    const served = await serve(
      { ...options, rpc: watchful(options.rpc), graceMs },
      [routes],
      [PROTO_FILE],
      surroundings,
      readiness,
      shutdown,
    );
    shutdown.add('routes', () => routes.close(graceMs));
    served.announceReady();
    return served.endpoints;
  });
}

/** Asks silent brokers and proxies for a sign of life no later than KEEPALIVE_MS, unless that is turned off. */
function watchful(rpc: RpcOptions): RpcOptions {
  return {
    ...rpc,
    keepaliveMs: Math.min(rpc.keepaliveMs, KEEPALIVE_MS),
    keepaliveTimeoutMs: Math.min(rpc.keepaliveTimeoutMs, KEEPALIVE_TIMEOUT_MS),
  };
}
