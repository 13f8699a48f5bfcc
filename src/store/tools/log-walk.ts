/** Walks the whole log of a store for a tool: each record, what is damaged, and what lies behind the end. */
import type { StoredRecord } from '../../message/record';
import { LogScanner } from '../log-scanner';
import type { OfflineLog } from './offline-log';
import type { OfflineStore } from './offline-store';

const STEP_BYTES = 1024 * 1024;

export interface LogVisitor {
  /** A whole record, with its own bytes; both are valid until the promise resolves. */
  record(record: StoredRecord): Promise<void> | void;
  /** Bytes that are no record, below the log's end; `record` when at least its header can be read. */
  damage(
    from: number,
    to: number,
    record: StoredRecord | undefined,
    why: string,
  ): Promise<void> | void;
  progress?(position: number): void;
}

/**
 * Where the log ends: what was synced counts whatever lies there; behind it the first bytes that are
 * no record end the log. As recovery does it (../recovery).
 */
export async function walkLog(
  store: OfflineStore,
  log: OfflineLog,
  visitor: LogVisitor,
): Promise<number> {
  const scanner = new LogScanner(log);
  return scanner.scan({
    from: log.first,
    trusted: await trustedPosition(store, log, scanner),
    onRecord: async (record) => {
      await visitor.record(record);
      visitor.progress?.(record.physicalOffset + record.totalBytes);
    },
    onDamage: (from, to, record, why) => visitor.damage(from, to, record, why),
  });
}

async function trustedPosition(
  { mark, stoppedCleanly }: OfflineStore,
  log: OfflineLog,
  scanner: LogScanner,
): Promise<number> {
  let trusted = Math.max(mark?.syncedPosition ?? 0, stoppedCleanly ? (mark?.cleanEnd ?? 0) : 0);
  trusted = Math.min(trusted, log.end);
  for (const start of log.starts) {
    if (start > trusted && (await scanner.isValid(start))) trusted = start;
  }
  return trusted;
}

/** What lies behind the log's end: zeros, or bytes from `from` on, and the next record among them. */
export interface Behind {
  readonly from: number;
  readonly record: number | undefined;
}

/** Looks at the rest of the log; `undefined` when nothing stands there. */
export async function lookBehind(log: OfflineLog, end: number): Promise<Behind | undefined> {
  const block = Buffer.allocUnsafe(STEP_BYTES);
  const zeros = Buffer.alloc(STEP_BYTES);
  for (let position = end; position < log.end;) {
    const length = Math.min(block.length, log.startOf(position) + log.segmentBytes - position);
    const bytes = block.subarray(0, length);
    await log.read(bytes, position);
    if (!bytes.equals(zeros.subarray(0, length))) {
      const at = bytes.findIndex((byte) => byte !== 0);
      const from = position + at;
      const scanner = new LogScanner(log);
      // A record begins with bytes that may be zero: 3 of its length.
      const first = Math.max(end, from - 3);
      const record = (await scanner.isValid(first)) ? first : await scanner.nextValid(first);
      return { from, record };
    }
    position += length;
  }
  return undefined;
}
