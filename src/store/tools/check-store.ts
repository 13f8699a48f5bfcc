/** `gantry store check`: reads all of a store once and says what is wrong with it. */
import type { StoredRecord } from '../../message/record';
import type { Files } from '../../platform/platform';
import { checkSmallFiles, type LogFacts } from './file-checks';
import type { Report } from './finding';
import { IndexAudit } from './index-audit';
import { lookBehind, walkLog } from './log-walk';
import { OfflineLog } from './offline-log';
import { openOffline, type OfflineStore } from './offline-store';
import { QueueAudit, type QueueTotalsFound } from './queue-audit';
import { QueueReader } from './queue-reader';
import { checkQueueTable } from './table-audit';

export interface CheckOptions {
  readonly files: Files;
  readonly directory: string;
  readonly onFinding: Report;
  /** Bytes of the log done, and in all. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Checks what others keep in the directory. */
  readonly others?: (report: Report) => OtherChecks;
}

/** File and byte of a position of the log, for findings. */
export interface LogPlaces {
  place(position: number): { readonly file: string; readonly at: number };
}

export interface OtherChecks {
  /** Each whole record, in log order; valid during the call. */
  record?(record: StoredRecord, log: LogPlaces): void;
  /** Where bytes begin that are no record. */
  damage?(from: number, place: { readonly file: string; readonly at: number }): void;
  /** The log has been walked. */
  end(facts: LogFacts): Promise<void>;
}

export interface CheckSummary {
  readonly segments: number;
  /** Where the log begins and ends. */
  readonly logStart: number;
  readonly logEnd: number;
  readonly records: number;
  /** Bytes of the log that are no record and no blank. */
  readonly damagedBytes: number;
  readonly queues: number;
  readonly entries: number;
  /** Slots without a message. */
  readonly fillers: number;
  /** Entries of the index that were compared with their records. */
  readonly indexEntries: number;
  /** Findings of kind `wrong`. */
  readonly wrong: number;
}

/**
 * Checks the store in a directory, which no process may have open. Memory is bounded by the number
 * of queues, not by that of messages.
 * @throws Error with code ELOCKED when a process has it, ENOENT when there is no store
 */
export async function checkStore(options: CheckOptions): Promise<CheckSummary> {
  const store = await openOffline(options.files, options.directory);
  try {
    return await new Check(store, options).run();
  } finally {
    await store.release();
  }
}

class Check {
  private wrong = 0;
  private records = 0;
  private damagedBytes = 0;
  private lastStoreTimestamp = 0;
  private readonly others: OtherChecks | undefined;

  constructor(
    private readonly store: OfflineStore,
    private readonly options: CheckOptions,
  ) {
    this.others = options.others?.(this.report);
  }

  private readonly report: Report = (finding) => {
    if (finding.kind === 'wrong') this.wrong++;
    this.options.onFinding(finding);
  };

  async run(): Promise<CheckSummary> {
    const { files, layout, segmentBytes, queueFileEntries } = this.store;
    const log = await OfflineLog.open(files, layout, segmentBytes, this.report);
    const reader = new QueueReader(files, layout, queueFileEntries);
    try {
      return await this.walk(log, reader);
    } finally {
      await log.close();
      await reader.close();
    }
  }

  private async walk(log: OfflineLog, reader: QueueReader): Promise<CheckSummary> {
    const { mark, stoppedCleanly, deletedBelow } = this.store;
    const audit = new QueueAudit({
      reader,
      report: this.report,
      logStart: log.first,
      limit: stoppedCleanly || mark === undefined ? Infinity : mark.queuesPosition,
      mayLag: !stoppedCleanly,
      logPlace: (position) => log.place(position),
      deletedBelow,
    });
    const index = new IndexAudit(this.store, this.report, log.first);
    try {
      await audit.open();
      await index.open();
      return await this.compare(log, audit, index);
    } finally {
      await index.close();
    }
  }

  private async compare(
    log: OfflineLog,
    audit: QueueAudit,
    index: IndexAudit,
  ): Promise<CheckSummary> {
    const end = await walkLog(this.store, log, {
      record: async (record) => {
        await this.record(record, audit);
        await index.record(record);
        this.others?.record?.(record, log);
      },
      damage: async (from, to, record, why) => {
        await this.damage(log, audit, from, to, record, why);
        await index.damage(from, to);
        this.others?.damage?.(from, log.place(from));
      },
      progress: (position) => this.options.onProgress?.(position - log.first, log.end - log.first),
    });
    await this.behind(log, end);
    const queues = await audit.finish();
    await index.finish();
    this.compareTotals(queues);
    const { segmentBytes, queueFileEntries } = this.store;
    const { lastStoreTimestamp } = this;
    const lengths = { segmentBytes, queueFileEntries };
    const facts = { start: log.first, end, lastStoreTimestamp, ...lengths };
    await checkSmallFiles(this.store, facts, this.report);
    await checkQueueTable(this.store, end, audit.found(), this.report);
    await this.others?.end(facts);
    this.options.onProgress?.(log.end - log.first, log.end - log.first);
    return {
      segments: log.starts.length,
      logStart: log.first,
      logEnd: end,
      records: this.records,
      damagedBytes: this.damagedBytes,
      queues: queues.count,
      entries: queues.entries,
      fillers: queues.fillers,
      indexEntries: index.entries,
      wrong: this.wrong,
    };
  }

  private record(record: StoredRecord, audit: QueueAudit): Promise<void> {
    this.records++;
    this.lastStoreTimestamp = Math.max(this.lastStoreTimestamp, record.storeTimestamp);
    return audit.record(record);
  }

  private async damage(
    log: OfflineLog,
    audit: QueueAudit,
    from: number,
    to: number,
    record: StoredRecord | undefined,
    why: string,
  ): Promise<void> {
    this.damagedBytes += to - from;
    const slot = record && {
      topic: record.topic,
      queueId: record.queueId,
      queueOffset: record.queueOffset,
    };
    const what = `${to - from} damaged bytes: ${why}`;
    this.report({ kind: 'wrong', ...log.place(from), ...slot, what });
    if (record !== undefined) await audit.lost(record);
  }

  /** What stands behind the log's end: a torn tail after a crash, else what nobody knows of. */
  private async behind(log: OfflineLog, end: number): Promise<void> {
    const behind = await lookBehind(log, end);
    if (behind === undefined) return;
    const place = log.place(end);
    if (behind.record !== undefined) {
      const what =
        `${behind.record - end} bytes are no record, and a record follows at ${behind.record}: ` +
        'a broker that opens the store ends the log here';
      this.report({ kind: 'wrong', ...place, what });
    } else if (this.store.stoppedCleanly) {
      const what = `the log ends at ${end}, and bytes stand behind it at ${behind.from}`;
      this.report({ kind: 'wrong', ...place, what });
    } else {
      const what = 'a write that a crash broke off: it is cut at the next start';
      this.report({ kind: 'note', ...place, what });
    }
  }

  private compareTotals(found: QueueTotalsFound): void {
    const { mark, stoppedCleanly } = this.store;
    if (mark === undefined || !stoppedCleanly || mark.cleanEnd < 0) return;
    if (mark.queueCount === found.count && mark.queueEndSum === found.endSum) return;
    const what =
      `${found.count} queues with maximum offsets of ${found.endSum} in all are there, ` +
      `${mark.queueCount} with ${mark.queueEndSum} were closed`;
    this.report({ kind: 'wrong', file: 'consumequeue', what });
  }
}
