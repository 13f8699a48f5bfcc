/**
 * Decides, with a lease service, what a replica of a broker group is: master, follower or neither.
 *
 *     nobody leads, and this replica is in sync and free of promises  ->  campaign
 *     the campaign is won                                             ->  lead under the new epoch
 *     another leads                                                   ->  follow it
 *     the lease is lost, and promises do not hold instead             ->  rest, then follow who comes next
 *
 * A follower whose master's key is gone goes on following it until another leads: that master may still be one, by
 * the promises of its followers. docs/decisions/0016-leases.md argues why there is never more than one master.
 */
import {
  LeaseLostError,
  type Candidate,
  type GroupState,
  type GroupWatch,
  type Leader,
  type LeaseApi,
  type Leadership,
  type Member,
} from '../../api/lease-api';
import type { ReplicaHost, RoleKeeper } from '../../api/replica-host';
import type { Logger } from 'pino';
import type { Platform } from '../../platform/platform';
import { Candidacy } from './candidacy';
import { ClockCheck } from './clock-check';
import { EarliestTimer } from './earliest-timer';
import { replicaIdOf } from './member-book';
import { Term } from './term';

export interface ElectionOptions {
  readonly self: Candidate;
  readonly lease: LeaseApi;
  readonly host: ReplicaHost;
  readonly platform: Pick<Platform, 'clock' | 'timers' | 'random'>;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
  /** The newest epoch in the log; default: none. */
  readonly newestEpoch?: () => number;
  /** How long followers promise not to campaign, and how long what has lapsed may come back, ms. */
  readonly promiseMs: number;
}

export class Election implements RoleKeeper {
  private readonly candidacy: Candidacy;
  private readonly clocks: ClockCheck;
  private watch: GroupWatch | undefined;
  private state: GroupState | undefined;
  private term: Term | undefined;
  private ending: Promise<void> | undefined;
  private campaign: Promise<void> | undefined;
  /** Whom the host was told to follow. */
  private followed: Leader | undefined;
  private readonly wake: EarliestTimer;
  /** The highest epoch heard of. */
  private seenEpoch = 0;
  private stopped = false;

  constructor(private readonly options: ElectionOptions) {
    this.candidacy = new Candidacy(options.platform, options.promiseMs);
    this.clocks = new ClockCheck(options.platform.clock, options.log);
    this.wake = new EarliestTimer(options.platform, () => this.review());
  }

  /** Begins to watch, to follow, and to campaign. */
  start(): void {
    this.watch = this.options.lease.watch((state) => this.heard(state));
  }

  /** Ends for good; a master hands over first. Closes neither host nor lease service. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.watch?.close();
    this.wake.cancel();
    await this.campaign;
    if (this.term !== undefined) await this.endTerm(this.term.successor, true);
    await this.options.host.rest();
  }

  /**
   * Gives the leadership to another member of the in-sync set; resolves when it may take it.
   * @param replicaId who; default: the one that promised last
   * @throws RangeError when this replica does not lead, or no such member is there
   */
  async handOver(replicaId?: number): Promise<void> {
    await this.campaign;
    const { term } = this;
    if (term === undefined) throw new RangeError('this replica does not lead');
    const to = replicaId === undefined ? term.successor : term.memberFor(replicaId);
    if (to === undefined || to === this.options.self.member) {
      const who = replicaId === undefined ? 'no other replica' : `replica ${replicaId}`;
      throw new RangeError(`${who} is in sync and can take over`);
    }
    this.candidacy.postpone(2 * this.options.promiseMs);
    await this.endTerm(to);
  }

  leads(epoch: number): boolean {
    return this.term?.epoch === epoch && this.term.mastership.holds();
  }

  async changeInSync(epoch: number, members: readonly number[]): Promise<void> {
    const { term } = this;
    if (term?.epoch !== epoch) throw new LeaseLostError(`epoch ${epoch} is over`);
    try {
      await term.changeInSync(members);
    } finally {
      this.review();
    }
  }

  get askPromiseMs(): number {
    // What has lapsed is not mended by promises: they would only keep others from leading.
    return this.term?.mastership.holds() === true ? this.options.promiseMs : 0;
  }

  met(replicaId: number, storeId: string): boolean {
    return this.term?.meet(replicaId, storeId) ?? false;
  }

  promise(epoch: number, promiseMs: number): number {
    const leads = this.campaign !== undefined || this.term !== undefined;
    if (this.stopped || leads || epoch < this.seenEpoch) return 0;
    return this.candidacy.promise(promiseMs);
  }

  promised(replicaId: number, sentMs: number, promiseMs: number): void {
    this.term?.promised(replicaId, sentMs, promiseMs);
  }

  newerEpoch(epoch: number): void {
    this.seenEpoch = Math.max(this.seenEpoch, epoch);
    this.review();
  }

  behind(bytes: number): void {
    this.candidacy.behindBytes = bytes;
  }

  clockSeen(replicaId: number, aheadMs: number): number {
    const offMs = this.clocks.note(replicaId, aheadMs);
    this.clocks.judge(this.clocks.offMs);
    const successor = this.term?.successor;
    if (this.clocks.off && successor !== undefined) void this.endTerm(successor);
    return offMs;
  }

  clockOff(offMs: number): void {
    this.clocks.judge(offMs);
    this.review();
  }

  private get nowMs(): number {
    return this.options.platform.clock.monotonicMs();
  }

  private heard(state: GroupState): void {
    const { leader, released } = state;
    if (leader === undefined && this.state?.leader !== undefined) {
      const forAnother = released?.to !== undefined && released.to !== this.options.self.member;
      this.candidacy.postpone(forAnother ? this.options.promiseMs : 0);
    }
    this.state = state;
    this.seenEpoch = Math.max(this.seenEpoch, leader?.epoch ?? 0);
    this.review();
  }

  /** Does what the state of things asks for. Called whenever something may have changed. */
  private review(): void {
    if (this.stopped || this.ending !== undefined) return;
    if (this.term !== undefined) this.reviewTerm(this.term);
    else if (this.state?.leader !== undefined) this.reviewLeader(this.state.leader);
    else if (this.state !== undefined) this.reviewVacancy(this.state);
  }

  private reviewTerm(term: Term): void {
    const { mastership } = term;
    if (mastership.over) {
      void this.endTerm(undefined);
      return;
    }
    if (this.seenEpoch > term.epoch) {
      this.resign(term, 'another leads');
      return;
    }
    const { untilMs } = mastership;
    if (mastership.holds()) {
      // By promises alone: it asks for a lease of its own again, which is a new epoch.
      if (mastership.lost && this.state?.leader === undefined)
        this.campaignAt(this.candidacy.earliestMs);
      this.wake.at(Math.min(untilMs, this.nowMs + this.options.promiseMs));
    } else if (mastership.lost || this.nowMs >= untilMs + this.options.promiseMs) {
      this.resign(term, 'the lease was not renewed');
    } else {
      // A renewal that is only late shows, when it comes, that nobody else has led.
      this.wake.at(untilMs + this.options.promiseMs);
    }
  }

  private reviewLeader(leader: Leader): void {
    const { host, log, self } = this.options;
    // A leadership of this store that is not its term is one of a life before, or one whose answer was lost.
    if (leader.member === self.member || leader.epoch === this.followed?.epoch) return;
    this.followed = leader;
    const { member, address, epoch } = leader;
    log.info({ leader: member, address, epoch }, 'following');
    host.follow({ replicaId: replicaIdOf(member), address }, epoch).catch((error: unknown) => {
      log.error({ err: error, epoch }, 'cannot follow');
    });
  }

  private reviewVacancy(state: GroupState): void {
    const { member } = this.options.self;
    const atMs = this.candidacy.campaignMs(state, member, this.clocks.offUntilMs);
    if (atMs !== undefined) this.campaignAt(atMs);
  }

  private campaignAt(atMs: number): void {
    if (this.campaign !== undefined) return;
    if (atMs > this.nowMs) {
      this.wake.at(atMs);
      return;
    }
    const { lease, self, log, newestEpoch } = this.options;
    this.campaign = lease
      .campaign(self, newestEpoch?.())
      .then(
        (leadership) => this.won(leadership),
        (error: unknown) => {
          log.info({ err: error }, 'campaign not won');
          this.candidacy.failed();
        },
      )
      .finally(() => {
        this.campaign = undefined;
        this.review();
      });
  }

  private won(leadership: Leadership): void {
    const { self, host, log, platform } = this.options;
    const term = new Term(leadership, self.member, platform.clock);
    const lost = this.state?.released?.ends === false ? undefined : this.followed;
    const stale = term.epoch < this.seenEpoch;
    this.term = term;
    this.followed = undefined;
    this.clocks.clear();
    leadership.onLost(() => {
      term.mastership.lose();
      this.review();
    });
    if (this.stopped) return;
    if (stale) {
      const detail = { epoch: term.epoch, seenEpoch: this.seenEpoch };
      log.error(detail, 'the lease service has gone back in time: was it restored from a copy?');
      this.candidacy.unfit();
      this.resign(term, 'its epoch is not new');
      return;
    }
    log.info({ epoch: term.epoch, inSync: leadership.inSync }, 'leading');
    host.lead(term.epoch, term.inSync, lost && replicaIdOf(lost.member)).catch((error: unknown) => {
      if (this.term !== term || this.ending !== undefined) return;
      log.error({ err: error, epoch: term.epoch }, 'cannot lead');
      this.candidacy.unfit();
      this.resign(term, 'it cannot lead');
    });
  }

  private resign(term: Term, reason: string): void {
    this.options.log.warn({ epoch: term.epoch, reason }, 'no longer leading');
    term.mastership.end();
    void this.endTerm(undefined);
  }

  /** Ends all work of the term, then gives its leadership back. Never rejects. */
  private endTerm(to: Member | undefined, ends = false): Promise<void> {
    this.ending ??= this.endWork(to, ends).finally(() => {
      this.ending = undefined;
      this.review();
    });
    return this.ending;
  }

  private async endWork(to: Member | undefined, ends: boolean): Promise<void> {
    const { host, log } = this.options;
    const { term } = this;
    if (term === undefined) return;
    await host
      .rest(to !== undefined)
      .catch((error: unknown) => log.error({ err: error }, 'cannot rest'));
    term.mastership.end();
    await term.leadership.release(to, ends).catch((error: unknown) => {
      log.info({ err: error, epoch: term.epoch }, 'leadership not released');
    });
    // While it ended, a campaign under way may have won a new one.
    if (this.term === term) this.term = undefined;
  }
}
