/**
 * Takes over the transactions that are pending in a directory that Apache has had: half messages that its
 * scanner has not done with, that no op record names, and of which no message was made. An Apache that is
 * killed may have made the message and not written the op record, which it gathers for seconds.
 */
import { HALF_TOPIC, OP_TOPIC } from '../../message/names';
import { readRecord, SysFlag, type StoredRecord } from '../../message/record';
import { offsetsOfOp } from '../../message/transaction-records';
import type { MessageStore } from '../../store/message-store';
import { keyOf, type PendingPlace } from '../transaction/pending';
import { pendingOf, type TransactionView } from '../transaction/transaction-view';
import type { JsonObject } from './apache-json';
import { scannedHalves } from './scanner-offsets';

/** @returns how many are pending */
export async function importTransactions(
  store: MessageStore,
  view: TransactionView,
  offsetTable: JsonObject,
): Promise<number> {
  const first = scannedHalves(offsetTable);
  const halves = new Halves(first);
  const [entry] = await store.entries(HALF_TOPIC, 0, first, 1);
  if (entry === undefined) return 0;
  await store.replay([HALF_TOPIC, OP_TOPIC], entry.physicalOffset, (bytes) =>
    halves.take(readRecord(bytes, 0)),
  );
  const taken = new Map([...halves.pending].map(([key, place]) => [key, view.restore(place)]));
  const topics = new Set([...taken.values()].map(({ topic }) => topic));
  await store.replay([...topics], entry.physicalOffset, (bytes) => {
    const key = halves.committedBy(readRecord(bytes, 0));
    const committed = key === undefined ? undefined : taken.get(key);
    if (key === undefined || committed === undefined) return;
    taken.delete(key);
    view.completed(committed);
  });
  return taken.size;
}

class Halves {
  readonly pending = new Map<string, PendingPlace>();
  /** All half messages of a transaction, the ones that were written anew as well. */
  private readonly byOffset = new Map<number, string>();
  private readonly byPosition = new Map<number, string>();

  /** @param first offset of the first half message that counts */
  constructor(private readonly first: number) {}

  take(record: StoredRecord): void {
    if (record.topic === OP_TOPIC) {
      for (const offset of offsetsOfOp(record))
        this.pending.delete(this.byOffset.get(offset) ?? '');
      return;
    }
    const place = pendingOf(record);
    if (place === undefined || record.queueOffset < this.first) return;
    const key = keyOf(place.topic, place.id);
    this.byOffset.set(record.queueOffset, key);
    this.byPosition.set(record.physicalOffset, key);
    this.pending.set(key, place);
  }

  /** The transaction that a message was made of. */
  committedBy(record: StoredRecord): string | undefined {
    const committed = (record.sysFlag & SysFlag.TRANSACTION_MASK) === SysFlag.COMMIT;
    return committed ? this.byPosition.get(record.preparedOffset) : undefined;
  }
}
