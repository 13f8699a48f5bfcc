/** LeaseApi on etcd. */
import {
  LeaseRefusedError,
  LeaseUnavailableError,
  type Candidate,
  type GroupState,
  type GroupWatch,
  type LeaseApi,
  type Leadership,
} from '../../api/lease-api';
import type { Platform } from '../../platform/platform';
import type { TxnRequest } from '../../rpc/generated/etcdserverpb/TxnRequest';
import type { LinkLog } from '../log';
import { EtcdClient, type EtcdOptions } from './etcd-client';
import { EtcdLeadership } from './etcd-leadership';
import { groupKeys, readInSync, values, type GroupKeys } from './group-keys';
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

  async campaign(candidate: Candidate): Promise<Leadership> {
    await this.renewer.ready;
    const inSync = await this.inSyncFor(candidate);
    const { clock } = this.options.platform;
    const sentMs = clock.monotonicMs();
    // Any 52 bits: fit a number, and are unlikely to be taken.
    const leaseId = this.options.platform.random.bytes(6).readUIntBE(0, 6) * 16 + 1;
    const { TTL } = await this.client.grant(leaseId, this.options.leaseSeconds, CALL_MS);
    try {
      const { epoch, inSyncRevision } = await this.take(candidate, leaseId, inSync.revision);
      const taken = {
        ...{ leaseId, key: this.keys.leader, epoch, leaseMs: TTL * 1000, sentMs },
        ...{ inSync: inSync.members, inSyncRevision },
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

  /**
   * The in-sync set that lets the candidate lead, and its revision; 0: it is to be made.
   * @throws LeaseRefusedError
   */
  private async inSyncFor({ member }: Candidate) {
    const found = await this.client.range({ key: Buffer.from(this.keys.inSync) }, CALL_MS);
    const kv = found.kvs[0];
    if (kv === undefined) return { members: [member], revision: 0 };
    const members = readInSync(kv);
    if (!members.includes(member)) {
      throw new LeaseRefusedError(`${member} is not in the in-sync set ${members.join(', ')}`);
    }
    return { members, revision: kv.mod_revision };
  }

  private async take(candidate: Candidate, leaseId: number, inSyncRevision: number) {
    const { leader, inSync, released } = this.keys;
    const request: TxnRequest = {
      compare: [createdAt(leader, 0), modifiedAt(inSync, inSyncRevision)],
      success: [
        put(leader, values.leader(candidate), leaseId),
        remove(released),
        ...(inSyncRevision === 0 ? [put(inSync, values.inSync([candidate.member]))] : []),
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
    const epoch = ours ? found.create_revision : done.header?.revision;
    if (epoch === undefined) throw new LeaseUnavailableError('etcd: an answer without a revision');
    return { epoch, inSyncRevision: inSyncRevision === 0 ? epoch : inSyncRevision };
  }
}
