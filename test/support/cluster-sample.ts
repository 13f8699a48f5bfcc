import type { ClusterView } from '../../src/api/cluster-api';

/** A group with a follower in sync and one that is away, and a group that nobody leads. */
export const clusterSample: ClusterView = {
  brokers: [
    {
      ...{ cluster: 'DefaultCluster', brokerName: 'broker-a', brokerId: 0, epoch: 2 ** 42 },
      ...{ address: '10.0.0.1:10911', topics: 12, standsIn: false },
    },
    {
      ...{ cluster: 'DefaultCluster', brokerName: 'broker-a', brokerId: 2, epoch: 2 ** 42 },
      ...{ address: '10.0.0.2:10911', topics: 0, standsIn: false },
    },
    {
      ...{ cluster: 'DefaultCluster', brokerName: 'broker-b', brokerId: 1, epoch: 7 },
      ...{ address: '10.0.0.3:10911', topics: 3, standsIn: true },
    },
  ],
  groups: [
    {
      brokerName: 'broker-a',
      status: {
        ...{ brokerName: 'broker-a', replicaId: 0, role: 'master', epoch: 2 ** 42 },
        ...{ minPosition: 2 ** 30, endPosition: 2 ** 52, confirmedPosition: 2 ** 52 - 100 },
        inSync: [0, 1],
        followers: [
          {
            ...{ replicaId: 2, address: '', connected: false, inSync: false },
            ...{ lagBytes: 2 ** 40, lagMs: 61_000, clockOffsetMs: 0 },
          },
          {
            ...{ replicaId: 1, address: '10.0.0.2:10911', connected: true, inSync: true },
            ...{ lagBytes: 100, lagMs: 40, clockOffsetMs: -3 },
          },
        ],
      },
      reason: '',
    },
    { brokerName: 'broker-b', status: undefined, reason: 'nobody leads it' },
  ],
};
