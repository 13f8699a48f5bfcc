/** The proxy of a process: the messaging service and the admin service on one port. */
import type { BrokerDialer } from '../api/broker-dialer';
import type { ProxiesApi, ProxyInfo } from '../api/proxies-api';
import type { RouteApi } from '../api/route-api';
import { adminService, peerCheck } from '../link/admin-service';
import { reachableHost, writeAddress } from '../config/address';
import { setLogLevel } from '../observe/logger';
import { version } from '../platform/version';
import type { Readiness } from '../observe/http';
import { withHotCodecs } from '../proxy/codec/hot-codecs';
import { createProxy, type Proxy } from '../proxy/proxy';
import { DEFAULT_PROXY_SETTINGS, type ProxySettings } from '../proxy/settings';
import { loadService } from '../rpc/protos';
import type { Shutdown, Surroundings } from './role';
import { proxyMetrics } from './role-metrics';
import type { RpcOptions, TlsOptions } from './rpc-options';
import { serve, type Served } from './serve';

export interface ProxyPartOptions {
  readonly host: string;
  readonly port: number;
  /** `undefined`: no HTTP port. */
  readonly httpPort: number | undefined;
  readonly shutdown: { readonly graceMs: number };
  readonly rpc: RpcOptions;
  readonly tls: TlsOptions;
  readonly topics: { readonly autoCreate: boolean };
  readonly advertise: string;
  readonly receive: {
    readonly minInvisibleMs: number;
    readonly maxInvisibleMs: number;
    readonly minPollingMs: number;
    readonly maxPollingMs: number;
  };
  /** Default: a day, and messages can be recalled. */
  readonly delay?: { readonly maxMs: number; readonly recall: boolean };
  /** Default: as a proxy's settings say. */
  readonly messages?: {
    readonly bodyBytes: number;
    readonly properties: number;
    readonly propertiesBytes: number;
    readonly groupBytes: number;
    readonly recoveryMs: number;
    readonly perSend: number;
  };
  /** Default: as a proxy's settings say. */
  readonly flow?: {
    readonly calls: number;
    readonly receives: number;
    readonly sendingBytes: number;
    readonly deliveringBytes: number;
  };
  /** Default: as a proxy's settings say. */
  readonly lite?: { readonly perClient: number };
  readonly admin: { readonly listen: 'loopback' | 'any' };
}

const SERVICE_FILE = 'apache/rocketmq/v2/service.proto';
const API_ADMIN_FILE = 'apache/rocketmq/v2/admin.proto';
const ADMIN_FILE = 'gantry/v1/admin.proto';

export interface OpenProxy extends Served {
  readonly proxy: Proxy;
}

/** What a proxy has that is a process of its own. */
export interface ProxyCluster {
  /** Where it makes itself known. */
  readonly proxies: ProxiesApi;
  /** Resolves when calls may come: the routes are known, or that has taken too long. */
  readonly routesKnown: () => Promise<void>;
}

export async function openProxy(
  options: ProxyPartOptions,
  routes: RouteApi,
  dial: BrokerDialer,
  surroundings: Surroundings,
  readiness: Readiness,
  shutdown: Shutdown,
  cluster?: ProxyCluster,
): Promise<OpenProxy> {
  const { platform, logger } = surroundings;
  const { receive, advertise } = options;
  const listening: { port?: Served } = {};
  const proxy = createProxy({
    routes,
    dial,
    platform,
    log: logger.child({ part: 'proxy' }),
    process: {
      name: () => (advertise === '' ? (listening.port?.endpoints['grpc'] ?? '') : advertise),
      version: version(),
      proxies: () => cluster?.proxies.list() ?? Promise.resolve([ownInfo(options, listening.port)]),
      connections: () => listening.port?.connections(),
      setLogLevel: (level) => setLogLevel(logger, level),
    },
    settings: {
      ...DEFAULT_PROXY_SETTINGS,
      advertise: advertise === '' ? [] : [advertise],
      autoCreateTopics: options.topics.autoCreate,
      minInvisibleMs: receive.minInvisibleMs,
      maxInvisibleMs: receive.maxInvisibleMs,
      minPollMs: receive.minPollingMs,
      maxPollMs: receive.maxPollingMs,
      ...messageLimits(options),
      ...flowLimits(options.flow),
      ...(options.lite && { liteSubscriptionQuota: options.lite.perClient }),
    },
  });
  readiness.metrics.add(proxyMetrics(() => proxy.admin.proxyStats()));
  shutdown.add('proxy', () => proxy.close());
  const messaging = {
    definition: withHotCodecs(loadService(SERVICE_FILE, 'apache.rocketmq.v2.MessagingService')),
    implementation: proxy.messaging,
  };
  const apiAdmin = {
    definition: loadService(API_ADMIN_FILE, 'apache.rocketmq.v2.Admin'),
    implementation: proxy.adminRpc(peerCheck(options.admin.listen)),
  };
  const admin = adminService(proxy.admin, options.admin);
  const served = await serve(
    { ...options, graceMs: options.shutdown.graceMs },
    [messaging, apiAdmin, admin],
    [SERVICE_FILE, API_ADMIN_FILE, ADMIN_FILE],
    surroundings,
    readiness,
    shutdown,
    {
      drainCalls: () => proxy.drain(),
      ...(cluster && { beforeCalls: cluster.routesKnown }),
    },
  );
  listening.port = served;
  if (cluster !== undefined) {
    cluster.proxies.announce(ownInfo(options, served));
    shutdown.add('announcement', () => cluster.proxies.withdraw());
  }
  return { ...served, proxy };
}

/** As others know this proxy: where clients reach it, as far as it can tell. */
function ownInfo({ advertise, host }: ProxyPartOptions, port: Served | undefined): ProxyInfo {
  const own = writeAddress({ host: reachableHost(host), port: port?.port ?? 0 });
  return { address: advertise === '' ? own : advertise, version: version() };
}

function messageLimits({ delay, messages }: ProxyPartOptions): Partial<ProxySettings> {
  const { message, maxMessagesPerSend, recall } = DEFAULT_PROXY_SETTINGS;
  return {
    recall: delay?.recall ?? recall,
    maxMessagesPerSend: messages?.perSend ?? maxMessagesPerSend,
    message: {
      ...message,
      ...(delay && { maxDelayMs: delay.maxMs }),
      ...(messages && {
        maxBodyBytes: messages.bodyBytes,
        maxUserProperties: messages.properties,
        maxPropertiesBytes: messages.propertiesBytes,
        maxMessageGroupBytes: messages.groupBytes,
        maxRecoveryMs: messages.recoveryMs,
      }),
    },
  };
}

function flowLimits(flow: ProxyPartOptions['flow']): Partial<ProxySettings> {
  if (flow === undefined) return {};
  return {
    maxCalls: flow.calls,
    maxReceives: flow.receives,
    maxSendingBytes: flow.sendingBytes,
    maxDeliveringBytes: flow.deliveringBytes,
  };
}
