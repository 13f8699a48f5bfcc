/** Brings the timer's index up to the end of the log. */
import { deliveredDelay, readTimerRecord } from '../../message/delayed';
import { TIMER_TOPIC } from '../../message/names';
import { readRecord, type StoredRecord } from '../../message/record';
import { topicOf } from '../../message/record-property';
import type { MessageStore } from '../../store/message-store';
import { ENDED_BY, ending, EntryKind, idHashOf } from './timer-entry';
import type { TimerIndex } from './timer-index';

/**
 * Applies what the log tells from `from` on: first which messages began to wait, and which waits ended
 * without a delivery, then deliveries, from the topics of the messages.
 * @param to what lies from there on does not count; default: all counts
 * @returns how many records told something
 */
export async function replayTimer(
  store: MessageStore,
  index: TimerIndex,
  from: number,
  to = Infinity,
): Promise<number> {
  const replay = new Replay(index, from);
  const timerRecord = (bytes: Buffer): void => replay.timerRecord(readRecord(bytes, 0));
  await store.replay([TIMER_TOPIC], from, timerRecord, to);
  const delivery = (bytes: Buffer): void => {
    const delivered = deliveredDelay(bytes);
    if (delivered === undefined) return;
    const { position, dueMs } = delivered;
    replay.end(EntryKind.DELIVERED, dueMs, position, topicOf(bytes), readRecord(bytes, 0));
  };
  await store.replay([...replay.topics], from, delivery, to);
  return replay.records;
}

class Replay {
  readonly topics: Set<string>;
  records = 0;
  /** Positions of waiting records seen, ascending. */
  private readonly begun: number[] = [];

  constructor(
    private readonly index: TimerIndex,
    private readonly from: number,
  ) {
    this.topics = new Set(index.counts.names());
  }

  timerRecord(record: StoredRecord): void {
    const told = readTimerRecord(record);
    if (told === undefined) return;
    this.topics.add(told.topic);
    if ('positions' in told) {
      const kind = ENDED_BY[told.kind];
      for (const at of told.positions) this.end(kind, told.dueMs, at, told.topic, record);
      return;
    }
    const { topic, messageId, dueMs, rolledFrom } = told;
    const { physicalOffset: position, queueOffset, totalBytes: bytes } = record;
    if (rolledFrom !== undefined) this.end(EntryKind.ROLLED, dueMs, rolledFrom, topic, record);
    this.begun.push(position);
    this.records++;
    const idHash = idHashOf(topic, messageId);
    const kind = EntryKind.WAITING;
    this.index.begin({ kind, bytes, dueMs, position, queueOffset, idHash }, topic);
  }

  /** Ends a wait that the index knows of: one below `from`, or one seen here. */
  end(kind: EntryKind, dueMs: number, position: number, topic: string, record: StoredRecord): void {
    if (position >= this.from && !this.hasBegun(position)) return;
    this.records++;
    this.index.end(ending(kind, dueMs, position), topic, record.physicalOffset);
  }

  private hasBegun(position: number): boolean {
    let low = 0;
    let high = this.begun.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.begun[middle] ?? 0) < position) low = middle + 1;
      else high = middle;
    }
    return this.begun[low] === position;
  }
}
