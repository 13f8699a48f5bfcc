import { OldestFirst } from '../message/oldest-first';
import type { Clock } from '../platform/platform';

/**
 * Epochs of masters that were lost a moment ago, so that an older master that comes back meanwhile does not take
 * their place. One that says goodbye is not remembered: its epochs may begin anew.
 */
export class LostMasters {
  /** By broker name, in the order in which they were lost. */
  private readonly lost = new OldestFirst<
    string,
    { readonly epoch: number; readonly atMs: number }
  >();

  /**
   * @param keepMs how long an epoch is remembered, milliseconds
   * @param max names that are remembered; beyond it the one lost first is forgotten
   */
  constructor(
    private readonly clock: Clock,
    private readonly keepMs: number,
    private readonly max: number,
  ) {}

  note(brokerName: string, epoch: number): void {
    const newest = Math.max(epoch, this.epochOf(brokerName));
    this.lost.renew(brokerName, { epoch: newest, atMs: this.clock.monotonicMs() });
    if (this.lost.size > this.max) this.lost.delete(this.lost.oldest ?? brokerName);
  }

  /** The epoch that a master of that name must have at least. */
  epochOf(brokerName: string): number {
    const known = this.lost.get(brokerName);
    if (known === undefined) return 0;
    if (this.clock.monotonicMs() - known.atMs < this.keepMs) return known.epoch;
    this.lost.delete(brokerName);
    return 0;
  }
}
