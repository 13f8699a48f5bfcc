/** Compares a table of queues with the directories of topics and the notes of deleted ones. */
import type { DeletedTopics } from './deleted-topics';
import type { QueueFiles } from './queue-files';
import type { QueueRow, QueueState } from './queue-table';

export interface TableUse {
  readonly queueFiles: QueueFiles;
  readonly deleted: DeletedTopics;
}

/**
 * The queues that a table names, without those of topics deleted since, whose files are removed.
 * @returns `undefined` when the directory of a topic is missing
 */
export async function queuesOfTable(
  { queueFiles, deleted }: TableUse,
  { position, rows }: QueueState,
): Promise<readonly QueueRow[] | undefined> {
  const directories = new Set(await queueFiles.topics());
  // What a table says that was written behind a deletion is of a later topic of that name.
  const kept = [...rows].filter(
    ({ topic }) => deleted.position(topic) === 0 || deleted.position(topic) < position,
  );
  const topics = new Set(kept.map(({ topic }) => topic));
  for (const topic of topics) if (!directories.has(topic)) return undefined;
  // A deletion that a crash broke off; a later topic's entries are in the log behind the table's position.
  for (const topic of deleted.topics) {
    if (directories.has(topic) && !topics.has(topic)) await queueFiles.removeTopic(topic);
  }
  return kept;
}
