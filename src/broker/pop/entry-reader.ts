/** ConsumeQueue entries and message groups for one queue's part of a selection, without waiting for files. */
import type { MessageStore, QueueEntry } from '../../store/message-store';
import type { Verdicts } from '../filter/judge';
import { groupHashOf, NO_GROUP } from './message-groups';

/** What had to be read from a file. */
export interface Loaded {
  readonly queueId: number;
  readonly from: number;
  readonly entries: readonly QueueEntry[];
  /** Hashes of their message groups, where they were needed. */
  readonly groups?: ReadonlyMap<number, number> | undefined;
  /** Which of the entries' records match the filter, as far as they were read. */
  readonly verdicts?: Verdicts | undefined;
}

export class EntryReader {
  /** Set when something must come from a file before more can be said. */
  cold: Promise<Loaded> | undefined;
  /** What an earlier turn has waited for, of this queue. */
  private readonly loaded: Loaded | undefined;

  constructor(
    private readonly store: MessageStore,
    private readonly topic: string,
    private readonly queueId: number,
    loaded: Loaded | undefined,
  ) {
    this.loaded = loaded?.queueId === queueId ? loaded : undefined;
  }

  get verdicts(): Verdicts | undefined {
    return this.loaded?.verdicts;
  }

  /** Entries from memory, else from what was loaded, else `undefined` and the file is being read. */
  entries(offset: number, count: number): readonly QueueEntry[] | undefined {
    const { loaded, queueId } = this;
    if (loaded !== undefined && offset >= loaded.from) {
      const at = loaded.entries.findIndex((entry) => entry.queueOffset >= offset);
      if (at >= 0) return loaded.entries.slice(at, at + count);
    }
    const entries = this.store.entries(this.topic, queueId, offset, count);
    if (!(entries instanceof Promise)) return entries;
    this.load(entries.then((read) => ({ queueId, from: offset, entries: read })));
    return undefined;
  }

  /**
   * The hash of a message's group: from its record in memory, else from what was loaded, else
   * `undefined` and the records of `entries` from this one on are being read.
   */
  messageGroup(entry: QueueEntry, entries: readonly QueueEntry[]): number | undefined {
    const known = this.loaded?.groups?.get(entry.queueOffset);
    if (known !== undefined) return known;
    try {
      const record = this.store.record(this.topic, this.queueId, entry);
      if (!(record instanceof Promise)) return groupHashOf(record);
      record.catch(() => undefined);
    } catch {
      return NO_GROUP;
    }
    const rest = entries.filter(({ queueOffset }) => queueOffset >= entry.queueOffset);
    if (this.cold === undefined) this.load(this.readGroups(rest));
    return undefined;
  }

  /** Has records of `entries` read and compared with the filter; what else was loaded stays. */
  loadVerdicts(entries: readonly QueueEntry[], read: () => Promise<Verdicts>): void {
    if (this.cold !== undefined) return;
    const { queueId, loaded } = this;
    const from = entries[0]?.queueOffset ?? 0;
    this.load(
      read().then((verdicts) => ({ queueId, from, entries, verdicts, groups: loaded?.groups })),
    );
  }

  private load(loading: Promise<Loaded>): void {
    if (this.cold === undefined) this.cold = loading;
    // Whoever waits for the first one sees its failure.
    else loading.catch(() => undefined);
  }

  /** Reads records one by one, for their message groups. */
  private async readGroups(entries: readonly QueueEntry[]): Promise<Loaded> {
    const groups = new Map<number, number>();
    for (const entry of entries) {
      let hash = NO_GROUP;
      try {
        const { topic, queueId } = this;
        if (entry.bytes > 0) hash = groupHashOf(await this.store.record(topic, queueId, entry));
      } catch {
        // Not readable: it cannot be delivered either, so it keeps nobody waiting.
      }
      groups.set(entry.queueOffset, hash);
    }
    const from = entries[0]?.queueOffset ?? 0;
    return { queueId: this.queueId, from, entries, groups, verdicts: this.loaded?.verdicts };
  }
}
