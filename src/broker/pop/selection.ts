// long: the whole choice of one pop, each step short.
/**
 * Choosing the messages of one pop: ready again ones first, then new ones that match the filter,
 * queue by queue. What is chosen is in flight at once, and logged in the same turn. For a FIFO group of
 * consumers ./message-groups says whose turn it is; new messages behind a held one are passed over.
 * The queues of a PRIORITY topic are its priorities: the highest one goes first.
 */
import type { PopRequest } from '../../api/broker-api';
import { MAX_QUEUES } from '../../api/topic';
import type { RecordFilter } from '../../message/filter';
import { isLargeRecord } from '../../message/large-message';
import type { Clock, Platform, Timers } from '../../platform/platform';
import type { MessageStore, QueueEntry } from '../../store/message-store';
import type { Judge } from '../filter/judge';
import type { BrokerSettings } from '../settings';
import { attemptKey } from './attempts';
import { EntryReader, type Loaded } from './entry-reader';
import type { GroupTopic } from './group-topic';
import type { LedgerBook } from './ledger-book';
import type { LedgerLog } from './ledger-log';
import { WHOLE_QUEUE } from './message-groups';
import { PassedOver } from './passed-over';
import type { QueueLedger } from './queue-ledger';
import {
  isJudged,
  type ChosenMessage,
  type Draft,
  type Pass,
  type Queues,
  type Selection,
} from './selection-pass';

/** Entries examined in one queue before the event loop gets its turn again. */
const SCAN_ENTRIES = 1024;
/** Entries read at a time. */
const READ_ENTRIES = 128;

interface SelectorParts {
  readonly store: MessageStore;
  readonly book: LedgerBook;
  readonly log: LedgerLog;
  readonly judge: Judge;
  readonly settings: BrokerSettings;
  readonly platform: Pick<Platform, 'clock' | 'timers' | 'random'>;
  /** Whether a group of consumers receives each message group in order. */
  readonly isFifo: (group: string) => boolean;
  /** Whether the queues of a topic are priorities. */
  readonly hasPriorities: (topic: string) => boolean;
}

export class Selector {
  private readonly store: MessageStore;
  private readonly book: LedgerBook;
  private readonly log: LedgerLog;
  private readonly judge: Judge;
  private readonly settings: BrokerSettings;
  private readonly clock: Clock;
  private readonly timers: Timers;
  private readonly isFifo: (group: string) => boolean;
  private readonly hasPriorities: (topic: string) => boolean;
  private nonce: number;

  constructor(parts: SelectorParts) {
    this.store = parts.store;
    this.book = parts.book;
    this.log = parts.log;
    this.judge = parts.judge;
    this.settings = parts.settings;
    this.clock = parts.platform.clock;
    this.timers = parts.platform.timers;
    this.isFifo = parts.isFifo;
    this.hasPriorities = parts.hasPriorities;
    this.nonce = parts.platform.random.uint32();
  }

  /** A nonce for one more delivery. */
  takeNonce(): number {
    const nonce = this.nonce;
    this.nonce = (nonce + 1) >>> 0;
    return nonce;
  }

  /** Whether a pop may find something, without regard to filters. */
  available(ledgers: GroupTopic, queues: Queues): boolean {
    if (typeof queues !== 'number') return queues.length > 0;
    for (let queueId = 0; queueId < queues; queueId++) {
      if (this.availableIn(ledgers, queueId)) return true;
    }
    return false;
  }

  private availableIn({ queues, topic }: GroupTopic, queueId: number): boolean {
    const ledger = queues.get(queueId);
    if ((ledger?.ready.size ?? 0) > 0) return true;
    return (ledger?.next ?? 0) < this.store.maxOffset(topic, queueId);
  }

  /** Takes what there is for a request, possibly nothing. `alive` is asked before each further turn. */
  async select(
    ledgers: GroupTopic,
    queues: Queues,
    request: PopRequest,
    filter: RecordFilter | undefined,
    alive: () => boolean,
  ): Promise<Selection> {
    let loaded: Loaded | undefined;
    while (alive()) {
      const draft = this.selectInTurn(ledgers, queues, request, filter, loaded);
      if (draft.picks.length > 0) return draft.picks;
      if (draft.cold !== undefined) {
        loaded = await draft.cold;
      } else if (draft.unfinished) {
        loaded = undefined;
        await new Promise<void>((resolve) => this.timers.nextTurn(resolve));
      } else {
        return [];
      }
    }
    return [];
  }

  private selectInTurn(
    ledgers: GroupTopic,
    queues: Queues,
    request: PopRequest,
    filter: RecordFilter | undefined,
    loaded: Loaded | undefined,
  ): Draft {
    const draft: Draft = {
      ...{ picks: [], bytes: 0, large: false, full: false },
      ...{ cold: undefined, unfinished: false },
    };
    const client = this.book.clients.heard(request.clientId);
    const visit = (queueId: number): void => {
      const ledger = this.book.queue(ledgers, queueId);
      this.selectFromQueue(ledgers, ledger, request, client, filter, loaded, draft);
    };
    if (typeof queues === 'number' && this.hasPriorities(ledgers.topic)) {
      this.visitByPriority(ledgers, queues, request, draft, visit);
      return draft;
    }
    const count = typeof queues === 'number' ? queues : queues.length;
    const first = ledgers.rotation++ % count;
    for (let i = 0; i < count && this.hasRoom(draft, request); i++) {
      const at = (first + i) % count;
      visit(typeof queues === 'number' ? at : (queues[at] ?? 0));
    }
    return draft;
  }

  /**
   * Visits the queues from the highest one down, but first of all the one that was passed over for too long. A lower
   * one has its turn only when nothing of a higher one is left to take, so not while a file is read for that.
   */
  private visitByPriority(
    ledgers: GroupTopic,
    queues: number,
    request: PopRequest,
    draft: Draft,
    visit: (queueId: number) => void,
  ): void {
    const passedOver = (ledgers.passedOver ??= new PassedOver());
    const nowMs = this.clock.monotonicMs();
    const overdue = passedOver.overdue(nowMs, this.settings.maxPassedOverMs);
    const inTurn = (queueId: number): void => {
      const ended = draft.full || draft.unfinished || draft.cold !== undefined;
      if (ended || !this.hasRoom(draft, request)) {
        if (!passedOver.has(queueId) && this.availableIn(ledgers, queueId)) {
          passedOver.add(queueId, nowMs);
        }
        return;
      }
      const before = draft.picks.length;
      // Mostly the higher ones are empty: they must not cost a visit.
      if (this.availableIn(ledgers, queueId)) visit(queueId);
      const looksOn = draft.unfinished || draft.cold !== undefined;
      if (draft.picks.length > before || !looksOn) passedOver.delete(queueId);
    };
    if (overdue !== undefined) inTurn(overdue);
    for (let queueId = queues - 1; queueId >= 0; queueId--) {
      if (queueId !== overdue) inTurn(queueId);
    }
  }

  private selectFromQueue(
    ledgers: GroupTopic,
    ledger: QueueLedger,
    request: PopRequest,
    client: number,
    filter: RecordFilter | undefined,
    loaded: Loaded | undefined,
    draft: Draft,
  ): void {
    const from = draft.picks.length;
    const nonce = this.nonce;
    const nextBefore = ledger.next;
    const { group, topic } = ledgers;
    const { queueId } = ledger;
    const reader = new EntryReader(this.store, topic, queueId, loaded);
    const pass: Pass = {
      ...{ topic, ledger, request, filter, draft, reader },
      holder: { client, autoRenew: request.autoRenew },
      wanted: this.judge.wanting({ group, topic, queueId }, filter, reader.verdicts, (rest, read) =>
        reader.loadVerdicts(rest, read),
      ),
      fifo: this.isFifo(group),
      wholeQueue: queueId >= MAX_QUEUES,
      own: new Set(),
      looked: [],
    };
    this.takeReady(pass);
    this.takeNew(pass);
    // A queue that has begun to load goes first: with another in between each time, none would end.
    if (loaded?.queueId === queueId) draft.cold = reader.cold ?? draft.cold;
    else draft.cold ??= reader.cold;
    if (draft.picks.length === from && ledger.next === nextBefore) return;
    if (pass.looked.length > 0) {
      this.log.add({ kind: 'look', group, topic, queueId, messages: pass.looked });
    }
    const picks = draft.picks.slice(from);
    const attempt = attemptKey(request);
    this.book.attempts.note(
      attempt,
      ledgers,
      picks.map(({ entry, attempt: nth, nonce: own }) => {
        return { queueId, offset: entry.queueOffset, attempt: nth, nonce: own };
      }),
    );
    this.log.add({
      kind: 'pop',
      ...{ group, topic, queueId, nonce },
      client: request.clientId,
      autoRenew: request.autoRenew,
      attemptKey: attempt,
      invisibleMs: request.invisibleMs,
      next: ledger.next,
      deliveries: picks.map(({ entry, attempt: nth }) => {
        return { offset: entry.queueOffset, attempt: nth };
      }),
    });
  }

  private takeReady(pass: Pass): void {
    const { ledger, draft, request, own } = pass;
    // Messages that come again often lie together: one read serves many.
    const near: { entries: readonly QueueEntry[] } = { entries: [] };
    while (this.hasRoom(draft, request)) {
      const head = this.book.nextReady(ledger);
      if (head === undefined) return;
      const group = this.book.groupOf(ledger, head.row);
      if (!this.takeAgain(pass, head.offset, head.row, near)) return;
      if (group === undefined) continue;
      // What follows in the message group comes along, as far as there is room.
      for (const offset of group.offsets.filter((other) => other > head.offset)) {
        const row = ledger.row(offset);
        if (row === undefined) continue;
        if (!this.hasRoom(draft, request)) return;
        if (!this.takeAgain(pass, offset, row, near)) return;
      }
      own.add(group);
    }
  }

  /** Takes one message that is ready; `false` when its place in the log is not known yet or it does not fit. */
  private takeAgain(
    pass: Pass,
    offset: number,
    row: number,
    near: { entries: readonly QueueEntry[] },
  ): boolean {
    const { ledger, request, draft, reader } = pass;
    let entry = near.entries.find(({ queueOffset }) => queueOffset === offset);
    if (entry === undefined) {
      const found = reader.entries(offset, request.maxMessages);
      if (found === undefined) return false;
      near.entries = found;
      entry = found[0];
    }
    if (entry?.queueOffset !== offset || entry.bytes === 0) {
      // Gone from the store: nothing is left to deliver.
      this.book.finish(ledger, offset);
      return true;
    }
    if (!this.fits(draft, entry)) return false;
    this.redeliver(pass, entry, row, false);
    return true;
  }

  private takeNew(pass: Pass): void {
    const { topic, ledger, request, filter, draft, reader, wanted } = pass;
    if (pass.wholeQueue && !ownsAll(pass)) return;
    const minOffset = this.store.minOffset(topic, ledger.queueId);
    if (ledger.next < minOffset) ledger.skipTo(minOffset);
    let budget = SCAN_ENTRIES;
    while (this.hasRoom(draft, request) && !this.bounded(ledger)) {
      if (budget <= 0) {
        draft.unfinished = true;
        return;
      }
      const count = filter === undefined ? request.maxMessages : READ_ENTRIES;
      const entries = reader.entries(ledger.next, count);
      if (entries === undefined || entries.length === 0) return;
      for (const [i, entry] of entries.entries()) {
        if (!this.hasRoom(draft, request) || this.bounded(ledger) || !this.fits(draft, entry))
          return;
        budget -= filter?.cost ?? 1;
        if (entry.queueOffset > ledger.next) ledger.skipTo(entry.queueOffset);
        if (entry.queueOffset < ledger.next) continue;
        const matches = entry.bytes > 0 && (wanted === undefined || wanted(entries, i));
        if (matches === undefined) return;
        if (!matches) {
          ledger.skipNext();
        } else if (!pass.fifo) {
          this.deliverNew(pass, entry);
        } else if (!this.takeInTurn(pass, entry, entries)) {
          return;
        }
      }
    }
  }

  private deliverNew(pass: Pass, entry: QueueEntry): void {
    const { ledger, request, holder, draft } = pass;
    const nonce = this.takeNonce();
    this.book.deliverNext(ledger, holder, nonce, request.invisibleMs);
    this.pick(draft, { ledger, entry, attempt: 1, nonce, judged: isJudged(pass) });
  }

  /**
   * Takes in a new message of a FIFO group of consumers, and delivers it when it is its turn; `false`
   * when its message group must be read from a file first.
   */
  private takeInTurn(pass: Pass, entry: QueueEntry, entries: readonly QueueEntry[]): boolean {
    const { ledger, reader, own } = pass;
    const hash = pass.wholeQueue ? WHOLE_QUEUE : reader.messageGroup(entry, entries);
    if (hash === undefined) return false;
    const row = this.book.addNext(ledger, hash);
    pass.looked.push({ offset: entry.queueOffset, group: hash });
    const group = this.book.groupOf(ledger, row);
    const inTurn =
      group === undefined ||
      group.head === entry.queueOffset ||
      (own.has(group) && group.held === group.offsets.length - 1);
    if (!inTurn) return true;
    if (group !== undefined) own.add(group);
    this.redeliver(pass, entry, row, isJudged(pass));
    return true;
  }

  private redeliver(pass: Pass, entry: QueueEntry, row: number, judged: boolean): void {
    const { ledger, holder, request, draft } = pass;
    const nonce = this.takeNonce();
    const attempt = this.book.redeliver(row, holder, nonce, request.invisibleMs);
    this.pick(draft, { ledger, entry, attempt, nonce, judged });
  }

  private pick(draft: Draft, pick: ChosenMessage): void {
    draft.picks.push(pick);
    draft.bytes += pick.entry.bytes;
    draft.large = isLargeRecord(pick.entry.bytes);
  }

  private hasRoom(draft: Draft, request: PopRequest): boolean {
    return draft.picks.length < request.maxMessages;
  }

  /** The first message always does; a large one is alone, so that a client loses nothing else by it. */
  private fits(draft: Draft, entry: QueueEntry): boolean {
    if (draft.picks.length === 0) return true;
    const fits =
      !draft.large &&
      !isLargeRecord(entry.bytes) &&
      draft.bytes + entry.bytes <= this.settings.maxPopBytes;
    draft.full ||= !fits;
    return fits;
  }

  private bounded(ledger: QueueLedger): boolean {
    const { maxFifoLookAhead } = this.settings;
    return !this.book.hasRoom(ledger) || ledger.messageGroups.waiting >= maxFifoLookAhead;
  }
}

/** Whether nothing of the queue is unfinished but what is in this answer. */
function ownsAll({ ledger, own }: Pass): boolean {
  const group = ledger.messageGroups.get(WHOLE_QUEUE);
  return group === undefined || (own.has(group) && group.held === group.offsets.length);
}
