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
      { ...options, graceMs },
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
