/** Messages that a ledger has not come to: taken in as ready ones that nobody has had, when one behind them is finished. */
import type { MessageStore } from '../../store/message-store';
import type { GroupTopic } from './group-topic';
import type { LedgerBook } from './ledger-book';
import type { LedgerLog } from './ledger-log';
import type { LookOp } from './ledger-ops';
import { groupHashOf, NO_GROUP } from './message-groups';
import type { QueueLedger } from './queue-ledger';

/** By offset, each with the hash of its message group. */
export type Unseen = LookOp['messages'];

export interface UnseenParts {
  readonly store: MessageStore;
  readonly book: LedgerBook;
  readonly log: LedgerLog;
  readonly isFifo: (group: string) => boolean;
}

export class UnseenMessages {
  constructor(private readonly parts: UnseenParts) {}

  /** The messages of `from` .. `to`, both included. */
  async between(
    { topic, group }: GroupTopic,
    queueId: number,
    from: number,
    to: number,
  ): Promise<Unseen> {
    const { store, isFifo } = this.parts;
    const found: Unseen[number][] = [];
    for (let next = from; next <= to;) {
      const entries = await store.entries(topic, queueId, next, to - next + 1);
      const last = entries.at(-1);
      if (last === undefined) break;
      for (const entry of entries) {
        if (entry.bytes === 0 || entry.queueOffset > to) continue;
        const record = isFifo(group) && (await store.record(topic, queueId, entry));
        const hash = record === false ? NO_GROUP : groupHashOf(record);
        found.push({ offset: entry.queueOffset, group: hash });
      }
      next = last.queueOffset + 1;
    }
    return found;
  }

  /** Takes messages in; what lies between them and is not named is finished. */
  takeIn({ group, topic }: GroupTopic, ledger: QueueLedger, unseen: Unseen): void {
    const { book, log } = this.parts;
    const messages = unseen.filter(({ offset }) => offset >= ledger.next);
    if (messages.length === 0) return;
    for (const { offset, group: hash } of messages) {
      ledger.skipTo(offset);
      book.addNext(ledger, hash);
    }
    log.add({ kind: 'look', group, topic, queueId: ledger.queueId, messages });
  }
}
