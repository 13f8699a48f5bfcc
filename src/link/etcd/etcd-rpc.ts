/** etcd's services as one client on one connection. */
import type { Client, ServiceDefinition } from '@grpc/grpc-js';
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

let definition: ServiceDefinition | undefined;

function etcdDefinition(): ServiceDefinition {
  definition ??= Object.assign(
    {},
    ...SERVICES.map((name) => loadService('etcd/rpc.proto', `etcdserverpb.${name}`)),
  ) as ServiceDefinition;
  return definition;
}

/** @param tls absent: plaintext */
export function etcdRpc(endpoint: string, tls: TlsParts | undefined): EtcdRpc {
  return makeClient<EtcdRpc>(etcdDefinition(), endpoint, {
    maxMessageBytes: MAX_MESSAGE_BYTES,
    // etcd ends connections with PINGs more often than each 5 s, or while there are no calls.
    keepaliveTimeoutMs: 2_000,
    keepaliveWithoutCalls: false,
    ...(tls && { tls: () => tls }),
  });
}
