import type { ReplicationApi, ReplicationReceiver, MasterMessage } from '../api/replication-api';
import { makeClient, type ClientTls } from '../rpc/client';
import type { GantryReplicationClient } from '../rpc/generated/gantry/v1/GantryReplication';
import { followerToWire, masterFromWire } from './codec/replication';
import { clientPipe } from './grpc-pipe';
import { replicationStream } from './replication-stream';
import { replicationDefinition } from './services';

/**
 * Followers' streams to masters in other processes: a connection for each stream.
 * @param tls what masters are checked against; `undefined`: plaintext
 */
export function replicationClient(tls?: ClientTls): ReplicationApi {
  return {
    connect: (address) => {
      const target = tls === undefined ? address : `tls://${address}`;
      const client = makeClient<GantryReplicationClient>(replicationDefinition(), target, {
        ...(tls && { tls }),
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
