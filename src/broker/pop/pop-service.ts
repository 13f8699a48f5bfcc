/**
 * Receives: choose messages, or wait for them; read them, wait for the log, answer. Waiting polls
 * are woken by arrivals and by messages whose invisible time has ended.
 */
import type { Logger } from 'pino';
import type { PoppedMessage, PopRequest, PopResult } from '../../api/broker-api';
import type { RecordFilter } from '../../message/filter';
import type { FilterCache } from '../../message/filter-cache';
import { type StatusError, toStatusError } from '../../message/status';
import type { Platform } from '../../platform/platform';
import type { MessageStore } from '../../store/message-store';
import type { Judge } from '../filter/judge';
import type { BrokerSettings } from '../settings';
import type { FinishService } from './finish-service';
import { attemptKey } from './attempts';
import type { GroupTopic } from './group-topic';
import type { LedgerBook } from './ledger-book';
import type { LedgerLog } from './ledger-log';
import { ParkedPolls } from './parked-polls';
import type { ReceiptHandles } from './receipt-handles';
import type { Selector } from './selection';
import type { ChosenMessage, Queues, Selection } from './selection-pass';

export interface PopParts {
  readonly store: MessageStore;
  readonly book: LedgerBook;
  readonly log: LedgerLog;
  readonly handles: ReceiptHandles;
  readonly selector: Selector;
  readonly finishing: FinishService;
  readonly filters: FilterCache;
  readonly judge: Judge;
  readonly platform: Platform;
  readonly settings: BrokerSettings;
  readonly logger: Logger;
  /** Queues of a topic on this broker that are open to a client of a group; 0 when there is no such topic. */
  readonly queuesOf: (ledgers: GroupTopic, clientId: string) => Queues;
  /** Whether answers to a group's pops wait until their record is durable. */
  readonly isFifo: (group: string) => boolean;
}

export class PopService {
  private readonly polls: ParkedPolls;
  /** Ledgers whose polls are being served, and whether they must be looked at once more. */
  private readonly serving = new Map<GroupTopic, boolean>();
  private readonly unlisten: () => void;

  constructor(private readonly parts: PopParts) {
    this.polls = new ParkedPolls(parts.platform.timers, parts.settings);
    this.unlisten = parts.store.onArrival((topic) => this.arrived(topic));
  }

  /** See `BrokerApi.pop`; the group is known and has begun on the topic. */
  async pop(ledgers: GroupTopic, request: PopRequest, signal: AbortSignal): Promise<PopResult> {
    const filter = this.parts.filters.get(request.filter);
    if (request.attemptId !== '') {
      this.polls.endAttempt(request.clientId, request.attemptId);
      const again = await this.again(ledgers, request);
      if (again.length > 0) return again;
    }
    const { clock } = this.parts.platform;
    const endMs = clock.monotonicMs() + request.pollMs;
    for (;;) {
      const pollMs = Math.max(0, endMs - clock.monotonicMs());
      const selection = await this.take(ledgers, { ...request, pollMs }, filter, signal);
      if (selection.length === 0) return [];
      const messages = await this.deliver(ledgers, request, filter, selection, signal);
      // None when all that was chosen fell to the exact look at the record: choose again.
      if (messages.length > 0 || signal.aborted) return messages;
    }
  }

  /** Wakes polls: messages are ready again. */
  becameReady(ledgers: GroupTopic): void {
    this.serve(ledgers);
  }

  /** Fails the polls of ledgers that a deletion or the broker's stop takes away. */
  endPolls(matches: (ledgers: GroupTopic) => boolean, error: StatusError): void {
    this.polls.failAll(matches, error);
  }

  /** Fails all polls; none is woken any more. */
  close(error: StatusError): void {
    this.unlisten();
    this.polls.failAll(() => true, error);
  }

  private arrived(topic: string): void {
    for (const ledgers of this.polls.waitingOn(topic)) this.serve(ledgers);
  }

  /** Chooses messages now, else waits for the first ones. */
  private async take(
    ledgers: GroupTopic,
    request: PopRequest,
    filter: RecordFilter | undefined,
    signal: AbortSignal,
  ): Promise<Selection> {
    const alive = (): boolean => !signal.aborted && !ledgers.dropped;
    if (!this.polls.has(ledgers)) {
      const queues = this.parts.queuesOf(ledgers, request.clientId);
      const { selector } = this.parts;
      const selection = await selector.select(ledgers, queues, request, filter, alive);
      if (selection.length > 0) return selection;
    }
    if (request.pollMs <= 0 || !alive()) return [];
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
    try {
      while (this.serving.get(ledgers) === true) {
        this.serving.set(ledgers, false);
        await this.serveOnce(ledgers);
      }
    } catch (error) {
      const { topic, group } = ledgers;
      this.parts.logger.error({ err: error, topic, group }, 'waiting receives not served');
      this.polls.failAll((other) => other === ledgers, toStatusError(error));
    } finally {
      this.serving.delete(ledgers);
    }
  }

  private async serveOnce(ledgers: GroupTopic): Promise<void> {
    const { selector, finishing, queuesOf } = this.parts;
    for (const poll of this.polls.waiting(ledgers)) {
      const queues = queuesOf(ledgers, poll.request.clientId);
      if (!selector.available(ledgers, queues)) {
        // What is there for one client is there for all, but for lite topics.
        if (typeof queues === 'number') return;
        continue;
      }
      const alive = (): boolean => this.polls.isWaiting(ledgers, poll);
      const selection = await selector.select(ledgers, queues, poll.request, poll.filter, alive);
      if (selection.length === 0) continue;
      if (this.polls.claim(ledgers, poll)) poll.end(selection);
      else finishing.giveBackPicks(ledgers, selection);
    }
  }

  /**
   * Reads the chosen messages, drops those that do not match (their tag only has the same hash, or the
   * group's filter has changed since their last delivery), and waits for the log.
   */
  private async deliver(
    ledgers: GroupTopic,
    request: PopRequest,
    filter: RecordFilter | undefined,
    selection: Selection,
    signal: AbortSignal,
  ): Promise<PopResult> {
    const { handles, finishing } = this.parts;
    const messages: PoppedMessage[] = [];
    const unwanted: ChosenMessage[] = [];
    for (const pick of selection) {
      const record = await this.readRecord(ledgers.topic, pick);
      if (record === undefined) continue;
      if (filter !== undefined && !this.isWanted(ledgers, pick, record, filter)) {
        unwanted.push(pick);
        continue;
      }
      const receiptHandle = handles.mint(ledgers, pick, record);
      const { attempt } = pick;
      messages.push({ record, receiptHandle, attempt, invisibleMs: request.invisibleMs });
    }
    finishing.finishPicks(ledgers, unwanted);
    try {
      await this.logged(request.group);
    } catch (error) {
      finishing.giveBackPicks(ledgers, selection);
      throw error;
    }
    if (!signal.aborted) return messages;
    finishing.giveBackPicks(ledgers, selection);
    return [];
  }

  /** What is left of a receive with the same attempt id: same handles, attempts and deadlines. */
  private async again(ledgers: GroupTopic, request: PopRequest): Promise<PopResult> {
    const { book, store, handles } = this.parts;
    const { topic } = ledgers;
    const messages: PoppedMessage[] = [];
    const attempt = book.attempts.find(attemptKey(request), ledgers);
    for (const delivery of attempt?.deliveries ?? []) {
      const { queueId, offset } = delivery;
      if (book.heldBy(ledgers, delivery) === undefined) continue;
      book.attempts.repeat(delivery.nonce);
      const [entry] = await store.entries(topic, queueId, offset, 1);
      if (entry?.queueOffset !== offset || entry.bytes === 0) continue;
      const held = book.heldBy(ledgers, delivery);
      const pick = held && { ...delivery, ledger: held.ledger, entry };
      const record = pick && (await this.readRecord(topic, pick));
      if (held === undefined || pick === undefined || record === undefined) continue;
      const receiptHandle = handles.mint(ledgers, pick, record);
      const invisibleMs = Math.ceil(book.remainingMs(held.row));
      messages.push({ record, receiptHandle, attempt: delivery.attempt, invisibleMs });
    }
    // As with the first answer: what it holds must be in the log.
    await this.logged(request.group);
    return messages;
  }

  /** What an answer of a group holds may be told: another broker that takes over knows it, where order depends on it. */
  private logged(group: string): Promise<void> {
    const { log, isFifo } = this.parts;
    return isFifo(group) ? log.durable() : log.written();
  }

  private isWanted(
    { group, topic }: GroupTopic,
    { ledger, entry, judged }: ChosenMessage,
    record: Buffer,
    filter: RecordFilter,
  ): boolean {
    if (judged === true) return true;
    const queue = { group, topic, queueId: ledger.queueId };
    return this.parts.judge.matches(queue, entry.queueOffset, record, filter);
  }

  /** The bytes of a chosen message; one that can't be read stays in flight and is tried again later. */
  private async readRecord(
    topic: string,
    { ledger, entry }: ChosenMessage,
  ): Promise<Buffer | undefined> {
    try {
      return await this.parts.store.record(topic, ledger.queueId, entry);
    } catch (error) {
      const { queueId } = ledger;
      this.parts.logger.error({ err: error, topic, queueId, ...entry }, 'message not readable');
      return undefined;
    }
  }
}
