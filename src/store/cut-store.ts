/**
 * What a replica does to a store that nobody has open, when its log is not its master's: cuts it to what both
 * have, or lets it begin anew. After a crash at any point the store opens, and the same is done once more.
 */
import type { Logger } from 'pino';
import type { Files, Platform } from '../platform/platform';
import { writeDurably } from './atomic-file';
import { type CutParts, type CutPlan, cutFiles, planByFiles, planByLog } from './cut-queues';
import { DeletedTopics } from './deleted-topics';
import { EmptyQueues } from './empty-queues';
import { keepTwice, readKept } from './kept-twice';
import { Layout } from './layout';
import { type Mark, MarkFile } from './mark';
import { patientFiles } from './patient-files';
import { QueueFiles } from './queue-files';
import { QueueTable } from './queue-table';
import type { BesideLog } from './replicated-log';
import { Segments } from './segments';

export interface CutOptions {
  readonly directory: string;
  readonly platform: Platform;
  readonly log: Logger;
}

/** Where a log begins that has nothing before, and what the log does not tell. */
export interface FreshStart extends BesideLog {
  /** Begin of a segment. */
  readonly position: number;
}

type Noted = FreshStart & Pick<Mark, 'segmentBytes' | 'queueFileEntries'>;

/**
 * Cuts the log, and the queues with it.
 * @param position end of a record, or of a segment, that the log has
 * @throws Error with code ELOCKED when a process has the store; without a mark it was never open here
 */
export async function cutStore(options: CutOptions, position: number): Promise<void> {
  await withStore(options, async (files, layout) => {
    const markFile = await MarkFile.open(files, layout);
    const mark = markFile.found;
    if (mark === undefined) throw new Error(`${layout.mark} is missing: the log cannot be cut`);
    const segments = new Segments(files, layout, mark.segmentBytes);
    await segments.load(true, 0);
    if (position < segments.first || position > segments.end) {
      const bounds = `${segments.first} .. ${segments.end}`;
      throw new RangeError(`the log of ${bounds} cannot be cut at ${position}`);
    }
    await writeDurably(files, layout.abort, Buffer.from('cut'));
    await files.syncDirectory(layout.root);
    const queueFiles = new QueueFiles(files, layout, mark.queueFileEntries);
    const deleted = await DeletedTopics.open(files, layout);
    const { found: table } = await QueueTable.open(files, layout);
    const parts: CutParts = { queueFiles, segments, deleted, table, mark, position };
    // The log must still have what goes.
    const byLog = await planByLog(parts);
    // From here on whoever opens the store builds the queues from the log.
    const syncedPosition = Math.min(mark.syncedPosition, position);
    await markFile.write({ ...mark, ...NO_QUEUES, syncedPosition, cleanEnd: -1 });
    await files.remove(layout.queueTable);
    // Topics live again whose queues' files are gone: those are built from the log.
    const revived = await deleted.forgetAbove(position);
    await segments.cut(position);
    await segments.close();
    if (revived) return;
    const plan = byLog ?? (await planByFiles(parts));
    if (plan !== undefined) await cutFiles(queueFiles, plan);
    await queueFiles.close();
    if (plan === undefined) return;
    await noteQueues({ files, layout, mark, markFile, position }, plan);
  });
}

/** Forgets all that the store holds: a log begins in it at another position. */
export async function beginAnew(options: CutOptions, fresh: FreshStart): Promise<void> {
  await withStore(options, async (files, layout) => {
    const mark = (await MarkFile.open(files, layout)).found;
    if (mark === undefined) throw new Error(`${layout.mark} is missing: nothing can begin anew`);
    const { segmentBytes, queueFileEntries } = mark;
    const noted: Noted = { ...fresh, segmentBytes, queueFileEntries };
    await keepTwice(files, layout.freshStart, JSON.stringify(noted));
    await makeFresh(files, layout, noted);
  });
}

/** Does once more what a crash has broken off in `beginAnew`. */
export async function finishBeginning(options: CutOptions): Promise<void> {
  const { files } = options.platform;
  const layout = new Layout(options.directory);
  if ((await files.stat(layout.freshStart)) === undefined) return;
  await withStore(options, async () => {
    const text = await readKept(files, layout.freshStart);
    if (text !== undefined) await makeFresh(files, layout, JSON.parse(text) as Noted);
  });
}

const NO_QUEUES = { queuesPosition: 0, queueCount: 0, queueEndSum: 0, queueStartSum: 0 };

async function withStore(
  { directory, platform, log }: CutOptions,
  work: (files: Files, layout: Layout) => Promise<void>,
): Promise<void> {
  const layout = new Layout(directory);
  const files = patientFiles(platform, log);
  const guard = await files.lock(layout.guard, layout.lock);
  try {
    await work(files, layout);
  } finally {
    await guard.release();
  }
}

interface Noting {
  readonly files: Files;
  readonly layout: Layout;
  readonly mark: Mark;
  readonly markFile: MarkFile;
  readonly position: number;
}

/** Tells whoever opens the store where the queues end, so that it need not look for that. */
async function noteQueues(
  { files, layout, mark, markFile, position }: Noting,
  { rows, keptFrom }: CutPlan,
): Promise<void> {
  const table = await QueueTable.open(files, layout);
  const now = { position, keptFrom, rows, count: rows.length, changed: undefined };
  const batch = table.next(now);
  if (batch !== undefined) await table.write(batch);
  await markFile.write({
    ...mark,
    queueCount: rows.length,
    queueEndSum: rows.reduce((sum, { max }) => sum + max, 0),
    queueStartSum: rows.reduce((sum, { start }) => sum + start, 0),
    syncedPosition: position,
    queuesPosition: position,
    cleanEnd: -1,
  });
}

async function makeFresh(files: Files, layout: Layout, fresh: Noted): Promise<void> {
  const { position, segmentBytes, queueFileEntries, emptyQueues, deletedTopics } = fresh;
  for (const path of [layout.commitLog, layout.consumeQueue, layout.index]) {
    await files.removeTree(path);
  }
  const { mark: oldMark, queueTable, indexMark, checkpoint, epochs } = layout;
  for (const path of [oldMark, queueTable, indexMark, checkpoint, epochs]) {
    await files.remove(path);
  }
  await writeDurably(files, layout.abort, Buffer.from('fresh'));
  await files.makeDirectory(layout.commitLog);
  await files.makeDirectory(layout.consumeQueue);
  await files.syncDirectory(layout.root);
  const handle = await files.open(layout.segment(position), 'create');
  await handle.truncate(segmentBytes);
  await handle.datasync();
  await handle.close();
  await files.syncDirectory(layout.commitLog);
  const queueFiles = new QueueFiles(files, layout, queueFileEntries);
  let [endSum, startSum] = [0, 0];
  for (const { topic, queueId, next } of emptyQueues) {
    await queueFiles.createEmpty({ topic, queueId }, next);
    endSum += next;
    startSum += next - (next % queueFileEntries);
  }
  await queueFiles.sync();
  await queueFiles.close();
  await (await EmptyQueues.open(files, layout)).replace(emptyQueues);
  await (await DeletedTopics.open(files, layout)).replace(deletedTopics);
  const mark = await MarkFile.open(files, layout);
  await mark.write({
    ...{ syncedPosition: position, queuesPosition: position },
    ...{ queueCount: emptyQueues.length, queueEndSum: endSum, queueStartSum: startSum },
    ...{ segmentBytes, queueFileEntries, storeTimestamp: 0, cleanEnd: -1 },
  });
  await files.syncDirectory(layout.gantry);
  await files.remove(layout.freshStart);
  await files.syncDirectory(layout.gantry);
}
