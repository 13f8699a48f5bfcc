/**
 * Compares all ConsumeQueues with the log, while the log is walked once from its first record to its
 * last. A queue's entries are in log order, as its records are: one place to go on from suffices for each.
 */
import { javaHashCode } from '../../message/java-hash';
import { Property } from '../../message/properties';
import { recordProperties, SysFlag, type StoredRecord } from '../../message/record';
import { isFiller, isUnwritten, readEntry } from '../queue-entry';
import type { Report } from './finding';
import type { QueuePlace, QueueReader } from './queue-reader';

/** Entries behind a queue's end that must be zero. */
const ENTRIES_BEHIND = 64;
/** The smallest value that is a hash; below are addresses in an extension file. */
const LEAST_HASH = -(2 ** 31);

export interface QueueAuditOptions {
  readonly reader: QueueReader;
  readonly report: Report;
  readonly logStart: number;
  /** Entries that point here or behind are made anew at the next start: they are not looked at. */
  readonly limit: number;
  /** Whether an entry that is not there yet is no fault. */
  readonly mayLag: boolean;
  /** File and byte of a position in the log. */
  readonly logPlace: (position: number) => { readonly file: string; readonly at: number };
  readonly deletedBelow: (topic: string) => number;
}

export interface QueueTotalsFound {
  /** Queues with at least one entry. */
  readonly count: number;
  /** Sum of their maximum offsets. */
  readonly endSum: number;
  readonly entries: number;
  readonly fillers: number;
}

/** A queue whose files were read. */
export interface QueueFound {
  readonly topic: string;
  readonly queueId: number;
  /** Offset of the first file's first entry. */
  readonly start: number;
  /** One beyond the last entry. */
  readonly end: number;
}

interface Walk {
  readonly place: QueuePlace;
  /** First entry that was not compared yet. */
  next: number;
  /** First of a run of entries that are missing, and how many. */
  missingFrom: number;
  missing: number;
}

export class QueueAudit {
  private readonly walks = new Map<string, Map<number, Walk>>();
  private entries = 0;
  private fillers = 0;
  private count = 0;
  private endSum = 0;

  constructor(private readonly options: QueueAuditOptions) {}

  async open(): Promise<void> {
    for (const place of await this.options.reader.list(this.options.report)) {
      const next = place.starts[0] ?? 0;
      this.queuesOf(place.topic).set(place.queueId, { place, next, missingFrom: 0, missing: 0 });
    }
  }

  /** Compares a whole record with its entry. */
  async record(record: StoredRecord): Promise<void> {
    const walk = await this.walkTo(record);
    if (walk === undefined) return;
    const { reader, report } = this.options;
    const { queueOffset, physicalOffset, totalBytes } = record;
    if (queueOffset < walk.next) {
      const place = this.options.logPlace(physicalOffset);
      report({ kind: 'wrong', ...place, ...slotOf(record), what: 'another record has its slot' });
      return;
    }
    const bytes = await reader.entry(walk.place, queueOffset);
    walk.next = queueOffset + 1;
    if (isUnwritten(bytes, 0) && bytes.every((byte) => byte === 0)) {
      if (walk.missing === 0) walk.missingFrom = queueOffset;
      walk.missing++;
      return;
    }
    this.endMissing(walk);
    this.entries++;
    const tagsCode = tagsCodeOf(record);
    const entry = readEntry(bytes, 0, queueOffset);
    const found = { ...reader.place(walk.place, queueOffset), ...slotOf(record) };
    const wrong = (what: string): void => {
      report({ kind: 'wrong', ...found, what });
    };
    if (isFiller(bytes, 0)) wrong(`is a slot without a message, but its record is whole`);
    else if (entry.physicalOffset !== physicalOffset || entry.bytes !== totalBytes) {
      wrong(
        `points to ${entry.bytes} bytes at ${entry.physicalOffset}, ` +
          `its record has ${totalBytes} at ${physicalOffset}`,
      );
    } else if (!isHashOf(entry.tagsCode, tagsCode, record)) {
      wrong(`has tag hash ${entry.tagsCode}, its record's is ${tagsCode}`);
    }
  }

  /** A record that is damaged, and was reported: its entry points to it or is a filler. */
  async lost(record: StoredRecord): Promise<void> {
    const walk = await this.walkTo(record);
    if (walk === undefined || record.queueOffset < walk.next) return;
    const entry = readEntry(await this.options.reader.entry(walk.place, record.queueOffset), 0, 0);
    if (entry.bytes === 0 || entry.physicalOffset === record.physicalOffset) {
      walk.next = record.queueOffset + 1;
      this.entries++;
      if (entry.bytes === 0) this.fillers++;
    }
  }

  /** The log is at its end: entries that are left have no record. */
  async finish(): Promise<QueueTotalsFound> {
    for (const queues of this.walks.values()) {
      for (const walk of queues.values()) await this.finishQueue(walk);
    }
    const { count, endSum, entries, fillers } = this;
    return { count, endSum, entries, fillers };
  }

  /** The queues that have an entry; after `finish`. */
  *found(): Generator<QueueFound> {
    for (const queues of this.walks.values()) {
      for (const { place, next: end } of queues.values()) {
        const [start] = place.starts;
        if (start !== undefined && end > 0) {
          yield { topic: place.topic, queueId: place.queueId, start, end };
        }
      }
    }
  }

  private async finishQueue(walk: Walk): Promise<void> {
    const { reader, report } = this.options;
    await this.passTo(walk, reader.endOf(walk.place));
    this.endMissing(walk);
    if (walk.next > 0 && walk.place.starts.length > 0) {
      this.count++;
      this.endSum += walk.next;
    }
    const { topic, queueId } = walk.place;
    if (this.options.limit !== Infinity) return;
    const end = Math.min(walk.next + ENTRIES_BEHIND, reader.endOf(walk.place));
    for (let offset = walk.next; offset < end; offset++) {
      const bytes = await reader.entry(walk.place, offset);
      if (bytes.every((byte) => byte === 0)) continue;
      const place = { ...reader.place(walk.place, offset), topic, queueId };
      report({ kind: 'wrong', ...place, what: 'bytes behind the end of the queue' });
      return;
    }
  }

  /** The queue of a record that should have an entry, gone on to the record's offset. */
  private async walkTo(record: StoredRecord): Promise<Walk | undefined> {
    const { topic, queueId, queueOffset, physicalOffset } = record;
    const type = record.sysFlag & SysFlag.TRANSACTION_MASK;
    if (type === SysFlag.PREPARED || type === SysFlag.ROLLBACK) return undefined;
    if (physicalOffset < this.options.deletedBelow(topic)) return undefined;
    if (physicalOffset >= this.options.limit) return undefined;
    const queues = this.queuesOf(topic);
    let walk = queues.get(queueId);
    if (walk === undefined) {
      const directory = `consumequeue/${topic}/${queueId}`;
      const place = { topic, queueId, directory, starts: [] };
      walk = { place, next: queueOffset, missingFrom: 0, missing: 0 };
      queues.set(queueId, walk);
    }
    await this.passTo(walk, Math.min(queueOffset, this.options.reader.endOf(walk.place)));
    return walk;
  }

  /** Passes the entries below `offset`: no record belongs to them. */
  private async passTo(walk: Walk, offset: number): Promise<void> {
    const { reader, report, logStart, limit, mayLag } = this.options;
    const { topic, queueId } = walk.place;
    for (; walk.next < offset; walk.next++) {
      const bytes = await reader.entry(walk.place, walk.next);
      if (bytes.every((byte) => byte === 0)) {
        // Behind it nothing is expected, unless a record says so.
        if (offset === reader.endOf(walk.place)) return;
        const place = { ...reader.place(walk.place, walk.next), topic, queueId };
        const what = 'is not written, and no record has its slot';
        report({ kind: mayLag ? 'note' : 'wrong', ...place, queueOffset: walk.next, what });
        continue;
      }
      const entry = readEntry(bytes, 0, walk.next);
      if (entry.bytes !== 0 && entry.physicalOffset >= limit) return;
      this.endMissing(walk);
      this.entries++;
      if (entry.bytes === 0) this.fillers++;
      else if (entry.physicalOffset >= logStart) {
        const place = { ...reader.place(walk.place, walk.next), topic, queueId };
        const what = `points to ${entry.bytes} bytes at ${entry.physicalOffset}, where its message is not`;
        report({ kind: 'wrong', ...place, queueOffset: walk.next, what });
      }
    }
  }

  private endMissing(walk: Walk): void {
    if (walk.missing === 0) return;
    const { reader, report, mayLag } = this.options;
    const { topic, queueId } = walk.place;
    const place = { ...reader.place(walk.place, walk.missingFrom), topic, queueId };
    const what = `${walk.missing} records of the log have no entry here`;
    const kind = mayLag ? 'note' : 'wrong';
    report({ kind, ...place, queueOffset: walk.missingFrom, what });
    walk.missing = 0;
  }

  private queuesOf(topic: string): Map<number, Walk> {
    let queues = this.walks.get(topic);
    if (queues === undefined) {
      queues = new Map();
      this.walks.set(topic, queues);
    }
    return queues;
  }
}

function slotOf(record: StoredRecord): {
  readonly topic: string;
  readonly queueId: number;
  readonly queueOffset: number;
} {
  const { topic, queueId, queueOffset } = record;
  return { topic, queueId, queueOffset };
}

function tagsCodeOf(record: StoredRecord): number {
  const tag = recordProperties(record).get(Property.TAGS);
  return tag === undefined ? 0 : javaHashCode(tag);
}

/** In Apache RocketMQ's delay topic an entry holds the time of delivery; with an extension file, an address. */
function isHashOf(found: number, expected: number, record: StoredRecord): boolean {
  if (found === expected || found < LEAST_HASH) return true;
  const delayed = recordProperties(record).has(Property.DELAY);
  return delayed && found >= record.storeTimestamp;
}
