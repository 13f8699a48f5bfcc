/** What a store is put together from. */
import type { Logger } from 'pino';
import type { FileLock, Platform } from '../platform/platform';
import type { CommitLogOptions } from './commit-log';
import type { ConsumeQueues } from './consume-queues';
import type { DeletedTopics } from './deleted-topics';
import type { DiskWatch } from './disk-watch';
import type { EmptyQueues } from './empty-queues';
import type { IndexGeometry } from './index/index-file';
import type { Layout } from './layout';
import type { DeletionReader } from './log-follower';
import type { MarkFile } from './mark';
import type { QueueFiles } from './queue-files';
import type { QueueTable } from './queue-table';
import type { Recovered } from './recovery';
import type { RetentionSettings } from './retention';

export type StoreParts = Omit<
  CommitLogOptions,
  'end' | 'storeTimestamp' | 'onVisible' | 'onProgress' | 'onFailure'
> & {
  readonly platform: Platform;
  readonly log: Logger;
  readonly layout: Layout;
  readonly maxUnwrittenBytes: number;
  readonly deletionOf: DeletionReader;
  readonly queueFiles: QueueFiles;
  readonly queues: ConsumeQueues;
  readonly deleted: DeletedTopics;
  readonly emptyQueues: EmptyQueues;
  /** Both or none: without them nothing is removed, and a full disk is a write that fails. */
  readonly disk: DiskWatch | undefined;
  readonly retention: RetentionSettings | undefined;
  readonly mark: MarkFile;
  readonly table: QueueTable;
  readonly guard: FileLock;
  readonly recovered: Recovered;
  /** `undefined`: no index. */
  readonly indexGeometry: IndexGeometry | undefined;
};
