/** A broker inside a program or a test. */
import { startStandalone as start } from './start-standalone';
import type { RunningRole } from './role';
import { DEFAULT_RPC_OPTIONS, type RpcOptions, type TlsOptions } from './rpc-options';
import { DEFAULT_QUEUES, type TopicConfig } from '../api/topic';
import { createLogger } from '../observe/logger';
import { memoryPlatform } from '../platform/memory-files';
import { nodePlatform } from '../platform/node-platform';

export interface LibraryOptions {
  /** Directory of the log. Default: none, everything is kept in memory. */
  readonly dataDir?: string;
  /** Address to listen on. Default 127.0.0.1. */
  readonly host?: string;
  /** Port of gRPC. Default 0: any free one. */
  readonly port?: number;
  /** Port of `GET /ready` and `GET /live`; 0 is any free one. Default: none. */
  readonly httpPort?: number;
  /** `sync`: a send is answered after fdatasync. `async`: after the write. `buffered`: before it. Default `sync`. */
  readonly flush?: 'sync' | 'async' | 'buffered';
  /** Topics that exist when it serves; by name alone: NORMAL, 8 queues. Default none. */
  readonly topics?: readonly (string | (Pick<TopicConfig, 'name'> & Partial<TopicConfig>))[];
  /** Whether unknown topics are made on first use. Default true. */
  readonly autoCreateTopics?: boolean;
  /** Shortest invisible duration of a receive, milliseconds. Default 10,000. */
  readonly minInvisibleMs?: number;
  /**
   * How gRPC is served, and what clients are allowed: docs/transport.md. Default for `transport`: what the variable
   * GANTRY_RPC_TRANSPORT says, `http2` without it.
   */
  readonly rpc?: Partial<RpcOptions>;
  /**
   * Whether clients may use TLS, and with which files. Default `permissive`: plaintext and TLS on one port, with a
   * certificate for development made at each start.
   */
  readonly tls?: Partial<TlsOptions>;
  /** trace, debug, info, warn, error or silent. Default silent. */
  readonly logLevel?: string;
}

export interface Standalone {
  /** `host:port` for clients. */
  readonly endpoint: string;
  /** `host:port` of health, when asked for. */
  readonly httpEndpoint: string | undefined;
  /** Finishes running calls, flushes, frees ports and files. */
  stop(): Promise<void>;
}

const HOUR_MS = 3_600_000;
const MIB = 1024 * 1024;
const KEPT = {
  retention: { ageMs: 72 * HOUR_MS, hour: 4 },
  disk: { warn: 75, clean: 85, refuse: 90 },
};
const ON_DISK = {
  ...KEPT,
  segmentBytes: 1024 * MIB,
  index: { enabled: true, slots: 5_000_000, entries: 20_000_000 },
};
const IN_MEMORY = {
  ...KEPT,
  segmentBytes: 64 * MIB,
  index: { enabled: true, slots: 100_000, entries: 400_000 },
};

/**
 * Starts a broker in this process; resolves when it serves.
 * @throws Error when the port is taken, or the directory belongs to another process
 */
export async function startStandalone(options: LibraryOptions = {}): Promise<Standalone> {
  const { dataDir, httpPort } = options;
  const running: RunningRole = await start(
    {
      host: options.host ?? '127.0.0.1',
      port: options.port ?? 0,
      httpPort,
      dataDir: dataDir ?? '/gantry',
      flush: options.flush ?? 'sync',
      store: dataDir === undefined ? IN_MEMORY : ON_DISK,
      topics: { autoCreate: options.autoCreateTopics ?? true, create: topicsOf(options.topics) },
      groups: { autoCreate: true },
      broker: { name: 'broker-a', cluster: 'DefaultCluster' },
      advertise: '',
      receive: {
        minInvisibleMs: options.minInvisibleMs ?? 10_000,
        maxInvisibleMs: 12 * HOUR_MS,
        minPollingMs: 5000,
        maxPollingMs: 20_000,
      },
      admin: { listen: 'loopback' },
      shutdown: { graceMs: 5000 },
      rpc: { ...DEFAULT_RPC_OPTIONS, ...transportOfEnvironment(), ...options.rpc },
      tls: { mode: 'permissive', certificate: '', key: '', clientCa: '', ...options.tls },
    },
    {
      settingsFiles: nodePlatform().files,
      platform: dataDir === undefined ? memoryPlatform() : nodePlatform(),
      logger: createLogger('start', { level: options.logLevel ?? 'silent', pretty: false }),
    },
  );
  const { grpc = '', http } = running.endpoints;
  return { endpoint: grpc, httpEndpoint: http, stop: () => running.stop() };
}

/** The way back for programs that cannot be changed, as for processes. @throws Error for a word that is none */
function transportOfEnvironment(): Pick<Partial<RpcOptions>, 'transport'> {
  const transport = process.env['GANTRY_RPC_TRANSPORT'] ?? '';
  if (transport === '') return {};
  if (transport === 'http2' || transport === 'grpc-js') return { transport };
  throw new Error(`GANTRY_RPC_TRANSPORT must be http2 or grpc-js, got ${transport}`);
}

function topicsOf(topics: LibraryOptions['topics'] = []): TopicConfig[] {
  return topics.map((topic) => {
    const given = typeof topic === 'string' ? { name: topic } : topic;
    return { type: 'NORMAL', queues: DEFAULT_QUEUES, ...given };
  });
}
