// long: one walk over the log that copies, fills and builds the queues
/**
 * `gantry store repair`: writes what is whole of a store into a new directory. Records keep their
 * places, so that all that points to them stays right; damaged bytes become filler records, the slots
 * of lost messages become filler entries. The ConsumeQueues are made anew from the log. The old
 * directory is only read.
 */
import { dirname } from 'node:path';
import { javaHashCode } from '../../message/java-hash';
import { Property } from '../../message/properties';
import { recordProperties, SysFlag, type StoredRecord } from '../../message/record';
import type { FileHandle, Files } from '../../platform/platform';
import { writeDurably } from '../atomic-file';
import { encodeCheckpoint } from '../checkpoint';
import type { ConsumeQueue } from '../consume-queue';
import { ConsumeQueues } from '../consume-queues';
import { Layout } from '../layout';
import { MarkFile } from '../mark';
import { QueueFiles, type StoredQueue } from '../queue-files';
import { copyBytes, copyTree } from './copy-file';
import { blankHead, fillerRecords, LEAST_FILLER_BYTES } from './filler-record';
import { walkLog } from './log-walk';
import { OfflineLog } from './offline-log';
import { openOffline, type OfflineStore } from './offline-store';

const ENTRIES_A_FLUSH = 100_000;
/** What is made anew, by whoever opens the new directory (the index) or here, or speaks of a running process. */
const NOT_COPIED =
  /^(commitlog|consumequeue|index|checkpoint|abort|abort\.bak|gantry\/(lock|mark|queues|index\.json))$/;

export interface RepairOptions {
  readonly files: Files;
  readonly directory: string;
  /** Must not exist, or be empty. */
  readonly target: string;
  readonly onProgress?: (done: number, total: number) => void;
  /** Gives a copied file the times of its original: retention goes by them. */
  readonly keepTimes?: (from: string, to: string) => Promise<void>;
}

export interface RepairSummary {
  readonly records: number;
  /** Bytes of the log that were no record; they are fillers now. */
  readonly damagedBytes: number;
  /** Slots of queues whose messages are lost. */
  readonly lost: number;
  readonly queues: number;
}

/**
 * @throws Error with code ELOCKED when a process has the store, ENOENT when there is none, EEXIST
 *   when the target is not empty
 */
export async function repairStore(options: RepairOptions): Promise<RepairSummary> {
  const { files, directory, target } = options;
  if ((await files.stat(target)) !== undefined && (await files.list(target)).length > 0) {
    throw Object.assign(new Error(`${target} is not empty`), { code: 'EEXIST' });
  }
  const store = await openOffline(files, directory);
  try {
    if (store.deletedTopicsFault !== undefined) throw new Error(store.deletedTopicsFault);
    return await new Repair(store, options).run();
  } finally {
    await store.release();
  }
}

class Repair {
  private readonly files: Files;
  private readonly layout: Layout;
  private readonly queues: ConsumeQueues;
  private readonly queueFiles: QueueFiles;
  private old: readonly StoredQueue[] = [];
  private target: FileHandle | undefined;
  private targetStart = -1;
  /** Whole records in `wholeFrom` .. `wholeTo` that are not copied yet. */
  private wholeFrom = 0;
  private wholeTo = 0;
  private records = 0;
  private damagedBytes = 0;
  private lost = 0;
  private lastStoreTimestamp = 0;
  private lastPhysicalOffset = 0;

  constructor(
    private readonly store: OfflineStore,
    private readonly options: RepairOptions,
  ) {
    this.files = store.files;
    this.layout = new Layout(options.target);
    this.queueFiles = new QueueFiles(this.files, this.layout, store.queueFileEntries);
    this.queues = new ConsumeQueues(this.queueFiles);
  }

  async run(): Promise<RepairSummary> {
    const { store, files, layout } = this;
    const { root, commitLog, consumeQueue, gantry } = layout;
    for (const path of [root, commitLog, consumeQueue, gantry]) await files.makeDirectory(path);
    const log = await OfflineLog.open(files, store.layout, store.segmentBytes, () => undefined);
    this.old = await this.oldQueues(log);
    let end: number;
    try {
      end = await this.copyLog(log);
    } finally {
      await this.target?.close();
      await log.close();
    }
    this.finishQueues();
    await this.queues.flush();
    await this.queues.sync();
    await this.queueFiles.close();
    const { directory, target, keepTimes } = this.options;
    await copyTree(files, directory, target, (path) => NOT_COPIED.test(path), keepTimes);
    await this.keepSegmentTimes(log);
    await this.writeMarks(end);
    return {
      records: this.records,
      damagedBytes: this.damagedBytes,
      lost: this.lost,
      queues: this.queues.totals.count,
    };
  }

  private async copyLog(log: OfflineLog): Promise<number> {
    const { onProgress } = this.options;
    this.wholeFrom = this.wholeTo = log.first;
    const end = await walkLog(this.store, log, {
      record: async (record) => {
        const { physicalOffset, totalBytes } = record;
        if (physicalOffset !== this.wholeTo) await this.nextRun(log, physicalOffset);
        this.wholeTo = physicalOffset + totalBytes;
        await this.enqueue(record);
      },
      damage: async (from, to) => {
        await this.nextRun(log, from);
        await this.fill(log, from, to);
        this.wholeFrom = this.wholeTo = to;
      },
      progress: (position) => onProgress?.(position - log.first, log.end - log.first),
    });
    await this.nextRun(log, end);
    await this.target?.datasync();
    onProgress?.(log.end - log.first, log.end - log.first);
    return Math.max(end, this.wholeTo);
  }

  /** Copies the run of whole records and begins the next one at `position`; a blank record lies between. */
  private async nextRun(log: OfflineLog, position: number): Promise<void> {
    const { wholeFrom, wholeTo } = this;
    for (let from = wholeFrom; from < wholeTo;) {
      const start = log.startOf(from);
      const to = Math.min(wholeTo, start + log.segmentBytes);
      const target = await this.segment(start);
      await copyBytes(log, from, target, from - start, to - from);
      from = to;
    }
    if (wholeTo < position && wholeTo > log.startOf(wholeTo)) {
      const start = log.startOf(wholeTo);
      const rest = start + log.segmentBytes - wholeTo;
      const target = await this.segment(start);
      if (position >= start + log.segmentBytes) {
        await target.write([blankHead(rest)], wholeTo - start);
      }
    }
    this.wholeFrom = this.wholeTo = position;
  }

  /** Puts fillers over damaged bytes, which lie in one segment. */
  private async fill(log: OfflineLog, from: number, to: number): Promise<void> {
    this.damagedBytes += to - from;
    const start = log.startOf(from);
    const target = await this.segment(start);
    if (to === start + log.segmentBytes) {
      await target.write([blankHead(to - from)], from - start);
      return;
    }
    if (to - from < LEAST_FILLER_BYTES) {
      throw new Error(
        `the ${to - from} damaged bytes at ${from} are fewer than the smallest record takes`,
      );
    }
    for (const record of fillerRecords(from, to, this.lastStoreTimestamp)) {
      await target.write([record.bytes], record.position - start);
    }
  }

  private async segment(start: number): Promise<FileHandle> {
    if (this.target !== undefined && this.targetStart === start) return this.target;
    await this.target?.datasync();
    await this.target?.close();
    this.target = await this.files.open(this.layout.segment(start), 'create');
    this.targetStart = start;
    await this.target.truncate(this.store.segmentBytes);
    return this.target;
  }

  private async enqueue(record: StoredRecord): Promise<void> {
    const { topic, queueId, queueOffset, physicalOffset, totalBytes } = record;
    this.records++;
    this.lastStoreTimestamp = Math.max(this.lastStoreTimestamp, record.storeTimestamp);
    this.lastPhysicalOffset = physicalOffset;
    const type = record.sysFlag & SysFlag.TRANSACTION_MASK;
    if (type === SysFlag.PREPARED || type === SysFlag.ROLLBACK) return;
    if (physicalOffset < this.store.deletedBelow(topic)) return;
    const queue = this.queues.find(topic, queueId) ?? this.begin(topic, queueId, queueOffset);
    if (queueOffset < queue.max) return;
    this.lost += queueOffset - queue.max;
    this.queues.fillTo(queue, queueOffset);
    const tag = recordProperties(record).get(Property.TAGS);
    this.queues.add(queue, physicalOffset, totalBytes, tag === undefined ? 0 : javaHashCode(tag));
    if (this.queues.unwrittenEntries > ENTRIES_A_FLUSH) await this.queues.flush();
  }

  /** A new queue, whose first whole record has `queueOffset`: messages before it may be lost. */
  private begin(topic: string, queueId: number, queueOffset: number): ConsumeQueue {
    const queue = this.queues.open(topic, queueId);
    const old = this.old.find((stored) => stored.topic === topic && stored.queueId === queueId);
    const first = Math.min(queueOffset, old?.min ?? queueOffset);
    if (first > 0) this.queues.startAt(queue, first);
    return queue;
  }

  /** What the old files say of where queues begin and end: good for slots that have no record any more. */
  private async oldQueues(log: OfflineLog): Promise<StoredQueue[]> {
    const { store } = this;
    const oldFiles = new QueueFiles(this.files, store.layout, store.queueFileEntries);
    const found: StoredQueue[] = [];
    try {
      for (const name of await oldFiles.list()) {
        const stored = await oldFiles.load(name, log.first, Infinity, 0).catch(() => undefined);
        if (stored === undefined || stored.max === 0) continue;
        if ((stored.firstPhysicalOffset ?? Infinity) < store.deletedBelow(name.topic)) continue;
        found.push(stored);
      }
    } finally {
      await oldFiles.close();
    }
    return found;
  }

  /** Offsets that were given out are not given out again. */
  private finishQueues(): void {
    for (const { topic, queueId, max, min } of this.old) {
      const queue = this.queues.find(topic, queueId) ?? this.begin(topic, queueId, max - 1);
      if (queue.max >= max) continue;
      if (min < max) this.lost += max - queue.max;
      this.queues.fillTo(queue, max);
    }
  }

  private async keepSegmentTimes(log: OfflineLog): Promise<void> {
    for (const start of log.starts) {
      const to = this.layout.segment(start);
      if ((await this.files.stat(to)) === undefined) await this.blankSegment(log, start);
      await this.options.keepTimes?.(this.store.layout.segment(start), to);
    }
  }

  /** A segment without a record between others must still be there. */
  private async blankSegment(log: OfflineLog, start: number): Promise<void> {
    const target = await this.files.open(this.layout.segment(start), 'create');
    try {
      await target.truncate(this.store.segmentBytes);
      const last = start + log.segmentBytes >= log.end;
      if (!last) await target.write([blankHead(log.segmentBytes)], 0);
      await target.datasync();
    } finally {
      await target.close();
    }
  }

  /** Last of all: from now on the new directory is a store that was closed in an orderly way. */
  private async writeMarks(end: number): Promise<void> {
    const { files, layout, store } = this;
    for (const path of [layout.commitLog, layout.consumeQueue, layout.root]) {
      await files.syncDirectory(path);
    }
    const checkpoint = encodeCheckpoint({
      physicMsgTimestamp: this.lastStoreTimestamp,
      logicsMsgTimestamp: this.lastStoreTimestamp,
      logicsPhysicalOffset: this.lastPhysicalOffset,
      indexMsgTimestamp: 0,
    });
    await writeDurably(files, layout.checkpoint, checkpoint);
    const mark = await MarkFile.open(files, layout);
    const { totals } = this.queues;
    await mark.write({
      syncedPosition: end,
      queuesPosition: end,
      queueCount: totals.count,
      queueEndSum: totals.endSum,
      queueStartSum: totals.startSum,
      segmentBytes: store.segmentBytes,
      queueFileEntries: store.queueFileEntries,
      storeTimestamp: Math.max(store.mark?.storeTimestamp ?? 0, this.lastStoreTimestamp),
      cleanEnd: end,
    });
    for (const path of [layout.gantry, layout.root, dirname(layout.root)]) {
      await files.syncDirectory(path);
    }
  }
}
