/**
 * When a replica may campaign while nobody leads: not while a promise of it may still be relied on, not at once where
 * another is to go first, and not soon after it failed.
 */
import type { GroupState, Member } from '../../api/lease-api';
import type { Platform } from '../../platform/platform';
import { nobodyRestsOnPromises, Promises } from './promises';

/** Candidates start at most this much apart, so that the first wins before the second asks, ms. */
const JITTER_MS = 100;
/** One that knows its log to be much shorter than the master's lets others go first, ms. */
const BEHIND_MS = 300;
/** Less is always on its way under load, bytes. */
const BEHIND_BYTES = 1024 * 1024;
/** Between campaigns that failed, ms. */
const RETRY_MS = 250;
/** How long one that could not lead leaves it to others, ms. */
const UNFIT_MS = 5_000;

export class Candidacy {
  /** How far this replica's log is behind its master's, as far as it knows. */
  behindBytes = 0;
  private readonly promises: Promises;
  /** No campaign before, unless this replica was named, monotonic ms. */
  private politeMs = 0;
  /** No campaign before in any case, monotonic ms. */
  private fitMs = 0;

  /** @param promiseMs the longest promise, ms */
  constructor(
    private readonly platform: Pick<Platform, 'clock' | 'random'>,
    promiseMs: number,
  ) {
    this.promises = new Promises(platform.clock, promiseMs);
  }

  /** Promises not to campaign for `ms` from now on; answers for how long, at most the longest. */
  promise(ms: number): number {
    return this.promises.make(ms);
  }

  /** Leaves it to others for so long, and a little more: less for those with the longer log. */
  postpone(ms: number): void {
    const jitterMs = (this.platform.random.uint32() / 2 ** 32) * JITTER_MS;
    const behindMs = this.behindBytes > BEHIND_BYTES ? BEHIND_MS : 0;
    this.politeMs = Math.max(this.politeMs, this.nowMs + ms + behindMs + jitterMs);
  }

  /** A campaign was not won. */
  failed(): void {
    this.fitMs = this.nowMs + RETRY_MS;
  }

  /** One was won by a replica that cannot lead. */
  unfit(): void {
    this.fitMs = this.nowMs + UNFIT_MS;
  }

  /** Not before, whatever the state of the group, monotonic ms. */
  get earliestMs(): number {
    return this.fitMs;
  }

  /**
   * When to campaign, monotonic ms; `undefined`: not while nothing changes.
   * @param clockOffUntilMs until when this replica's wall clock is taken for wrong, monotonic ms
   */
  campaignMs(state: GroupState, self: Member, clockOffUntilMs: number): number | undefined {
    const named = state.released?.to === self;
    if (state.inSync !== undefined && !state.inSync.includes(self)) return undefined;
    const freeMs = nobodyRestsOnPromises(state, self) ? 0 : this.nowMs + this.promises.leftMs;
    return Math.max(freeMs, this.fitMs, named ? 0 : Math.max(this.politeMs, clockOffUntilMs));
  }

  private get nowMs(): number {
    return this.platform.clock.monotonicMs();
  }
}
