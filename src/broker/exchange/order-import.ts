/**
 * What Apache's ordered pops hold, from consumerOrderInfo.json: for each topic@group and queue the newest pop,
 *
 *     o first offset, then the others as deltas to it    cm bits, the k-th for the k-th offset: acknowledged
 *     oc offset -> deliveries before this one    ot offset -> when it is visible again    l popped at    i invisible ms
 *
 * What was acknowledged does not come again; what was not comes when its time is over, before what follows it.
 */
import type { MessageStore } from '../../store/message-store';
import type { LedgerBook } from '../pop/ledger-book';
import type { SnapshotRow } from '../pop/ledger-ops';
import { groupHashOf, NO_GROUP } from '../pop/message-groups';
import type { JsonObject, JsonValue } from './apache-json';
import { integerIn, objectIn, offsetsOf, topicAndGroup } from './apache-shapes';

/** Offsets of one pop, at most. */
const MAX_OFFSETS = 64;

export interface OrderImportParts {
  readonly store: MessageStore;
  readonly book: LedgerBook;
  readonly isFifo: (group: string) => boolean;
}

/** The ledgers begin at the groups' offsets. Answers how many messages are held. */
export async function importOrder(
  parts: OrderImportParts,
  table: JsonObject,
  nowMs: number,
): Promise<number> {
  let held = 0;
  for (const [key, queues] of table) {
    const names = topicAndGroup(String(key));
    if (names === undefined || !parts.isFifo(names.group)) continue;
    for (const [queueId, block] of objectIn(queues)) {
      held += await importBlock(parts, names, Number(queueId), objectIn(block), nowMs);
    }
  }
  return held;
}

async function importBlock(
  { store, book }: OrderImportParts,
  { topic, group }: { readonly topic: string; readonly group: string },
  queueId: number,
  block: JsonObject,
  nowMs: number,
): Promise<number> {
  const ledgers = book.find(group, topic);
  const ledger = ledgers?.queues.get(queueId);
  if (ledgers === undefined || ledger === undefined) return 0;
  const offsets = offsetsIn(block);
  const { next: from } = ledger;
  const last = Math.max(...offsets, -1);
  if (last < from || last >= store.maxOffset(topic, queueId) || last - from >= MAX_OFFSETS)
    return 0;
  const rows: SnapshotRow[] = [];
  for (let offset = from; offset <= last; offset++) {
    const at = offsets.indexOf(offset);
    if (at >= 0 && isAcknowledged(block, at)) continue;
    const record = await store.finder.of(topic, queueId, offset);
    const messageGroup = record === undefined ? NO_GROUP : groupHashOf(record);
    rows.push({ ...rowOf(block, offset, nowMs, at >= 0), group: messageGroup });
  }
  const [first] = rows;
  book.restoreQueue(ledgers, queueId, first?.offset ?? last + 1, last + 1, [{ rows, ageMs: 0 }]);
  return rows.length;
}

/** @param popped else it lies between what was popped, and nobody has had it */
function rowOf(
  block: JsonObject,
  offset: number,
  nowMs: number,
  popped: boolean,
): Omit<SnapshotRow, 'group'> {
  const visibleMs =
    offsetsOf(objectIn(block, 'ot')).get(offset) ??
    (integerIn(block, 'l') ?? 0) + (integerIn(block, 'i') ?? 0);
  const deliveries = (offsetsOf(objectIn(block, 'oc')).get(offset) ?? 0) + 1;
  return {
    ...{ offset, attempt: popped ? deliveries : 0, nonce: 0 },
    ...{ client: '', autoRenew: false, givenBack: false },
    remainingMs: popped ? Math.max(0, visibleMs - nowMs) : 0,
  };
}

function offsetsIn(block: JsonObject): number[] {
  const list = block.get('o');
  if (!Array.isArray(list)) return [];
  const [first, ...deltas] = (list as readonly JsonValue[]).filter((it) => typeof it === 'number');
  return first === undefined ? [] : [first, ...deltas.map((delta) => first + delta)];
}

function isAcknowledged(block: JsonObject, at: number): boolean {
  const bits = block.get('cm');
  if (typeof bits !== 'number' && typeof bits !== 'bigint') return false;
  return ((BigInt(bits) >> BigInt(at)) & 1n) === 1n;
}
