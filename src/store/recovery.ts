// long: the ways to one state, each the fallback of the one before
/**
 * Brings log and ConsumeQueues to one state when a store is opened.
 *
 * After a clean stop the ends are known and nothing is scanned. Otherwise the log is scanned from
 * where the ConsumeQueues were last synced: that finds its end, which is cut, and the entries that
 * the queues' files lack. Where the queues begin and end is told by gantry/queues; their files are looked
 * at when they are needed. When that does not fit what is found, or another program had the directory,
 * the files of all queues are looked at; and when those do not hold what the mark says (a directory was
 * removed), all are built anew from the whole log.
 */
import type { Logger } from 'pino';
import { SysFlag, type StoredRecord } from '../message/record';
import type { Platform } from '../platform/platform';
import type { ConsumeQueue } from './consume-queue';
import type { ConsumeQueues } from './consume-queues';
import type { EmptyQueues } from './empty-queues';
import type { DeletedTopics } from './deleted-topics';
import { foreignQueues, loadAll } from './load-queues';
import { LogScanner } from './log-scanner';
import type { DeletionReader } from './log-follower';
import type { Mark, MarkFile } from './mark';
import type { QueueFiles, StoredQueue } from './queue-files';
import type { QueueOpener } from './queue-opener';
import { queuesOfTable } from './queue-table-use';
import type { QueueState } from './queue-table';
import type { Segments } from './segments';
import { tagsCodeOf } from './tags-code';

/** Entries gathered in memory before they are written. */
const ENTRIES_A_FLUSH = 100_000;
const PROGRESS_MS = 5000;
/** A new queue that lacks more than this behind damage is one whose records were deleted, not lost. */
const MAX_LOST_AT_START = 1_000_000;

export interface RecoveryOptions {
  readonly platform: Platform;
  readonly log: Logger;
  readonly segments: Segments;
  readonly queueFiles: QueueFiles;
  readonly queues: ConsumeQueues;
  readonly opener: QueueOpener;
  /** The table of queues as it was found; `undefined` without one. */
  readonly table: QueueState | undefined;
  readonly deleted: DeletedTopics;
  readonly deletionOf: DeletionReader;
  readonly emptyQueues: EmptyQueues;
  readonly markFile: MarkFile;
  /** The mark as it was found; `undefined` for a directory without one. */
  readonly mark: Mark | undefined;
  /** Whether the last process removed its `abort` file. */
  readonly stoppedCleanly: boolean;
  /** Whether there are signs of another program than the log itself. */
  readonly foreign: boolean;
}

export interface Recovered {
  /** Where the log ends. */
  readonly end: number;
  /** Largest store time of a record, ms. */
  readonly storeTimestamp: number;
  readonly lastPhysicalOffset: number;
  /** Whether another program, Apache RocketMQ, has made the directory or had it since we did. */
  readonly visited: boolean;
  /** Where the last damaged bytes that were found lie in the log, -1 without any. */
  readonly lastDamage: number;
}

/** Recovers a store; `queues` is filled. */
export async function recover(options: RecoveryOptions): Promise<Recovered> {
  return new Recovery(options).run();
}

class Recovery {
  private readonly scanner: LogScanner;
  private storeTimestamp: number;
  private lastPhysicalOffset = 0;
  /** Whether the queues are built from the whole log. */
  private rebuilt = false;
  private records = 0;
  private damages = 0;
  private lastDamage = -1;
  private end = -1;
  /** Whether a record that does not follow its queue's last one is a contradiction; and whether there was one. */
  private strict = false;
  private contradicted = false;
  /** Maximum offsets that a queue had by its files, for slots whose records turn out to be lost. */
  private readonly seen = new Map<ConsumeQueue, number>();

  constructor(private readonly options: RecoveryOptions) {
    this.scanner = new LogScanner(options.segments);
    this.storeTimestamp = options.mark?.storeTimestamp ?? 0;
  }

  async run(): Promise<Recovered> {
    const { mark, segments, queues } = this.options;
    this.checkSegments();
    const cleanEnd = await this.cleanEnd();
    const known = await this.byTable(cleanEnd);
    if (known !== undefined) return known;
    queues.clear();
    queues.beginAt(segments.first);
    if (mark !== undefined && cleanEnd !== undefined) {
      if (await this.loadQueues(Infinity, Infinity)) return this.outcome(cleanEnd);
    }
    const queued = await this.takeForeignQueues();
    if (queued !== undefined) return this.finish(await this.scan(queued, queued));
    const trusted = await this.trustedPosition();
    const from = Math.max(mark?.queuesPosition ?? 0, segments.first);
    const loaded = mark !== undefined && (await this.loadQueues(from, trusted));
    this.rebuilt = !loaded;
    if (!loaded) await this.dropQueues();
    return this.finish(await this.scan(loaded ? from : segments.first, trusted));
  }

  /** Recovers with the table of queues; `undefined` when it cannot be trusted, and nothing is taken. */
  private async byTable(cleanEnd: number | undefined): Promise<Recovered | undefined> {
    const { mark, table, foreign, stoppedCleanly, segments, queues, opener, log } = this.options;
    if (mark === undefined || table === undefined || foreign) return undefined;
    const { position, keptFrom } = table;
    const { first, end } = segments;
    // After an orderly stop the end is known, or somebody else has written.
    if (stoppedCleanly && position !== cleanEnd) return undefined;
    const older = position < mark.queuesPosition || keptFrom < first;
    if (older || position < first || position > end) return undefined;
    if (position === mark.queuesPosition && !sameTotals(table, mark)) return undefined;
    const rows = await queuesOfTable(this.options, table);
    if (rows === undefined) return undefined;
    for (const row of rows) queues.addStored(row, false);
    queues.beginAt(keptFrom);
    opener.trust(position);
    queues.takeChanges(position);
    if (rows.length < table.rows.length) queues.distrustTable();
    if (stoppedCleanly) return this.outcome(position);
    this.strict = true;
    const scan = await this.scan(position, await this.trustedPosition());
    this.strict = false;
    const grown = mark.cleanEnd >= 0 && scan.end !== mark.cleanEnd;
    if (!this.contradicted && this.damages === 0 && !grown) return this.finish(scan);
    log.warn({ position }, 'the table of queues does not fit the log: looking at all queues');
    return this.giveUpTable();
  }

  /** Forgets what was learnt; the queues are forgotten by who asked. */
  private giveUpTable(): undefined {
    this.storeTimestamp = this.options.mark?.storeTimestamp ?? 0;
    this.lastPhysicalOffset = this.records = this.damages = 0;
    return undefined;
  }

  /** Whether another program has left a log other than ours. */
  private get visited(): boolean {
    const { mark, segments, foreign } = this.options;
    if (mark === undefined) return segments.end > segments.first;
    return foreign || (mark.cleanEnd >= 0 && this.end !== mark.cleanEnd);
  }

  /**
   * Takes the queues of another program that has stopped in an orderly way: they know of topics deleted
   * and of offsets whose records are gone, which the log does not.
   * @returns the end of the last record that has an entry; `undefined` when they are to be built anew
   */
  private async takeForeignQueues(): Promise<number | undefined> {
    const { mark, queueFiles, queues, deleted, segments, stoppedCleanly, log } = this.options;
    const foreign = this.options.foreign || mark === undefined;
    if (!foreign || !stoppedCleanly || segments.end === segments.first) return undefined;
    const found = await foreignQueues(queueFiles, segments.first);
    if (found === undefined || found.end > segments.end) return undefined;
    const { stored, end } = found;
    for (const queue of stored) {
      const { topic, queueId, max } = queue;
      if ((queue.firstPhysicalOffset ?? Infinity) < deleted.position(topic)) continue;
      queues.addStored(queue, true);
      this.seen.set(queues.open(topic, queueId), max);
    }
    log.info({ queues: stored.length, from: end }, 'took the ConsumeQueues of another program');
    return end;
  }

  /** @throws Error when segments that the mark speaks of are not there. */
  private checkSegments(): void {
    const { mark, segments } = this.options;
    if (mark === undefined || mark.syncedPosition <= segments.end) return;
    throw new Error(
      `the CommitLog ends at ${segments.end}, but was synced up to ${mark.syncedPosition}: ` +
        'segments are missing; put them back, or remove gantry/mark to go on without them',
    );
  }

  /** The log's end after a clean stop, `undefined` when somebody has written since. */
  private async cleanEnd(): Promise<number | undefined> {
    const { mark, segments, stoppedCleanly } = this.options;
    const end = mark?.cleanEnd ?? -1;
    if (!stoppedCleanly || end < 0) return undefined;
    if (segments.startOf(end) + segments.segmentBytes < segments.end) return undefined;
    if (end < segments.end && !(await this.scanner.isUnwritten(end))) return undefined;
    return end;
  }

  /** A segment is begun only after the one before was synced: so all before the last one in use was. */
  private async trustedPosition(): Promise<number> {
    const { mark, segments } = this.options;
    let trusted = mark?.syncedPosition ?? 0;
    for (const start of segments.all) {
      if (start > trusted && (await this.scanner.isValid(start))) trusted = start;
    }
    return trusted;
  }

  /**
   * Takes the queues as their files hold them, entries below `limit` only.
   * @returns whether they are what the mark says
   */
  private async loadQueues(limit: number, seenLimit: number): Promise<boolean> {
    const { mark, queueFiles, queues, deleted, segments, log } = this.options;
    const stored = await loadAll(await queueFiles.list(), (name) =>
      queueFiles.load(name, segments.first, limit, seenLimit),
    );
    if (stored === undefined || mark === undefined) return false;
    const isStale = (queue: StoredQueue): boolean =>
      (queue.firstPhysicalOffset ?? Infinity) < deleted.position(queue.topic);
    const current = stored.filter((queue) => !isStale(queue));
    // A deletion that a crash broke off: the mark may still count the queues that were to go.
    if (!fits(current, mark) && !fits(stored, mark)) {
      log.warn(
        { queues: stored.length, expected: mark.queueCount },
        'ConsumeQueue files are missing or short',
      );
      return false;
    }
    for (const topic of new Set(stored.filter(isStale).map((queue) => queue.topic))) {
      await queueFiles.removeTopic(topic);
    }
    for (const queue of current) {
      if (limit !== Infinity) await queueFiles.cut(queue, queue.max);
      queues.addStored(queue, true);
      const { topic, queueId, seen } = queue;
      if (seen > queue.max) this.seen.set(queues.open(topic, queueId), seen);
    }
    return true;
  }

  private async dropQueues(): Promise<void> {
    const { markFile, mark, queueFiles, segments } = this.options;
    if (mark !== undefined) {
      // First of all: a crash while they are built must find that they are not complete.
      await markFile.write({
        ...mark,
        queuesPosition: 0,
        queueCount: 0,
        queueEndSum: 0,
        queueStartSum: 0,
        cleanEnd: -1,
      });
    }
    await queueFiles.removeAll();
    if (segments.end > segments.first) this.options.log.warn('building all ConsumeQueues anew');
  }

  /** Reads the log from `from` to its end and gives its records the entries that they lack. */
  private async scan(from: number, trusted: number): Promise<Scanned> {
    const { segments, queues, log, platform } = this.options;
    let toldMs = platform.clock.monotonicMs();
    let durable = trusted;
    const end = await this.scanner.scan({
      from,
      trusted,
      onRecord: async (record) => {
        this.restore(record);
        await this.deleteBy(record);
        const { physicalOffset } = record;
        if (platform.clock.monotonicMs() - toldMs > PROGRESS_MS) {
          toldMs = platform.clock.monotonicMs();
          log.info({ position: physicalOffset, end: segments.end }, 'scanning the CommitLog');
        }
        if (queues.unwrittenEntries <= ENTRIES_A_FLUSH) return;
        // What is in a queue's file must not speak of a record that a second crash can take back.
        await segments.rewrite(durable, physicalOffset);
        durable = Math.max(durable, physicalOffset);
        await queues.flush(durable);
      },
      onDamage: (damageFrom, damageTo, record) => {
        this.damages++;
        this.lastDamage = damageFrom;
        log.error({ from: damageFrom, to: damageTo }, 'damaged bytes in the CommitLog are skipped');
        if (record !== undefined) this.restoreLost(record);
      },
    });
    return { from, end, durable };
  }

  /** Makes what was scanned the whole log. */
  private async finish({ from, end, durable }: Scanned): Promise<Recovered> {
    const { segments, queues, log } = this.options;
    if (this.damages > 0) {
      for (const [queue, seen] of this.seen) queues.fillTo(queue, seen);
    }
    if (this.rebuilt) await this.restoreEmpty();
    await segments.rewrite(durable, end);
    await segments.cut(end);
    log.info({ from, end, records: this.records, damages: this.damages }, 'scanned the CommitLog');
    return this.outcome(end);
  }

  /** Gives queues that retention has emptied their next offset again: the log does not tell it. */
  private async restoreEmpty(): Promise<void> {
    const { emptyQueues, queues, queueFiles, deleted } = this.options;
    for (const { topic, queueId, next } of emptyQueues.all) {
      const queue = queues.open(topic, queueId);
      if (queue.max > 0 || deleted.position(topic) > 0) continue;
      queues.startAt(queue, next);
      await queueFiles.createEmpty(queue, next);
    }
  }

  /** Gives a record the entry that its queue lacks. */
  private restore(record: StoredRecord): void {
    const { queues } = this.options;
    this.records++;
    this.storeTimestamp = Math.max(this.storeTimestamp, record.storeTimestamp);
    this.lastPhysicalOffset = record.physicalOffset;
    if (!this.hasEntry(record)) return;
    const queue = queues.open(record.topic, record.queueId);
    const { queueOffset } = record;
    if (this.strict && queueOffset !== queue.max) this.contradicted = true;
    if (queueOffset < queue.max) return;
    if (queueOffset > queue.max) {
      const begins = this.damages === 0 || queueOffset > MAX_LOST_AT_START;
      if (queue.max === 0 && begins) queues.startAt(queue, queueOffset);
      else queues.fillTo(queue, queueOffset);
    }
    queues.add(queue, record.physicalOffset, record.totalBytes, tagsCodeOf(record));
  }

  /** Finishes a deletion that the log tells of and that a crash has broken off. */
  private async deleteBy(record: StoredRecord): Promise<void> {
    const { deletionOf, deleted, queues, queueFiles, emptyQueues } = this.options;
    const topic = deletionOf(record);
    const position = record.physicalOffset + record.totalBytes;
    if (topic === undefined || deleted.position(topic) >= position) return;
    await deleted.add(topic, position);
    await emptyQueues.forgetTopic(topic);
    for (const queue of queues.ofTopic(topic)) this.seen.delete(queue);
    queues.forgetTopic(topic);
    await queueFiles.removeTopic(topic);
  }

  /** Keeps the slot of a damaged record whose header is as expected. */
  private restoreLost(record: StoredRecord): void {
    const queue = this.options.queues.find(record.topic, record.queueId);
    if (queue === undefined || !this.hasEntry(record)) return;
    if (queue.max === record.queueOffset) this.options.queues.fillTo(queue, queue.max + 1);
  }

  private hasEntry(record: StoredRecord): boolean {
    const type = record.sysFlag & SysFlag.TRANSACTION_MASK;
    if (type === SysFlag.PREPARED || type === SysFlag.ROLLBACK) return false;
    return record.physicalOffset >= this.options.deleted.position(record.topic);
  }

  private outcome(end: number): Recovered {
    const { storeTimestamp, lastPhysicalOffset } = this;
    this.end = end;
    const { visited, lastDamage } = this;
    return { end, storeTimestamp, lastPhysicalOffset, visited, lastDamage };
  }
}

interface Scanned {
  readonly from: number;
  /** Where the log ends. */
  readonly end: number;
  /** Up to where it was written anew and synced. */
  readonly durable: number;
}

function sameTotals({ rows }: QueueState, mark: Mark): boolean {
  let [count, endSum, startSum] = [0, 0, 0];
  for (const { start, max } of rows) {
    count++;
    endSum += max;
    startSum += start;
  }
  return (
    count === mark.queueCount && endSum === mark.queueEndSum && startSum === mark.queueStartSum
  );
}

function fits(queues: readonly StoredQueue[], mark: Mark): boolean {
  const used = queues.filter((queue) => queue.max > 0);
  const endSum = used.reduce((sum, queue) => sum + queue.max, 0);
  const startSum = used.reduce((sum, queue) => sum + queue.start, 0);
  if (used.length !== mark.queueCount || endSum !== mark.queueEndSum) return false;
  return startSum <= mark.queueStartSum;
}
