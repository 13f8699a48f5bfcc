/** What requests about transactions must be, and what is listed of them. */
import type {
  ListTransactionsRequest,
  PendingTransactions,
  PendingTransactionView,
} from '../../api/transaction-api';
import type { RecordDraft } from '../../message/record-draft';
import { Code, StatusError } from '../../message/status';
import { halfOf, type NewHalf } from '../../message/transaction-records';
import type { PendingTable } from './pending';

export function unknownTransaction(topic: string, transactionId: string): StatusError {
  return new StatusError(
    Code.INVALID_TRANSACTION_ID,
    `topic ${topic} has no transaction ${transactionId}: it never was, or is older than what the broker keeps`,
  );
}

/** @throws StatusError ILLEGAL_MESSAGE_ID, MESSAGE_PROPERTIES_TOO_LARGE */
export function checkedHalf(message: RecordDraft, queueId: number): NewHalf {
  let half: NewHalf;
  try {
    half = halfOf(message, queueId);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new StatusError(Code.MESSAGE_PROPERTIES_TOO_LARGE, `message ${error.message}`, {
      cause: error,
    });
  }
  if (half.id !== '') return half;
  throw new StatusError(Code.ILLEGAL_MESSAGE_ID, 'a message of a transaction needs an id');
}

export function listPending(
  table: PendingTable,
  { topic, transactionId, maxCount }: ListTransactionsRequest,
): PendingTransactions {
  const transactions: PendingTransactionView[] = [];
  let total = 0;
  for (const pending of table.all()) {
    if (topic !== '' && pending.topic !== topic) continue;
    if (transactionId !== '' && pending.id !== transactionId) continue;
    total++;
    if (transactions.length >= maxCount) continue;
    const { storedMs, checks, queueOffset, physicalOffset } = pending;
    const view = { topic: pending.topic, transactionId: pending.id, storedMs, checks };
    transactions.push({ ...view, queueOffset, physicalOffset });
  }
  return { transactions, total };
}
