/**
 * The broker's views of its log (metadata, ledgers): rebuilt from it at start, and snapshotted into
 * it so that a start replays only the end. `gantry/views.json` says where the newest whole snapshot
 * begins; without the file everything is replayed.
 */
import { join } from 'node:path';
import type { Logger } from 'pino';
import { deadLetterOrigin } from '../message/dead-letter';
import { isDerivedTopic, LEDGER_TOPIC, META_TOPIC } from '../message/names';
import { readRecord } from '../message/record';
import type { Platform } from '../platform/platform';
import { keepTwice, readKept } from '../store/kept-twice';
import type { MessageStore } from '../store/message-store';
import { decodeMetaChange, type Metadata } from './metadata';
import type { GroupTopic } from './pop/group-topic';
import type { LedgerBook } from './pop/ledger-book';
import type { LedgerLog } from './pop/ledger-log';
import { decodeLedgerOps } from './pop/ledger-op-reader';
import type { DeadOp, SnapshotRow } from './pop/ledger-ops';
import { LedgerReplay } from './pop/ledger-replay';
import type { QueueLedger } from './pop/queue-ledger';
import { TransactionView } from './transaction/transaction-view';

/** In `gantry/`. */
export const VIEWS_FILE = 'views.json';
/** Rows in one operation of a snapshot. */
const SNAPSHOT_ROWS = 16_384;
/** Queues of a snapshot that are logged in one turn, and how many rows are as much work as one. */
const QUEUES_A_TURN = 64;
const ROWS_OF_A_QUEUE = 100;

export interface ViewParts {
  readonly directory: string;
  readonly store: MessageStore;
  readonly platform: Platform;
  readonly logger: Logger;
  readonly metadata: Metadata;
  readonly book: LedgerBook;
  readonly log: LedgerLog;
  readonly transactions: TransactionView;
}

export class Views {
  private loggedAtSnapshot = 0;
  /** What the newest snapshot took of the log. */
  private snapshotBytes = 0;
  /** Where the newest whole snapshot begins, -1 when none is known. */
  private newestBegin = -1;
  /** The log's end when it was known to be whole. */
  private newestEnd = 0;
  private running: Promise<void> | undefined;

  constructor(private readonly parts: ViewParts) {}

  /** Rebuilds metadata and ledgers from the log; records below `notBefore` do not count. */
  async load(notBefore = 0): Promise<void> {
    const { store, platform, metadata, book, logger, transactions } = this.parts;
    this.newestBegin = await this.snapshotBegin();
    this.newestEnd = store.visible;
    const from = Math.max(this.newestBegin, notBefore);
    const replay = new LedgerReplay(book);
    const now = platform.clock.wallMs();
    let records = 0;
    const own = [META_TOPIC, LEDGER_TOPIC, ...TransactionView.topics];
    const topics = [...own, ...(await this.derivedTopics(from))];
    await store.replay(topics, from, (bytes) => {
      const record = readRecord(bytes, 0);
      records++;
      if (record.topic === META_TOPIC) {
        const change = decodeMetaChange(record.body);
        metadata.apply(change);
        if (change.kind === 'topic-deleted') book.dropTopic(change.name);
        if (change.kind === 'group-deleted') book.dropGroup(change.name);
        if (change.kind === 'lite-removed') {
          for (const queueId of change.queueIds) book.forgetQueue(change.topic, queueId);
        }
      } else if (TransactionView.topics.includes(record.topic)) {
        transactions.replay(record);
      } else if (record.topic !== LEDGER_TOPIC) {
        const origin = deadLetterOrigin(record);
        if (origin !== undefined) replay.finish(origin);
      } else {
        for (const op of decodeLedgerOps(record.body))
          replay.apply(op, now - record.storeTimestamp);
      }
    });
    logger.info(
      { records, from, topics: metadata.topics.size, groups: metadata.groups.size },
      'views rebuilt from the log',
    );
  }

  /**
   * Takes a snapshot when enough was logged since the last one, and not less than that took: with a million messages
   * in flight snapshots would follow each other without end. One at a time.
   */
  snapshotIfDue(everyBytes: number): void {
    if (this.running !== undefined) return;
    const logged = this.loggedBytes - this.loggedAtSnapshot;
    if (logged < Math.max(everyBytes, this.snapshotBytes)) return;
    // In a turn of its own: who has just logged a change has not made it in its view yet.
    this.running = this.nextTurn()
      .then(() => this.snapshot())
      .catch((error: unknown) => {
        this.parts.logger.error({ err: error }, 'snapshot of the views failed');
      })
      .finally(() => {
        this.running = undefined;
      });
  }

  /** Half messages hold bodies that a snapshot does not: a byte of theirs counts less. */
  private get loggedBytes(): number {
    const { log, transactions } = this.parts;
    return log.bytes + transactions.bytes / 4;
  }

  /** Logs the state of all views, some queues a turn, and notes where that begins. */
  async snapshot(): Promise<void> {
    const { metadata, book, log } = this.parts;
    this.loggedAtSnapshot = this.loggedBytes;
    log.flush();
    const bytesBefore = log.bytes;
    const begin = metadata.logState();
    let inTurn = 0;
    for (const ledgers of [...book.all()]) {
      for (const queueId of [...ledgers.queues.keys()]) {
        const ledger = ledgers.queues.get(queueId);
        if (ledger === undefined) break;
        this.logQueue(ledgers, ledger);
        inTurn += 1 + ledger.unfinished / ROWS_OF_A_QUEUE;
        if (inTurn < QUEUES_A_TURN) continue;
        inTurn = 0;
        await this.nextTurn();
      }
      const { group, topic, since, opened } = ledgers;
      if (!ledgers.dropped && (since > 1 || opened > 0)) {
        log.add({ kind: 'open', group, topic, since, opened });
      }
    }
    this.logAttempts();
    this.logDeadLetters();
    await this.parts.transactions.logState();
    log.add({ kind: 'end', begin });
    // Not merely as durable as a message: a start that trusts the note finds nothing else.
    await log.synced();
    await this.noteBegin(begin);
    this.newestBegin = begin;
    this.newestEnd = this.parts.store.replicated.endPosition;
    this.loggedAtSnapshot = this.loggedBytes;
    this.snapshotBytes = log.bytes - bytesBefore;
  }

  private nextTurn(): Promise<void> {
    return new Promise((resolve) => this.parts.platform.timers.nextTurn(resolve));
  }

  /** Sees to it that all that is known stands in the log at or above `position`, on stable storage. */
  async carryAbove(position: number): Promise<void> {
    await this.running;
    await this.parts.transactions.carryAbove(position);
    if (this.newestBegin < position) await this.snapshot();
  }

  /** Where the newest whole snapshot begins, and a position behind its end; 0 and 0 without one. */
  get snapshotPlace(): { readonly begin: number; readonly end: number } {
    const { newestBegin: begin, newestEnd: end } = this;
    return begin > 0 ? { begin, end } : { begin: 0, end: 0 };
  }

  /** Waits for a snapshot that is being taken. */
  async settled(): Promise<void> {
    await this.running;
  }

  /** What receives were given and still have, by attempt id. */
  private logAttempts(): void {
    const { book, log } = this.parts;
    for (const { key, group, topic, generation, deliveries: all } of book.attempts.all()) {
      const ledgers = book.find(group, topic);
      if (ledgers?.generation !== generation) continue;
      const deliveries = all.filter((delivery) => book.heldBy(ledgers, delivery) !== undefined);
      if (deliveries.length > 0) log.add({ kind: 'attempt', group, topic, key, deliveries });
    }
  }

  /** What went to dead letter queues: its handles must not become those of acknowledged messages. */
  private logDeadLetters(): void {
    const { book, log } = this.parts;
    const byQueue = new Map<string, { readonly op: DeadOp; readonly offsets: number[] }>();
    for (const { queueOffset, ...queue } of book.deadLetters.all()) {
      const key = `${queue.group} ${queue.topic} ${queue.queueId} ${queue.generation}`;
      let entry = byQueue.get(key);
      if (entry === undefined) {
        const offsets: number[] = [];
        entry = { op: { kind: 'dead', ...queue, offsets }, offsets };
        byQueue.set(key, entry);
      }
      entry.offsets.push(queueOffset);
    }
    for (const { op } of byQueue.values()) log.add(op);
  }

  private logQueue(ledgers: GroupTopic, ledger: QueueLedger): void {
    const { book, log } = this.parts;
    const rows: SnapshotRow[] = [];
    ledger.forEachRow((offset, row) => {
      const { client, autoRenew } = book.holder(row);
      rows.push({
        offset,
        attempt: book.rows.attempt[row] ?? 1,
        nonce: book.rows.nonce[row] ?? 0,
        client: book.clients.name(client),
        autoRenew,
        givenBack: book.isGivenBack(row),
        group: book.rows.groupOf(row),
        remainingMs: Math.ceil(book.remainingMs(row)),
      });
    });
    for (let i = 0; i === 0 || i < rows.length; i += SNAPSHOT_ROWS) {
      log.add({
        kind: 'queue',
        group: ledgers.group,
        topic: ledgers.topic,
        queueId: ledger.queueId,
        generation: ledgers.generation,
        resets: ledger.generation - ledgers.generation,
        committed: ledger.committed,
        next: ledger.next,
        more: i + SNAPSHOT_ROWS < rows.length,
        rows: rows.slice(i, i + SNAPSHOT_ROWS),
      });
    }
  }

  /** All dead letter and retry topics that the log tells of from `from` on: their records change ledgers, too. */
  private async derivedTopics(from: number): Promise<ReadonlySet<string>> {
    const names = new Set<string>();
    await this.parts.store.replay([META_TOPIC], from, (bytes) => {
      const change = decodeMetaChange(readRecord(bytes, 0).body);
      const topics =
        change.kind === 'topic' ? [change.topic] : change.kind === 'state' ? change.topics : [];
      for (const { name } of topics) if (isDerivedTopic(name)) names.add(name);
    });
    return names;
  }

  private get path(): string {
    return join(this.parts.directory, 'gantry', VIEWS_FILE);
  }

  private async snapshotBegin(): Promise<number> {
    try {
      const text = await readKept(this.parts.platform.files, this.path);
      if (text === undefined) return 0;
      const { begin } = JSON.parse(text) as { begin?: unknown };
      const { visible } = this.parts.store;
      if (typeof begin === 'number' && begin >= 0 && begin < visible) return begin;
    } catch {
      // Fall through: the file is only a hint.
    }
    this.parts.logger.warn({ file: VIEWS_FILE }, 'unreadable, replaying the whole log');
    return 0;
  }

  private noteBegin(begin: number): Promise<void> {
    return keepTwice(this.parts.platform.files, this.path, JSON.stringify({ begin }));
  }
}
