/** Making receipt handles for deliveries, and finding the delivery that a handle names. */
import { formatReceiptHandle, splitReceiptHandle } from '../../api/receipt-handle';
import type { DeadLetterOrigin } from '../../message/dead-letter';
import { javaHashCode } from '../../message/java-hash';
import { Property } from '../../message/properties';
import { findProperty, propertyKey, storeTimestampOf } from '../../message/record-property';
import type { GroupTopic } from './group-topic';
import type { LedgerBook } from './ledger-book';
import type { QueueLedger } from './queue-ledger';
import {
  invalidHandle,
  mintToken,
  openToken,
  type Delivery,
  type TokenKeys,
} from './receipt-token';
import type { ChosenMessage } from './selection-pass';

const UNIQ_KEY = propertyKey(Property.UNIQ_KEY);

/** A delivery that a handle names and that is still the newest of its message. */
export interface Held {
  readonly ledger: QueueLedger;
  readonly row: number;
  readonly delivery: Delivery;
}

export class ReceiptHandles {
  constructor(
    private readonly brokerName: string,
    private readonly keys: TokenKeys,
    private readonly book: LedgerBook,
  ) {}

  /** The handle of a message that is being delivered. */
  mint(ledgers: GroupTopic, { ledger, entry, nonce }: ChosenMessage, record: Buffer): string {
    return this.format({
      queueId: ledger.queueId,
      queueOffset: entry.queueOffset,
      physicalOffset: entry.physicalOffset,
      storeTimestamp: storeTimestampOf(record),
      uniqKeyHash: javaHashCode(findProperty(record, UNIQ_KEY) ?? ''),
      nonce,
      epoch: 0,
      generation: ledger.generation,
      topicHash: ledgers.topicHash,
      groupHash: ledgers.groupHash,
    });
  }

  /** The handle that replaces an older one of the same message. */
  renew(delivery: Delivery, nonce: number): string {
    return this.format({ ...delivery, nonce });
  }

  /**
   * What a handle names. `undefined` when the message is finished already.
   * @throws StatusError INVALID_RECEIPT_HANDLE when forged, superseded, reset, dead-lettered, or of another group
   */
  resolve(
    ledgers: GroupTopic | undefined,
    request: { readonly group: string; readonly topic: string },
    handle: string,
  ): Held | undefined {
    const delivery = this.open(ledgers, request, handle);
    const { queueOffset } = delivery;
    const ledger = ledgers?.queues.get(delivery.queueId);
    if (ledger === undefined || queueOffset >= ledger.next) {
      throw invalidHandle('names a delivery that this broker does not know');
    }
    const row = ledger.row(queueOffset);
    if (row === undefined) {
      if (!this.book.deadLetters.has(originOf(request, delivery))) return undefined;
      throw invalidHandle(
        'names a message that was moved to the dead letter queue or a retry topic',
      );
    }
    if (this.book.rows.nonce[row] !== delivery.nonce) {
      throw invalidHandle('was superseded: delivered again, or its invisible time was changed');
    }
    return { ledger, row, delivery };
  }

  /**
   * The message that a handle names, whatever became of it.
   * @throws StatusError INVALID_RECEIPT_HANDLE when forged, reset, or of another group
   */
  origin(
    ledgers: GroupTopic | undefined,
    request: { readonly group: string; readonly topic: string },
    handle: string,
  ): DeadLetterOrigin {
    return originOf(request, this.open(ledgers, request, handle));
  }

  /**
   * What a handle says of its delivery, whatever became of that.
   * @throws StatusError INVALID_RECEIPT_HANDLE when forged, reset, or of another group
   */
  open(
    ledgers: GroupTopic | undefined,
    request: { readonly group: string; readonly topic: string },
    handle: string,
  ): Delivery {
    const { brokerName, token } = splitReceiptHandle(handle);
    if (brokerName !== this.brokerName) throw invalidHandle(`belongs to broker ${brokerName}`);
    const delivery = openToken(this.keys, token);
    if (delivery.groupHash !== javaHashCode(request.group)) {
      throw invalidHandle(`does not belong to group ${request.group}`);
    }
    if (delivery.topicHash !== javaHashCode(request.topic)) {
      throw invalidHandle(`does not belong to topic ${request.topic}`);
    }
    if (ledgers === undefined) {
      throw invalidHandle(`is of group ${request.group} on ${request.topic}, which is gone`);
    }
    const { generation } = ledgers.queues.get(delivery.queueId) ?? ledgers;
    if (delivery.generation !== generation) throw invalidHandle('was made before a reset');
    return delivery;
  }

  private format(delivery: Delivery): string {
    return formatReceiptHandle(this.brokerName, mintToken(this.keys, delivery));
  }
}

function originOf(
  { group, topic }: { readonly group: string; readonly topic: string },
  { queueId, queueOffset, generation }: Delivery,
): DeadLetterOrigin {
  return { group, topic, queueId, queueOffset, generation };
}
