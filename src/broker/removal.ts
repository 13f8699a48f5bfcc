/**
 * What the broker does before retention removes old segments of the log: what consumer groups have
 * not finished of the messages in them is copied (what somebody has had) or finished and counted, and
 * all that the log tells of topics, groups and ledgers is written anew above what goes.
 */
import type { Logger } from 'pino';
import { isSystemTopic } from '../message/names';
import type { Clock } from '../platform/platform';
import type { MessageRange, MessageStore, RemovalPlan } from '../store/message-store';
import type { GroupTopic } from './pop/group-topic';
import type { LedgerBook } from './pop/ledger-book';
import type { LedgerLog } from './pop/ledger-log';
import type { Timer } from './timer/timer';
import type { CarryBudget, CarryOver } from './carry-over';
import type { Views } from './views';

/** Time for copies when the disk is filling up, ms. */
const HURRIED_MS = 5000;

export interface RemovalParts {
  readonly store: MessageStore;
  readonly book: LedgerBook;
  readonly log: LedgerLog;
  readonly views: Views;
  readonly timer: Pick<Timer, 'carryAbove'>;
  readonly carryOver: CarryOver;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Messages of one group and topic that a removal takes. */
interface Loss {
  /** Nobody has had them. */
  expired: number;
  /** Somebody has had them and not finished: copied... */
  copied: number;
  /** ... and not copied. */
  lost: number;
}

export class Removal {
  constructor(private readonly parts: RemovalParts) {
    parts.store.onRemoval((plan) => this.prepare(plan));
  }

  private async prepare(plan: RemovalPlan): Promise<void> {
    const losses = new Map<GroupTopic, Loss>();
    const budget = this.budget(plan);
    for (const range of plan.queues) {
      if (isSystemTopic(range.topic)) continue;
      for (const ledgers of [...this.parts.book.ofTopic(range.topic)]) {
        const ledger = this.parts.book.queue(ledgers, range.queueId);
        if (ledger.committed >= range.to) continue;
        const copied = await this.parts.carryOver.carry(ledgers, ledger, range.to, budget);
        if (!ledgers.dropped) this.expire(ledgers, range, copied, losses);
      }
    }
    this.report(losses, plan);
    // What is finished here must not come back: the snapshot is behind it, and is synced with it.
    await this.parts.log.synced();
    await this.parts.views.carryAbove(plan.below);
    await this.parts.timer.carryAbove(plan.below);
  }

  private budget({ copyBytes: bytes }: RemovalPlan): CarryBudget {
    if (bytes === Infinity) return { bytes, untilMs: Infinity, givesUp: false };
    return { bytes, untilMs: this.parts.clock.monotonicMs() + HURRIED_MS, givesUp: true };
  }

  private expire(
    ledgers: GroupTopic,
    range: MessageRange,
    copied: number,
    losses: Map<GroupTopic, Loss>,
  ): void {
    const { book, log } = this.parts;
    const { group, topic } = ledgers;
    const { queueId, to: min } = range;
    const { undelivered, delivered } = book.expire(book.queue(ledgers, queueId), min);
    log.add({ kind: 'expire', group, topic, queueId, min });
    const loss = losses.get(ledgers) ?? { expired: 0, copied: 0, lost: 0 };
    loss.expired += undelivered;
    loss.copied += copied;
    loss.lost += delivered;
    losses.set(ledgers, loss);
    ledgers.expired += undelivered + delivered;
  }

  private report(losses: ReadonlyMap<GroupTopic, Loss>, { forced }: RemovalPlan): void {
    for (const [{ group, topic }, { expired, copied, lost }] of losses) {
      if (expired + copied + lost === 0) continue;
      this.parts.logger.warn(
        { group, topic, expired, copied, lost, forced },
        'messages are removed that the group has not finished',
      );
    }
  }
}
