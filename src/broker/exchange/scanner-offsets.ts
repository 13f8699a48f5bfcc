/**
 * How far Apache's transaction scanner has come, as it keeps it: offsets of its own group in
 * consumerOffset.json, on the topic of half messages (all below have ended) and on that of op records (all below
 * are about those).
 */
import { HALF_TOPIC, OP_TOPIC } from '../../message/names';
import type { MessageStore } from '../../store/message-store';
import { searchFrom } from '../../store/queue-search';
import type { TransactionView } from '../transaction/transaction-view';
import type { JsonObject } from './apache-json';
import { objectIn, offsetsOf } from './apache-shapes';

const SCANNER_GROUP = 'CID_RMQ_SYS_TRANS';
const HALF_KEY = `${HALF_TOPIC}@${SCANNER_GROUP}`;
const OP_KEY = `${OP_TOPIC}@${SCANNER_GROUP}`;

/**
 * Sets the offsets so that Apache finds what is pending here, and nothing else. Leaves them as they are where no
 * transaction ever began.
 * @param offsetTable of consumerOffset.json; changed
 * @returns where the log must be durable before the offsets are on disk
 */
export async function exportScanner(
  store: MessageStore,
  view: TransactionView,
  offsetTable: JsonObject,
): Promise<number> {
  const end = store.maxOffset(HALF_TOPIC, 0);
  if (end === 0) return 0;
  const { lastEnd, oldest } = view;
  const ops = { from: store.minOffset(OP_TOPIC, 0), to: store.maxOffset(OP_TOPIC, 0) };
  const read = (from: number, count: number): ReturnType<MessageStore['entries']> =>
    store.entries(OP_TOPIC, 0, from, count);
  const position = oldest?.physicalOffset ?? Number.MAX_SAFE_INTEGER;
  offsetTable.set(HALF_KEY, new Map([[0, oldest?.queueOffset ?? end]]));
  offsetTable.set(OP_KEY, new Map([[0, await searchFrom(read, { ...ops, position })]]));
  return lastEnd;
}

/** Offset of the first half message that Apache's scanner has not done with. */
export function scannedHalves(offsetTable: JsonObject): number {
  return offsetsOf(objectIn(offsetTable, HALF_KEY)).get(0) ?? 0;
}
