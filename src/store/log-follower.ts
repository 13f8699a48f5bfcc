/**
 * Takes pieces of a master's log: each record is checked, the bytes go to the tail as they are, and what
 * becomes visible gets its ConsumeQueue entry, at the offset that the master gave it.
 *
 * Deletions of topics are records, too: entries behind one wait until the topic's files are gone.
 */
import {
  MAGIC_BLANK,
  readRecord,
  recordIntact,
  type StoredRecord,
  SysFlag,
} from '../message/record';
import type { CommitLog } from './commit-log';
import type { ConsumeQueue } from './consume-queue';
import type { ConsumeQueues } from './consume-queues';
import type { DeletedTopics } from './deleted-topics';
import type { LogPiece } from './replicated-log';
import type { Segments } from './segments';
import { tagsCodeOf } from './tags-code';
import { errorText } from '../platform/error-text';

const HEAD_BYTES = 8;

/** Says which topic a record deletes; `undefined` for any other record. */
export type DeletionReader = (record: StoredRecord) => string | undefined;

/** A record that is not visible yet. */
interface Followed {
  readonly topic: string;
  readonly queueId: number;
  readonly queueOffset: number;
  readonly physicalOffset: number;
  readonly bytes: number;
  readonly tagsCode: number;
  readonly storeTimestamp: number;
  /** Whether it gets an entry. */
  readonly inQueue: boolean;
  /** The topic that it deletes. */
  readonly deletes: string | undefined;
}

export interface FollowerParts {
  readonly commitLog: CommitLog;
  readonly segments: Segments;
  readonly queues: ConsumeQueues;
  readonly deleted: DeletedTopics;
  readonly deletionOf: DeletionReader;
  /** Removes a topic's queues: its records below `position` are those of a deleted topic. */
  readonly deleteTopic: (topic: string, position: number) => Promise<void>;
  /** Told of each record that has its entry now; `queue` where it got one. */
  readonly dispatched: (endOffset: number, record: Followed, queue?: ConsumeQueue) => void;
  /** All that is visible has its entries, up to here. */
  readonly caughtUp: (visible: number) => void;
  /** Told of each record that was appended. */
  readonly followed: ReadonlySet<(record: Buffer) => void>;
  readonly onFailure: (failure: Error) => void;
}

export class LogFollower {
  private waiting: Followed[] = [];
  private head = 0;
  private visible = 0;
  private running: Promise<void> | undefined;

  constructor(private readonly parts: FollowerParts) {}

  /** Whether there are records without their entries. */
  get busy(): boolean {
    return this.running !== undefined || this.head < this.waiting.length;
  }

  /**
   * Appends a piece that begins where the log ends.
   * @throws RangeError when it begins elsewhere, or is not made of whole records with the right checksums; then
   *   nothing was appended
   */
  append(piece: LogPiece): void {
    const { commitLog } = this.parts;
    const { position, bytes, damaged } = piece;
    if (position !== commitLog.end) {
      throw new RangeError(`log bytes of ${position} came, the log ends at ${commitLog.end}`);
    }
    const { records, end } = damaged
      ? { records: [], end: position + bytes.length }
      : this.read(piece);
    const last = records[records.length - 1];
    commitLog.follow(bytes, end, last?.storeTimestamp ?? 0);
    this.compact();
    this.waiting.push(...records);
    if (this.parts.followed.size > 0) this.tell(piece, records);
  }

  /** Gives records below `visible` their entries; those behind a deletion a bit later. */
  dispatch(visible: number): void {
    this.visible = visible;
    if (this.running !== undefined) return;
    const deletion = this.next();
    if (deletion === undefined) return;
    this.running = this.goOn(deletion);
  }

  /** Resolves when all that is visible has its entries. */
  async settled(): Promise<void> {
    await this.running;
  }

  private async goOn(first: () => Promise<void>): Promise<void> {
    try {
      for (let deletion: typeof first | undefined = first; deletion; deletion = this.next()) {
        await deletion();
      }
    } catch (error) {
      const text = errorText(error);
      this.parts.onFailure(new Error(`following the log failed: ${text}`, { cause: error }));
    } finally {
      // In the same turn as the last look for records, so that none is left lying.
      this.running = undefined;
    }
  }

  /** Goes through the visible records up to one before which a topic is to be deleted: answers how. */
  private next(): (() => Promise<void>) | undefined {
    const { queues, deleted, dispatched, deleteTopic } = this.parts;
    for (; ; this.head++) {
      const record = this.waiting[this.head];
      if (record === undefined || record.physicalOffset + record.bytes > this.visible) break;
      const { topic, queueId, queueOffset, physicalOffset, bytes } = record;
      const end = physicalOffset + bytes;
      const toDelete = record.deletes;
      if (toDelete !== undefined && deleted.position(toDelete) < end) {
        return () => deleteTopic(toDelete, end);
      }
      if (!record.inQueue || physicalOffset < deleted.position(topic)) {
        dispatched(end, record);
        continue;
      }
      const queue = queues.open(topic, queueId);
      // Its offsets begin anew: the topic was deleted and made again.
      if (queueOffset < queue.max) return () => deleteTopic(topic, physicalOffset);
      if (queueOffset > queue.max && queue.max === 0) queues.startAt(queue, queueOffset);
      queues.fillTo(queue, queueOffset);
      queues.add(queue, physicalOffset, bytes, record.tagsCode);
      dispatched(end, record, queue);
    }
    this.parts.caughtUp(this.visible);
    return undefined;
  }

  private read({ position, bytes }: LogPiece): { records: Followed[]; end: number } {
    const { segments } = this.parts;
    const segmentEnd = segments.startOf(position) + segments.segmentBytes;
    const records: Followed[] = [];
    let at = 0;
    while (at < bytes.length) {
      const whole = at + HEAD_BYTES <= bytes.length;
      if (whole && bytes.readInt32BE(at + 4) === MAGIC_BLANK) {
        const rest = segmentEnd - position - at;
        const last = at + HEAD_BYTES === bytes.length;
        if (bytes.readInt32BE(at) !== rest || !last)
          throw new RangeError('a blank record is wrong');
        return { records, end: segmentEnd };
      }
      const record = readRecord(bytes, at);
      if (record.physicalOffset !== position + at || !recordIntact(bytes, at, record)) {
        throw new RangeError(`no whole record came for position ${position + at}`);
      }
      records.push(this.followed(record));
      at += record.totalBytes;
    }
    if (position + at > segmentEnd) throw new RangeError('log bytes cross the end of a file');
    return { records, end: position + at };
  }

  private followed(record: StoredRecord): Followed {
    const type = record.sysFlag & SysFlag.TRANSACTION_MASK;
    return {
      topic: record.topic,
      queueId: record.queueId,
      queueOffset: record.queueOffset,
      physicalOffset: record.physicalOffset,
      bytes: record.totalBytes,
      tagsCode: tagsCodeOf(record),
      storeTimestamp: record.storeTimestamp,
      inQueue: type !== SysFlag.PREPARED && type !== SysFlag.ROLLBACK,
      deletes: this.parts.deletionOf(record),
    };
  }

  private tell({ position, bytes }: LogPiece, records: readonly Followed[]): void {
    for (const { physicalOffset, bytes: length } of records) {
      const at = physicalOffset - position;
      const record = bytes.subarray(at, at + length);
      for (const listener of this.parts.followed) listener(record);
    }
  }

  private compact(): void {
    if (this.head * 2 <= this.waiting.length) return;
    this.waiting = this.waiting.slice(this.head);
    this.head = 0;
  }
}
