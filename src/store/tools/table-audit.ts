/** Compares gantry/queues with the mark, and with the queues that were found. */
import { type ParsedTable, parseQueueTable, type QueueRow } from '../queue-table';
import type { Report } from './finding';
import type { OfflineStore } from './offline-store';
import type { QueueFound } from './queue-audit';

const FILE = 'gantry/queues';
/** What a start does without a table that it can use. */
const CONSEQUENCE = 'all queues are looked at at the next start';

/**
 * Checks the table of queues.
 * @param logEnd where the log ends
 * @param queues those that have an entry
 */
export async function checkQueueTable(
  store: OfflineStore,
  logEnd: number,
  queues: Iterable<QueueFound>,
  report: Report,
): Promise<void> {
  const { files, layout, mark, stoppedCleanly } = store;
  if (mark === undefined) return;
  const bytes = await files.readFile(layout.queueTable);
  // Without one all queues are looked at: so it is after `gantry store repair`.
  if (bytes === undefined) return;
  const table = parseQueueTable(bytes);
  if (table === undefined) {
    report({ kind: 'wrong', file: FILE, at: 0, what: `is damaged: ${CONSEQUENCE}` });
    return;
  }
  const { position } = table.state;
  if (position < mark.queuesPosition || position > logEnd) {
    const what = `speaks of position ${position}, the mark of ${mark.queuesPosition}, and the log ends at ${logEnd}`;
    report({ kind: 'wrong', file: FILE, what: `${what}: ${CONSEQUENCE}` });
    return;
  }
  if (table.length < bytes.length) {
    const what = stoppedCleanly
      ? 'is damaged from here on'
      : 'a write that a crash broke off, or damage: what stands before it counts';
    report({ kind: stoppedCleanly ? 'wrong' : 'note', file: FILE, at: table.length, what });
  }
  // A crash between the two left a table that is ahead of the mark, and so of what was looked at; another
  // program may have written queues.
  const known = position === mark.queuesPosition && !(await wasVisited(store));
  if (known) compareRows(store, table, queues, report);
}

/** Whether another program has had the directory since. */
async function wasVisited({ files, layout, mark, stoppedCleanly }: OfflineStore): Promise<boolean> {
  if ((await files.stat(layout.abortBackup)) !== undefined) return true;
  return stoppedCleanly && mark !== undefined && mark.cleanEnd < 0;
}

function compareRows(
  { stoppedCleanly, deletedBelow }: OfflineStore,
  { state }: ParsedTable,
  queues: Iterable<QueueFound>,
  report: Report,
): void {
  const rows = new Map<string, QueueRow>();
  const key = (topic: string, queueId: number): string => `${queueId} ${topic}`;
  for (const row of state.rows) {
    if (deletedBelow(row.topic) < state.position) rows.set(key(row.topic, row.queueId), row);
  }
  const wrong = ({ topic, queueId }: { topic: string; queueId: number }, what: string): void => {
    report({ kind: 'wrong', file: FILE, topic, queueId, what });
  };
  for (const queue of queues) {
    const name = key(queue.topic, queue.queueId);
    const row = rows.get(name);
    rows.delete(name);
    if (row === undefined) {
      // What a crash left of a queue that is newer than the table is made anew.
      if (stoppedCleanly) wrong(queue, `has ${queue.end} entries, and is not in the table`);
    } else if (!fits(row, queue, stoppedCleanly)) {
      const is = `begins at ${queue.start} and ends at ${queue.end}`;
      wrong(queue, `is said to begin at ${row.start} and to end at ${row.max}, but ${is}`);
    }
  }
  for (const row of rows.values()) wrong(row, `ends at ${row.max} in the table, and has no file`);
}

/** After a crash there may be files that were to be removed, and entries that were not to count yet. */
function fits({ start, min, max }: QueueRow, found: QueueFound, exactly: boolean): boolean {
  if (start > min || min > max) return false;
  return exactly
    ? found.start === start && found.end === max
    : found.start <= start && found.end >= max;
}
