/** Finds where the queues on disk begin and end, many at a time. */
import { Pass } from './pass';
import { isFiller, readEntry } from './queue-entry';
import type { QueueFiles, QueueName, StoredQueue } from './queue-files';

/** Queues whose files are looked at at once. */
const LOADS_AT_ONCE = 4;

/** Loads all queues, a few at once; `undefined` when one of them cannot be used. */
export async function loadAll(
  names: readonly QueueName[],
  load: (name: QueueName) => Promise<StoredQueue | undefined>,
): Promise<StoredQueue[] | undefined> {
  const loaded: StoredQueue[] = [];
  let usable = true;
  const loadOne = async (name: QueueName): Promise<void> => {
    const queue = await load(name);
    if (queue) loaded.push(queue);
    else usable = false;
  };
  await new Pass(names, LOADS_AT_ONCE, loadOne).run(() => !usable);
  return usable ? loaded : undefined;
}

/** The queues that another program has left, all entries counted, and where the last record with one ends. */
export async function foreignQueues(
  files: QueueFiles,
  logStart: number,
): Promise<{ readonly stored: readonly StoredQueue[]; readonly end: number } | undefined> {
  const stored = await loadAll(await files.list(), (name) =>
    files.load(name, logStart, Infinity, Infinity),
  );
  if (stored === undefined || stored.length === 0) return undefined;
  let end = logStart;
  for (const queue of stored) end = Math.max(end, await recordsEnd(files, queue));
  return { stored, end };
}

/** Where the record of a queue's last entry ends; 0 without one. */
async function recordsEnd(files: QueueFiles, queue: StoredQueue): Promise<number> {
  if (queue.max === queue.min) return 0;
  const last = await files.read(queue, queue.max - 1, 1);
  if (last.length === 0 || isFiller(last, 0)) return 0;
  const { physicalOffset, bytes } = readEntry(last, 0, queue.max - 1);
  return physicalOffset + bytes;
}
