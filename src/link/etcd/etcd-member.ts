/** One member of etcd: its services as one client on one connection. */
import { connectivityState, type Client, type ServiceDefinition } from '@grpc/grpc-js';
import type { Clock } from '../../platform/platform';
import { makeClient } from '../../rpc/client';
import type { AuthClient } from '../../rpc/generated/etcdserverpb/Auth';
import type { KVClient } from '../../rpc/generated/etcdserverpb/KV';
import type { LeaseClient } from '../../rpc/generated/etcdserverpb/Lease';
import type { WatchClient } from '../../rpc/generated/etcdserverpb/Watch';
import { loadService } from '../../rpc/protos';
import type { TlsParts } from '../../rpc/tls/tls-parts';

export type EtcdRpc = Client & AuthClient & KVClient & LeaseClient & WatchClient;

const SERVICES = ['Auth', 'KV', 'Lease', 'Watch'];
/** Answers hold a few short values. */
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
/** How long a connection may take to come to be, ms. */
const CONNECT_MS = 5_000;

let definition: ServiceDefinition | undefined;

function etcdDefinition(): ServiceDefinition {
  definition ??= Object.assign(
    {},
    ...SERVICES.map((name) => loadService('etcd/rpc.proto', `etcdserverpb.${name}`)),
  ) as ServiceDefinition;
  return definition;
}

function etcdRpc(endpoint: string, tls: TlsParts | undefined): EtcdRpc {
  return makeClient<EtcdRpc>(etcdDefinition(), endpoint, {
    maxMessageBytes: MAX_MESSAGE_BYTES,
    // etcd ends connections with PINGs more often than each 5 s, or while there are no calls.
    keepaliveTimeoutMs: 2_000,
    keepaliveWithoutCalls: false,
    ...(tls && { tls: () => tls }),
  });
}

/**
 * The way to a member. grpc-js waits for a connection as long as the system tries to make it, which after a minute
 * without a network is up to another minute: one that takes too long is begun anew.
 */
export class EtcdMember {
  private client: EtcdRpc;
  /** Since when there is no connection, as far as was seen, monotonic ms. */
  private awaySinceMs: number | undefined;

  /** @param tls absent: plaintext */
  constructor(
    private readonly endpoint: string,
    private readonly tls: TlsParts | undefined,
    private readonly clock: Clock,
  ) {
    this.client = etcdRpc(endpoint, tls);
  }

  /** For the next call; each call asks anew. */
  get rpc(): EtcdRpc {
    const { IDLE, READY } = connectivityState;
    const state = this.client.getChannel().getConnectivityState(false);
    const nowMs = this.clock.monotonicMs();
    if (state === READY || state === IDLE) this.awaySinceMs = undefined;
    else if (this.awaySinceMs === undefined) this.awaySinceMs = nowMs;
    else if (nowMs - this.awaySinceMs > CONNECT_MS) this.connectAnew();
    return this.client;
  }

  close(): void {
    this.client.close();
  }

  private connectAnew(): void {
    this.client.close();
    this.client = etcdRpc(this.endpoint, this.tls);
    this.awaySinceMs = undefined;
  }
}
