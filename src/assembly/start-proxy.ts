/** A proxy between clients and the brokers of other processes (`gantry proxy`). */
import { brokerDialer } from '../link/broker-dialer';
import { proxiesClient } from '../link/proxies-client';
import { routeClient } from '../link/route-client';
import { Readiness } from '../observe/http';
import { provideClientTls, type ClientTlsOptions } from './client-tls';
import { openProxy, type ProxyPartOptions } from './open-proxy';
import { starting, type RunningRole, type Surroundings } from './role';

export interface ProxyRoleOptions extends ProxyPartOptions {
  readonly namesrv: readonly string[];
  readonly link: { readonly tls: ClientTlsOptions };
}

/** A proxy serves without routes after this; it says so, and clients get TOPIC_NOT_FOUND. */
const ROUTES_WAIT_MS = 30_000;

export function startProxy(
  options: ProxyRoleOptions,
  surroundings: Surroundings,
): Promise<RunningRole> {
  return starting(surroundings, async (shutdown) => {
    const { platform, logger } = surroundings;
    const readiness = new Readiness();
    readiness.set('serving', false);
    const tls = await provideClientTls('link.tls', options.link.tls, surroundings, shutdown);
    const routes = routeClient({
      addresses: options.namesrv,
      tls,
      platform,
      log: logger.child({ part: 'routes' }),
    });
    shutdown.add('routes', () => routes.close());
    const dial = brokerDialer({ platform, tls, log: logger.child({ part: 'link' }) });
    const proxies = proxiesClient(options.namesrv, platform, tls);
    const routesKnown = async (): Promise<void> => {
      if (await routes.ready(ROUTES_WAIT_MS)) return;
      const { namesrv } = options;
      logger.warn({ namesrv }, 'no name server has answered, serving without routes');
    };
    const cluster = { proxies, routesKnown };
    const proxy = await openProxy(
      ...([options, routes, dial, surroundings, readiness, shutdown, cluster] as const),
    );
    proxy.announceReady();
    return proxy.endpoints;
  });
}
