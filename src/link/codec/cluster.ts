/** Who leads broker groups and who follows, on the wire. */
import type { ClusterView, GroupView, HandOver } from '../../api/cluster-api';
import type { FollowerStatus, ReplicationStatus } from '../../api/cluster-view';
import type {
  ClusterView as WireCluster,
  ClusterView__Output,
} from '../../rpc/generated/gantry/v1/ClusterView';
import type {
  FollowerStatus as WireFollower,
  FollowerStatus__Output,
} from '../../rpc/generated/gantry/v1/FollowerStatus';
import type { GroupView__Output } from '../../rpc/generated/gantry/v1/GroupView';
import type {
  HandOverRequest as WireHandOver,
  HandOverRequest__Output,
} from '../../rpc/generated/gantry/v1/HandOverRequest';
import { ReplicaRole as WireRole } from '../../rpc/generated/gantry/v1/ReplicaRole';
import type {
  ReplicationStatus as WireStatus,
  ReplicationStatus__Output,
} from '../../rpc/generated/gantry/v1/ReplicationStatus';
import type { Forms } from '../forms';

const ROLES = {
  alone: WireRole.REPLICA_ALONE,
  master: WireRole.REPLICA_MASTER,
  replica: WireRole.REPLICA_FOLLOWER,
  resting: WireRole.REPLICA_RESTING,
  'stand-in': WireRole.REPLICA_STAND_IN,
} as const satisfies Record<ReplicationStatus['role'], number>;

export const replicationForms: Forms<ReplicationStatus, WireStatus, ReplicationStatus__Output> = [
  (status) => ({
    ...{ broker_name: status.brokerName, replica_id: status.replicaId, epoch: status.epoch },
    ...{ role: ROLES[status.role], in_sync: [...status.inSync] },
    ...{ min_position: status.minPosition, end_position: status.endPosition },
    confirmed_position: status.confirmedPosition,
    followers: status.followers.map(followerToWire),
  }),
  (wire) => ({
    ...{ brokerName: wire.broker_name, replicaId: wire.replica_id, epoch: wire.epoch },
    ...{ role: roleFromWire(wire.role), inSync: wire.in_sync },
    ...{ minPosition: wire.min_position, endPosition: wire.end_position },
    confirmedPosition: wire.confirmed_position,
    followers: wire.followers.map(followerFromWire),
  }),
];

export const handOverForms: Forms<HandOver, WireHandOver, HandOverRequest__Output> = [
  ({ brokerName, to }) => ({
    ...{ broker_name: brokerName, to_and_one: to === undefined ? 0 : to + 1 },
  }),
  (wire) => ({
    brokerName: wire.broker_name,
    to: wire.to_and_one === 0 ? undefined : wire.to_and_one - 1,
  }),
];

export const clusterForms: Forms<ClusterView, WireCluster, ClusterView__Output> = [
  ({ brokers, groups }) => ({
    brokers: brokers.map(({ brokerName, brokerId, standsIn, ...rest }) => ({
      ...{ ...rest, broker_name: brokerName, broker_id: brokerId, stands_in: standsIn },
    })),
    groups: groups.map(({ brokerName, status, reason }) => ({
      ...{ broker_name: brokerName, reason },
      ...(status && { status: replicationForms[0](status) }),
    })),
  }),
  ({ brokers, groups }) => ({
    brokers: brokers.map((wire) => {
      const { broker_name: brokerName, broker_id: brokerId, stands_in: standsIn, ...rest } = wire;
      return { ...rest, brokerName, brokerId, standsIn };
    }),
    groups: groups.map(groupFromWire),
  }),
];

function groupFromWire(wire: GroupView__Output): GroupView {
  const { broker_name: brokerName, status, reason } = wire;
  return { brokerName, reason, status: status === null ? undefined : replicationForms[1](status) };
}

/** A role that is not known yet is none that serves. */
function roleFromWire(number: number): ReplicationStatus['role'] {
  const roles = Object.keys(ROLES) as ReplicationStatus['role'][];
  return roles.find((role) => ROLES[role] === number) ?? 'resting';
}

function followerToWire(follower: FollowerStatus): WireFollower {
  const { replicaId, inSync, lagBytes, lagMs, clockOffsetMs, ...rest } = follower;
  return {
    ...{ ...rest, replica_id: replicaId, in_sync: inSync },
    ...{ lag_bytes: lagBytes, lag_ms: lagMs, clock_offset_ms: clockOffsetMs },
  };
}

function followerFromWire(wire: FollowerStatus__Output): FollowerStatus {
  return {
    ...{ replicaId: wire.replica_id, address: wire.address, connected: wire.connected },
    ...{ inSync: wire.in_sync, lagBytes: wire.lag_bytes, lagMs: wire.lag_ms },
    clockOffsetMs: wire.clock_offset_ms,
  };
}
