/**
 * What happens to delivered messages: acknowledged, put off, given back. Every change is made in
 * memory and noted for the log in the same turn; answers wait until it is durable.
 */
import type { AckRequest, ChangeInvisibleRequest, EntryStatus } from '../../api/broker-api';
import { backoffMs, type BackoffPolicy } from '../../api/topic';
import { Code, toStatusError } from '../../message/status';
import type { GroupTopic } from './group-topic';
import type { LedgerBook } from './ledger-book';
import type { LedgerLog } from './ledger-log';
import type { LostDeliveries } from './lost-deliveries';
import type { QueueLedger } from './queue-ledger';
import type { ReceiptHandles } from './receipt-handles';
import { invalidHandle, type Delivery } from './receipt-token';
import type { ChosenMessage } from './selection-pass';

/** A message that never reached its consumer is ready again after this long. */
const RELEASE_MS = 1000;
const OK: EntryStatus = { code: Code.OK, message: 'OK' };

interface HeldRow {
  readonly ledger: QueueLedger;
  readonly row: number;
}

export interface FinishParts {
  readonly book: LedgerBook;
  readonly log: LedgerLog;
  readonly handles: ReceiptHandles;
  readonly lost: LostDeliveries;
  /** A nonce for one more delivery. */
  readonly takeNonce: () => number;
  readonly backoffOf: (group: string) => BackoffPolicy;
}

export class FinishService {
  private readonly book: LedgerBook;
  private readonly log: LedgerLog;
  private readonly handles: ReceiptHandles;

  constructor(private readonly parts: FinishParts) {
    this.book = parts.book;
    this.log = parts.log;
    this.handles = parts.handles;
  }

  /** See `BrokerApi.ack`. */
  async ack(request: AckRequest): Promise<readonly EntryStatus[]> {
    const { group, topic } = request;
    const offsets = new Map<QueueLedger, number[]>();
    const ledgers = this.book.find(group, topic);
    const unknown = ledgers === undefined ? [] : this.unknown(ledgers, request);
    const found = new Set<string>();
    for (const { receiptHandle, delivery } of unknown) {
      if (ledgers !== undefined && (await this.ackLost(ledgers, delivery)))
        found.add(receiptHandle);
    }
    const statuses = request.entries.map(({ receiptHandle }): EntryStatus => {
      if (found.has(receiptHandle)) return OK;
      try {
        const held = this.handles.resolve(ledgers, request, receiptHandle);
        if (held !== undefined) {
          this.book.finish(held.ledger, held.delivery.queueOffset);
          listOf(offsets, held.ledger).push(held.delivery.queueOffset);
        }
        return OK;
      } catch (error) {
        const { code, message } = toStatusError(error);
        return { code, message };
      }
    });
    for (const [{ queueId }, acked] of offsets) {
      this.log.add({ kind: 'ack', group, topic, queueId, offsets: acked });
    }
    // Also when nothing changed: what an earlier call finished may not be durable yet.
    await this.log.durable();
    return statuses;
  }

  /** The entries of a request whose deliveries the ledger does not know; see ./lost-deliveries. */
  private unknown(
    ledgers: GroupTopic,
    request: AckRequest,
  ): readonly { readonly receiptHandle: string; readonly delivery: Delivery }[] {
    return request.entries.flatMap(({ receiptHandle }) => {
      try {
        const delivery = this.handles.open(ledgers, request, receiptHandle);
        return this.parts.lost.isUnknown(ledgers, delivery) ? [{ receiptHandle, delivery }] : [];
      } catch {
        // Answered below, with the reason.
        return [];
      }
    });
  }

  /** Finishes a message whose delivery the log has lost; `false` when the handle does not count. */
  private async ackLost(ledgers: GroupTopic, delivery: Delivery): Promise<boolean> {
    const { group, topic } = ledgers;
    const { queueId, queueOffset } = delivery;
    const ledger = await this.parts.lost.find(ledgers, delivery);
    if (ledger === undefined) return false;
    this.book.finish(ledger, queueOffset);
    this.log.add({ kind: 'ack', group, topic, queueId, offsets: [queueOffset] });
    return true;
  }

  /** See `BrokerApi.changeInvisible`. */
  async changeInvisible(request: ChangeInvisibleRequest): Promise<string> {
    const { group, topic } = request;
    const held = this.handles.resolve(this.book.find(group, topic), request, request.receiptHandle);
    if (held === undefined) throw invalidHandle('names a message that was acknowledged already');
    const { ledger, row, delivery } = held;
    const nonce = this.parts.takeNonce();
    const delayMs = this.delayOf(request, row);
    const { book } = this;
    const attempt = request.suspend ? book.uncounted(row) : (book.rows.attempt[row] ?? 1);
    book.change(row, nonce, attempt, delayMs);
    this.log.add({
      kind: 'change',
      group,
      topic,
      queueId: ledger.queueId,
      offset: delivery.queueOffset,
      invisibleMs: delayMs,
      nonce,
      attempt,
    });
    await this.log.durable();
    return this.handles.renew(delivery, nonce);
  }

  /** See `BrokerApi.release`; handles that are no longer valid are passed over. */
  async release(request: AckRequest): Promise<void> {
    const ledgers = this.book.find(request.group, request.topic);
    const held: HeldRow[] = [];
    for (const { receiptHandle } of request.entries) {
      try {
        const one = this.handles.resolve(ledgers, request, receiptHandle);
        if (one !== undefined && !this.book.attempts.isRepeated(one.delivery.nonce)) held.push(one);
      } catch {
        // Redelivered or finished meanwhile: nothing to give back.
      }
    }
    if (ledgers !== undefined) this.giveBack(ledgers, held);
    await this.log.written();
  }

  /** Gives back all that a client holds. */
  async releaseClient(clientId: string): Promise<void> {
    const client = this.book.clients.find(clientId);
    if (client === undefined) return;
    const held = new Map<GroupTopic, HeldRow[]>();
    this.book.forEachHeld(client, (ledgers, ledger, row) =>
      listOf(held, ledgers).push({ ledger, row }),
    );
    for (const [ledgers, rows] of held) this.giveBack(ledgers, rows);
    await this.log.written();
  }

  /** Gives back messages that were chosen but never answered. */
  giveBackPicks(ledgers: GroupTopic, picks: readonly ChosenMessage[]): void {
    this.giveBack(
      ledgers,
      // What a repeated receive was given meanwhile stays with it.
      picks.flatMap((pick) => (this.book.attempts.isRepeated(pick.nonce) ? [] : this.rowOf(pick))),
    );
  }

  /** Finishes messages that were chosen but that their consumer does not want. */
  finishPicks(ledgers: GroupTopic, picks: readonly ChosenMessage[]): void {
    const { group, topic } = ledgers;
    for (const pick of picks) {
      for (const { ledger } of this.rowOf(pick)) {
        const offsets = [pick.entry.queueOffset];
        this.book.finish(ledger, pick.entry.queueOffset);
        this.log.add({ kind: 'ack', group, topic, queueId: ledger.queueId, offsets });
      }
    }
  }

  /** When a message comes again: a push consumer that says 0 means the group's backoff. */
  private delayOf({ group, invisibleMs, suspend }: ChangeInvisibleRequest, row: number): number {
    if (invisibleMs > 0 || suspend || !this.book.holder(row).autoRenew) return invisibleMs;
    return backoffMs(this.parts.backoffOf(group), this.book.rows.attempt[row] ?? 1);
  }

  /** Makes messages ready after a second, the attempt not counted. */
  private giveBack(ledgers: GroupTopic, held: readonly HeldRow[]): void {
    const { group, topic } = ledgers;
    const offsets = new Map<QueueLedger, number[]>();
    for (const { ledger, row } of held) {
      this.book.release(row, RELEASE_MS);
      listOf(offsets, ledger).push(this.book.rows.offset[row] ?? 0);
    }
    for (const [{ queueId }, released] of offsets) {
      const delayMs = RELEASE_MS;
      this.log.add({ kind: 'release', group, topic, queueId, delayMs, offsets: released });
    }
  }

  /** The row of a chosen message, unless it was delivered anew, finished or dropped meanwhile. */
  private rowOf({ ledger, entry, nonce }: ChosenMessage): HeldRow[] {
    const row = ledger.row(entry.queueOffset);
    if (row === undefined || this.book.rows.nonce[row] !== nonce) return [];
    return [{ ledger, row }];
  }
}

function listOf<K, V>(lists: Map<K, V[]>, key: K): V[] {
  let list = lists.get(key);
  if (list === undefined) {
    list = [];
    lists.set(key, list);
  }
  return list;
}
