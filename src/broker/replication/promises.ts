import type { GroupState, Member } from '../../api/lease-api';
import type { Clock } from '../../platform/platform';

/**
 * What a replica has promised its master: not to campaign for a time. Promises are kept in memory, so one that has
 * just started behaves as if it had promised at its start.
 */
export class Promises {
  private untilMs: number;

  constructor(
    private readonly clock: Pick<Clock, 'monotonicMs'>,
    /** Longest promise, ms. */
    private readonly maxMs: number,
  ) {
    this.untilMs = clock.monotonicMs() + maxMs;
  }

  /** Promises not to campaign for `ms` from now on; answers for how long, at most the longest. */
  make(ms: number): number {
    const madeMs = Math.min(ms, this.maxMs);
    this.untilMs = Math.max(this.untilMs, this.clock.monotonicMs() + madeMs);
    return madeMs;
  }

  /** For how long it may not campaign yet, ms; 0: it may. */
  get leftMs(): number {
    return Math.max(0, this.untilMs - this.clock.monotonicMs());
  }
}

/** Whether no master can still be one by a promise of this member, in whatever life of it that was given. */
export function nobodyRestsOnPromises({ inSync, released }: GroupState, member: Member): boolean {
  const alone = inSync?.length === 1 && inSync[0] === member;
  return inSync === undefined || released !== undefined || alone;
}
