/**
 * Moving messages to their group's dead letter queue: those whose last attempt is over, and those that a
 * consumer gives up on. The copy's record also finishes the original (../../message/dead-letter).
 */
import type { Logger } from 'pino';
import type { ForwardRequest } from '../../api/broker-api';
import { deadLetterDraft, deadLetterTopic, type DeadLetterOrigin } from '../../message/dead-letter';
import type { MessageStore } from '../../store/message-store';
import type { GroupTopic } from './group-topic';
import type { LedgerBook } from './ledger-book';
import type { LedgerLog } from './ledger-log';
import type { QueueLedger } from './queue-ledger';
import type { ReceiptHandles } from './receipt-handles';
import { invalidHandle } from './receipt-token';

/** Exhausted messages waiting to be moved, at most; more come again when their next look is due. */
const MAX_WAITING = 10_000;

/** One delivery of one message. */
interface Delivered {
  readonly ledgers: GroupTopic;
  readonly ledger: QueueLedger;
  readonly offset: number;
  readonly nonce: number;
}

export interface DeadLetterParts {
  readonly store: MessageStore;
  readonly book: LedgerBook;
  readonly log: LedgerLog;
  readonly handles: ReceiptHandles;
  readonly logger: Logger;
  /** Makes the topic where it does not exist. */
  readonly ensureTopic: (name: string) => Promise<void>;
}

export class DeadLetterService {
  private readonly waiting: Delivered[] = [];
  private running = false;

  constructor(private readonly parts: DeadLetterParts) {}

  /** Moves a message whose last attempt is over, soon; one that fails is looked at again later. */
  exhausted(ledgers: GroupTopic, ledger: QueueLedger, offset: number, nonce: number): void {
    if (this.waiting.length >= MAX_WAITING) return;
    this.waiting.push({ ledgers, ledger, offset, nonce });
    if (!this.running) void this.moveAll();
  }

  /** See `BrokerApi.forwardToDeadLetterQueue`. */
  async forward(request: ForwardRequest): Promise<void> {
    const { book, handles, log } = this.parts;
    const { deadLetters } = book;
    const ledgers = book.find(request.group, request.topic);
    const origin = handles.origin(ledgers, request, request.receiptHandle);
    // Repeated: an earlier call has moved it.
    if (ledgers !== undefined && !deadLetters.has(origin)) {
      const held = handles.resolve(ledgers, request, request.receiptHandle);
      if (held === undefined) throw invalidHandle('names a message that was acknowledged already');
      const { ledger, delivery } = held;
      const { queueOffset: offset, nonce } = delivery;
      await this.move({ ledgers, ledger, offset, nonce });
      if (!deadLetters.has(origin))
        throw invalidHandle('was superseded while the message was moved');
    }
    await log.durable();
  }

  private async moveAll(): Promise<void> {
    this.running = true;
    for (let next = this.waiting.shift(); next !== undefined; next = this.waiting.shift()) {
      try {
        await this.move(next);
      } catch (err) {
        const { group, topic } = next.ledgers;
        const { queueId } = next.ledger;
        this.parts.logger.error(
          { err, group, topic, queueId, queueOffset: next.offset },
          'message not moved to the dead letter queue, tried again later',
        );
      }
    }
    this.running = false;
  }

  private async move(delivered: Delivered): Promise<void> {
    const { book, log, ensureTopic, logger } = this.parts;
    const { ledgers, ledger, offset } = delivered;
    const { group, topic } = ledgers;
    const { queueId, generation } = ledger;
    await ensureTopic(deadLetterTopic(group));
    const record = await this.read(topic, queueId, offset);
    const row = this.rowOf(delivered);
    if (row === undefined) return;
    if (record === undefined) {
      // Retention has removed it: nothing is left to move.
      book.finish(ledger, offset);
      log.add({ kind: 'ack', group, topic, queueId, offsets: [offset] });
      return;
    }
    const origin: DeadLetterOrigin = { group, topic, queueId, queueOffset: offset, generation };
    const attempts = book.rows.attempt[row] ?? 0;
    // From here on in one turn: what the copy finishes is in the log before it.
    log.append(deadLetterDraft(record, origin, attempts), 0);
    book.finish(ledger, offset);
    book.deadLetters.add(origin);
    logger.warn({ ...origin, attempts }, 'message moved to the dead letter queue');
  }

  private async read(topic: string, queueId: number, offset: number): Promise<Buffer | undefined> {
    const { store } = this.parts;
    const [entry] = await store.entries(topic, queueId, offset, 1);
    if (entry?.queueOffset !== offset || entry.bytes === 0) return undefined;
    return store.record(topic, queueId, entry);
  }

  /** The message's row, unless it was finished, delivered again or dropped meanwhile. */
  private rowOf({ ledgers, ledger, offset, nonce }: Delivered): number | undefined {
    if (ledgers.dropped) return undefined;
    const row = ledger.row(offset);
    return row !== undefined && this.parts.book.rows.nonce[row] === nonce ? row : undefined;
  }
}
