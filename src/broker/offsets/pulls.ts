/** Reading a queue from an offset that the client says. Hot path. */
import type { PullRequest, PullResult } from '../../api/offset-api';
import type { RecordFilter } from '../../message/filter';
import type { FilterCache } from '../../message/filter-cache';
import { isLargeRecord } from '../../message/large-message';
import type { StatusError } from '../../message/status';
import type { Platform } from '../../platform/platform';
import type { MessageStore, QueueEntry } from '../../store/message-store';
import type { Judge } from '../filter/judge';
import { PullWaits } from './pull-waits';

/** Entries read at a time where a filter passes some over. */
const READ_ENTRIES = 128;
/** Entries examined, as the filter counts them, before the event loop gets its turn again. */
const SCAN_ENTRIES = 1024;

export interface PullParts {
  readonly store: MessageStore;
  readonly platform: Pick<Platform, 'clock' | 'timers'>;
  readonly settings: {
    readonly maxPolls: number;
    readonly maxPollsPerLedger: number;
    readonly maxPopBytes: number;
  };
  readonly filters: FilterCache;
  readonly judge: Judge;
}

/** Where one pull has come to. */
interface Progress {
  readonly records: Buffer[];
  bytes: number;
  next: number;
  /** Whether no more fits. */
  full: boolean;
}

export class Pulls {
  private readonly waits: PullWaits;
  private readonly unlisten: () => void;

  constructor(private readonly parts: PullParts) {
    this.waits = new PullWaits(parts.platform.timers, parts.settings);
    this.unlisten = parts.store.onArrival((topic, queueId) => this.waits.arrived(topic, queueId));
  }

  /** See `OffsetApi.pull`; topic and queue are there. */
  async pull(request: PullRequest, signal: AbortSignal): Promise<PullResult | undefined> {
    const { store, platform, filters } = this.parts;
    const { topic, queueId, offset } = request;
    const filter = filters.get(request.filter);
    const [min, max] = [store.minOffset(topic, queueId), store.maxOffset(topic, queueId)];
    if (offset < min || offset > max) {
      const illegal = `offset ${offset} is not in ${min} .. ${max} of queue ${queueId} of topic ${topic}`;
      return { records: [], nextOffset: offset < min ? min : max, illegal };
    }
    const endMs = platform.clock.monotonicMs() + request.pollMs;
    const progress: Progress = { records: [], bytes: 0, next: offset, full: false };
    for (;;) {
      await this.scan(request, filter, progress, signal);
      if (signal.aborted) return undefined;
      const leftMs = endMs - platform.clock.monotonicMs();
      if (progress.records.length > 0 || leftMs <= 0) {
        return { records: progress.records, nextOffset: progress.next, illegal: '' };
      }
      if (progress.next >= store.maxOffset(topic, queueId)) {
        await this.waits.wait(topic, queueId, leftMs, signal);
      } else {
        await new Promise<void>((resolve) => platform.timers.nextTurn(resolve));
      }
    }
  }

  /** Fails the pulls that wait on a topic that is deleted. */
  endWaits(topic: string, error: StatusError): void {
    this.waits.failAll(topic, error);
  }

  /** Fails all that wait; none is woken any more. */
  close(error: StatusError): void {
    this.unlisten();
    this.waits.failAll(undefined, error);
  }

  /** Goes on from `progress.next` until enough is found, the queue ends or others have to have their turn. */
  private async scan(
    { group, topic, queueId, maxMessages }: PullRequest,
    filter: RecordFilter | undefined,
    progress: Progress,
    signal: AbortSignal,
  ): Promise<void> {
    const { store, judge } = this.parts;
    const queue = { group, topic, queueId };
    let budget = SCAN_ENTRIES;
    while (budget > 0 && !progress.full && !signal.aborted) {
      const count = filter === undefined ? maxMessages : READ_ENTRIES;
      const found = store.entries(topic, queueId, progress.next, count);
      const entries = found instanceof Promise ? await found : found;
      if (entries.length === 0) return;
      for (const entry of entries) {
        budget -= filter?.cost ?? 1;
        if (!this.mayMatch(entry, filter)) {
          progress.next = entry.queueOffset + 1;
          continue;
        }
        if (!this.fits(progress, entry)) return;
        const record = await this.read(topic, queueId, entry, progress);
        if (record === undefined) return;
        progress.next = entry.queueOffset + 1;
        if (filter !== undefined && !judge.matches(queue, entry.queueOffset, record, filter)) {
          continue;
        }
        progress.records.push(record);
        progress.bytes += record.length;
        progress.full = progress.records.length === maxMessages || isLargeRecord(record.length);
        if (progress.full) return;
      }
    }
  }

  /** As far as the entry tells. */
  private mayMatch({ bytes, tagsCode }: QueueEntry, filter: RecordFilter | undefined): boolean {
    return bytes > 0 && filter?.codes?.has(tagsCode) !== false;
  }

  /** The first one always does; a large one is alone, so that a client loses nothing else by it. */
  private fits(progress: Progress, { bytes }: QueueEntry): boolean {
    if (progress.records.length === 0) return true;
    const { maxPopBytes } = this.parts.settings;
    progress.full = isLargeRecord(bytes) || progress.bytes + bytes > maxPopBytes;
    return !progress.full;
  }

  /** A record; `undefined` when it cannot be read and others are to be answered before that is said. */
  private async read(
    topic: string,
    queueId: number,
    entry: QueueEntry,
    progress: Progress,
  ): Promise<Buffer | undefined> {
    try {
      const record = this.parts.store.record(topic, queueId, entry);
      return record instanceof Promise ? await record : record;
    } catch (error) {
      if (progress.records.length === 0) throw error;
      progress.full = true;
      return undefined;
    }
  }
}
