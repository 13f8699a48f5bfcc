/** A broker that proxies of other processes reach (`gantry broker`). */
import { brokerDialer } from '../link/broker-dialer';
import { brokerLinkService } from '../link/broker-link-service';
import { routeClient } from '../link/route-client';
import type { BrokerApi } from '../api/broker-api';
import { replicationService } from '../link/replication-service';
import { Readiness } from '../observe/http';
import { provideClientTls, type ClientTlsOptions } from './client-tls';
import { openBroker, type BrokerPartOptions } from './open-broker';
import { ReplicaPart, type ReplicaOptions } from './replica-part';
import { starting, type RunningRole, type Surroundings } from './role';
import type { RpcOptions, TlsOptions } from './rpc-options';
import { serve } from './serve';

export interface BrokerRoleOptions extends BrokerPartOptions {
  readonly host: string;
  readonly port: number;
  readonly httpPort: number;
  readonly namesrv: readonly string[];
  readonly shutdown: { readonly graceMs: number };
  readonly rpc: RpcOptions;
  readonly tls: TlsOptions;
  readonly link: { readonly tls: ClientTlsOptions };
  readonly replication: ReplicaOptions['replication'];
  readonly etcd: ReplicaOptions['etcd'];
  readonly broker: ReplicaOptions['broker'] & {
    /** `host:port` where proxies reach it; '': what it listens on. */
    readonly address: string;
  };
}

const PROTO_FILE = 'gantry/v1/broker.proto';
const REPLICATION_PROTO_FILE = 'gantry/v1/replication.proto';

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
    const tls = await provideClientTls('link.tls', options.link.tls, surroundings, shutdown);
    const dial = brokerDialer({ platform, tls, log: logger.child({ part: 'link' }) });
    const replicated = options.replication.mode !== 'off';
    const replica = replicated ? new ReplicaPart(options, surroundings, readiness) : undefined;
    const broker = replicated
      ? undefined
      : await openBroker(options, place, surroundings, readiness, shutdown, dial);
    const serving = (): BrokerApi | undefined => broker ?? replica?.serving();
    const link = brokerLinkService(serving, {
      platform,
      log: logger.child({ part: 'link' }),
      brokerName: options.broker.name,
      brokerId: () => replica?.servedId ?? 0,
    });
    const served = await serve(
      { ...options, graceMs },
      replica === undefined ? [link] : [link, replicationService(replica)],
      replica === undefined ? [PROTO_FILE] : [PROTO_FILE, REPLICATION_PROTO_FILE],
      surroundings,
      readiness,
      shutdown,
    );
    const { address } = options.broker;
    const routes = routeClient({
      addresses: options.namesrv,
      tls,
      platform,
      log: logger.child({ part: 'routes' }),
    });
    shutdown.add('routes', () => routes.close());
    const reached = address === '' ? hostPort(host, served.port) : address;
    if (replica !== undefined) {
      const opened = { place: { host, port: served.port }, address: reached, routes, dial, tls };
      shutdown.add('replica', () => replica.close());
      shutdown.add('link', () => link.close(graceMs));
      await replica.open(opened);
    } else if (broker !== undefined) {
      await broker.register(routes, reached);
      // The last to start is the first to stop: proxies hear that the broker goes before it does.
      shutdown.add('link', () => link.close(graceMs));
      shutdown.add('registration', () => broker.unregister());
    }
    served.announceReady();
    return served.endpoints;
  });
}

function hostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
