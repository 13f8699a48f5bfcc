/**
 * Whether one leadership still makes its holder the master, by the monotonic clock. Two things do, each for a time:
 *
 *     the lease      from the sending of the newest renewal that succeeded, for the lease's length
 *     the promises   from the sending of the heartbeats that every other member of the in-sync set answered with
 *                    a promise not to campaign, for the time promised: this is what counts while etcd is away
 *
 * Where a change of the set is unanswered, either set may be in force, so all members of both must have promised.
 * A renewal that succeeds shows that nobody else has led since the one before, also after a gap. Promises show that
 * only while there was no gap: what lapsed once, they do not mend.
 */
import type { Leadership, Member } from '../../api/lease-api';
import type { Clock } from '../../platform/platform';
import { safeMs } from './safe-time';

export class Mastership {
  /** Until when each replica has promised, monotonic ms, safety taken off. */
  private readonly promised = new Map<Member, number>();
  /** All whose promise counts. */
  private others: readonly Member[];
  private promisedUntilMs: number;
  private leaseLost = false;
  private isOver = false;

  constructor(
    readonly leadership: Leadership,
    private readonly self: Member,
    private readonly clock: Pick<Clock, 'monotonicMs'>,
  ) {
    this.others = this.without(leadership.inSync);
    this.promisedUntilMs = this.earliestPromise();
  }

  get epoch(): number {
    return this.leadership.epoch;
  }

  /** Whether this is the master now. Hot path: asked before each batch of answers. */
  holds(): boolean {
    const nowMs = this.clock.monotonicMs();
    if (this.isOver) return false;
    return nowMs < this.promisedUntilMs || nowMs < this.leasedUntilMs;
  }

  /** Whether the lease alone makes it the master now. */
  get leased(): boolean {
    return this.clock.monotonicMs() < this.leasedUntilMs;
  }

  /** The service has said that the leadership is over. Promises may go on. */
  get lost(): boolean {
    return this.leaseLost;
  }

  /** Until when this is the master unless more is heard, monotonic ms. */
  get untilMs(): number {
    return Math.max(this.promisedUntilMs, this.leasedUntilMs);
  }

  /** The service says that the leadership is over. */
  lose(): void {
    this.leaseLost = true;
  }

  /** Whether `end` was called. */
  get over(): boolean {
    return this.isOver;
  }

  /** This is the master no more, whatever is heard. */
  end(): void {
    this.isOver = true;
  }

  /** A replica has promised not to campaign for `promiseMs` from `sentMs` on. */
  promise(member: Member, sentMs: number, promiseMs: number): void {
    if (!this.others.includes(member) || !this.holds()) return;
    const untilMs = sentMs + safeMs(promiseMs);
    this.promised.set(member, Math.max(untilMs, this.promised.get(member) ?? -Infinity));
    this.promisedUntilMs = this.earliestPromise();
  }

  /** Until when a member has promised; -Infinity without a promise. */
  promiseOf(member: Member): number {
    return this.promised.get(member) ?? -Infinity;
  }

  /** Any of these may be in the set that is in force. */
  count(members: Iterable<Member>): void {
    this.others = this.without(members);
    for (const member of this.promised.keys()) {
      if (!this.others.includes(member)) this.promised.delete(member);
    }
    this.promisedUntilMs = this.earliestPromise();
  }

  private get leasedUntilMs(): number {
    const { renewedMs, leaseMs } = this.leadership;
    return this.leaseLost ? -Infinity : renewedMs + safeMs(leaseMs);
  }

  private without(members: Iterable<Member>): readonly Member[] {
    return [...members].filter((member) => member !== this.self);
  }

  /** Infinity for a set of one: nobody else may lead. */
  private earliestPromise(): number {
    return Math.min(Infinity, ...this.others.map((member) => this.promiseOf(member)));
  }
}
