/** The store put together: appends to the tail, dispatches what became visible, reads. */
import type { Logger } from 'pino';
import type { Host } from '../message/host';
import {
  MAGIC_BLANK,
  MAX_RECORD_BYTES,
  placeRecord,
  readRecord,
  recordIntact,
  SysFlag,
} from '../message/record';
import type { RecordDraft } from '../message/record-draft';
import { Code, StatusError } from '../message/status';
import type { FileLock, Platform } from '../platform/platform';
import type { ConsumeQueue } from './consume-queue';
import type { ConsumeQueues } from './consume-queues';
import type { DeletedTopics } from './deleted-topics';
import { isDirectoryName, type Layout } from './layout';
import { LogWriter } from './log-writer';
import type { MarkFile } from './mark';
import type { Appended, FlushMode, MessageStore, QueueEntry } from './message-store';
import { PendingEntries } from './pending-entries';
import type { QueueFiles } from './queue-files';
import { isRecordOf } from './record-check';
import type { Recovered } from './recovery';
import { replayTopics } from './replay';
import type { Segments } from './segments';
import { Tail } from './tail';
import { Upkeep } from './upkeep';

/** Bytes that stay free behind a record for the head of a blank one. */
const BLANK_HEAD_BYTES = 8;
/** Largest queue id: a Java int. */
const MAX_QUEUE_ID = 0x7fffffff;

export interface StoreParts {
  readonly platform: Platform;
  readonly log: Logger;
  readonly layout: Layout;
  readonly flush: FlushMode;
  readonly storeHost: Host;
  readonly tailBytes: number;
  readonly maxUnwrittenBytes: number;
  readonly segments: Segments;
  readonly queueFiles: QueueFiles;
  readonly queues: ConsumeQueues;
  readonly deleted: DeletedTopics;
  readonly mark: MarkFile;
  readonly guard: FileLock;
  readonly recovered: Recovered;
}

type ArrivalListener = (topic: string, queueId: number, maxOffset: number) => void;

export class Store implements MessageStore {
  private readonly tail = new Tail();
  private readonly writer: LogWriter;
  private readonly upkeep: Upkeep;
  private readonly pending = new PendingEntries();
  private readonly listeners: ArrivalListener[] = [];
  private readonly deleting = new Set<string>();
  private readonly touched = new Set<ConsumeQueue>();
  private end: number;
  private lastStoreTimestamp: number;
  private dispatchedTo: number;
  private lastDispatched: { physicalOffset: number; storeTimestamp: number };
  private stopped: Error | undefined;
  private closing: Promise<void> | undefined;

  constructor(private readonly parts: StoreParts) {
    const { platform, segments, flush, recovered, queues } = parts;
    const { end, storeTimestamp, lastPhysicalOffset } = recovered;
    this.end = this.dispatchedTo = end;
    this.lastStoreTimestamp = storeTimestamp;
    this.lastDispatched = { physicalOffset: lastPhysicalOffset, storeTimestamp };
    const onFailure = (failure: Error): void => {
      this.fail(failure);
    };
    this.writer = new LogWriter({
      platform,
      segments,
      tail: this.tail,
      flush,
      position: end,
      onVisible: (visible) => {
        this.dispatch(visible);
      },
      onFailure,
    });
    this.upkeep = new Upkeep({
      platform,
      log: parts.log,
      layout: parts.layout,
      mark: parts.mark,
      queues,
      segmentBytes: segments.segmentBytes,
      queueFileEntries: parts.queueFiles.fileEntries,
      start: { position: end, count: queues.count, endSum: queues.endSum },
      dispatched: () => ({
        position: this.dispatchedTo,
        lastPhysicalOffset: this.lastDispatched.physicalOffset,
        lastStoreTimestamp: this.lastDispatched.storeTimestamp,
      }),
      synced: () => this.writer.synced,
      syncTo: (position) => this.writer.syncTo(position),
      storeTimestamp: () => this.lastStoreTimestamp,
      onFailure,
    });
  }

  /** Leaves the marks for what recovery has done, or for that the store is open. */
  async begin(): Promise<void> {
    await this.upkeep.run(() => this.upkeep.checkpoint());
  }

  /** Hot path. */
  append(draft: RecordDraft, queueId: number, system = false): Appended {
    const { segments, storeHost, queues } = this.parts;
    const bytes = draft.byteLength;
    this.check(draft, queueId, system);
    this.leaveSegment(bytes);
    const physicalOffset = this.end;
    const segmentEnd = segments.startOf(physicalOffset) + segments.segmentBytes;
    const chunk = this.tail.chunkFor(physicalOffset, bytes, segmentEnd);
    const at = physicalOffset - chunk.base;
    draft.writeTo(chunk.bytes, at);
    const type = chunk.bytes.readInt32BE(at + 36) & SysFlag.TRANSACTION_MASK;
    const inQueue = type !== SysFlag.PREPARED && type !== SysFlag.ROLLBACK;
    const queue = queues.open(draft.topic, queueId);
    const queueOffset = inQueue ? queue.next : 0;
    const now = this.parts.platform.clock.wallMs();
    const storeTimestamp = Math.max(now, this.lastStoreTimestamp);
    placeRecord(chunk.bytes, at, {
      queueId,
      queueOffset,
      physicalOffset,
      storeTimestamp,
      storeHost,
    });
    if (inQueue) queue.take();
    chunk.used = at + bytes;
    this.lastStoreTimestamp = storeTimestamp;
    const endOffset = (this.end = physicalOffset + bytes);
    this.pending.push({
      queue: inQueue ? queue : undefined,
      physicalOffset,
      endOffset,
      tagsCode: draft.tagsCode,
      storeTimestamp,
    });
    this.writer.appendedUpTo(endOffset);
    return { queueOffset, physicalOffset, endOffset, storeTimestamp };
  }

  written(endOffset: number): Promise<void> {
    return this.writer.written(endOffset);
  }

  durable(endOffset: number): Promise<void> {
    return this.writer.durable(endOffset);
  }

  get visible(): number {
    return this.writer.visible;
  }

  get failure(): Error | undefined {
    return this.stopped;
  }

  onArrival(listener: ArrivalListener): void {
    this.listeners.push(listener);
  }

  minOffset(topic: string, queueId: number): number {
    return this.parts.queues.find(topic, queueId)?.min ?? 0;
  }

  maxOffset(topic: string, queueId: number): number {
    return this.parts.queues.find(topic, queueId)?.max ?? 0;
  }

  entries(
    topic: string,
    queueId: number,
    from: number,
    count: number,
  ): readonly QueueEntry[] | Promise<readonly QueueEntry[]> {
    const queue = this.parts.queues.find(topic, queueId);
    return queue === undefined ? [] : this.parts.queues.entries(queue, from, count);
  }

  record(topic: string, queueId: number, entry: QueueEntry): Buffer | Promise<Buffer> {
    if (entry.bytes === 0) throw lost(topic, queueId, entry, 'its slot has no message');
    const recent = this.tail.slice(entry.physicalOffset, entry.bytes);
    if (recent === undefined) return this.oldRecord(topic, queueId, entry);
    if (isRecordOf(recent, this.topicBytes(topic, queueId), queueId, entry)) return recent;
    throw lost(topic, queueId, entry, 'another record lies there');
  }

  async replay(
    topics: readonly string[],
    from: number,
    visit: (record: Buffer) => void,
  ): Promise<void> {
    await replayTopics(this.parts, topics, from, visit);
  }

  async deleteTopic(topic: string): Promise<void> {
    if (this.stopped) throw refusal(this.stopped);
    if (this.deleting.has(topic)) throw beingDeleted(topic);
    const position = this.end;
    this.deleting.add(topic);
    this.parts.queues.forgetTopic(topic);
    try {
      await this.upkeep.run(async () => {
        await this.parts.deleted.add(topic, position);
        // The mark must not count the topic's queues any more before their files go.
        await this.upkeep.checkpoint();
        await this.parts.queueFiles.removeTopic(topic);
      });
    } finally {
      this.deleting.delete(topic);
    }
  }

  close(): Promise<void> {
    this.closing ??= this.shutDown();
    return this.closing;
  }

  private async shutDown(): Promise<void> {
    const { layout, platform, guard } = this.parts;
    const failure = this.stopped;
    this.stopped ??= new Error('the store is closed');
    try {
      if (failure) throw failure;
      await this.writer.syncTo(this.end);
      await this.upkeep.stop();
      await this.upkeep.checkpoint(this.end);
      await platform.files.syncDirectory(layout.gantry);
      await platform.files.remove(layout.abort);
      await platform.files.syncDirectory(layout.root);
    } finally {
      await this.upkeep.stop();
      await this.writer.close();
      await this.parts.segments.close();
      await this.parts.queueFiles.close();
      await guard.release();
    }
  }

  private check(draft: RecordDraft, queueId: number, system: boolean): void {
    if (this.stopped) throw refusal(this.stopped);
    const { segmentBytes } = this.parts.segments;
    const limit = Math.min(MAX_RECORD_BYTES, segmentBytes - BLANK_HEAD_BYTES);
    if (draft.byteLength > limit) {
      throw new StatusError(
        Code.MESSAGE_BODY_TOO_LARGE,
        `record takes ${draft.byteLength} bytes, the limit is ${limit}`,
      );
    }
    if (!Number.isInteger(queueId) || queueId < 0 || queueId > MAX_QUEUE_ID) {
      throw new RangeError(`queueId ${queueId} is not in 0 .. ${MAX_QUEUE_ID}`);
    }
    if (this.deleting.size > 0 && this.deleting.has(draft.topic)) throw beingDeleted(draft.topic);
    if (!isDirectoryName(draft.topic)) {
      throw new StatusError(Code.ILLEGAL_TOPIC, `topic '${draft.topic}' cannot name a directory`);
    }
    const waiting = this.end - this.writer.visible;
    if (!system && waiting >= this.parts.maxUnwrittenBytes) {
      throw new StatusError(
        Code.TOO_MANY_REQUESTS,
        `${waiting} bytes wait for the disk, the limit is ${this.parts.maxUnwrittenBytes}`,
      );
    }
  }

  /** Ends the segment with a blank record when a record of `bytes` does not fit into the rest. */
  private leaveSegment(bytes: number): void {
    const { segments } = this.parts;
    const segmentEnd = segments.startOf(this.end) + segments.segmentBytes;
    const rest = segmentEnd - this.end;
    if (bytes + BLANK_HEAD_BYTES <= rest) return;
    const chunk = this.tail.chunkFor(this.end, BLANK_HEAD_BYTES, segmentEnd);
    const at = this.end - chunk.base;
    chunk.bytes.writeInt32BE(rest, at);
    chunk.bytes.writeInt32BE(MAGIC_BLANK, at + 4);
    chunk.used = at + BLANK_HEAD_BYTES;
    this.end = segmentEnd;
    this.writer.appendedUpTo(this.end);
  }

  /** Gives the records below `visible` their ConsumeQueue entries and tells who listens. Hot path. */
  private dispatch(visible: number): void {
    const { queues } = this.parts;
    for (let entry = this.pending.shift(visible); entry; entry = this.pending.shift(visible)) {
      const { queue, physicalOffset, endOffset, storeTimestamp } = entry;
      this.lastDispatched = { physicalOffset, storeTimestamp };
      if (queue === undefined || queue.deleted) continue;
      queues.add(queue, physicalOffset, endOffset - physicalOffset, entry.tagsCode);
      this.touched.add(queue);
    }
    this.dispatchedTo = visible;
    this.tail.drop(visible, this.parts.tailBytes);
    this.upkeep.touch();
    if (this.touched.size === 0) return;
    const touched = [...this.touched];
    this.touched.clear();
    for (const queue of touched) this.arrived(queue);
  }

  private arrived(queue: ConsumeQueue): void {
    for (const listener of this.listeners) {
      try {
        listener(queue.topic, queue.queueId, queue.max);
      } catch (error) {
        this.parts.log.error({ err: error }, 'a listener for arrivals has thrown');
      }
    }
  }

  private async oldRecord(topic: string, queueId: number, entry: QueueEntry): Promise<Buffer> {
    const bytes = Buffer.allocUnsafe(entry.bytes);
    let filled: number;
    try {
      filled = await this.parts.segments.read(bytes, entry.physicalOffset);
    } catch (error) {
      throw lost(topic, queueId, entry, error instanceof Error ? error.message : String(error));
    }
    const whole = filled === bytes.length;
    if (!whole || !isRecordOf(bytes, this.topicBytes(topic, queueId), queueId, entry)) {
      throw lost(topic, queueId, entry, 'another record lies there');
    }
    if (!recordIntact(bytes, 0, readRecord(bytes, 0))) {
      throw lost(topic, queueId, entry, 'its checksum is wrong');
    }
    return bytes;
  }

  private topicBytes(topic: string, queueId: number): Buffer {
    return this.parts.queues.find(topic, queueId)?.topicBytes ?? Buffer.from(topic);
  }

  private fail(failure: Error): void {
    if (this.stopped) return;
    this.stopped = failure;
    this.parts.log.fatal({ err: failure }, 'the store takes no more records');
  }
}

function refusal(reason: Error): StatusError {
  const text = `the store is read-only: ${reason.message}`;
  return new StatusError(Code.INTERNAL_SERVER_ERROR, text, { cause: reason });
}

function beingDeleted(topic: string): StatusError {
  return new StatusError(Code.TOPIC_NOT_FOUND, `topic ${topic} is being deleted`);
}

function lost(topic: string, queueId: number, entry: QueueEntry, why: string): StatusError {
  const place = `${topic} queue ${queueId} offset ${entry.queueOffset}`;
  return new StatusError(
    Code.INTERNAL_SERVER_ERROR,
    `message of ${place} cannot be read at ${entry.physicalOffset}: ${why}`,
  );
}
