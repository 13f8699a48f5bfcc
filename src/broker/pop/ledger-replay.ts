/**
 * Applies the changes that the log holds to a book: at start, in log order. What was logged as a
 * duration is rebased on the time that has passed since.
 */
import type { DeadLetterOrigin } from '../../message/dead-letter';
import type { GroupTopic } from './group-topic';
import type { LedgerBook } from './ledger-book';
import {
  type AgedRows,
  type LedgerOp,
  type PopOp,
  type QueueOp,
  type QueueRef,
  remainingOf,
} from './ledger-ops';
import type { QueueLedger } from './queue-ledger';

export class LedgerReplay {
  /** Rows of a queue whose snapshot takes several operations; it counts with the last one. */
  private partial: AgedRows[] = [];

  constructor(private readonly book: LedgerBook) {}

  /** @param ageMs milliseconds since the record that holds the change was stored */
  apply(op: LedgerOp, ageMs: number): void {
    const { book } = this;
    switch (op.kind) {
      case 'start':
        book.start(op.group, op.topic, op.generation, op.offsets);
        break;
      case 'look':
        this.withQueue(op, (ledger) => {
          for (const { offset, group } of op.messages) {
            if (offset < ledger.next) continue;
            ledger.skipTo(offset);
            book.addNext(ledger, group);
          }
        });
        break;
      case 'pop':
        this.withQueue(op, (ledger, ledgers) => this.pop(op, ledger, ledgers, ageMs));
        break;
      case 'ack':
        this.withQueue(op, (ledger) => {
          for (const offset of op.offsets) book.finish(ledger, offset);
        });
        break;
      case 'change':
        this.withRow(op, op.offset, (row) => {
          book.change(row, op.nonce, op.attempt, remainingOf(op.invisibleMs, ageMs));
        });
        break;
      case 'release':
        for (const offset of op.offsets) {
          this.withRow(op, offset, (row) => book.release(row, remainingOf(op.delayMs, ageMs)));
        }
        break;
      case 'expire':
        this.withQueue(op, (ledger) => void book.expire(ledger, op.min));
        break;
      case 'queue':
        this.partial.push({ rows: op.rows, ageMs });
        if (!op.more) this.restore(op);
        break;
      case 'attempt': {
        const ledgers = book.find(op.group, op.topic);
        if (ledgers !== undefined) book.attempts.note(op.key, ledgers, op.deliveries);
        break;
      }
      case 'dead':
        for (const queueOffset of op.offsets) book.deadLetters.add({ ...op, queueOffset });
        break;
      case 'open': {
        const ledgers = book.find(op.group, op.topic);
        if (ledgers === undefined) break;
        ledgers.since = op.since;
        ledgers.opened = op.opened;
        break;
      }
      case 'drop': {
        const ledgers = book.find(op.group, op.topic);
        if (ledgers !== undefined) book.drop(ledgers);
        break;
      }
      case 'end':
        break;
    }
  }

  /** A dead letter finishes the message that it is a copy of. */
  finish(origin: DeadLetterOrigin): void {
    const { group, topic, queueId, queueOffset, generation } = origin;
    const ledgers = this.book.find(group, topic);
    const ledger = ledgers && this.book.queue(ledgers, queueId);
    if (ledger?.generation !== generation) return;
    this.book.finish(ledger, queueOffset);
    this.book.deadLetters.add(origin);
  }

  private restore(op: QueueOp): void {
    const { book } = this;
    const known = book.find(op.group, op.topic);
    const ledgers =
      known?.generation === op.generation
        ? known
        : book.start(op.group, op.topic, op.generation, []);
    book.restoreQueue(ledgers, op.queueId, op.committed, op.next, this.partial, op.resets);
    this.partial = [];
  }

  private pop(op: PopOp, ledger: QueueLedger, ledgers: GroupTopic, ageMs: number): void {
    const { book } = this;
    const { queueId } = op;
    book.attempts.note(
      op.attemptKey,
      ledgers,
      op.deliveries.map((delivery, i) => ({ ...delivery, queueId, nonce: (op.nonce + i) >>> 0 })),
    );
    const holder = { client: book.clients.heard(op.client), autoRenew: op.autoRenew };
    const delayMs = remainingOf(op.invisibleMs, ageMs);
    op.deliveries.forEach(({ offset, attempt }, i) => {
      const nonce = (op.nonce + i) >>> 0;
      if (offset >= ledger.next) {
        ledger.skipTo(offset);
        book.deliverNext(ledger, holder, nonce, delayMs);
        return;
      }
      const row = ledger.row(offset);
      if (row === undefined) return;
      book.redeliver(row, holder, nonce, delayMs);
      book.rows.attempt[row] = attempt;
    });
    ledger.skipTo(op.next);
  }

  private withQueue(
    op: QueueRef,
    change: (ledger: QueueLedger, ledgers: GroupTopic) => void,
  ): void {
    const ledgers = this.book.find(op.group, op.topic);
    if (ledgers !== undefined) change(this.book.queue(ledgers, op.queueId), ledgers);
  }

  private withRow(op: QueueRef, offset: number, change: (row: number) => void): void {
    this.withQueue(op, (ledger) => {
      const row = ledger.row(offset);
      if (row !== undefined) change(row);
    });
  }
}
