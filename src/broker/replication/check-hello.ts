import type { Hello } from '../../api/replication-api';
import type { ReplicationSettings } from './replication-settings';

/** @throws Error when this is no replica of the group, or one whose log must not be thrown away */
export function checkHello(
  hello: Hello,
  own: Pick<ReplicationSettings, 'brokerName' | 'replicaId'>,
  ownSegmentBytes: number,
): void {
  const { brokerName, replicaId, segmentBytes, epochs, minPosition, endPosition } = hello;
  if (brokerName !== own.brokerName) {
    throw new Error(`this is a replica of ${own.brokerName}, not of ${brokerName}`);
  }
  if (replicaId === own.replicaId) {
    throw new Error(`two replicas have the id ${replicaId}: give each its own broker.replicaId`);
  }
  if (segmentBytes !== ownSegmentBytes) {
    throw new Error(`store.segmentBytes is ${segmentBytes} there and ${ownSegmentBytes} here`);
  }
  if (epochs.length === 0 && endPosition > minPosition) {
    throw new Error(
      `the store of replica ${replicaId} holds a log of its own; empty its directory to make it a replica`,
    );
  }
}
