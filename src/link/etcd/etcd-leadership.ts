import {
  LeaseLostError,
  LeaseUnavailableError,
  type Leadership,
  type Member,
} from '../../api/lease-api';
import type { Compare } from '../../rpc/generated/etcdserverpb/Compare';
import type { KeyValue__Output } from '../../rpc/generated/etcdserverpb/KeyValue';
import type { RequestOp } from '../../rpc/generated/etcdserverpb/RequestOp';
import type { TxnResponse__Output } from '../../rpc/generated/etcdserverpb/TxnResponse';
import type { EtcdClient } from './etcd-client';
import { readReleased, values, type GroupKeys } from './group-keys';
import type { HeldKey } from './renewal-loop';
import type { Renewer, RunningRenewals } from './renewals';
import { createdAt, foundIn, modifiedAt, put, read, remove } from './transactions';

/** Longest wait for an answer, ms. */
const CALL_MS = 3_000;
/** Comparisons of one change that may fail for changes before it whose answer was lost. */
const TRIES = 3;

export interface TakenKey extends HeldKey {
  readonly epoch: number;
  /** When the lease was asked for, monotonic ms. */
  readonly sentMs: number;
  readonly inSync: readonly Member[];
  /** Revision of the in-sync set's last change. */
  readonly inSyncRevision: number;
}

/** A leadership that etcd holds for this process. */
export class EtcdLeadership implements Leadership {
  readonly epoch: number;
  readonly leaseMs: number;
  readonly inSync: readonly Member[];
  private inSyncRevision: number;
  private readonly renewals: RunningRenewals;
  private readonly listeners: (() => void)[] = [];
  private over = false;

  constructor(
    private readonly client: EtcdClient,
    private readonly keys: GroupKeys,
    private readonly taken: TakenKey,
    renewer: Renewer,
  ) {
    this.epoch = taken.epoch;
    this.leaseMs = taken.leaseMs;
    this.inSync = taken.inSync;
    this.inSyncRevision = taken.inSyncRevision;
    const { leaseId, key, revision, leaseMs } = taken;
    this.renewals = renewer.begin({ leaseId, key, revision, leaseMs }, taken.sentMs, () =>
      this.lost(),
    );
  }

  get renewedMs(): number {
    return this.renewals.renewedMs;
  }

  onLost(listener: () => void): void {
    this.listeners.push(listener);
  }

  /** A change whose answer was lost is seen here by its revision, and never comes after a later one. */
  async setInSync(members: readonly Member[]): Promise<void> {
    const value = values.inSync(members);
    for (let tries = 0; tries < TRIES; tries++) {
      const done = await this.guarded(
        [modifiedAt(this.keys.inSync, this.inSyncRevision)],
        [put(this.keys.inSync, value)],
      );
      if (done.succeeded) {
        this.inSyncRevision = done.header?.revision ?? 0;
        return;
      }
      const found = foundIn(done, this.keys.inSync);
      this.inSyncRevision = found?.mod_revision ?? 0;
      if (found?.value.equals(value)) return;
    }
    throw new LeaseUnavailableError('the in-sync set is changed by others');
  }

  async release(to?: Member, ends = false): Promise<void> {
    this.end();
    const value = values.released({ epoch: this.epoch, to, ends });
    const released = await this.client.txn(
      {
        compare: [createdAt(this.keys.leader, this.taken.revision)],
        success: [put(this.keys.released, value), remove(this.keys.leader)],
        failure: [read(this.keys.released)],
      },
      CALL_MS,
    );
    this.client.revoke(this.taken.leaseId, CALL_MS).catch(() => undefined);
    if (released.succeeded || this.released(foundIn(released, this.keys.released))) return;
    throw new LeaseLostError(`epoch ${this.epoch} is over`);
  }

  /** Renews no more. */
  end(): void {
    this.over = true;
    this.renewals.end();
  }

  /** Whether a release before, without an answer, has happened. */
  private released(found: KeyValue__Output | undefined): boolean {
    return found !== undefined && readReleased(found).epoch === this.epoch;
  }

  /** @throws LeaseLostError when the comparison of the leader's key fails */
  private async guarded(
    compare: readonly Compare[],
    success: readonly RequestOp[],
  ): Promise<TxnResponse__Output> {
    const { leader, inSync } = this.keys;
    const done = await this.client.txn(
      {
        compare: [createdAt(leader, this.taken.revision), ...compare],
        success: [...success],
        failure: [read(leader), read(inSync)],
      },
      CALL_MS,
    );
    if (!done.succeeded && foundIn(done, leader)?.create_revision !== this.taken.revision) {
      this.lost();
      throw new LeaseLostError(`epoch ${this.epoch} is over`);
    }
    return done;
  }

  private lost(): void {
    if (this.over) return;
    this.end();
    for (const listener of this.listeners) listener();
  }
}
