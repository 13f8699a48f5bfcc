/** What a broker without replicas says of its group: it is all of it. */
import type { ReplicasApi } from '../api/cluster-api';
import type { ReplicationStatus } from '../api/cluster-view';
import { Code, StatusError } from '../message/status';
import type { MessageStore } from '../store/message-store';

export class Alone implements ReplicasApi {
  constructor(
    private readonly brokerName: string,
    private readonly epoch: number,
    private readonly store: Pick<MessageStore, 'visible' | 'replicated'>,
  ) {}

  status(): Promise<ReplicationStatus> {
    const { brokerName, epoch, store } = this;
    return Promise.resolve({
      ...{ brokerName, epoch, replicaId: 0, role: 'alone', inSync: [0], followers: [] },
      ...{ minPosition: store.replicated.minPosition, endPosition: store.visible },
      confirmedPosition: store.visible,
    });
  }

  /** @throws StatusError UNSUPPORTED */
  handOver(): Promise<void> {
    const text = `broker ${this.brokerName} has no replicas: there is nobody to hand over to`;
    return Promise.reject(new StatusError(Code.UNSUPPORTED, text));
  }
}
