/**
 * What becomes of ConsumeQueues when the log behind them is cut: where each of them ends then. A short piece of the log
 * that goes is read, which tells the queues that lose entries; otherwise the files of all queues are searched.
 */
import { SysFlag } from '../message/record';
import type { DeletedTopics } from './deleted-topics';
import { LogScanner } from './log-scanner';
import type { Mark } from './mark';
import type { QueueFiles, QueueName } from './queue-files';
import type { QueueRow, QueueState } from './queue-table';
import type { Segments } from './segments';

/** Reading more than this takes longer than to search the files of some hundred queues, bytes. */
const MOST_READ_BYTES = 16 * 1024 * 1024;

export interface CutParts {
  readonly queueFiles: QueueFiles;
  readonly segments: Segments;
  readonly deleted: DeletedTopics;
  /** The table of queues and the mark, as they were found. */
  readonly table: QueueState | undefined;
  readonly mark: Mark;
  /** Where the log is cut. */
  readonly position: number;
}

/** What is left of all queues, and of which of them entries go. */
export interface CutPlan extends Pick<QueueState, 'rows' | 'keptFrom'> {
  readonly shortened: readonly QueueRow[];
}

/**
 * By the table of queues and the records that go; the log must still have them.
 * @returns `undefined` where the table does not tell how the log ends, or the records do not tell all
 */
export async function planByLog(parts: CutParts): Promise<CutPlan | undefined> {
  const { table, mark, position } = parts;
  // After an orderly stop alone.
  if (table === undefined || mark.cleanEnd < 0 || table.position !== mark.cleanEnd)
    return undefined;
  if (mark.cleanEnd - position > MOST_READ_BYTES || table.keptFrom > position) return undefined;
  const cutAt = await firstOffsets(parts, mark.cleanEnd);
  if (cutAt === undefined) return undefined;
  const rows: QueueRow[] = [];
  const shortened: QueueRow[] = [];
  for (const row of table.rows) {
    const max = cutAt.get(row.topic)?.get(row.queueId);
    if (max === undefined || max >= row.max) rows.push(row);
    else if (max < row.start) return undefined;
    else shortened.push({ ...row, max, min: Math.min(row.min, max) });
  }
  rows.push(...shortened.filter(({ max }) => max > 0));
  return { rows, shortened, keptFrom: table.keptFrom };
}

/** By the files of all queues; `undefined` when they are not whole. */
export async function planByFiles(parts: CutParts): Promise<CutPlan | undefined> {
  const { queueFiles, segments, deleted, position } = parts;
  const rows: QueueRow[] = [];
  const shortened: QueueRow[] = [];
  for (const name of await queueFiles.list()) {
    const stored = await queueFiles.load(name, segments.first, position, 0);
    if (stored === undefined) return undefined;
    const { topic, queueId, start, min, max, firstPhysicalOffset = Infinity } = stored;
    const row = { topic, queueId, start, min, max };
    shortened.push(row);
    // What a deletion has left that a crash broke off goes when the store is opened.
    if (max > 0 && firstPhysicalOffset >= deleted.position(topic)) rows.push(row);
  }
  return { rows, shortened, keptFrom: segments.first };
}

/** Cuts the files of the queues that lose entries. Durable when it resolves. */
export async function cutFiles(queueFiles: QueueFiles, { shortened }: CutPlan): Promise<void> {
  for (const { topic, queueId, start, max } of shortened) {
    const name: QueueName = { topic, queueId };
    await queueFiles.cut(name, max);
    // Its files are gone, but not the offsets that were given out.
    if (max > 0 && max === start) await queueFiles.createEmpty(name, max);
  }
  await queueFiles.sync();
}

type Offsets = ReadonlyMap<string, ReadonlyMap<number, number>>;

/** The first queue offset of each queue in the log from the cut on; `undefined` where that is damaged. */
async function firstOffsets(
  { segments, position }: CutParts,
  end: number,
): Promise<Offsets | undefined> {
  const topics = new Map<string, Map<number, number>>();
  let damaged = false;
  const scanned = await new LogScanner(segments).scan({
    from: position,
    to: end,
    trusted: position,
    onRecord: ({ topic, queueId, queueOffset, sysFlag }) => {
      const type = sysFlag & SysFlag.TRANSACTION_MASK;
      if (type === SysFlag.PREPARED || type === SysFlag.ROLLBACK) return;
      const queues = topics.get(topic) ?? new Map<number, number>();
      topics.set(
        topic,
        queues.set(queueId, Math.min(queueOffset, queues.get(queueId) ?? Infinity)),
      );
    },
    onDamage: () => {
      damaged = true;
    },
  });
  return damaged || scanned < end ? undefined : topics;
}
