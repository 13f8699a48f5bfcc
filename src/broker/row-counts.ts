import type { LedgerBook } from './pop/ledger-book';
import type { QueueLedger } from './pop/queue-ledger';

export interface RowCounts {
  /** Neither finished nor held by a consumer. */
  readonly ready: number;
  readonly inFlight: number;
  /** The first of the ready ones. */
  readonly firstReady?: number;
}

/** What a group has come to in a queue and not finished. @param minOffset the first offset that is kept */
export function countRows(
  book: LedgerBook,
  ledger: QueueLedger | undefined,
  minOffset: number,
): RowCounts {
  let ready = 0;
  let inFlight = 0;
  let firstReady: number | undefined;
  if (ledger === undefined || ledger.unfinished === 0) return { ready, inFlight };
  ledger.forEachRow((offset, row) => {
    if (offset < minOffset) return;
    if (book.inFlight(row)) {
      inFlight++;
      return;
    }
    ready++;
    firstReady ??= offset;
  });
  return { ready, inFlight, ...(firstReady === undefined ? {} : { firstReady }) };
}
