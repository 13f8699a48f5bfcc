import type { ReplicationApi } from '../api/replication-api';
import type { Platform } from '../platform/platform';
import type { ClientTls } from '../rpc/client-credentials';
import { openPipe } from '../rpc/grpc/client-pipe';
import { followerToWire, masterFromWire } from './codec/replication';
import { replicationStream } from './replication-stream';
import { replicationDefinition } from './services';

/**
 * Followers' streams to masters in other processes: a connection for each stream.
 * @param tls `undefined`: plaintext
 */
export function replicationClient(
  platform: Pick<Platform, 'clock' | 'timers' | 'sockets'>,
  tls: ClientTls | undefined,
): ReplicationApi {
  return {
    connect: (address) => {
      const pipe = openPipe(platform, address, replicationDefinition().Follow, { tls });
      return replicationStream(pipe, { encode: followerToWire, decode: masterFromWire });
    },
  };
}
