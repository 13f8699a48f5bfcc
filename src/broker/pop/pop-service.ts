/**
 * Pop consumption: receives, acknowledgements, invisible times. Every change of a ledger is made in
 * memory and noted for the log in the same turn; answers wait for the log as the design says.
 */
import type { Logger } from 'pino';
import type {
  AckRequest,
  ChangeInvisibleRequest,
  EntryStatus,
  PoppedMessage,
  PopRequest,
  PopResult,
} from '../../api/broker-api';
import { formatReceiptHandle, splitReceiptHandle } from '../../api/receipt-handle';
import { parseTagExpression, type TagFilter } from '../../message/filter';
import { javaHashCode } from '../../message/java-hash';
import { Property } from '../../message/properties';
import { findProperty, propertyKey, storeTimestampOf } from '../../message/record-property';
import { Code, StatusError, toStatusError } from '../../message/status';
import type { Platform } from '../../platform/platform';
import type { MessageStore } from '../../store/message-store';
import type { BrokerSettings } from '../settings';
import type { GroupTopic, LedgerBook } from './ledger-book';
import type { LedgerLog } from './ledger-log';
import { ParkedPolls } from './parked-polls';
import type { QueueLedger } from './queue-ledger';
import {
  invalidHandle,
  mintToken,
  openToken,
  type Delivery,
  type TokenKeys,
} from './receipt-token';
import { Selector, type Pick, type Selection } from './selection';

/** A message that never reached its consumer is ready again after this long. */
const RELEASE_MS = 1000;
const TAGS_KEY = propertyKey(Property.TAGS);
const UNIQ_KEY = propertyKey(Property.UNIQ_KEY);
const OK: EntryStatus = { code: Code.OK, message: 'OK' };

export interface PopParts {
  readonly store: MessageStore;
  readonly book: LedgerBook;
  readonly log: LedgerLog;
  readonly keys: TokenKeys;
  readonly platform: Platform;
  readonly settings: BrokerSettings;
  readonly logger: Logger;
  /** Queues of a topic on this broker; 0 when there is no such topic. */
  readonly queuesOf: (topic: string) => number;
  /** Whether answers to a group's pops wait until their record is visible. */
  readonly isFifo: (group: string) => boolean;
}

/** A delivery that a handle names and that is still the newest of its message. */
interface Held {
  readonly ledger: QueueLedger;
  readonly row: number;
  readonly delivery: Delivery;
}

export class PopService {
  private readonly polls: ParkedPolls;
  private readonly selector: Selector;
  /** Ledgers whose polls are being served, and whether they must be looked at once more. */
  private readonly serving = new Map<GroupTopic, boolean>();

  constructor(private readonly parts: PopParts) {
    const { platform, settings } = parts;
    this.polls = new ParkedPolls(platform.timers, settings);
    this.selector = new Selector(
      parts.store,
      parts.book,
      parts.log,
      settings,
      platform.random.uint32(),
      () => new Promise((resolve) => platform.timers.nextTurn(resolve)),
    );
    parts.store.onArrival((topic) => this.arrived(topic));
  }

  /** See `BrokerApi.pop`; the group is known and has begun on the topic. */
  async pop(ledgers: GroupTopic, request: PopRequest, signal: AbortSignal): Promise<PopResult> {
    if (request.filter.type !== 'TAG') {
      throw new StatusError(Code.NOT_IMPLEMENTED, 'SQL filters are not served yet');
    }
    const filter = parseTagExpression(request.filter.expression);
    for (;;) {
      const started = this.parts.platform.clock.monotonicMs();
      const selection = await this.take(ledgers, request, filter, signal);
      if (selection.length === 0) return [];
      const messages = await this.deliver(ledgers, request, filter, selection, signal);
      if (messages.length > 0 || signal.aborted) return messages;
      // All that was chosen fell to the exact comparison of tags: go on with the time that is left.
      const waitedMs = this.parts.platform.clock.monotonicMs() - started;
      request = { ...request, pollMs: Math.max(0, request.pollMs - waitedMs) };
    }
  }

  async ack(request: AckRequest): Promise<readonly EntryStatus[]> {
    const offsets = new Map<QueueLedger, number[]>();
    const ledgers = this.parts.book.find(request.group, request.topic);
    const statuses = request.entries.map(({ receiptHandle }): EntryStatus => {
      try {
        const held = this.held(ledgers, request, receiptHandle);
        if (held !== undefined) {
          this.parts.book.finish(held.ledger, held.delivery.queueOffset);
          listOf(offsets, held.ledger).push(held.delivery.queueOffset);
        }
        return OK;
      } catch (error) {
        const { code, message } = toStatusError(error);
        return { code, message };
      }
    });
    const { group, topic } = request;
    for (const [{ queueId }, acked] of offsets) {
      this.parts.log.add({ kind: 'ack', group, topic, queueId, offsets: acked });
    }
    // Also when nothing changed: what an earlier call finished may not be durable yet.
    await this.parts.log.durable();
    return statuses;
  }

  async changeInvisible(request: ChangeInvisibleRequest): Promise<string> {
    const { book, log, settings, keys } = this.parts;
    const { group, topic } = request;
    const ledgers = book.find(group, topic);
    const held = this.held(ledgers, request, request.receiptHandle);
    if (held === undefined) throw invalidHandle('names a message that was acknowledged already');
    const { ledger, row, delivery } = held;
    const nonce = this.selector.takeNonce();
    const attempt = Math.max(0, (book.rows.attempt[row] ?? 1) - (request.suspend ? 1 : 0));
    book.rows.nonce[row] = nonce;
    book.rows.attempt[row] = attempt;
    book.endRenewal(row);
    book.reschedule(row, request.invisibleMs);
    log.add({
      kind: 'change',
      group,
      topic,
      queueId: ledger.queueId,
      offset: delivery.queueOffset,
      invisibleMs: request.invisibleMs,
      nonce,
      attempt,
    });
    await log.durable();
    return formatReceiptHandle(settings.brokerName, mintToken(keys, { ...delivery, nonce }));
  }

  /** See `BrokerApi.release`; handles that are no longer valid are passed over. */
  async release(request: AckRequest): Promise<void> {
    const ledgers = this.parts.book.find(request.group, request.topic);
    const held: Held[] = [];
    for (const { receiptHandle } of request.entries) {
      try {
        const one = this.held(ledgers, request, receiptHandle);
        if (one !== undefined) held.push(one);
      } catch {
        // Redelivered or finished meanwhile: nothing to give back.
      }
    }
    if (ledgers !== undefined) this.giveBack(ledgers, held);
    await this.parts.log.written();
  }

  /** Ends a client's polls and gives back what it holds. */
  async clientGone(clientId: string): Promise<void> {
    const { book, log } = this.parts;
    this.polls.endClient(clientId);
    const client = book.clients.find(clientId);
    if (client === undefined) return;
    const held = new Map<GroupTopic, { ledger: QueueLedger; row: number }[]>();
    book.forEachHeld(client, (ledgers, ledger, row) => listOf(held, ledgers).push({ ledger, row }));
    for (const [ledgers, rows] of held) this.giveBack(ledgers, rows);
    await log.written();
  }

  /** Wakes polls: messages are ready again. */
  becameReady(ledgers: GroupTopic): void {
    this.serve(ledgers);
  }

  /** Fails the polls of ledgers that a deletion takes away. */
  endPolls(matches: (ledgers: GroupTopic) => boolean, error: StatusError): void {
    this.polls.failAll(matches, error);
  }

  private arrived(topic: string): void {
    for (const ledgers of this.parts.book.ofTopic(topic)) this.serve(ledgers);
  }

  /** Chooses messages now, else waits for the first ones. */
  private async take(
    ledgers: GroupTopic,
    request: PopRequest,
    filter: TagFilter | undefined,
    signal: AbortSignal,
  ): Promise<Selection> {
    const alive = (): boolean => !signal.aborted && !ledgers.dropped;
    if (!this.polls.has(ledgers)) {
      const queues = this.parts.queuesOf(ledgers.topic);
      const selection = await this.selector.select(ledgers, queues, request, filter, alive);
      if (selection.length > 0) return selection;
    }
    if (request.pollMs <= 0 || signal.aborted) return [];
    return new Promise<Selection>((end, fail) => {
      this.polls.park(ledgers, { request, filter, end, fail }, signal);
      // What came between the look above and now has woken nobody.
      this.serve(ledgers);
    });
  }

  private serve(ledgers: GroupTopic): void {
    if (!this.polls.has(ledgers)) return;
    const running = this.serving.has(ledgers);
    this.serving.set(ledgers, true);
    if (!running) void this.serveAll(ledgers);
  }

  /** Serves waiting polls, the oldest first, until nothing is left to take. */
  private async serveAll(ledgers: GroupTopic): Promise<void> {
    const { logger, queuesOf } = this.parts;
    try {
      while (this.serving.get(ledgers) === true) {
        this.serving.set(ledgers, false);
        for (const poll of this.polls.waiting(ledgers)) {
          const queues = queuesOf(ledgers.topic);
          if (!this.selector.available(ledgers, queues)) break;
          const alive = (): boolean => this.polls.isWaiting(ledgers, poll);
          const selection = await this.selector.select(
            ledgers,
            queues,
            poll.request,
            poll.filter,
            alive,
          );
          if (selection.length === 0) continue;
          if (this.polls.claim(ledgers, poll)) poll.end(selection);
          else
            this.giveBack(
              ledgers,
              selection.flatMap((pick) => this.rowOf(pick)),
            );
        }
      }
    } catch (error) {
      logger.error({ err: error, topic: ledgers.topic, group: ledgers.group }, 'polls not served');
      this.polls.failAll((other) => other === ledgers, toStatusError(error));
    } finally {
      this.serving.delete(ledgers);
    }
  }

  /** Reads the chosen messages, drops those whose tag only has the same hash, and waits for the log. */
  private async deliver(
    ledgers: GroupTopic,
    request: PopRequest,
    filter: TagFilter | undefined,
    selection: Selection,
    signal: AbortSignal,
  ): Promise<PopResult> {
    const messages: PoppedMessage[] = [];
    const unwanted: Pick[] = [];
    for (const pick of selection) {
      const record = await this.readRecord(ledgers.topic, pick);
      if (record === undefined) continue;
      if (filter !== undefined && !filter.tags.has(findProperty(record, TAGS_KEY) ?? '')) {
        unwanted.push(pick);
      } else {
        messages.push(this.popped(ledgers, request, pick, record));
      }
    }
    this.finishUnwanted(ledgers, unwanted);
    if (this.parts.isFifo(request.group)) await this.parts.log.durable();
    else await this.parts.log.written();
    if (!signal.aborted) return messages;
    this.giveBack(
      ledgers,
      selection.flatMap((pick) => this.rowOf(pick)),
    );
    return [];
  }

  private popped(
    ledgers: GroupTopic,
    request: PopRequest,
    { ledger, entry, attempt, nonce }: Pick,
    record: Buffer,
  ): PoppedMessage {
    const { settings, keys } = this.parts;
    const token = mintToken(keys, {
      queueId: ledger.queueId,
      queueOffset: entry.queueOffset,
      physicalOffset: entry.physicalOffset,
      storeTimestamp: storeTimestampOf(record),
      uniqKeyHash: javaHashCode(findProperty(record, UNIQ_KEY) ?? ''),
      nonce,
      epoch: 0,
      generation: ledgers.generation,
      topicHash: ledgers.topicHash,
      groupHash: ledgers.groupHash,
    });
    const receiptHandle = formatReceiptHandle(settings.brokerName, token);
    return { record, receiptHandle, attempt, invisibleMs: request.invisibleMs };
  }

  /** The bytes of a chosen message; one that can't be read stays in flight and is tried again later. */
  private async readRecord(topic: string, { ledger, entry }: Pick): Promise<Buffer | undefined> {
    try {
      const record = this.parts.store.record(topic, ledger.queueId, entry);
      return record instanceof Promise ? await record : record;
    } catch (error) {
      const { queueId } = ledger;
      this.parts.logger.error({ err: error, topic, queueId, ...entry }, 'message not readable');
      return undefined;
    }
  }

  private finishUnwanted(ledgers: GroupTopic, unwanted: readonly Pick[]): void {
    const { group, topic } = ledgers;
    for (const { ledger, entry, nonce } of unwanted) {
      const offset = entry.queueOffset;
      const row = ledger.row(offset);
      if (row === undefined || this.parts.book.rows.nonce[row] !== nonce) continue;
      this.parts.book.finish(ledger, offset);
      this.parts.log.add({ kind: 'ack', group, topic, queueId: ledger.queueId, offsets: [offset] });
    }
  }

  /** Makes messages ready after a second without counting the attempt. */
  private giveBack(
    ledgers: GroupTopic,
    held: readonly { readonly ledger: QueueLedger; readonly row: number }[],
  ): void {
    const { book, log } = this.parts;
    const { group, topic } = ledgers;
    const offsets = new Map<QueueLedger, number[]>();
    for (const { ledger, row } of held) {
      book.release(row, RELEASE_MS);
      listOf(offsets, ledger).push(book.rows.offset[row] ?? 0);
    }
    for (const [{ queueId }, released] of offsets) {
      log.add({ kind: 'release', group, topic, queueId, delayMs: RELEASE_MS, offsets: released });
    }
  }

  private rowOf({ ledger, entry, nonce }: Pick): { ledger: QueueLedger; row: number }[] {
    const row = ledger.row(entry.queueOffset);
    if (row === undefined || this.parts.book.rows.nonce[row] !== nonce) return [];
    return [{ ledger, row }];
  }

  /**
   * What a handle names. `undefined` when the message is finished already.
   * @throws StatusError INVALID_RECEIPT_HANDLE when forged, superseded, reset, or of another group
   */
  private held(
    ledgers: GroupTopic | undefined,
    request: { readonly group: string; readonly topic: string },
    handle: string,
  ): Held | undefined {
    const { book, keys, settings } = this.parts;
    const { brokerName, token } = splitReceiptHandle(handle);
    if (brokerName !== settings.brokerName) throw invalidHandle(`belongs to broker ${brokerName}`);
    const delivery = openToken(keys, token);
    if (delivery.groupHash !== javaHashCode(request.group)) {
      throw invalidHandle(`does not belong to group ${request.group}`);
    }
    if (delivery.topicHash !== javaHashCode(request.topic)) {
      throw invalidHandle(`does not belong to topic ${request.topic}`);
    }
    if (ledgers === undefined) {
      throw invalidHandle(
        `names group ${request.group} and topic ${request.topic}, which hold no such delivery`,
      );
    }
    if (delivery.generation !== ledgers.generation) throw invalidHandle('was made before a reset');
    const ledger = ledgers.queues.get(delivery.queueId);
    if (ledger === undefined || delivery.queueOffset >= ledger.next) {
      throw invalidHandle('names a delivery that this broker does not know');
    }
    const row = ledger.row(delivery.queueOffset);
    if (row === undefined) return undefined;
    if (book.rows.nonce[row] !== delivery.nonce) {
      throw invalidHandle(
        'was superseded: the message was delivered again or its invisible time changed',
      );
    }
    return { ledger, row, delivery };
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
