/** What a proxy asks of a broker about transactions: a part of `BrokerApi`. */
import type { RecordDraft } from '../message/record-draft';

/** How a producer ends a transaction. */
export type Resolution = 'commit' | 'rollback';

/** As `SendRequest` of BrokerApi. */
export interface PrepareRequest {
  /** The queue that the message goes to when it is committed. */
  readonly queueId: number;
  readonly draft: RecordDraft;
}

/** Where the half message was stored. */
export interface Prepared {
  readonly queueOffset: number;
  readonly physicalOffset: number;
}

export interface EndTransactionRequest {
  readonly topic: string;
  /** The id of the message, which is the transaction's as well. */
  readonly transactionId: string;
  readonly resolution: Resolution;
}

/** A proxy says whose producers it can ask, and waits for transactions to ask them about. */
export interface TakeChecksRequest {
  /** The same for all calls of one proxy, another one for each proxy. */
  readonly proxyId: string;
  /** Topics that clients with an open Telemetry stream publish; at most 10,000. */
  readonly topics: readonly string[];
  /** Longest wait for a first check, milliseconds. */
  readonly pollMs: number;
}

/** A transaction whose producer is to be asked. */
export interface TransactionCheck {
  readonly topic: string;
  readonly transactionId: string;
  /** The half message as it is stored. */
  readonly record: Buffer;
}

/** What became of a check. */
export interface CheckOutcome {
  readonly topic: string;
  readonly transactionId: string;
  /** Whether the question went to a live producer; only then it counts. */
  readonly reached: boolean;
}

/** A transaction that has not ended. */
export interface PendingTransactionView {
  readonly topic: string;
  readonly transactionId: string;
  /** When the half message was stored, milliseconds since the epoch. */
  readonly storedMs: number;
  /** Questions that reached a producer so far. */
  readonly checks: number;
  /** Where the half message lies. */
  readonly queueOffset: number;
  readonly physicalOffset: number;
}

export interface PendingTransactions {
  /** The oldest first. */
  readonly transactions: readonly PendingTransactionView[];
  /** All that match, also those beyond `maxCount`. */
  readonly total: number;
}

export interface ListTransactionsRequest {
  /** '' for all topics. */
  readonly topic: string;
  /** '' for all. */
  readonly transactionId: string;
  /** 1 to 1000. */
  readonly maxCount: number;
}

export interface TransactionApi {
  /**
   * Stores a half message, which nobody sees until its transaction is committed. One that is sent again
   * is stored once. Durable when it resolves.
   * @throws as `BrokerApi.send`, TOO_MANY_REQUESTS when too many transactions are pending,
   *   MESSAGE_PROPERTIES_TOO_LARGE
   */
  prepare(request: PrepareRequest): Promise<Prepared>;

  /**
   * Ends a transaction; durable when it resolves. The first decision counts, the same one may be repeated.
   * @throws INVALID_TRANSACTION_ID (unknown on this broker), BAD_REQUEST (it ended the other way; the text
   *   says how), TOPIC_NOT_FOUND (commit, and the topic is gone)
   */
  endTransaction(request: EndTransactionRequest): Promise<void>;

  /**
   * Waits for transactions of some topics whose producers are to be asked; empty when none came. Each that
   * is answered must be reported, or counts as not asked after 5 s.
   * @throws TOO_MANY_REQUESTS when too many proxies wait, BAD_REQUEST when there are too many topics
   */
  takeChecks(request: TakeChecksRequest, signal: AbortSignal): Promise<readonly TransactionCheck[]>;

  /** Reports what became of checks; unknown ones are ignored. */
  reportChecks(outcomes: readonly CheckOutcome[]): Promise<void>;

  /** Transactions that have not ended. */
  listTransactions(request: ListTransactionsRequest): Promise<PendingTransactions>;
}
