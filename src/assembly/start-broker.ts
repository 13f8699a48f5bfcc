/** A broker that proxies of other processes reach (`gantry broker`). */
import { brokerDialer } from '../link/broker-dialer';
import { brokerLinkService } from '../link/broker-link-service';
import { routeClient } from '../link/route-client';
import { Readiness } from '../observe/http';
import { openBroker, type BrokerPartOptions } from './open-broker';
import { starting, type RunningRole, type Surroundings } from './role';
import type { RpcOptions } from './rpc-options';
import { serve } from './serve';

export interface BrokerRoleOptions extends BrokerPartOptions {
  readonly host: string;
  readonly port: number;
  readonly httpPort: number;
  readonly namesrv: readonly string[];
  readonly shutdown: { readonly graceMs: number };
  readonly rpc: RpcOptions;
  readonly broker: BrokerPartOptions['broker'] & {
    /** `host:port` where proxies reach it; '': what it listens on. */
    readonly address: string;
  };
}

const PROTO_FILE = 'gantry/v1/broker.proto';

/** @param reachable a host under which other machines reach a listener on a host */
export function startBroker(
  options: BrokerRoleOptions,
  surroundings: Surroundings,
  reachable: (host: string) => string,
): Promise<RunningRole> {
  return starting(surroundings, async (shutdown) => {
    const { platform, logger } = surroundings;
    const { graceMs } = options.shutdown;
    const readiness = new Readiness();
    readiness.set('serving', false);
    const host = reachable(options.host);
    const place = { host, port: options.port };
    const dial = brokerDialer({ platform, log: logger.child({ part: 'link' }) });
    const broker = await openBroker(options, place, surroundings, readiness, shutdown, dial);
    const link = brokerLinkService(() => broker, {
      platform,
      log: logger.child({ part: 'link' }),
      brokerName: options.broker.name,
      brokerId: 0,
    });
    const served = await serve(
      { ...options, graceMs },
      [link],
      [PROTO_FILE],
      surroundings,
      readiness,
      shutdown,
    );
    const { address } = options.broker;
    const routes = routeClient({
      addresses: options.namesrv,
      platform,
      log: logger.child({ part: 'routes' }),
    });
    shutdown.add('routes', () => routes.close());
    await broker.register(routes, address === '' ? hostPort(host, served.port) : address);
    // The last to start is the first to stop: proxies hear that the broker goes before it does.
    shutdown.add('link', () => link.close(graceMs));
    shutdown.add('registration', () => broker.unregister());
    served.announceReady();
    return served.endpoints;
  });
}

function hostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
