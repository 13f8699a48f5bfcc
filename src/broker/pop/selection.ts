/**
 * Choosing the messages of one pop: ready again ones first, then new ones that match the filter,
 * queue by queue. What is chosen is in flight at once, and logged in the same turn.
 */
import type { PopRequest } from '../../api/broker-api';
import type { RecordFilter } from '../../message/filter';
import type { Platform, Timers } from '../../platform/platform';
import type { MessageStore, QueueEntry } from '../../store/message-store';
import type { Judge, Verdicts, Wanted } from '../filter/judge';
import type { BrokerSettings } from '../settings';
import type { GroupTopic, LedgerBook } from './ledger-book';
import type { LedgerLog } from './ledger-log';
import type { QueueLedger } from './queue-ledger';

/** One chosen message. */
export interface ChosenMessage {
  readonly ledger: QueueLedger;
  readonly entry: QueueEntry;
  readonly attempt: number;
  readonly nonce: number;
  /** Set when the record is known to match the filter. */
  readonly judged?: boolean;
}

export type Selection = readonly ChosenMessage[];

/** Entries examined in one queue before the event loop gets its turn again. */
const SCAN_ENTRIES = 1024;
/** Entries read at a time. */
const READ_ENTRIES = 128;

/** ConsumeQueue entries that had to be read from a file. */
interface Loaded {
  readonly queueId: number;
  readonly from: number;
  readonly entries: readonly QueueEntry[];
  /** Which of the entries' records match the filter, as far as they were read. */
  readonly verdicts?: Verdicts;
}

interface Draft {
  readonly picks: ChosenMessage[];
  bytes: number;
  /** Set when entries must come from a file before more can be said. */
  cold: Promise<Loaded> | undefined;
  /** Whether a queue has more to examine than one turn may. */
  unfinished: boolean;
}

interface SelectorParts {
  readonly store: MessageStore;
  readonly book: LedgerBook;
  readonly log: LedgerLog;
  readonly judge: Judge;
  readonly settings: BrokerSettings;
  readonly platform: Pick<Platform, 'timers' | 'random'>;
}

export class Selector {
  private readonly store: MessageStore;
  private readonly book: LedgerBook;
  private readonly log: LedgerLog;
  private readonly judge: Judge;
  private readonly settings: BrokerSettings;
  private readonly timers: Timers;
  private nonce: number;

  constructor(parts: SelectorParts) {
    this.store = parts.store;
    this.book = parts.book;
    this.log = parts.log;
    this.judge = parts.judge;
    this.settings = parts.settings;
    this.timers = parts.platform.timers;
    this.nonce = parts.platform.random.uint32();
  }

  /** A nonce for one more delivery. */
  takeNonce(): number {
    const nonce = this.nonce;
    this.nonce = (nonce + 1) >>> 0;
    return nonce;
  }

  /** Whether a pop may find something, without regard to filters. */
  available(ledgers: GroupTopic, queues: number): boolean {
    for (let queueId = 0; queueId < queues; queueId++) {
      const ledger = ledgers.queues.get(queueId);
      if ((ledger?.ready.size ?? 0) > 0) return true;
      if ((ledger?.next ?? 0) < this.store.maxOffset(ledgers.topic, queueId)) return true;
    }
    return false;
  }

  /** Takes what there is for a request, possibly nothing. `alive` is asked before each further turn. */
  async select(
    ledgers: GroupTopic,
    queues: number,
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
    queues: number,
    request: PopRequest,
    filter: RecordFilter | undefined,
    loaded: Loaded | undefined,
  ): Draft {
    const draft: Draft = { picks: [], bytes: 0, cold: undefined, unfinished: false };
    const client = this.book.clients.heard(request.clientId);
    const first = ledgers.rotation++ % queues;
    for (let i = 0; i < queues && this.hasRoom(draft, request); i++) {
      const ledger = this.book.queue(ledgers, (first + i) % queues);
      this.selectFromQueue(ledgers, ledger, request, client, filter, loaded, draft);
    }
    return draft;
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
    const holder = { client, autoRenew: request.autoRenew };
    const read = (offset: number, count: number): readonly QueueEntry[] | undefined =>
      this.read(ledgers.topic, ledger.queueId, offset, count, loaded, draft);
    this.takeReady(ledger, request, holder, read, draft);
    const { queueId } = ledger;
    const queue = { group: ledgers.group, topic: ledgers.topic, queueId };
    const verdicts = loaded?.queueId === queueId ? loaded.verdicts : undefined;
    const wanted = this.judge.wanting(queue, filter, verdicts, (entries, reading) => {
      const from = entries[0]?.queueOffset ?? 0;
      draft.cold ??= reading().then((read) => ({ queueId, from, entries, verdicts: read }));
    });
    this.takeNew(ledgers.topic, ledger, request, holder, filter, wanted, read, draft);
    if (draft.picks.length === from && ledger.next === nextBefore) return;
    this.log.add({
      kind: 'pop',
      group: ledgers.group,
      topic: ledgers.topic,
      queueId: ledger.queueId,
      client: request.clientId,
      autoRenew: request.autoRenew,
      invisibleMs: request.invisibleMs,
      nonce,
      next: ledger.next,
      deliveries: draft.picks
        .slice(from)
        .map(({ entry, attempt }) => ({ offset: entry.queueOffset, attempt })),
    });
  }

  private takeReady(
    ledger: QueueLedger,
    request: PopRequest,
    holder: { readonly client: number; readonly autoRenew: boolean },
    read: (offset: number, count: number) => readonly QueueEntry[] | undefined,
    draft: Draft,
  ): void {
    // Messages that come again often lie together: one read serves many.
    let near: readonly QueueEntry[] = [];
    for (;;) {
      const offset = ledger.ready.peek();
      if (offset === undefined || !this.hasRoom(draft, request)) return;
      const row = ledger.row(offset);
      if (row === undefined || this.book.inFlight(row)) {
        ledger.ready.pop();
        continue;
      }
      let entry = near.find(({ queueOffset }) => queueOffset === offset);
      if (entry === undefined) {
        const found = read(offset, request.maxMessages);
        if (found === undefined) return;
        near = found;
        entry = near[0];
      }
      if (entry?.queueOffset !== offset || entry.bytes === 0) {
        // Gone from the store: nothing is left to deliver.
        ledger.ready.pop();
        this.book.finish(ledger, offset);
        continue;
      }
      if (!this.fits(draft, entry)) return;
      ledger.ready.pop();
      const nonce = this.takeNonce();
      const attempt = this.book.redeliver(row, holder, nonce, request.invisibleMs);
      this.pick(draft, { ledger, entry, attempt, nonce });
    }
  }

  private takeNew(
    topic: string,
    ledger: QueueLedger,
    request: PopRequest,
    holder: { readonly client: number; readonly autoRenew: boolean },
    filter: RecordFilter | undefined,
    wanted: Wanted | undefined,
    read: (offset: number, count: number) => readonly QueueEntry[] | undefined,
    draft: Draft,
  ): void {
    const minOffset = this.store.minOffset(topic, ledger.queueId);
    if (ledger.next < minOffset) ledger.skipTo(minOffset);
    let budget = SCAN_ENTRIES;
    while (this.hasRoom(draft, request) && !this.bounded(ledger)) {
      if (budget <= 0) {
        draft.unfinished = true;
        return;
      }
      const entries = read(ledger.next, filter === undefined ? request.maxMessages : READ_ENTRIES);
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
          continue;
        }
        const nonce = this.takeNonce();
        const judged = filter !== undefined && filter.codes === undefined;
        this.book.deliverNext(ledger, holder, nonce, request.invisibleMs);
        this.pick(draft, { ledger, entry, attempt: 1, nonce, judged });
      }
    }
  }

  /** Entries from memory, else from what was loaded, else `undefined` and the file is being read. */
  private read(
    topic: string,
    queueId: number,
    offset: number,
    count: number,
    loaded: Loaded | undefined,
    draft: Draft,
  ): readonly QueueEntry[] | undefined {
    if (loaded?.queueId === queueId && offset >= loaded.from) {
      const at = loaded.entries.findIndex((entry) => entry.queueOffset >= offset);
      if (at >= 0) return loaded.entries.slice(at, at + count);
    }
    const entries = this.store.entries(topic, queueId, offset, count);
    if (!(entries instanceof Promise)) return entries;
    const reading = entries.then((read) => ({ queueId, from: offset, entries: read }));
    if (draft.cold === undefined) draft.cold = reading;
    else reading.catch(() => undefined);
    return undefined;
  }

  private pick(draft: Draft, pick: ChosenMessage): void {
    draft.picks.push(pick);
    draft.bytes += pick.entry.bytes;
  }

  private hasRoom(draft: Draft, request: PopRequest): boolean {
    return draft.picks.length < request.maxMessages;
  }

  private fits(draft: Draft, entry: QueueEntry): boolean {
    return draft.picks.length === 0 || draft.bytes + entry.bytes <= this.settings.maxPopBytes;
  }

  private bounded(ledger: QueueLedger): boolean {
    return this.book.rows.full || ledger.next - ledger.committed >= this.settings.maxWindow;
  }
}
