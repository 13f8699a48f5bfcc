/** The methods of `ReplicasApi` as calls on a link. */
import type { HandOver } from '../api/cluster-api';
import type { ReplicationStatus } from '../api/cluster-view';
import type { GantryBrokerDefinition } from '../rpc/generated/gantry/v1/GantryBroker';
import { CONFIG_PATIENCE_MS, method, type BrokerMethod } from './broker-method';
import { handOverForms, replicationForms } from './codec/cluster';
import { nothing } from './forms';

export interface ReplicasMethods {
  readonly describeReplication: BrokerMethod<void, ReplicationStatus>;
  readonly handOver: BrokerMethod<HandOver, void>;
}

export function replicasMethods(service: GantryBrokerDefinition): ReplicasMethods {
  return {
    describeReplication: method('DescribeReplication', service.DescribeReplication, {
      request: nothing,
      answer: replicationForms,
      call: ({ replicas }) => replicas.status(),
    }),
    handOver: method('HandOver', service.HandOver, {
      request: handOverForms,
      answer: nothing,
      call: ({ replicas }, { to }) => replicas.handOver(to),
      patienceMs: CONFIG_PATIENCE_MS,
    }),
  };
}
