import type { ReplicationApi, ReplicationReceiver, MasterMessage } from '../api/replication-api';
import { makeClient } from '../rpc/client';
import type { ClientTls } from '../rpc/client-credentials';
import type { GantryReplicationClient } from '../rpc/generated/gantry/v1/GantryReplication';
import { followerToWire, masterFromWire } from './codec/replication';
import { clientPipe } from './grpc-pipe';
import { replicationStream } from './replication-stream';
import { replicationDefinition } from './services';

/**
 * Followers' streams to masters in other processes: a connection for each stream.
 * @param tls `undefined`: plaintext
 */
export function replicationClient(tls: ClientTls | undefined): ReplicationApi {
  return {
    connect: (address) => {
      const client = makeClient<GantryReplicationClient>(replicationDefinition(), address, {
        tls,
      });
      const stream = replicationStream(clientPipe(client.Follow()), {
        encode: followerToWire,
        decode: masterFromWire,
      });
      return {
        ...stream,
        open: (receiver) => stream.open(closingWith(receiver, () => client.close())),
      };
    },
  };
}

function closingWith(
  receiver: ReplicationReceiver<MasterMessage>,
  close: () => void,
): ReplicationReceiver<MasterMessage> {
  return {
    message: (message) => receiver.message(message),
    drained: () => receiver.drained(),
    closed: (reason) => {
      close();
      receiver.closed(reason);
    },
  };
}
