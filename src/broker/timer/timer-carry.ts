/** Writes waiting records anew before the part of the log goes in which they lie. */
import type { Logger } from 'pino';
import { readTimerRecord, rolledDraft } from '../../message/delayed';
import { TIMER_TOPIC } from '../../message/names';
import { readRecord } from '../../message/record';
import type { MessageStore } from '../../store/message-store';
import type { DeliveryLoop } from './delivery-loop';
import type { PeriodRows } from './period-rows';
import { ending, EntryKind } from './timer-entry';
import type { TimerIndex } from './timer-index';

const BATCH_MESSAGES = 256;
const BATCH_BYTES = 4 * 1024 * 1024;

export interface CarryParts {
  readonly store: MessageStore;
  readonly logger: Logger;
  readonly index: TimerIndex;
  readonly loop: Pick<DeliveryLoop, 'pin'>;
  /** Called for each record, with its end. */
  readonly logged: (endOffset: number) => void;
}

/**
 * Appends all waiting records below `position` anew.
 * @throws when one cannot be read or the log takes no more: what is left waits where it was
 */
export async function carryWaiting(parts: CarryParts, position: number): Promise<void> {
  let carried = 0;
  for (const period of parts.index.pending()) {
    if (period.lowest >= position) continue;
    await parts.loop.pin(period, async (rows) => {
      for (let batch = nextBatch(rows, position); batch.length > 0;) {
        const end = await carryBatch(parts, rows, batch);
        carried += batch.length;
        await parts.store.written(end);
        batch = nextBatch(rows, position);
      }
      period.lowest = rows.lowest;
    });
  }
  if (carried > 0) parts.logger.info({ carried, position }, 'delayed messages written anew');
}

function nextBatch(rows: PeriodRows, position: number): number[] {
  const batch: number[] = [];
  let bytes = 0;
  for (const row of rows.waitingBelow(position)) {
    bytes += rows.entry(row).bytes;
    batch.push(row);
    if (batch.length >= BATCH_MESSAGES || bytes >= BATCH_BYTES) break;
  }
  return batch;
}

async function carryBatch(
  { store, index, logged }: CarryParts,
  rows: PeriodRows,
  batch: readonly number[],
): Promise<number> {
  const records = await Promise.all(
    batch.map(async (row) => {
      const { position: physicalOffset, queueOffset, bytes } = rows.entry(row);
      const entry = { physicalOffset, queueOffset, bytes, tagsCode: 0 };
      return store.record(TIMER_TOPIC, 0, entry);
    }),
  );
  let end = 0;
  batch.forEach((row, i) => {
    const record = records[i];
    if (record === undefined || !rows.waits(row)) return;
    const told = readTimerRecord(readRecord(record, 0));
    if (told === undefined || 'positions' in told) {
      throw new RangeError('not a record of a delayed message');
    }
    const { dueMs, position, idHash } = rows.entry(row);
    const draft = rolledDraft(record);
    const appended = store.append(draft, 0, true);
    const { physicalOffset, queueOffset, endOffset } = appended;
    end = endOffset;
    logged(endOffset);
    index.end(ending(EntryKind.ROLLED, dueMs, position), told.topic, physicalOffset);
    const bytes = draft.byteLength;
    const kind = EntryKind.WAITING;
    index.begin({ kind, bytes, dueMs, queueOffset, idHash, position: physicalOffset }, told.topic);
  });
  return end;
}
