/** What waits, for operators. */
import type {
  DelayedCount,
  DelayedMessages,
  DelayedView,
  ListDelayedRequest,
} from '../../api/delayed-api';
import { readTimerRecord } from '../../message/delayed';
import { TIMER_TOPIC } from '../../message/names';
import { readRecord } from '../../message/record';
import { Code, StatusError } from '../../message/status';
import type { MessageStore } from '../../store/message-store';
import type { DeliveryLoop } from './delivery-loop';
import type { TimerIndex } from './timer-index';

const MAX_MESSAGES = 1000;
const MAX_COUNTS = 10_000;
/** Records that are read in search of those of one topic. */
const MAX_READ = 10_000;
/** Records of one id that are looked at. */
const MAX_OF_ID = 64;

export interface ListParts {
  readonly store: MessageStore;
  readonly brokerName: string;
  readonly index: TimerIndex;
  readonly loop: Pick<DeliveryLoop, 'pin'>;
}

/** @throws StatusError BAD_REQUEST; by id as the store's finder */
export async function listDelayed(
  parts: ListParts,
  request: ListDelayedRequest,
): Promise<DelayedMessages> {
  const { topic, messageId, maxMessages } = request;
  if (!Number.isInteger(maxMessages) || maxMessages < 0 || maxMessages > MAX_MESSAGES) {
    throw new StatusError(
      Code.BAD_REQUEST,
      `maxMessages is ${maxMessages}, the limit is 0 to ${MAX_MESSAGES}`,
    );
  }
  const counts = countsOf(parts.index, topic);
  const total = counts.reduce((sum, { messages }) => sum + messages, 0);
  const listed = { counts: counts.slice(0, MAX_COUNTS), total };
  if (total === 0 || maxMessages === 0) return { messages: [], ...listed };
  const messages = await (messageId === '' ? earliest(parts, request) : ofId(parts, request));
  return { messages, ...listed };
}

function countsOf(index: TimerIndex, wanted: string): DelayedCount[] {
  return index.counts
    .snapshot()
    .filter(([topic]) => wanted === '' || topic === wanted)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([topic, hours]) => hours.map(([hourMs, messages]) => ({ topic, hourMs, messages })));
}

async function earliest(
  { store, brokerName, index, loop }: ListParts,
  { topic, maxMessages }: ListDelayedRequest,
): Promise<DelayedView[]> {
  const found: DelayedView[] = [];
  let left = topic === '' ? maxMessages : MAX_READ;
  for (const period of index.pending()) {
    if (left === 0 || found.length === maxMessages) break;
    await loop.pin(period, async (rows) => {
      const entries = rows.earliest(left).map((row) => rows.entry(row));
      for (const { position: physicalOffset, queueOffset, bytes } of entries) {
        if (found.length === maxMessages) break;
        left--;
        const entry = { physicalOffset, queueOffset, bytes, tagsCode: 0 };
        const view = viewOf(await store.record(TIMER_TOPIC, 0, entry), brokerName);
        if (view !== undefined && (topic === '' || view.topic === topic)) found.push(view);
      }
    });
  }
  return found;
}

async function ofId(
  { store, brokerName, index, loop }: ListParts,
  { topic, messageId, maxMessages }: ListDelayedRequest,
): Promise<DelayedView[]> {
  const found: DelayedView[] = [];
  const { records } = await store.finder.find({
    ...{ topics: [TIMER_TOPIC], by: 'id', key: messageId, maxMessages: MAX_OF_ID },
    ...{ beginMs: 0, endMs: Number.MAX_SAFE_INTEGER },
  });
  for (const record of records) {
    const view = viewOf(record, brokerName);
    if (view === undefined || (topic !== '' && view.topic !== topic)) continue;
    const period = index.find(view.dueMs);
    if (period === undefined) continue;
    const { physicalOffset } = readRecord(record, 0);
    const waits = await loop.pin(period, (rows) => {
      const row = rows.rowAt(physicalOffset);
      return Promise.resolve(row !== undefined && rows.waits(row));
    });
    if (waits && found.length < maxMessages) found.push(view);
  }
  return found;
}

/** `undefined` for a record that is no message that waits. */
function viewOf(bytes: Buffer, broker: string): DelayedView | undefined {
  const record = readRecord(bytes, 0);
  const told = readTimerRecord(record);
  if (told === undefined || 'positions' in told) return undefined;
  const { topic, messageId, dueMs } = told;
  return { broker, topic, messageId, dueMs, sentMs: record.bornTimestamp };
}
