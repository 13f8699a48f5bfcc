/**
 * Acknowledgements of deliveries that the ledger does not know: the log's end, with the record of the pop,
 * was lost after the answer had left (a power failure), while the messages were not. Such a handle counts
 * when the record that lies at its offset now is the one that was delivered, and nobody has had it since.
 */
import { javaHashCode } from '../../message/java-hash';
import { Property } from '../../message/properties';
import { findProperty, propertyKey, storeTimestampOf } from '../../message/record-property';
import type { MessageStore } from '../../store/message-store';
import type { GroupTopic } from './group-topic';
import type { LedgerBook } from './ledger-book';
import type { QueueLedger } from './queue-ledger';
import type { Delivery } from './receipt-token';
import type { UnseenMessages } from './unseen-messages';

/**
 * How far beyond what the ledger knows a handle may reach; one further on is refused, and its message
 * comes again.
 */
const MAX_BEYOND = 4096;
const UNIQ_KEY = propertyKey(Property.UNIQ_KEY);

interface LostParts {
  readonly store: MessageStore;
  readonly book: LedgerBook;
  readonly unseen: UnseenMessages;
}

export class LostDeliveries {
  constructor(private readonly parts: LostParts) {}

  /** Whether the ledger knows of no delivery of the message that a handle names. */
  isUnknown(ledgers: GroupTopic, { queueId, queueOffset }: Delivery): boolean {
    const ledger = ledgers.queues.get(queueId);
    if (ledger === undefined || queueOffset >= ledger.next) return true;
    const row = ledger.row(queueOffset);
    return row !== undefined && this.parts.book.isUntouched(row);
  }

  /**
   * Brings the ledger up to an unknown delivery, when that is proved to be one.
   * @returns the ledger that now has a row, never delivered, for it; `undefined` when the handle does not count
   */
  async find(ledgers: GroupTopic, delivery: Delivery): Promise<QueueLedger | undefined> {
    const { store, book, unseen } = this.parts;
    const { queueId, queueOffset } = delivery;
    if (queueOffset >= store.maxOffset(ledgers.topic, queueId)) return undefined;
    const next = ledgers.queues.get(queueId)?.next ?? 0;
    if (queueOffset - next > MAX_BEYOND) return undefined;
    if (!(await this.isStored(ledgers.topic, delivery))) return undefined;
    const between = await unseen.between(ledgers, queueId, next, queueOffset);
    // From here on in one turn.
    if (ledgers.dropped || !this.isUnknown(ledgers, delivery)) return undefined;
    const ledger = book.queue(ledgers, queueId);
    if (ledger.generation !== delivery.generation) return undefined;
    unseen.takeIn(ledgers, ledger, between);
    return ledger.row(queueOffset) === undefined ? undefined : ledger;
  }

  /** Whether the record at the delivery's offset is the one that was delivered. */
  private async isStored(topic: string, delivery: Delivery): Promise<boolean> {
    const { store } = this.parts;
    const { queueId, queueOffset, physicalOffset } = delivery;
    const [entry] = await store.entries(topic, queueId, queueOffset, 1);
    if (entry?.queueOffset !== queueOffset || entry.physicalOffset !== physicalOffset) return false;
    if (entry.bytes === 0) return false;
    const record = await store.record(topic, queueId, entry);
    return (
      storeTimestampOf(record) === delivery.storeTimestamp &&
      javaHashCode(findProperty(record, UNIQ_KEY) ?? '') === delivery.uniqKeyHash
    );
  }
}
