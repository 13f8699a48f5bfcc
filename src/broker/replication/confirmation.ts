import type { ReplicatedLog } from '../../store/replicated-log';
import { PositionWaiters } from '../../store/waiters';

/**
 * Up to where a master's log is confirmed: all replicas that are waited for have it. The store shows no more, but what
 * lay in it when it was opened it shows at once: a master that was started again knows only from here what its replicas have.
 */
export class Confirmation {
  private position = 0;
  private readonly waiters = new PositionWaiters();

  constructor(private readonly log: Pick<ReplicatedLog, 'confirm'>) {}

  /** @param acknowledged up to where each replica that is waited for has the log */
  note(acknowledged: readonly number[]): void {
    this.position = Math.min(Infinity, ...acknowledged);
    this.log.confirm(this.position);
    this.waiters.reach(this.position);
  }

  /** Resolves when what lies below `position` is confirmed. @throws Error when `close` was called before */
  async reached(position: number): Promise<void> {
    if (position > this.position) await this.waiters.wait(position);
  }

  close(reason: string): void {
    this.waiters.fail(new Error(reason));
  }
}
