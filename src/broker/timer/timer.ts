/**
 * Messages that wait for their delivery time. Each lies in `rmq_sys_GANTRY_TIMER` from its send on; at its time
 * it is appended to its own topic and queue, and that record is the mark that it was delivered
 * (src/message/delayed): there is no second state that could disagree after a crash. Times are the wall clock's.
 */
import type { Logger } from 'pino';
import type { DelayedMessages, ListDelayedRequest, RecallRequest } from '../../api/delayed-api';
import { delayedDraft, endedDraft, readTimerRecord, type EndKind } from '../../message/delayed';
import { TIMER_TOPIC } from '../../message/names';
import { readRecord } from '../../message/record';
import type { RecordDraft } from '../../message/record-draft';
import { Code, StatusError } from '../../message/status';
import type { Platform } from '../../platform/platform';
import type { Appended, MessageStore } from '../../store/message-store';
import { DeliveryLoop } from './delivery-loop';
import type { PeriodRows } from './period-rows';
import { ending, EntryKind, idHashOf, type TimerEntry } from './timer-entry';
import { TimerIndex } from './timer-index';
import { replayTimer } from './timer-replay';
import { carryWaiting } from './timer-carry';
import { listDelayed } from './timer-list';

/** Entries whose files cannot be written that are kept, at most. */
const MAX_UNWRITTEN = 262_144;

export interface TimerParts {
  readonly directory: string;
  readonly store: MessageStore;
  readonly platform: Platform;
  readonly logger: Logger;
  readonly settings: {
    readonly brokerName: string;
    /** Messages due within the same five minutes, at most. */
    readonly maxDelayedPerPeriod: number;
    /** Log between two checkpoints of the index, bytes. */
    readonly snapshotEveryBytes: number;
  };
  /** Queues of a topic, 0 when it does not exist. */
  readonly queuesOf: (topic: string) => number;
}

export class Timer {
  private readonly loop: DeliveryLoop;
  /** End of the newest record of the timer's. */
  private lastEnd = 0;
  private checkpointedAt = 0;
  private saving: Promise<void> | undefined;

  private constructor(
    private readonly parts: TimerParts,
    private readonly index: TimerIndex,
  ) {
    this.loop = new DeliveryLoop({
      ...parts,
      index,
      delivered: (endOffset) => {
        this.lastEnd = endOffset;
        this.saveIfDue();
      },
      drop: (entry, topic, messageId) => {
        this.log('dropped', topic, messageId, [entry]);
      },
    });
  }

  /** Rebuilds what waits from the index and the log behind it. Nothing is delivered before `start`. */
  static async open(parts: TimerParts): Promise<Timer> {
    const { store, directory, platform, logger } = parts;
    const index = new TimerIndex(directory, platform);
    const from = await index.open(store.visible);
    const records = await replayTimer(store, index, from);
    const timer = new Timer(parts, index);
    timer.checkpointedAt = from;
    timer.lastEnd = store.visible;
    logger.info({ from, records, waiting: index.counts.total }, 'delayed messages rebuilt');
    return timer;
  }

  /** Begins to deliver. */
  start(): void {
    this.loop.start();
  }

  /**
   * Appends a message that waits until its time.
   * @throws StatusError TOO_MANY_REQUESTS when too many are due at about that time, MESSAGE_PROPERTIES_TOO_LARGE,
   *   and as `MessageStore.append`
   */
  append(draft: RecordDraft, queueId: number, dueMs: number): Appended {
    this.checkRoom(dueMs);
    const waiting = delayedDraft(draft, queueId);
    const { topic, messageId } = draft;
    const appended = this.parts.store.append(waiting, 0);
    const { physicalOffset: position, queueOffset, endOffset } = appended;
    this.lastEnd = endOffset;
    const place = { dueMs, position, queueOffset, bytes: waiting.byteLength };
    const idHash = idHashOf(topic, messageId);
    this.index.begin({ kind: EntryKind.WAITING, ...place, idHash }, topic);
    this.loop.added(dueMs);
    this.saveIfDue();
    return appended;
  }

  /** See `BrokerApi.recall`. */
  async recall(request: RecallRequest): Promise<void> {
    const { topic, messageId, deliverMs } = request;
    const period = this.index.find(deliverMs);
    if (period === undefined) throw unknown(request);
    const idHash = idHashOf(topic, messageId);
    const rows = await this.loop.pin(period, async (loaded) => {
      await this.verify(loaded, loaded.withHash(idHash, deliverMs), request);
      return loaded;
    });
    // From here on in one turn.
    const found = rows.withHash(idHash, deliverMs).map((row) => rows.entry(row));
    const has = (kind: EntryKind): boolean => found.some((entry) => entry.kind === kind);
    if (has(EntryKind.DELIVERED)) throw delivered(request);
    const waiting = found.filter(({ kind }) => kind === EntryKind.WAITING);
    if (waiting.length > 0) this.log('recalled', topic, messageId, waiting);
    else if (has(EntryKind.DROPPED)) throw dropped(request);
    else if (!has(EntryKind.RECALLED)) throw unknown(request);
    await this.parts.store.durable(this.lastEnd);
  }

  /** See `BrokerApi.listDelayed`. */
  list(request: ListDelayedRequest): Promise<DelayedMessages> {
    const { index, loop } = this;
    const { store, settings } = this.parts;
    return listDelayed({ store, brokerName: settings.brokerName, index, loop }, request);
  }

  /** Messages that wait. */
  get waiting(): number {
    return this.index.counts.total;
  }

  /** Sees to it that all that waits stands in the log at or above `position`, on stable storage. */
  async carryAbove(position: number): Promise<void> {
    const { index, loop } = this;
    const logged = (endOffset: number): void => {
      this.lastEnd = endOffset;
    };
    await carryWaiting({ ...this.parts, index, loop, logged }, position);
    this.index.forgetBelow(position, this.parts.platform.clock.wallMs());
    await this.checkpoint();
  }

  /** Makes the index durable for the log as it is now. */
  async checkpoint(): Promise<void> {
    const { store } = this.parts;
    const position = Math.max(this.lastEnd, store.visible);
    this.checkpointedAt = position;
    await this.index.checkpoint(position, () => store.synced(position));
  }

  /** Delivers nothing more and makes the index durable. */
  async close(): Promise<void> {
    await this.loop.stop();
    await this.saving;
    if (this.parts.store.failure === undefined) await this.checkpoint();
  }

  /** Ends waits otherwise than by delivery. */
  private log(
    kind: EndKind,
    topic: string,
    messageId: string,
    entries: readonly TimerEntry[],
  ): void {
    const [first] = entries;
    if (first === undefined) return;
    const { dueMs } = first;
    const positions = entries.map(({ position }) => position);
    const nowMs = this.parts.platform.clock.wallMs();
    const draft = endedDraft({ kind, topic, dueMs, positions }, messageId, nowMs);
    const { physicalOffset, endOffset } = this.parts.store.append(draft, 0, true);
    this.lastEnd = endOffset;
    const ended = kind === 'recalled' ? EntryKind.RECALLED : EntryKind.DROPPED;
    for (const at of positions) this.index.end(ending(ended, dueMs, at), topic, physicalOffset);
  }

  /** Compares the records of rows that wait with what is asked for: equal hashes are not enough. */
  private async verify(
    rows: PeriodRows,
    candidates: readonly number[],
    request: RecallRequest,
  ): Promise<void> {
    for (const row of candidates) {
      if (!rows.waits(row)) continue;
      const bytes = await this.parts.store.record(TIMER_TOPIC, 0, {
        ...rows.entry(row),
        physicalOffset: rows.entry(row).position,
        tagsCode: 0,
      });
      const told = readTimerRecord(readRecord(bytes, 0));
      if (told === undefined || 'positions' in told) throw unknown(request);
      if (told.topic !== request.topic || told.messageId !== request.messageId) {
        throw unknown(request);
      }
    }
  }

  private checkRoom(dueMs: number): void {
    const { maxDelayedPerPeriod } = this.parts.settings;
    const waiting = this.index.waitingAt(dueMs);
    if (waiting >= maxDelayedPerPeriod) {
      throw new StatusError(
        Code.TOO_MANY_REQUESTS,
        `${waiting} messages are due within five minutes of ${new Date(dueMs).toISOString()}, the limit is ${maxDelayedPerPeriod}`,
      );
    }
    if (this.index.unwritten >= MAX_UNWRITTEN) {
      throw new StatusError(
        Code.TOO_MANY_REQUESTS,
        `${this.index.unwritten} entries of the delay index wait for the disk, the limit is ${MAX_UNWRITTEN}`,
      );
    }
  }

  /** Writes the index when enough has come together; one at a time. */
  private saveIfDue(): void {
    if (this.saving !== undefined) return;
    const { store, settings, logger } = this.parts;
    const due = store.visible - this.checkpointedAt >= settings.snapshotEveryBytes;
    if (!due && !this.index.shouldFlush) return;
    this.saving = (due ? this.checkpoint() : this.index.flush())
      .catch((err: unknown) => {
        logger.error({ err }, 'the index of delayed messages could not be written');
      })
      .finally(() => {
        this.saving = undefined;
      });
  }
}

function unknown({ topic, messageId, deliverMs }: RecallRequest): StatusError {
  return new StatusError(
    Code.MESSAGE_NOT_FOUND,
    `no message ${messageId} of topic ${topic} that was due at ${deliverMs} is known, or not any more`,
  );
}

function delivered({ topic, messageId }: RecallRequest): StatusError {
  return new StatusError(
    Code.MESSAGE_NOT_FOUND,
    `message ${messageId} of topic ${topic} has been delivered already`,
  );
}

function dropped({ topic, messageId }: RecallRequest): StatusError {
  return new StatusError(
    Code.MESSAGE_NOT_FOUND,
    `message ${messageId} was dropped: at its time topic ${topic} or its queue did not exist`,
  );
}
