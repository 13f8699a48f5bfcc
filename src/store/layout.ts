/** Where the store's files lie below its directory; docs/data-files.md draws what is in them. */
import { join } from 'node:path';

/** The name of a file that begins at a position: 20 decimal digits. */
export function positionName(position: number): string {
  return String(position).padStart(20, '0');
}

/** The position in a file's name, `undefined` when the name is no such name. */
export function positionOfName(name: string): number | undefined {
  if (!/^\d{20}$/.test(name)) return undefined;
  const position = Number(name);
  return Number.isSafeInteger(position) ? position : undefined;
}

/**
 * Paths of a store. `commitlog`, `consumequeue`, `index`, `abort`, `lock` and `checkpoint` are
 * Apache RocketMQ's, which refuses names it does not know there; `gantry` is ours.
 */
export class Layout {
  readonly commitLog: string;
  readonly consumeQueue: string;
  /** Present while a process runs, and after one that crashed. */
  readonly abort: string;
  /** The `abort` before; only Apache RocketMQ makes it. */
  readonly abortBackup: string;
  /** What Apache RocketMQ locks; for us a file that it expects, and that must not be locked. */
  readonly lock: string;
  readonly checkpoint: string;
  /** Epochs of the log's parts; Apache RocketMQ's, too. */
  readonly epochs: string;
  readonly gantry: string;
  /** Our guard against a second process. */
  readonly guard: string;
  readonly mark: string;
  readonly queueTable: string;
  readonly deletedTopics: string;
  readonly emptyQueues: string;
  /** IndexFiles, each named by the time it was made at. */
  readonly index: string;
  readonly indexMark: string;
  /** What a replica that begins anew was told; present until it has begun. */
  readonly freshStart: string;

  constructor(readonly root: string) {
    this.commitLog = join(root, 'commitlog');
    this.consumeQueue = join(root, 'consumequeue');
    this.abort = join(root, 'abort');
    this.abortBackup = join(root, 'abort.bak');
    this.lock = join(root, 'lock');
    this.checkpoint = join(root, 'checkpoint');
    this.epochs = join(root, 'epochFileCheckpoint');
    this.gantry = join(root, 'gantry');
    this.guard = join(this.gantry, 'lock');
    this.mark = join(this.gantry, 'mark');
    this.queueTable = join(this.gantry, 'queues');
    this.deletedTopics = join(this.gantry, 'deleted-topics.json');
    this.emptyQueues = join(this.gantry, 'empty-queues.json');
    this.index = join(root, 'index');
    this.indexMark = join(this.gantry, 'index.json');
    this.freshStart = join(this.gantry, 'fresh-start.json');
  }

  /** The segment that begins at `start`. */
  segment(start: number): string {
    return join(this.commitLog, positionName(start));
  }

  topicDirectory(topic: string): string {
    return join(this.consumeQueue, topic);
  }

  queueDirectory(topic: string, queueId: number): string {
    return join(this.consumeQueue, topic, String(queueId));
  }
}

/** Whether a topic's name can be the name of its directory. */
export function isDirectoryName(topic: string): boolean {
  return topic !== '' && topic !== '.' && topic !== '..' && !/[/\\\0]/.test(topic);
}
