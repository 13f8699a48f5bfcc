import { Code, StatusError } from '../../message/status';
import type { Timers } from '../../platform/platform';
import type { MessageStore } from '../../store/message-store';
import type { ReplicationSettings } from './replication-settings';

/** Who of a group a master can count on. */
export interface InSyncMembers {
  /** Replica ids of the in-sync set, the master's among them. */
  readonly members: readonly number[];
  /** Other members whose streams are there. */
  readonly membersThere: number;
}

/** What a master's sends have to do with its replicas. */
export class ReplicaWaits {
  constructor(
    private readonly leading: InSyncMembers,
    private readonly store: Pick<MessageStore, 'durable'>,
    private readonly settings: ReplicationSettings,
    private readonly timers: Timers,
  ) {}

  /**
   * Asked before a message is stored.
   * @throws StatusError INTERNAL_SERVER_ERROR when too few replicas are in sync; nothing was stored
   */
  check(): void {
    const { minInSync } = this.settings;
    const { length } = this.leading.members;
    if (length >= minInSync) return;
    throw new StatusError(
      Code.INTERNAL_SERVER_ERROR,
      `the message was not stored: ${length} replicas are in sync, replication.minInSync is ${minInSync}`,
    );
  }

  /**
   * Resolves when all in-sync replicas have what lies below `endOffset`.
   * @throws StatusError when they do not have it in time; it is stored here: SLAVE_PERSISTENCE_TIMEOUT, or
   *   HA_NOT_AVAILABLE when none of them is there
   */
  async durable(endOffset: number): Promise<void> {
    const { ack, ackTimeoutMs } = this.settings;
    if (ack === 'async') return this.store.durable(endOffset);
    await new Promise<void>((resolve, reject) => {
      const timer = this.timers.after(ackTimeoutMs, () => reject(this.late()));
      this.store.durable(endOffset).then(
        () => {
          timer.cancel();
          resolve();
        },
        (error: unknown) => {
          timer.cancel();
          reject(error instanceof Error ? error : new Error(String(error)));
        },
      );
    });
  }

  private late(): StatusError {
    const { ackTimeoutMs } = this.settings;
    const none = this.leading.membersThere === 0;
    const code = none ? Code.HA_NOT_AVAILABLE : Code.SLAVE_PERSISTENCE_TIMEOUT;
    const who = none ? 'no replica is there' : 'not all replicas in sync have it';
    return new StatusError(code, `the message is stored, but ${who} after ${ackTimeoutMs} ms`);
  }
}
