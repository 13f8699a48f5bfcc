import { Code, StatusError } from '../../message/status';
import type { Platform } from '../../platform/platform';
import { TimeLimit } from '../../platform/time-limit';
import type { MessageStore } from '../../store/message-store';
import type { WriteWaits } from '../write-waits';
import type { ReplicationSettings } from './replication-settings';

/** Who of a group a master can count on. */
export interface InSyncMembers {
  /** Replica ids of the in-sync set, the master's among them. */
  readonly members: readonly number[];
  /** Other members whose streams are there. */
  readonly membersThere: number;
}

interface Replicated {
  readonly durable: MessageStore['durable'];
  readonly replicated: Pick<MessageStore['replicated'], 'writtenPosition' | 'syncedPosition'>;
}

/** What a master's sends have to do with its replicas. */
export class ReplicaWaits implements WriteWaits {
  private readonly limit: TimeLimit;

  constructor(
    private readonly inSync: InSyncMembers,
    private readonly store: Replicated,
    private readonly settings: ReplicationSettings,
    platform: Pick<Platform, 'clock' | 'timers'>,
  ) {
    this.limit = new TimeLimit(platform, settings.ackTimeoutMs);
  }

  /** @throws StatusError INTERNAL_SERVER_ERROR when too few replicas are in sync; nothing was stored */
  check(): void {
    if (!this.tooFew) return;
    throw new StatusError(Code.INTERNAL_SERVER_ERROR, `the message was not stored: ${this.size}`);
  }

  /**
   * Resolves when all in-sync replicas have what lies below `endOffset`, and there are enough of them.
   * @throws StatusError when they do not have it in time; it is stored here: MASTER_PERSISTENCE_TIMEOUT (this disk is
   *   what is late), HA_NOT_AVAILABLE (no replica is there, or too few are in sync since), SLAVE_PERSISTENCE_TIMEOUT
   */
  async durable(endOffset: number): Promise<void> {
    await this.changed(endOffset);
    // Those that left the set meanwhile need not have it.
    if (this.settings.ack === 'sync' && this.tooFew) throw stored(Code.HA_NOT_AVAILABLE, this.size);
  }

  /** The same however few they are: consumers go on. @throws StatusError as `durable` */
  async changed(endOffset: number): Promise<void> {
    if (this.settings.ack === 'async') return this.store.durable(endOffset);
    await this.limit.guard(this.store.durable(endOffset), () => this.late(endOffset));
  }

  /** Ends its timer; those who wait are answered by the store. */
  close(): void {
    this.limit.close();
  }

  private get tooFew(): boolean {
    return this.inSync.members.length < this.settings.minInSync;
  }

  private get size(): string {
    const { length } = this.inSync.members;
    const are = length === 1 ? '1 replica is' : `${length} replicas are`;
    return `${are} in sync, the master counted, replication.minInSync is ${this.settings.minInSync}`;
  }

  private late(endOffset: number): StatusError {
    const { ackTimeoutMs, syncedAcks } = this.settings;
    const { syncedPosition, writtenPosition } = this.store.replicated;
    if ((syncedAcks ? syncedPosition : writtenPosition) < endOffset) {
      const text = `the master's disk does not have it after ${ackTimeoutMs} ms`;
      return stored(Code.MASTER_PERSISTENCE_TIMEOUT, text);
    }
    if (this.inSync.membersThere === 0) {
      return stored(Code.HA_NOT_AVAILABLE, `no replica is there after ${ackTimeoutMs} ms`);
    }
    const text = `not all replicas in sync have it after ${ackTimeoutMs} ms`;
    return stored(Code.SLAVE_PERSISTENCE_TIMEOUT, text);
  }
}

function stored(code: Code, why: string): StatusError {
  return new StatusError(code, `stored, but ${why}`);
}
