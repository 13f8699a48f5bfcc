import {
  LeaseLostError,
  LeaseUnavailableError,
  type Leadership,
  type Member,
} from '../../api/lease-api';
import type { Clock } from '../../platform/platform';
import { Mastership } from './mastership';
import { MemberBook, replicaIdOf } from './member-book';

/** What a master knows of its leadership: how long it lasts, the in-sync set, and who promised what. */
export class Term {
  readonly mastership: Mastership;
  private readonly book: MemberBook;
  private inForce: readonly Member[];
  /** Sets of changes without an answer: each may be in force. */
  private open: readonly Member[] = [];
  private change: Promise<void> = Promise.resolve();

  constructor(
    readonly leadership: Leadership,
    self: Member,
    private readonly clock: Pick<Clock, 'monotonicMs'>,
  ) {
    this.mastership = new Mastership(leadership, self, clock);
    this.book = new MemberBook(leadership.inSync);
    this.inForce = leadership.inSync;
  }

  get epoch(): number {
    return this.leadership.epoch;
  }

  /** Replica ids of the in-sync set. */
  get inSync(): readonly number[] {
    return this.inForce.map(replicaIdOf);
  }

  /** See `RoleKeeper.met`. */
  meet(replicaId: number, storeId: string): boolean {
    return this.book.meet(replicaId, storeId);
  }

  /** See `RoleKeeper.promised`. */
  promised(replicaId: number, sentMs: number, promiseMs: number): void {
    const member = this.book.present(replicaId);
    if (member !== undefined && promiseMs > 0) {
      this.mastership.promise(member, sentMs, promiseMs);
    }
  }

  /** The other member of the in-sync set whose promise is the newest: the one that surely is there. */
  get successor(): Member | undefined {
    const promise = (member: Member): number => this.mastership.promiseOf(member);
    const nowMs = this.clock.monotonicMs();
    return this.inForce
      .filter((member) => promise(member) > nowMs)
      .sort((one, other) => promise(other) - promise(one))[0];
  }

  /** The member of the in-sync set that is this replica. */
  memberFor(replicaId: number): Member | undefined {
    return this.inForce.find((member) => replicaIdOf(member) === replicaId);
  }

  /** Changes run one after the other. See `RoleKeeper.changeInSync`. */
  changeInSync(replicaIds: readonly number[]): Promise<void> {
    const done = this.change.then(() => this.set(this.book.members(replicaIds)));
    this.change = done.catch(() => undefined);
    return done;
  }

  private async set(members: readonly Member[]): Promise<void> {
    // While promises alone hold it, one more whose promise counts and that has not promised would end it.
    if (!this.mastership.leased) throw new LeaseUnavailableError('the lease is not renewed');
    this.open = [...new Set([...this.open, ...members])];
    this.mastership.count(new Set([...this.inForce, ...this.open]));
    try {
      await this.leadership.setInSync(members);
    } catch (error) {
      if (error instanceof LeaseLostError) this.mastership.lose();
      throw error;
    }
    this.open = [];
    this.inForce = members;
    this.mastership.count(members);
    this.book.list(members);
  }
}
