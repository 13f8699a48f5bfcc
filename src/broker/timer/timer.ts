/**
 * Messages that wait for their delivery time. Each lies in `rmq_sys_GANTRY_TIMER` from its send on; at its time
 * it is appended to its own topic and queue, and that record is the mark that it was delivered
 * (src/message/delayed): there is no second state that could disagree after a crash. Times are the wall clock's.
 */
import type { Logger } from 'pino';
import type { DelayedMessages, ListDelayedRequest, RecallRequest } from '../../api/delayed-api';
import {
  delayedDraft,
  endedDraft,
  readTimerRecord,
  takenDraft,
  type DelayedMessage,
  type EndKind,
} from '../../message/delayed';
import { TIMER_TOPIC } from '../../message/names';
import { readRecord } from '../../message/record';
import type { RecordDraft } from '../../message/record-draft';
import { Code, StatusError } from '../../message/status';
import type { Platform } from '../../platform/platform';
import type { Appended, MessageStore } from '../../store/message-store';
import { DeliveryLoop } from './delivery-loop';
import type { PeriodRows } from './period-rows';
import { ENDED_BY, ending, EntryKind, idHashOf, type TimerEntry } from './timer-entry';
import { TimerIndex } from './timer-index';
import type { WriteWaits } from '../write-waits';
import { delivered, dropped, unknown } from './recall-errors';
import { replayTimer } from './timer-replay';
import { carryWaiting } from './timer-carry';
import { listDelayed } from './timer-list';

/** Entries whose files cannot be written that are kept, at most. */
const MAX_UNWRITTEN = 262_144;

/** What the index needs to know of a message. */
export type DelayedPlace = Pick<DelayedMessage, 'topic' | 'messageId' | 'dueMs'>;

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
  /** What recalls wait for. */
  readonly waits: Pick<WriteWaits, 'changed'>;
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
    const { topic, messageId } = draft;
    const told = { topic, messageId, dueMs };
    return this.begin(delayedDraft(draft, queueId), told, false);
  }

  /**
   * Lets a message wait that another program has let wait in a record of its own.
   * @throws RangeError when its properties do not fit a record, StatusError as `MessageStore.append`
   */
  take(record: Buffer, told: DelayedPlace): void {
    this.begin(takenDraft(record, told.dueMs), told, true);
  }

  /** Visits all that waits, some at a time; nothing else may end a wait meanwhile. */
  async eachWaiting(visit: (entries: readonly TimerEntry[]) => Promise<void>): Promise<void> {
    for (const period of this.index.pending()) {
      await this.loop.pin(period, (rows) => {
        const waiting = [...rows.waitingBelow(Infinity)];
        return visit(waiting.map((row) => rows.entry(row)));
      });
    }
  }

  /** The record in which a message waits. */
  async recordOf(entry: TimerEntry): Promise<Buffer> {
    const { position: physicalOffset, queueOffset, bytes } = entry;
    const place = { physicalOffset, queueOffset, bytes, tagsCode: 0 };
    return this.parts.store.record(TIMER_TOPIC, 0, place);
  }

  /** Resolves when all that was appended so far is on stable storage. */
  synced(): Promise<void> {
    return this.parts.store.synced(this.lastEnd);
  }

  /** Another program has seen to a message that waits: it is not delivered any more. */
  async endElsewhere(entry: TimerEntry): Promise<void> {
    const told = readTimerRecord(readRecord(await this.recordOf(entry), 0));
    if (told === undefined || 'positions' in told) throw new RangeError('not a delayed message');
    this.log('elsewhere', told.topic, told.messageId, [entry]);
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
    await this.parts.waits.changed(this.lastEnd);
  }

  /** See `BrokerApi.listDelayed`. */
  list(request: ListDelayedRequest): Promise<DelayedMessages> {
    const { index, loop } = this;
    const { store, settings } = this.parts;
    return listDelayed({ store, brokerName: settings.brokerName, index, loop }, request);
  }

  /** Messages that wait for one topic. */
  waitingFor(topic: string): number {
    return this.index.counts.totalOf(topic);
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

  private begin(
    draft: RecordDraft,
    { topic, messageId, dueMs }: DelayedPlace,
    system: boolean,
  ): Appended {
    const appended = this.parts.store.append(draft, 0, system);
    const { physicalOffset: position, queueOffset, endOffset } = appended;
    this.lastEnd = endOffset;
    const place = { dueMs, position, queueOffset, bytes: draft.byteLength };
    const idHash = idHashOf(topic, messageId);
    this.index.begin({ kind: EntryKind.WAITING, ...place, idHash }, topic);
    this.loop.added(dueMs);
    this.saveIfDue();
    return appended;
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
    const ended = ENDED_BY[kind];
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
      const bytes = await this.recordOf(rows.entry(row));
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
