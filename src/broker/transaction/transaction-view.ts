/**
 * Pending transactions as a view of the log: rebuilt at start from the newest snapshot on, snapshotted
 * with the broker's other views, carried above what retention removes.
 */
import type { Logger } from 'pino';
import { HALF_TOPIC, OP_TOPIC, TRANSACTION_TOPIC } from '../../message/names';
import { readRecord, type StoredRecord, SysFlag } from '../../message/record';
import { javaHashCode } from '../../message/java-hash';
import { Property } from '../../message/properties';
import { recordProperties } from '../../message/record';
import { offsetsOfOp, readHalf, readOp, renewedHalfDraft } from '../../message/transaction-records';
import type { Platform } from '../../platform/platform';
import type { MessageStore } from '../../store/message-store';
import type { Decisions } from './decisions';
import type { Pending, PendingPlace, PendingTable } from './pending';
import { decodeNote, noteDraft, placeOf, rowOf } from './transaction-log';

/** Transactions in one record of a snapshot. */
const SNAPSHOT_ROWS = 1000;

export interface ViewParts {
  readonly store: MessageStore;
  readonly platform: Platform;
  readonly logger: Logger;
  readonly table: PendingTable;
  readonly decisions: Decisions;
  /** Appends the op record of a commit whose message is in the log. */
  readonly complete: (pending: Pending) => void;
}

export class TransactionView {
  /** Topics whose records the view is made of. */
  static readonly topics: readonly string[] = [HALF_TOPIC, OP_TOPIC, TRANSACTION_TOPIC];

  /** Bytes of records that a start would replay, appended since the process began; snapshots aside. */
  bytes = 0;
  /** Behind the newest record of a transaction that this process has appended. */
  lastEnd = 0;

  constructor(private readonly parts: ViewParts) {}

  /** The pending transaction whose half message lies first in the log. */
  get oldest(): Pending | undefined {
    let oldest: Pending | undefined;
    for (const pending of this.parts.table.all()) {
      if (oldest === undefined || pending.physicalOffset < oldest.physicalOffset) oldest = pending;
    }
    return oldest;
  }

  /** Takes a transaction that another program has left pending. */
  restore(place: PendingPlace): Pending {
    return this.parts.table.put(place);
  }

  /** The message of a pending transaction is in the log, its op record is not: it is written now. */
  completed(pending: Pending): void {
    const { topic, id: transactionId } = pending;
    this.parts.logger.warn({ topic, transactionId }, 'commit completed that a crash cut off');
    this.parts.complete(pending);
  }

  /** Takes a record of the log, in log order, when the view is rebuilt. */
  replay(record: StoredRecord): void {
    if (record.topic === HALF_TOPIC) this.replayHalf(record);
    else if (record.topic === OP_TOPIC) this.replayOp(record);
    else if (record.topic === TRANSACTION_TOPIC) this.replayNote(record);
  }

  /**
   * A crash between the two records of a commit leaves the message as the last one of its queue, and no
   * op record: it is written now.
   */
  async completePairs(): Promise<void> {
    const { store, table } = this.parts;
    const byQueue = new Map<string, Map<number, Pending>>();
    for (const pending of table.all()) {
      const queue = `${pending.topic} ${pending.queueId}`;
      const halves = byQueue.get(queue) ?? new Map<number, Pending>();
      byQueue.set(queue, halves.set(pending.physicalOffset, pending));
    }
    for (const halves of byQueue.values()) {
      const [{ topic, queueId } = NO_QUEUE] = halves.values();
      const bytes = await store.finder.of(topic, queueId, store.maxOffset(topic, queueId) - 1);
      if (bytes === undefined) continue;
      const last = readRecord(bytes, 0);
      const committed = (last.sysFlag & SysFlag.TRANSACTION_MASK) === SysFlag.COMMIT;
      const pending = committed ? halves.get(last.preparedOffset) : undefined;
      if (pending !== undefined) this.completed(pending);
    }
  }

  /** Logs all that is pending, some a turn. */
  async logState(): Promise<void> {
    const { store, platform, table } = this.parts;
    const all = [...table.all()];
    for (let i = 0; i < all.length; i += SNAPSHOT_ROWS) {
      const rows = all
        .slice(i, i + SNAPSHOT_ROWS)
        .filter((pending) => table.has(pending))
        .map(rowOf);
      if (rows.length > 0) {
        store.append(noteDraft({ kind: 'pending', rows }, platform.clock.wallMs()), 0, true);
      }
      await new Promise<void>((resolve) => platform.timers.nextTurn(resolve));
    }
  }

  /** Writes half messages below `position` anew; synced when it resolves. */
  async carryAbove(position: number): Promise<void> {
    const { store, table, logger } = this.parts;
    let end: number | undefined;
    let carried = 0;
    for (const pending of [...table.all()]) {
      if (pending.physicalOffset >= position || !table.has(pending)) continue;
      const { queueOffset, physicalOffset, bytes, tagsCode } = pending;
      const entry = { queueOffset, physicalOffset, bytes, tagsCode };
      const half = await store.record(HALF_TOPIC, 0, entry);
      if (!table.has(pending)) continue;
      const draft = renewedHalfDraft(half, pending.checks);
      const appended = store.append(draft, 0, true);
      const place = { bytes: draft.byteLength, tagsCode: draft.tagsCode };
      table.move(pending, { ...appended, ...place });
      end = appended.endOffset;
      carried++;
    }
    if (end === undefined) return;
    await store.synced(end);
    logger.info({ carried, position }, 'pending transactions written anew');
  }

  private replayHalf(record: StoredRecord): void {
    const place = pendingOf(record);
    if (place !== undefined) this.parts.table.put(place);
  }

  private replayOp(record: StoredRecord): void {
    const { table, decisions } = this.parts;
    const op = readOp(record);
    if (op === undefined) {
      // Apache's names its half messages by their offsets only.
      for (const offset of offsetsOfOp(record)) {
        const pending = table.at(offset);
        if (pending !== undefined) table.delete(pending);
      }
      return;
    }
    const { decision, topic, id } = op;
    const pending = table.get(topic, id);
    const { queueOffset, physicalOffset } = pending ?? { queueOffset: -1, physicalOffset: -1 };
    const endOffset = record.physicalOffset + record.totalBytes;
    decisions.add(topic, id, { decision, queueOffset, physicalOffset, endOffset });
    if (pending !== undefined) table.delete(pending);
  }

  private replayNote(record: StoredRecord): void {
    const { table } = this.parts;
    const note = decodeNote(record.body);
    if (note.kind === 'pending') {
      for (const row of note.rows) table.put(placeOf(row));
      return;
    }
    for (const [queueOffset, checks] of note.rows) {
      const pending = table.at(queueOffset);
      if (pending === undefined) continue;
      pending.checks = checks;
      pending.checkedMs = record.storeTimestamp;
    }
  }
}

/** What a half message says of its transaction; `undefined` when the record is none that can be committed. */
export function pendingOf(record: StoredRecord): PendingPlace | undefined {
  const half = readHalf(record);
  if (half === undefined) return undefined;
  const { queueOffset, physicalOffset, totalBytes: bytes, storeTimestamp: storedMs } = record;
  const tag = recordProperties(record).get(Property.TAGS);
  const tagsCode = tag === undefined ? 0 : javaHashCode(tag);
  const checkedMs = half.checks > 0 ? storedMs : 0;
  return { ...half, queueOffset, physicalOffset, bytes, tagsCode, storedMs, checkedMs };
}

const NO_QUEUE = { topic: '', queueId: 0 };
