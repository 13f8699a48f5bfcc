/** The CommitLog: gives each record its place, keeps the newest ones in memory, reads all. */
import type { Host } from '../message/host';
import { readInt64 } from '../message/int64';
import {
  FIXED_BYTES,
  isRecordIntact,
  MAGIC_BLANK,
  MAGIC_V1,
  MAGIC_V2,
  MAX_RECORD_BYTES,
  placeRecord,
  SysFlag,
} from '../message/record';
import type { RecordDraft } from '../message/record-draft';
import { storeTimestampOf } from '../message/record-property';
import { Code, StatusError } from '../message/status';
import type { Platform } from '../platform/platform';
import { ColdReader } from './cold-reader';
import { LogWriter } from './log-writer';
import type { Appended, FlushMode, QueueEntry } from './message-store';
import { isPlausible, isRecordAt, isRecordOf } from './record-check';
import type { Segments } from './segments';
import { notItsRecord, unreadable } from './store-errors';
import { Tail } from './tail';
import { errorText } from '../platform/error-text';

/** Bytes that stay free behind a record for the head of a blank one. */
const BLANK_HEAD_BYTES = 8;

/** Total size and magic. */
const RECORD_HEAD_BYTES = 8;

export interface CommitLogOptions {
  readonly platform: Platform;
  readonly segments: Segments;
  readonly flush: FlushMode;
  readonly storeHost: Host;
  readonly tailBytes: number;
  /** Where the log ends, and the largest store time in it. */
  readonly end: number;
  readonly storeTimestamp: number;
  readonly onVisible: (visible: number) => void;
  readonly onProgress: () => void;
  readonly onFailure: (failure: Error) => void;
}

/** Says which queue offset a record gets, given whether it gets a ConsumeQueue entry. */
export interface OffsetSource {
  readonly next: number;
  take(): number;
}

/** Where a record went, and whether it gets a ConsumeQueue entry. */
export interface Placed extends Appended {
  readonly inQueue: boolean;
}

export class CommitLog {
  readonly writer: LogWriter;
  private readonly tail = new Tail();
  private readonly cold: ColdReader;
  private endOffset: number;
  private lastStoreTimestamp: number;

  constructor(private readonly options: CommitLogOptions) {
    const { platform, segments, flush, onVisible, onProgress, onFailure } = options;
    this.cold = new ColdReader(segments);
    this.endOffset = options.end;
    this.lastStoreTimestamp = options.storeTimestamp;
    this.writer = new LogWriter({
      platform,
      segments,
      tail: this.tail,
      flush,
      position: options.end,
      onVisible,
      onProgress,
      onFailure,
    });
  }

  /** First byte behind the last record. */
  get end(): number {
    return this.endOffset;
  }

  /** The largest store time of a record, ms. */
  get storeTimestamp(): number {
    return this.lastStoreTimestamp;
  }

  /**
   * Appends a record, with the next offset of `queue` unless it is of a kind without an entry. Hot path.
   * @throws StatusError MESSAGE_BODY_TOO_LARGE when it is longer than a record or a segment can be
   */
  append(draft: RecordDraft, queueId: number, queue: OffsetSource): Placed {
    const { platform, segments, storeHost } = this.options;
    const bytes = draft.byteLength;
    this.leaveSegment(bytes);
    const physicalOffset = this.endOffset;
    const segmentEnd = segments.startOf(physicalOffset) + segments.segmentBytes;
    const chunk = this.tail.chunkFor(physicalOffset, bytes, segmentEnd);
    const at = physicalOffset - chunk.base;
    draft.writeTo(chunk.bytes, at);
    const type = chunk.bytes.readInt32BE(at + 36) & SysFlag.TRANSACTION_MASK;
    const inQueue = type !== SysFlag.PREPARED && type !== SysFlag.ROLLBACK;
    const queueOffset = inQueue ? queue.next : 0;
    const storeTimestamp = Math.max(platform.clock.wallMs(), this.lastStoreTimestamp);
    const place = { queueId, queueOffset, physicalOffset, storeTimestamp, storeHost };
    placeRecord(chunk.bytes, at, place);
    // Nothing can throw any more: from here on the record is in the log.
    if (inQueue) queue.take();
    chunk.used = at + bytes;
    this.lastStoreTimestamp = storeTimestamp;
    this.endOffset = physicalOffset + bytes;
    this.writer.appendedUpTo(this.endOffset);
    return { queueOffset, physicalOffset, endOffset: this.endOffset, storeTimestamp, inQueue };
  }

  /**
   * Appends bytes of a master's log as they are; they lie in one segment.
   * @param end where the log ends then: behind the bytes, or, when a blank record is last, behind the segment
   */
  follow(bytes: Buffer, end: number, storeTimestamp: number): void {
    const { segments } = this.options;
    const position = this.endOffset;
    const segmentEnd = segments.startOf(position) + segments.segmentBytes;
    const chunk = this.tail.chunkFor(position, bytes.length, segmentEnd);
    chunk.bytes.set(bytes, position - chunk.base);
    chunk.used = position - chunk.base + bytes.length;
    this.lastStoreTimestamp = Math.max(storeTimestamp, this.lastStoreTimestamp);
    this.endOffset = end;
    this.writer.appendedUpTo(end);
  }

  /** The bytes of the record that an entry speaks of. Hot path. */
  record(
    topic: string,
    topicBytes: Buffer,
    queueId: number,
    entry: QueueEntry,
  ): Buffer | Promise<Buffer> {
    if (entry.bytes === 0) throw unreadable(topic, queueId, entry, 'its slot has no message');
    const recent = this.tail.slice(entry.physicalOffset, entry.bytes);
    if (recent === undefined) return this.oldRecord(topic, topicBytes, queueId, entry);
    if (isRecordOf(recent, topicBytes, queueId, entry)) return recent;
    throw notItsRecord(topic, queueId, entry, 'another record lies there');
  }

  /**
   * The bytes of the record that begins at `position`, which must be below `visible`; `undefined`
   * when none does, or a damaged one.
   */
  async recordAt(position: number): Promise<Buffer | undefined> {
    const { segments } = this.options;
    const limit = this.writer.visible;
    if (position < segments.first || position + RECORD_HEAD_BYTES > limit) return undefined;
    const head = await this.bytesAt(position, RECORD_HEAD_BYTES);
    const magic = head?.readInt32BE(4);
    if (head === undefined || (magic !== MAGIC_V1 && magic !== MAGIC_V2)) return undefined;
    const bytes = head.readInt32BE(0);
    const rest = Math.min(limit, segments.startOf(position) + segments.segmentBytes) - position;
    if (bytes < FIXED_BYTES || bytes > rest) return undefined;
    const record = await this.bytesAt(position, bytes);
    return record !== undefined && isRecordAt(record, position) ? record : undefined;
  }

  /** Store time of the record that an entry speaks of, ms; `undefined` when another one lies there. */
  async storeTimeAt(position: number): Promise<number | undefined> {
    const head = await this.bytesAt(position, FIXED_BYTES);
    if (head === undefined || readInt64(head, 28) !== position) return undefined;
    return storeTimestampOf(head);
  }

  /** What of the newest part of the log is in memory from `position` on; see `Tail.sliceFrom`. */
  recent(position: number, limit: number): Buffer | undefined {
    return this.tail.sliceFrom(position, limit);
  }

  private async bytesAt(position: number, bytes: number): Promise<Buffer | undefined> {
    const recent = this.tail.slice(position, bytes);
    if (recent !== undefined) return recent;
    const target = Buffer.allocUnsafe(bytes);
    const filled = await this.options.segments.read(target, position);
    return filled === bytes ? target : undefined;
  }

  /** Frees memory of what lies below `position`, beyond what is kept for readers. */
  dropTail(position: number): void {
    this.tail.drop(position, this.options.tailBytes);
  }

  private oldRecord(
    topic: string,
    topicBytes: Buffer,
    queueId: number,
    entry: QueueEntry,
  ): Buffer | Promise<Buffer> {
    const { segments } = this.options;
    const limit = this.writer.visible;
    if (!isPlausible(entry, segments.first, limit)) {
      throw notItsRecord(topic, queueId, entry, 'no record can lie there');
    }
    const checked = (bytes: Buffer): Buffer => {
      const fault = faultOf(bytes, topicBytes, queueId, entry);
      if (fault !== undefined) throw notItsRecord(topic, queueId, entry, fault);
      return bytes;
    };
    const bytes = this.cold.read(entry.physicalOffset, entry.bytes, limit);
    if (!(bytes instanceof Promise)) return checked(bytes);
    return bytes.then(checked, (error: unknown) => {
      const why = errorText(error);
      throw unreadable(topic, queueId, entry, why);
    });
  }

  /** Ends the segment with a blank record when a record of `bytes` does not fit into the rest. */
  private leaveSegment(bytes: number): void {
    const { segments } = this.options;
    const limit = Math.min(MAX_RECORD_BYTES, segments.segmentBytes - BLANK_HEAD_BYTES);
    if (bytes > limit) {
      throw new StatusError(
        Code.MESSAGE_BODY_TOO_LARGE,
        `record takes ${bytes} bytes, the limit is ${limit}`,
      );
    }
    const segmentEnd = segments.startOf(this.endOffset) + segments.segmentBytes;
    const rest = segmentEnd - this.endOffset;
    if (bytes + BLANK_HEAD_BYTES <= rest) return;
    const chunk = this.tail.chunkFor(this.endOffset, BLANK_HEAD_BYTES, segmentEnd);
    const at = this.endOffset - chunk.base;
    chunk.bytes.writeInt32BE(rest, at);
    chunk.bytes.writeInt32BE(MAGIC_BLANK, at + 4);
    chunk.used = at + BLANK_HEAD_BYTES;
    this.endOffset = segmentEnd;
    this.writer.appendedUpTo(this.endOffset);
  }
}

/** Why bytes are not the record of an entry; `undefined` when they are. */
function faultOf(
  bytes: Buffer,
  topicBytes: Buffer,
  queueId: number,
  entry: QueueEntry,
): string | undefined {
  try {
    if (!isRecordOf(bytes, topicBytes, queueId, entry)) return 'another record lies there';
    return isRecordIntact(bytes, 0) ? undefined : 'its checksum is wrong';
  } catch (error) {
    return errorText(error);
  }
}
