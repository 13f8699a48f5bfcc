/** Whether stored messages match filters that must look into the record. */
import type { RecordFilter } from '../../message/filter';
import type { MessageStore, QueueEntry } from '../../store/message-store';
import type { FilterFaults } from './filter-faults';

/** Records read from files before a decision is used, bytes. */
const READ_AHEAD_BYTES = 1024 * 1024;

/** The queue of a group's topic. */
export interface JudgedQueue {
  readonly group: string;
  readonly topic: string;
  readonly queueId: number;
}

/** Which entries, by offset, match; as far as their records were read. */
export type Verdicts = ReadonlyMap<number, boolean>;
/** Whether the i-th of some entries is wanted; `undefined` when its record must be read first. */
export type Wanted = (entries: readonly QueueEntry[], i: number) => boolean | undefined;

export class Judge {
  constructor(
    private readonly store: MessageStore,
    private readonly faults: FilterFaults,
  ) {}

  /** Whether a record matches; what cannot be evaluated is counted. Hot path. */
  matches(queue: JudgedQueue, queueOffset: number, record: Buffer, filter: RecordFilter): boolean {
    const { group, topic, queueId } = queue;
    return filter.matches(record, (fault) =>
      this.faults.note({ group, topic, queueId, queueOffset }, fault),
    );
  }

  /**
   * How new entries are looked at with a filter: by the tag's hash, or by the record where that is needed.
   * @param verdicts of records that were read for this queue before
   * @param onCold told which entries cannot be judged before their records are read, and how to read them
   * @returns `undefined` when all entries are wanted
   */
  wanting(
    queue: JudgedQueue,
    filter: RecordFilter | undefined,
    verdicts: Verdicts | undefined,
    onCold: (entries: readonly QueueEntry[], read: () => Promise<Verdicts>) => void,
  ): Wanted | undefined {
    if (filter === undefined) return undefined;
    const { codes } = filter;
    if (codes !== undefined) return (entries, i) => codes.has(entries[i]?.tagsCode ?? 0);
    return (entries, i) => {
      const entry = entries[i];
      if (entry === undefined) return false;
      const verdict = verdicts?.get(entry.queueOffset) ?? this.inMemory(queue, entry, filter);
      if (verdict !== undefined) return verdict;
      const rest = entries.slice(i);
      onCold(rest, () => this.read(queue, rest, filter));
      return undefined;
    };
  }

  /**
   * Whether an entry's record matches; `undefined` when it must be read from a file first. One that
   * cannot be read counts as a match, so that it is not lost: its delivery reports what is wrong.
   */
  private inMemory(
    queue: JudgedQueue,
    entry: QueueEntry,
    filter: RecordFilter,
  ): boolean | undefined {
    try {
      const record = this.store.record(queue.topic, queue.queueId, entry);
      if (!(record instanceof Promise)) {
        return this.matches(queue, entry.queueOffset, record, filter);
      }
      record.catch(() => undefined);
      return undefined;
    } catch {
      return true;
    }
  }

  /** Reads records from files, from the first entry on, and tells which match; at least one. */
  private async read(
    queue: JudgedQueue,
    entries: readonly QueueEntry[],
    filter: RecordFilter,
  ): Promise<Verdicts> {
    const verdicts = new Map<number, boolean>();
    let bytes = 0;
    for (const entry of entries) {
      if (verdicts.size > 0 && bytes + entry.bytes > READ_AHEAD_BYTES) break;
      bytes += entry.bytes;
      verdicts.set(entry.queueOffset, entry.bytes === 0 || (await this.one(queue, entry, filter)));
    }
    return verdicts;
  }

  private async one(queue: JudgedQueue, entry: QueueEntry, filter: RecordFilter): Promise<boolean> {
    try {
      const record = await this.store.record(queue.topic, queue.queueId, entry);
      return this.matches(queue, entry.queueOffset, record, filter);
    } catch {
      return true;
    }
  }
}
