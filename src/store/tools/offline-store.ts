/** A store's directory as the tools see it: taken for this process, with its lengths, and not changed. */
import { errorCode } from '../../platform/file-error';
import type { FileLock, Files } from '../../platform/platform';
import { DeletedTopics } from '../deleted-topics';
import { Layout, positionOfName } from '../layout';
import { type Mark, MarkFile } from '../mark';
import { ENTRY_BYTES } from '../queue-entry';
import { errorText } from '../../platform/error-text';

const DEFAULT_SEGMENT_BYTES = 1024 * 1024 * 1024;
const DEFAULT_QUEUE_FILE_ENTRIES = 300_000;
/** Queue directories that are looked at to learn how long the files of this store are. */
const SAMPLE_TOPICS = 20;

export interface OfflineStore {
  readonly files: Files;
  readonly layout: Layout;
  readonly mark: Mark | undefined;
  readonly segmentBytes: number;
  readonly queueFileEntries: number;
  /** Whether the last process has removed its `abort` file. */
  readonly stoppedCleanly: boolean;
  /** Position below which records of a topic are those of a deleted topic. */
  readonly deletedBelow: (topic: string) => number;
  /** What is wrong with gantry/deleted-topics.json. */
  readonly deletedTopicsFault: string | undefined;
  release(): Promise<void>;
}

/**
 * Takes the store in `directory`.
 * @throws Error with code ELOCKED when a process has it, ENOENT when there is no store
 */
export async function openOffline(files: Files, directory: string): Promise<OfflineStore> {
  const layout = new Layout(directory);
  if ((await files.stat(layout.commitLog))?.directory !== true) {
    const text = `${directory} holds no store: there is no commitlog in it`;
    throw Object.assign(new Error(text), { code: 'ENOENT' });
  }
  const guard = await takeGuard(files, layout);
  try {
    const mark = (await MarkFile.open(files, layout)).found;
    const deleted = await openDeleted(files, layout);
    return {
      files,
      layout,
      mark,
      segmentBytes: mark?.segmentBytes ?? (await segmentBytesOf(files, layout)),
      queueFileEntries: mark?.queueFileEntries ?? (await queueFileEntriesOf(files, layout)),
      stoppedCleanly: (await files.stat(layout.abort)) === undefined,
      deletedBelow: (topic) => (deleted instanceof DeletedTopics ? deleted.position(topic) : 0),
      deletedTopicsFault: deleted instanceof DeletedTopics ? undefined : deleted,
      release: () => guard?.release() ?? Promise.resolve(),
    };
  } catch (error) {
    await guard?.release();
    throw error;
  }
}

/** Keeps brokers out; on a disk that takes no writes nobody can be in. */
async function takeGuard(files: Files, layout: Layout): Promise<FileLock | undefined> {
  if ((await files.stat(layout.gantry)) === undefined) return undefined;
  try {
    return await files.lock(layout.guard);
  } catch (error) {
    if (errorCode(error) === 'EROFS') return undefined;
    throw error;
  }
}

async function openDeleted(files: Files, layout: Layout): Promise<DeletedTopics | string> {
  try {
    return await DeletedTopics.open(files, layout);
  } catch (error) {
    return errorText(error);
  }
}

/** Without a mark the lengths are those that most files have. */
async function segmentBytesOf(files: Files, layout: Layout): Promise<number> {
  const lengths: number[] = [];
  for (const name of await files.list(layout.commitLog)) {
    if (positionOfName(name) === undefined) continue;
    lengths.push((await files.stat(`${layout.commitLog}/${name}`))?.bytes ?? 0);
  }
  return mostCommon(lengths) ?? DEFAULT_SEGMENT_BYTES;
}

async function queueFileEntriesOf(files: Files, layout: Layout): Promise<number> {
  const lengths: number[] = [];
  for (const topic of (await files.list(layout.consumeQueue)).slice(0, SAMPLE_TOPICS)) {
    for (const queue of await files.list(layout.topicDirectory(topic))) {
      const directory = `${layout.topicDirectory(topic)}/${queue}`;
      for (const name of await files.list(directory)) {
        const bytes = (await files.stat(`${directory}/${name}`))?.bytes ?? 0;
        if (bytes % ENTRY_BYTES === 0) lengths.push(bytes);
      }
    }
  }
  return (mostCommon(lengths) ?? DEFAULT_QUEUE_FILE_ENTRIES * ENTRY_BYTES) / ENTRY_BYTES;
}

function mostCommon(lengths: readonly number[]): number | undefined {
  const counts = new Map<number, number>();
  for (const length of lengths) if (length > 0) counts.set(length, (counts.get(length) ?? 0) + 1);
  const [best] = [...counts].sort((a, b) => b[1] - a[1] || b[0] - a[0]);
  return best?.[0];
}
