/**
 * What the broker does before retention removes old segments of the log: what consumer groups have
 * not finished of the messages in them is finished and counted, and all that the log tells of topics,
 * groups and ledgers is written anew above what goes.
 */
import type { Logger } from 'pino';
import { isSystemTopic } from '../message/names';
import type { MessageRange, MessageStore, RemovalPlan } from '../store/message-store';
import type { GroupTopic } from './pop/group-topic';
import type { LedgerBook } from './pop/ledger-book';
import type { LedgerLog } from './pop/ledger-log';
import type { Timer } from './timer/timer';
import type { Views } from './views';

export interface RemovalParts {
  readonly store: MessageStore;
  readonly book: LedgerBook;
  readonly log: LedgerLog;
  readonly views: Views;
  readonly timer: Pick<Timer, 'carryAbove'>;
  readonly logger: Logger;
}

/** Messages of one group and topic that a removal takes. */
interface Loss {
  /** Nobody has had them. */
  expired: number;
  /** Somebody has had them, and had not finished. */
  unfinished: number;
}

export class Removal {
  constructor(private readonly parts: RemovalParts) {
    parts.store.onRemoval((plan) => this.prepare(plan));
  }

  private async prepare(plan: RemovalPlan): Promise<void> {
    const losses = new Map<GroupTopic, Loss>();
    for (const range of plan.queues) {
      if (isSystemTopic(range.topic)) continue;
      for (const ledgers of this.parts.book.ofTopic(range.topic)) {
        this.expire(ledgers, range, losses);
      }
    }
    this.report(losses, plan);
    // What is finished here must not come back: the snapshot is behind it, and is synced with it.
    await this.parts.log.synced();
    await this.parts.views.carryAbove(plan.below);
    await this.parts.timer.carryAbove(plan.below);
  }

  private expire(ledgers: GroupTopic, range: MessageRange, losses: Map<GroupTopic, Loss>): void {
    const { book, log } = this.parts;
    const { group, topic } = ledgers;
    const { queueId, to: min } = range;
    const ledger = book.queue(ledgers, queueId);
    if (ledger.committed >= min) return;
    const { undelivered, delivered } = book.expire(ledger, min);
    log.add({ kind: 'expire', group, topic, queueId, min });
    const loss = losses.get(ledgers) ?? { expired: 0, unfinished: 0 };
    loss.expired += undelivered;
    loss.unfinished += delivered;
    losses.set(ledgers, loss);
    ledgers.expired += undelivered;
  }

  private report(losses: ReadonlyMap<GroupTopic, Loss>, { forced }: RemovalPlan): void {
    for (const [{ group, topic }, { expired, unfinished }] of losses) {
      if (expired === 0 && unfinished === 0) continue;
      this.parts.logger.warn(
        { group, topic, expired, unfinished, forced },
        'messages are removed that the group has not finished',
      );
    }
  }
}
