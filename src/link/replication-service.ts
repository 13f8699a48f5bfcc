import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { ReplicationServer } from '../api/replication-api';
import type { FollowerMessage__Output } from '../rpc/generated/gantry/v1/FollowerMessage';
import type { MasterMessage } from '../rpc/generated/gantry/v1/MasterMessage';
import { followerFromWire, masterToWire } from './codec/replication';
import { serverPipe } from './grpc-pipe';
import { replicationStream } from './replication-stream';
import { replicationDefinition } from './services';
import type { StreamService } from './stream-service';

/** Serves followers in other processes. Who takes their streams ends them. */
export function replicationService(server: ReplicationServer): Omit<StreamService, 'close'> {
  return {
    definition: replicationDefinition(),
    implementation: {
      Follow: (call: ServerDuplexStream<FollowerMessage__Output, MasterMessage>) => {
        const codec = { encode: masterToWire, decode: followerFromWire };
        server.accept(replicationStream(serverPipe(call), codec));
      },
    },
  };
}
