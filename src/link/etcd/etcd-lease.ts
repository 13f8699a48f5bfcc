/** LeaseApi on etcd. */
import {
  LeaseRefusedError,
  LeaseUnavailableError,
  type Candidate,
  type GroupState,
  type GroupWatch,
  type LeaseApi,
  type Leadership,
  type Member,
} from '../../api/lease-api';
import type { Platform } from '../../platform/platform';
import type { TxnRequest } from '../../rpc/generated/etcdserverpb/TxnRequest';
import type { LinkLog } from '../log';
import { EtcdClient, type EtcdOptions } from './etcd-client';
import { EtcdLeadership } from './etcd-leadership';
import { groupKeys, readEpochBase, readInSync, values, type GroupKeys } from './group-keys';
import { GroupView } from './group-view';
import { OwnThreadRenewer, type Renewer } from './renewals';
import { createdAt, foundIn, modifiedAt, put, read, remove } from './transactions';
import { WorkerRenewer } from './worker-renewer';

export interface EtcdLeaseOptions extends EtcdOptions {
  readonly cluster: string;
  readonly brokerName: string;
  /** What is asked of etcd, which grants at least 2. */
  readonly leaseSeconds: number;
  /** Whether renewals have a thread of their own. Not under simulated time. */
  readonly ownThread: boolean;
  readonly platform: Pick<Platform, 'clock' | 'timers' | 'random'>;
  readonly log: LinkLog;
}

/** What a candidate found, and compares with. */
interface GroupBefore {
  /** With itself alone, where there was none. */
  readonly inSync: readonly Member[];
  /** 0: it is to be made. */
  readonly inSyncRevision: number;
  /** As it is to be. */
  readonly epochBase: number;
  readonly epochBaseRevision: number;
}

/** Longest wait for an answer, ms. */
const CALL_MS = 3_000;

/** Makes the way to etcd for one broker group. */
export function etcdLease(options: EtcdLeaseOptions): LeaseApi {
  const client = new EtcdClient(options, options.platform);
  const renewer = options.ownThread
    ? new WorkerRenewer(etcdOf(options), options.platform, options.log)
    : new OwnThreadRenewer(client, options.platform);
  return new EtcdLease(client, renewer, options);
}

/** What may go to another thread. */
function etcdOf({ endpoints, user, password, tls }: EtcdLeaseOptions): EtcdOptions {
  return { endpoints, user, password, ...(tls && { tls }) };
}

class EtcdLease implements LeaseApi {
  private readonly keys: GroupKeys;
  private readonly views = new Set<GroupView>();
  private leadership: EtcdLeadership | undefined;

  constructor(
    private readonly client: EtcdClient,
    private readonly renewer: Renewer,
    private readonly options: EtcdLeaseOptions,
  ) {
    this.keys = groupKeys(options.cluster, options.brokerName);
  }

  watch(listener: (state: GroupState) => void): GroupWatch {
    const view = new GroupView({ ...this.options, client: this.client, keys: this.keys }, listener);
    this.views.add(view);
    return {
      close: () => {
        view.close();
        this.views.delete(view);
      },
    };
  }

  async campaign(candidate: Candidate, aboveEpoch = 0): Promise<Leadership> {
    await this.renewer.ready;
    const { clock } = this.options.platform;
    const sentMs = clock.monotonicMs();
    // Any 52 bits: fit a number, and are unlikely to be taken.
    const leaseId = this.options.platform.random.bytes(6).readUIntBE(0, 6) * 16 + 1;
    try {
      // At once, as every round to etcd is time without a master.
      const [{ TTL }, group] = await Promise.all([
        this.client.grant(leaseId, this.options.leaseSeconds, CALL_MS),
        this.groupFor(candidate, aboveEpoch),
      ]);
      const revision = await this.take(candidate, leaseId, group);
      const taken = {
        ...{ leaseId, key: this.keys.leader, revision, leaseMs: TTL * 1000, sentMs },
        ...{ epoch: revision + group.epochBase, inSync: group.inSync },
        inSyncRevision: group.inSyncRevision === 0 ? revision : group.inSyncRevision,
      };
      this.leadership = new EtcdLeadership(this.client, this.keys, taken, this.renewer);
      return this.leadership;
    } catch (error) {
      this.client.revoke(leaseId, CALL_MS).catch(() => undefined);
      throw error;
    }
  }

  async close(): Promise<void> {
    for (const view of this.views) view.close();
    this.leadership?.end();
    await this.renewer.close();
    this.client.close();
  }

  /** @throws LeaseRefusedError the candidate is not in the in-sync set */
  private async groupFor({ member }: Candidate, aboveEpoch: number): Promise<GroupBefore> {
    const { prefix, end, inSync, epochBase } = this.keys;
    const range = { key: Buffer.from(prefix), range_end: Buffer.from(end) };
    const { header, kvs } = await this.client.range(range, CALL_MS);
    const found = (key: string) => kvs.find((kv) => kv.key.toString() === key);
    const [set, base] = [found(inSync), found(epochBase)];
    const members = set === undefined ? [member] : readInSync(set);
    if (!members.includes(member)) {
      throw new LeaseRefusedError(`${member} is not in the in-sync set ${members.join(', ')}`);
    }
    return {
      inSync: members,
      inSyncRevision: set?.mod_revision ?? 0,
      // What is taken has a revision above this one.
      epochBase: Math.max(readEpochBase(base), aboveEpoch - (header?.revision ?? 0)),
      epochBaseRevision: base?.mod_revision ?? 0,
    };
  }

  /** Answers the create revision of the leader's key. */
  private async take(candidate: Candidate, leaseId: number, group: GroupBefore): Promise<number> {
    const { leader, inSync, released, epochBase } = this.keys;
    const request: TxnRequest = {
      compare: [
        createdAt(leader, 0),
        modifiedAt(inSync, group.inSyncRevision),
        modifiedAt(epochBase, group.epochBaseRevision),
      ],
      success: [
        put(leader, values.leader(candidate), leaseId),
        remove(released),
        ...(group.inSyncRevision === 0 ? [put(inSync, values.inSync(group.inSync))] : []),
        ...(group.epochBase > 0 ? [put(epochBase, values.epochBase(group.epochBase))] : []),
      ],
      failure: [read(leader)],
    };
    const done = await this.client.txn(request, CALL_MS);
    // The same transaction has happened before, and its answer was lost: then the key has our lease.
    const found = foundIn(done, leader);
    const ours = !done.succeeded && found?.lease === leaseId;
    if (!done.succeeded && !ours) {
      throw new LeaseRefusedError(
        found === undefined ? 'the in-sync set changes' : 'another leads',
      );
    }
    const revision = ours ? found.create_revision : done.header?.revision;
    if (revision !== undefined) return revision;
    throw new LeaseUnavailableError('etcd: an answer without a revision');
  }
}
