/**
 * Duplicate suppression: a producer that repeats a send, since its first answer was lost, gets the
 * first result again, and nothing is stored twice. Known are the messages that clients sent within
 * the window, by topic and message id; a hit is confirmed against the stored record, so a chance
 * equality of hashes costs a read and never a message.
 */
import type { Logger } from 'pino';
import type { SendResult } from '../../api/broker-api';
import { readInt64 } from '../../message/int64';
import { HALF_TOPIC, isDerivedTopic, TIMER_TOPIC } from '../../message/names';
import type { RecordDraft } from '../../message/record-draft';
import type { Platform, TimerHandle } from '../../platform/platform';
import type { Appended, MessageStore } from '../../store/message-store';
import type { WriteWaits } from '../write-waits';
import type { DuplicateTable } from './duplicate-table';
import type { FollowedSends } from './followed-sends';
import { IdHash } from './id-hash';
import { KnownSends } from './known-sends';
import { sentMessageOf } from './sent-message';
import { replayWindow } from './window-replay';

/** Entries that are too old are freed so often in a window. */
const SWEEPS_A_WINDOW = 16;
const SWEEP_LEAST_MS = 1000;
/** A log line about a window that is cut short, at most so often. */
const WARN_EVERY_MS = 60_000;

export interface DuplicateParts {
  readonly store: MessageStore;
  /** What repeated sends wait for as the first one does. */
  readonly waits: Pick<WriteWaits, 'durable'>;
  readonly platform: Platform;
  readonly logger: Logger;
  /** How long a message id is known, ms; 0: nothing is. */
  readonly windowMs: number;
  /** Message ids known at a time; beyond, the oldest one is forgotten before its time. */
  readonly maxEntries: number;
  /** What was learnt while the log was followed. */
  readonly followed?: FollowedSends | undefined;
}

export class DuplicateWindow {
  private readonly known: KnownSends;
  private readonly table: DuplicateTable;
  private readonly hash: IdHash;
  /** Whether `hash` is that of the message that `find` was asked about last. */
  private hashed = false;
  private sweep: TimerHandle | undefined;
  private closed = false;
  private warnedMs = -Infinity;

  constructor(private readonly parts: DuplicateParts) {
    const { platform, maxEntries, followed } = parts;
    this.hash = followed?.known.hash ?? IdHash.seededBy(platform.random);
    this.known = new KnownSends(this.hash, maxEntries);
    this.table = this.known.table;
  }

  /** Message ids that are known now, and the bytes that they take. */
  get size(): number {
    return this.table.size;
  }

  get bytes(): number {
    return this.table.bytes;
  }

  /** Learns the messages of `topics` that the log holds from the window before now. */
  async load(topics: Iterable<{ readonly name: string; readonly queues: number }>): Promise<void> {
    const { store, windowMs, platform, followed } = this.parts;
    if (windowMs === 0) return;
    const fromMs = platform.clock.wallMs() - windowMs;
    const sent = [...topics].filter(({ name }) => !isDerivedTopic(name));
    const waiting = [TIMER_TOPIC, HALF_TOPIC].map((name) => ({ name, queues: 1 }));
    const range = { fromMs, to: followed?.from ?? Infinity };
    await replayWindow(store, [...sent, ...waiting], range, (record) => this.known.take(record));
    if (followed !== undefined) this.table.addAll(followed.known.table);
    this.arm();
  }

  /**
   * The position of the message that this one repeats, most likely: `resultAt` knows. `undefined` for a new
   * one, which is to be appended in the same turn and told to `added`. Hot path.
   * @param missed where that message was not
   */
  find(draft: RecordDraft, missed?: number): number | undefined {
    this.hashed = this.parts.windowMs > 0 && draft.messageId !== '';
    if (!this.hashed) return undefined;
    this.hash.of(draft.topic, draft.messageId);
    const known = this.table.find(this.hash.low, this.hash.high);
    if (known === undefined || known.physicalOffset === missed) return undefined;
    const { windowMs, platform } = this.parts;
    if (known.storedMs + windowMs <= platform.clock.wallMs()) return undefined;
    return known.physicalOffset;
  }

  /** Knows the message that `find` was asked about last, in this turn. Hot path. */
  added({ physicalOffset, storeTimestamp }: Appended): void {
    if (!this.hashed) return;
    this.table.add(this.hash.low, this.hash.high, physicalOffset, storeTimestamp);
    if (this.sweep === undefined) this.arm();
  }

  /**
   * The result of the message at `position`, once it is as durable as this one's producer waits for;
   * `undefined` when another message lies there, or none any more. The same id may then have been sent
   * again: `find` once more.
   * @param half whether this one is the half message of a transaction: it repeats half messages only
   * @throws as `WriteWaits.durable`; what the store throws when the message at `position` could not be written
   */
  async resultAt(
    { topic, messageId, waitsForDisk }: RecordDraft,
    position: number,
    half = false,
  ): Promise<SendResult | undefined> {
    await this.settled(position, waitsForDisk);
    const record = await this.parts.store.finder.at(position);
    if (record === undefined) return undefined;
    const first = sentMessageOf(record);
    if (first?.topic !== topic || first.messageId !== messageId || first.half !== half) {
      return undefined;
    }
    const result = { queueOffset: readInt64(record, 20), physicalOffset: position };
    return first.delayed ? { ...result, delayed: true } : result;
  }

  close(): void {
    this.closed = true;
    this.sweep?.cancel();
  }

  /** Waits until the message at `position`, which may have been appended in this turn, can be read. */
  private async settled(position: number, waitsForDisk: boolean): Promise<void> {
    const { store, waits } = this.parts;
    await (waitsForDisk ? waits.durable(position + 1) : store.written(position + 1));
    // `buffered`, or a producer that does not wait: readers may not see it yet.
    if (store.visible <= position) await store.synced(position + 1);
  }

  /** Says so when messages were forgotten before their time, once a minute. */
  private warnIfCut(wallMs: number): void {
    const { windowMs, maxEntries, platform, logger } = this.parts;
    const { size, oldestMs = wallMs } = this.table;
    const keptMs = wallMs - oldestMs;
    const nowMs = platform.clock.monotonicMs();
    if (size < maxEntries || keptMs >= windowMs || nowMs - this.warnedMs < WARN_EVERY_MS) return;
    this.warnedMs = nowMs;
    logger.warn(
      { keptMs, windowMs, maxEntries },
      'more messages than dedup.maxEntries within dedup.window: repeated sends are known for a shorter time',
    );
  }

  private arm(): void {
    if (this.closed || this.table.size === 0) return;
    const { windowMs, platform } = this.parts;
    const delayMs = Math.max(SWEEP_LEAST_MS, windowMs / SWEEPS_A_WINDOW);
    this.sweep = platform.timers.after(delayMs, () => {
      this.sweep = undefined;
      const nowMs = platform.clock.wallMs();
      this.warnIfCut(nowMs);
      this.table.dropBefore(nowMs - windowMs);
      this.arm();
    });
  }
}
