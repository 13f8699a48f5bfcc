/**
 * The broker's views of its log (metadata, ledgers): rebuilt from it at start, and snapshotted into
 * it so that a start replays only the end. `gantry/views.json` says where the newest whole snapshot
 * begins; without the file everything is replayed.
 */
import type { Logger } from 'pino';
import type { Platform } from '../platform/platform';
import { keepTwice } from '../store/kept-twice';
import type { MessageStore } from '../store/message-store';
import type { Metadata } from './metadata';
import type { GroupTopic } from './pop/group-topic';
import type { LedgerBook } from './pop/ledger-book';
import type { LedgerLog } from './pop/ledger-log';
import type { DeadOp, SnapshotRow } from './pop/ledger-ops';
import type { QueueLedger } from './pop/queue-ledger';
import type { TransactionView } from './transaction/transaction-view';
import { newestSnapshot, replayViews, viewsPath } from './view-replay';

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
    const { store, metadata, logger } = this.parts;
    this.newestBegin = await newestSnapshot(this.parts);
    this.newestEnd = store.visible;
    const from = Math.max(this.newestBegin, notBefore);
    const records = await replayViews(this.parts, from);
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

  private noteBegin(begin: number): Promise<void> {
    return keepTwice(
      this.parts.platform.files,
      viewsPath(this.parts.directory),
      JSON.stringify({ begin }),
    );
  }
}
