/** Opens a store in a directory. */
import { dirname, resolve } from 'node:path';
import type { Logger } from 'pino';
import type { Host } from '../message/host';
import type { Files, Platform } from '../platform/platform';
import { writeDurably } from './atomic-file';
import { ConsumeQueues } from './consume-queues';
import { DeletedTopics } from './deleted-topics';
import { DiskWatch } from './disk-watch';
import { EmptyQueues } from './empty-queues';
import { indexFileBytes, type IndexGeometry } from './index/index-file';
import { Layout } from './layout';
import type { DeletionReader } from './log-follower';
import { MarkFile, type Mark } from './mark';
import type { FlushMode, MessageStore } from './message-store';
import { patientFiles } from './patient-files';
import { QueueFiles } from './queue-files';
import { QueueOpener } from './queue-opener';
import { QueueTable } from './queue-table';
import { recover } from './recovery';
import type { RetentionSettings } from './retention';
import { Segments } from './segments';
import { Store } from './store';

const MIB = 1024 * 1024;
const DEFAULT_SEGMENT_BYTES = 1024 * MIB;
const DEFAULT_QUEUE_FILE_ENTRIES = 300_000;
const DEFAULT_TAIL_BYTES = 32 * MIB;
const DEFAULT_MAX_UNWRITTEN_BYTES = 64 * MIB;
const MIN_SEGMENT_BYTES = 4096;
const DEFAULT_INDEX_SLOTS = 5_000_000;
const DEFAULT_INDEX_ENTRIES = 20_000_000;
/** What Java can map. */
const MAX_INDEX_BYTES = 0x7fffffff;

/** Changing the lengths makes the index be built anew. */
export interface IndexOptions {
  /** Default true. */
  readonly enabled?: boolean;
  /** Hash slots of a file, at least 1. Default 5 million. */
  readonly slots?: number;
  /** Room for entries in a file, at least 2. Default 20 million. The file must be below 2 GiB. */
  readonly entries?: number;
}

export interface StoreOptions {
  /** Made if absent. */
  readonly directory: string;
  readonly platform: Platform;
  readonly log: Logger;
  readonly flush: FlushMode;
  /** This broker's address in records; IPv4. */
  readonly storeHost: Host;
  /**
   * Length of a CommitLog file, at least 4096; a record must fit into one. Default 1 GiB. Cannot be
   * changed later.
   */
  readonly segmentBytes?: number;
  /** Entries of a ConsumeQueue file, at least 1. Default 300000. Cannot be changed later. */
  readonly queueFileEntries?: number;
  /** The index of messages by key and id. Default: one of Apache RocketMQ's lengths. */
  readonly index?: IndexOptions;
  /** Memory for the newest part of the log, bytes. Default 32 MiB. */
  readonly tailBytes?: number;
  /** What goes when; absent: nothing is ever removed, and nobody looks how full the disk is. */
  readonly retention?: RetentionSettings;
  /** Bytes appended and not visible yet beyond which sends are refused. Default 64 MiB. */
  readonly maxUnwrittenBytes?: number;
  /** Tells records that delete a topic: a replica, or a start after a crash, deletes it then. Default: none does. */
  readonly deletionOf?: DeletionReader;
}

/**
 * Opens the store in a directory, after a crash too, and takes the directory for this process.
 *
 * @throws Error with code ELOCKED when another process has the directory, one of Apache RocketMQ too
 * @throws Error when the directory was made with other file lengths, or files are missing or foreign
 */
export async function openStore(options: StoreOptions): Promise<MessageStore> {
  const files = patientFiles(options.platform, options.log);
  const layout = new Layout(resolve(options.directory));
  await makeDurably(files, layout.root);
  await files.makeDirectory(layout.gantry);
  const guard = await files.lock(layout.guard, layout.lock);
  try {
    return await openLocked(
      { ...options, platform: { ...options.platform, files } },
      layout,
      guard,
    );
  } catch (error) {
    await guard.release();
    throw error;
  }
}

async function openLocked(
  options: StoreOptions,
  layout: Layout,
  guard: { release(): Promise<void> },
): Promise<Store> {
  const { platform, log } = options;
  const { files } = platform;
  const markFile = await MarkFile.open(files, layout);
  const segmentBytes = options.segmentBytes ?? DEFAULT_SEGMENT_BYTES;
  const queueFileEntries = options.queueFileEntries ?? DEFAULT_QUEUE_FILE_ENTRIES;
  checkLengths(segmentBytes, queueFileEntries, markFile.found);
  const { stoppedCleanly, foreign } = await takeOver(options, layout, markFile.found);
  const segments = new Segments(files, layout, segmentBytes);
  const synced = markFile.found?.syncedPosition ?? 0;
  for (const start of await segments.load(markFile.found !== undefined, synced)) {
    log.error({ segment: start }, 'a segment was too short: what it lacks is zeros now');
  }
  const queueFiles = new QueueFiles(files, layout, queueFileEntries);
  const deleted = await DeletedTopics.open(files, layout);
  await deleted.forgetBelow(segments.first);
  const opener = new QueueOpener({ queueFiles, segments, deleted, log });
  const queues = new ConsumeQueues(queueFiles, opener);
  const table = await QueueTable.open(files, layout);
  const emptyQueues = await EmptyQueues.open(files, layout);
  const deletionOf = options.deletionOf ?? ((): undefined => undefined);
  const recovered = await recover({
    platform,
    log,
    segments,
    queueFiles,
    queues,
    opener,
    table: table.found,
    deleted,
    deletionOf,
    emptyQueues,
    markFile,
    mark: markFile.found,
    stoppedCleanly,
    foreign,
  });
  const store = new Store({
    platform,
    log,
    layout,
    flush: options.flush,
    storeHost: options.storeHost,
    tailBytes: options.tailBytes ?? DEFAULT_TAIL_BYTES,
    maxUnwrittenBytes: options.maxUnwrittenBytes ?? DEFAULT_MAX_UNWRITTEN_BYTES,
    segments,
    queueFiles,
    queues,
    deleted,
    deletionOf,
    emptyQueues,
    disk: options.retention && new DiskWatch(files, layout.root, options.retention, segmentBytes),
    retention: options.retention,
    mark: markFile,
    table,
    guard,
    recovered,
    indexGeometry: indexGeometry(options.index ?? {}),
  });
  await store.begin();
  await files.syncDirectory(layout.gantry);
  return store;
}

function checkLengths(segmentBytes: number, queueFileEntries: number, mark?: Mark): void {
  if (!Number.isSafeInteger(segmentBytes) || segmentBytes < MIN_SEGMENT_BYTES) {
    throw new RangeError(`segmentBytes is ${segmentBytes}, the least is ${MIN_SEGMENT_BYTES}`);
  }
  if (!Number.isSafeInteger(queueFileEntries) || queueFileEntries < 1) {
    throw new RangeError(`queueFileEntries is ${queueFileEntries}, the least is 1`);
  }
  if (mark === undefined) return;
  const changed = mark.segmentBytes !== segmentBytes || mark.queueFileEntries !== queueFileEntries;
  if (changed) {
    throw new Error(
      `the store was made with segmentBytes ${mark.segmentBytes} and queueFileEntries ` +
        `${mark.queueFileEntries}, and cannot be opened with ${segmentBytes} and ${queueFileEntries}`,
    );
  }
}

/** @throws RangeError when a length is out of its range */
function indexGeometry({
  enabled = true,
  slots = DEFAULT_INDEX_SLOTS,
  entries = DEFAULT_INDEX_ENTRIES,
}: IndexOptions): IndexGeometry | undefined {
  if (!enabled) return undefined;
  const bytes = indexFileBytes({ slots, entries });
  const whole = Number.isInteger(slots) && Number.isInteger(entries);
  if (!whole || slots < 1 || entries < 2 || bytes > MAX_INDEX_BYTES) {
    throw new RangeError(
      `an index file of ${slots} slots and ${entries} entries: there must be 1 and 2 at least, ` +
        `and both together may take ${MAX_INDEX_BYTES} bytes`,
    );
  }
  return { slots, entries };
}

/** Makes a directory and its parents, and the names of those that are new durable. */
async function makeDurably(files: Files, path: string): Promise<void> {
  if (await files.stat(path)) return;
  await makeDurably(files, dirname(path));
  await files.makeDirectory(path);
  await files.syncDirectory(dirname(path));
}

/** How the directory was left. */
interface Left {
  /** Whether the last process, ours or another program's, removed its `abort` file. */
  readonly stoppedCleanly: boolean;
  /** Whether there are signs of another program than the log itself. */
  readonly foreign: boolean;
}

/**
 * Makes what a running store leaves in its directory; answers how it was found. Apache RocketMQ makes
 * `abort.bak` whenever it starts, and removes an `abort` that is ours when it stops.
 */
async function takeOver(options: StoreOptions, layout: Layout, mark?: Mark): Promise<Left> {
  const { files } = options.platform;
  const stoppedCleanly = (await files.stat(layout.abort)) === undefined;
  const backup = (await files.stat(layout.abortBackup)) !== undefined;
  const removed = stoppedCleanly && mark !== undefined && mark.cleanEnd < 0;
  await writeDurably(files, layout.abort, Buffer.from(String(process.pid)));
  await files.makeDirectory(layout.commitLog);
  await files.makeDirectory(layout.consumeQueue);
  if ((await files.stat(layout.lock)) === undefined) {
    await writeDurably(files, layout.lock, Buffer.from('lock'));
  }
  await files.syncDirectory(layout.root);
  return { stoppedCleanly, foreign: backup || removed };
}
