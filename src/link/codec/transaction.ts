/** Transactions on the wire: half messages travel as the bytes that the store holds. */
import type {
  CheckOutcome,
  EndTransactionRequest,
  ListTransactionsRequest,
  PendingTransactions,
  TakeChecksRequest,
  TransactionCheck,
} from '../../api/transaction-api';
import type {
  CheckOutcomes,
  CheckOutcomes__Output,
} from '../../rpc/generated/gantry/v1/CheckOutcomes';
import type {
  EndTransactionCall,
  EndTransactionCall__Output,
} from '../../rpc/generated/gantry/v1/EndTransactionCall';
import type {
  ListTransactionsRequest as WireList,
  ListTransactionsRequest__Output,
} from '../../rpc/generated/gantry/v1/ListTransactionsRequest';
import type {
  PendingTransactions as WirePending,
  PendingTransactions__Output,
} from '../../rpc/generated/gantry/v1/PendingTransactions';
import type {
  TakeChecksRequest as WireTake,
  TakeChecksRequest__Output,
} from '../../rpc/generated/gantry/v1/TakeChecksRequest';
import type {
  TransactionChecks,
  TransactionChecks__Output,
} from '../../rpc/generated/gantry/v1/TransactionChecks';
import type { Forms } from '../forms';

export const endForms: Forms<
  EndTransactionRequest,
  EndTransactionCall,
  EndTransactionCall__Output
> = [
  ({ topic, transactionId, resolution }) => ({
    topic,
    transaction_id: transactionId,
    commit: resolution === 'commit',
  }),
  (wire) => ({
    topic: wire.topic,
    transactionId: wire.transaction_id,
    resolution: wire.commit ? 'commit' : 'rollback',
  }),
];

export const takeForms: Forms<TakeChecksRequest, WireTake, TakeChecksRequest__Output> = [
  ({ proxyId, topics, pollMs }) => ({ proxy_id: proxyId, topics: [...topics], poll_ms: pollMs }),
  (wire) => ({ proxyId: wire.proxy_id, topics: wire.topics, pollMs: wire.poll_ms }),
];

export const checksForms: Forms<
  readonly TransactionCheck[],
  TransactionChecks,
  TransactionChecks__Output
> = [
  (checks) => ({
    checks: checks.map(({ topic, transactionId, record }) => ({
      ...{ topic, transaction_id: transactionId, record },
    })),
  }),
  (wire) =>
    wire.checks.map(({ topic, transaction_id: transactionId, record }) => ({
      ...{ topic, transactionId, record },
    })),
];

export const outcomesForms: Forms<readonly CheckOutcome[], CheckOutcomes, CheckOutcomes__Output> = [
  (outcomes) => ({
    outcomes: outcomes.map(({ topic, transactionId, reached }) => ({
      ...{ topic, transaction_id: transactionId, reached },
    })),
  }),
  (wire) =>
    wire.outcomes.map(({ topic, transaction_id: transactionId, reached }) => ({
      ...{ topic, transactionId, reached },
    })),
];

export const listForms: Forms<ListTransactionsRequest, WireList, ListTransactionsRequest__Output> =
  [
    ({ topic, transactionId, maxCount }) => ({
      ...{ topic, transaction_id: transactionId, max_count: maxCount },
    }),
    (wire) => ({
      ...{ topic: wire.topic, transactionId: wire.transaction_id, maxCount: wire.max_count },
    }),
  ];

export const pendingForms: Forms<PendingTransactions, WirePending, PendingTransactions__Output> = [
  ({ transactions, total }) => ({
    total,
    transactions: transactions.map((pending) => ({
      topic: pending.topic,
      transaction_id: pending.transactionId,
      stored_ms: pending.storedMs,
      checks: pending.checks,
      queue_offset: pending.queueOffset,
      physical_offset: pending.physicalOffset,
    })),
  }),
  (wire) => ({
    total: wire.total,
    transactions: wire.transactions.map((pending) => ({
      topic: pending.topic,
      transactionId: pending.transaction_id,
      storedMs: pending.stored_ms,
      checks: pending.checks,
      queueOffset: pending.queue_offset,
      physicalOffset: pending.physical_offset,
    })),
  }),
];
