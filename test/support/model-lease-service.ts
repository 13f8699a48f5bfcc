/** A model of the lease service itself, for one broker group; time comes from the test. */
import {
  LeaseLostError,
  LeaseRefusedError,
  type Candidate,
  type GroupState,
  type Leader,
  type Member,
} from '../../src/api/lease-api';
import type { TimerHandle, Timers } from '../../src/platform/platform';

/** A leadership that was taken. */
export interface Taken {
  readonly leader: Leader;
  readonly inSync: readonly Member[];
  /** Of the set's newest change. */
  readonly inSyncRevision: number;
}

interface InSyncChange {
  readonly done: boolean;
  readonly revision: number;
  readonly members: readonly Member[];
}

/** What the service itself keeps. Its calls are transactions: they happen at once, or throw. */
export class ModelLeaseService {
  private revision = 1;
  private current: GroupState = {
    revision: 1,
    leader: undefined,
    inSync: undefined,
    released: undefined,
  };
  private expiry: TimerHandle | undefined;
  private readonly watchers = new Set<() => void>();
  private inSyncRevision = 0;
  private down = false;

  /** @param timers of the service: leases end by them */
  constructor(
    private readonly timers: Pick<Timers, 'after'>,
    readonly leaseMs: number,
  ) {}

  get state(): GroupState {
    return this.current;
  }

  /** @throws LeaseRefusedError */
  take(candidate: Candidate): Taken {
    const { leader, inSync } = this.current;
    if (leader !== undefined) throw new LeaseRefusedError(`${leader.member} leads`);
    if (inSync !== undefined && !inSync.includes(candidate.member)) {
      throw new LeaseRefusedError(`${candidate.member} is not in sync`);
    }
    const { member, address } = candidate;
    const taken = { member, address, epoch: this.revision + 1 };
    this.change({ leader: taken, inSync: inSync ?? [member], released: undefined });
    if (inSync === undefined) this.inSyncRevision = this.revision;
    this.startLease();
    return { leader: taken, inSync: inSync ?? [member], inSyncRevision: this.inSyncRevision };
  }

  /** @throws LeaseLostError */
  look(epoch: number): void {
    this.check(epoch);
  }

  /** @throws LeaseLostError */
  renew(epoch: number): void {
    this.check(epoch);
    this.startLease();
  }

  /**
   * Changes the in-sync set unless it has changed since `before`.
   * @returns the revision of the set's newest change, and whether it was this one
   * @throws LeaseLostError
   */
  setInSync(epoch: number, members: readonly Member[], before: number): InSyncChange {
    this.check(epoch);
    const done = before === this.inSyncRevision;
    if (done) {
      this.change({ ...this.current, inSync: [...members] });
      this.inSyncRevision = this.revision;
    }
    return { done, revision: this.inSyncRevision, members: this.current.inSync ?? [] };
  }

  /** @throws LeaseLostError */
  release(epoch: number, to: Member | undefined, ends: boolean): void {
    this.check(epoch);
    this.expiry?.cancel();
    this.change({ ...this.current, leader: undefined, released: { epoch, to, ends } });
  }

  /** It is away: no lease ends until it is back, and all last as long again then. */
  stop(): void {
    this.down = true;
    this.expiry?.cancel();
  }

  goOn(): void {
    this.down = false;
    if (this.current.leader !== undefined) this.startLease();
  }

  /** Whether it answers nobody. */
  get away(): boolean {
    return this.down;
  }

  /** Ends the leadership as the lease's end does. */
  expire(): void {
    this.expiry?.cancel();
    this.change({ ...this.current, leader: undefined });
  }

  /** @param changed called after each change, with nothing: the state is asked for. Answers how to stop. */
  watch(changed: () => void): () => void {
    this.watchers.add(changed);
    return () => void this.watchers.delete(changed);
  }

  private check(epoch: number): void {
    if (this.current.leader?.epoch !== epoch) throw new LeaseLostError(`epoch ${epoch} is over`);
  }

  private startLease(): void {
    this.expiry?.cancel();
    this.expiry = this.timers.after(this.leaseMs, () => this.expire());
  }

  private change(next: Omit<GroupState, 'revision'>): void {
    this.current = { ...next, revision: ++this.revision };
    for (const changed of [...this.watchers]) changed();
  }
}
