/** `gantry store dump`: the records of a store, one after the other, in log order. */
import { recordProperties, type StoredRecord } from '../../message/record';
import type { Files } from '../../platform/platform';
import { walkLog } from './log-walk';
import { OfflineLog } from './offline-log';
import { openOffline } from './offline-store';

export interface DumpOptions {
  readonly files: Files;
  readonly directory: string;
  readonly topic?: string;
  readonly queueId?: number;
  /** First queue offset, and one beyond the last. */
  readonly offsetFrom?: number;
  readonly offsetTo?: number;
  /** Called with each record that fits; its views are valid until the promise resolves. */
  readonly onRecord: (record: DumpedRecord) => Promise<void> | void;
  readonly onProgress?: (done: number, total: number) => void;
}

export interface DumpedRecord extends StoredRecord {
  /** Without the record CRC. */
  readonly propertyMap: ReadonlyMap<string, string>;
}

export interface DumpSummary {
  readonly records: number;
  /** Bytes of the log that are no record. */
  readonly damagedBytes: number;
}

/**
 * Reads the log of a store that no process may have open.
 * @throws Error with code ELOCKED when a process has it, ENOENT when there is no store
 */
export async function dumpStore(options: DumpOptions): Promise<DumpSummary> {
  const { files, directory, onRecord, onProgress } = options;
  const store = await openOffline(files, directory);
  const log = await OfflineLog.open(files, store.layout, store.segmentBytes, () => undefined);
  let records = 0;
  let damagedBytes = 0;
  try {
    await walkLog(store, log, {
      record: async (record) => {
        if (!fits(record, options)) return;
        records++;
        await onRecord({ ...record, propertyMap: recordProperties(record) });
      },
      damage: (from, to) => {
        damagedBytes += to - from;
      },
      progress: (position) => onProgress?.(position - log.first, log.end - log.first),
    });
    onProgress?.(log.end - log.first, log.end - log.first);
  } finally {
    await log.close();
    await store.release();
  }
  return { records, damagedBytes };
}

function fits(record: StoredRecord, options: DumpOptions): boolean {
  const { topic, queueId, offsetFrom = 0, offsetTo = Infinity } = options;
  if (topic !== undefined && record.topic !== topic) return false;
  if (queueId !== undefined && record.queueId !== queueId) return false;
  return record.queueOffset >= offsetFrom && record.queueOffset < offsetTo;
}
