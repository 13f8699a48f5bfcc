/** What is wrong with gantry/timer of a broker that does not run. */
import { join } from 'node:path';
import type { Files } from '../../platform/platform';
import type { Report } from '../../store/tools/finding';
import { PeriodRows } from './period-rows';
import { CHECKPOINT, parseCheckpoint, type PeriodCheckpoint, startOf } from './timer-checkpoint';
import { ENTRY_BYTES, readEntry } from './timer-entry';
import { errorText } from '../../platform/error-text';

const FOLDER = 'gantry/timer';
/** Entries read at once. */
const READ_ENTRIES = 16_384;

/** Reads each file once; of one period at a time the messages are in memory. @param logEnd where the log ends */
export async function checkTimer(
  files: Files,
  directory: string,
  logEnd: number,
  report: Report,
): Promise<void> {
  const folder = join(directory, FOLDER);
  const bytes = await files.readFile(join(folder, CHECKPOINT));
  if (bytes === undefined) return;
  const file = `${FOLDER}/${CHECKPOINT}`;
  const checkpoint = parseCheckpoint(bytes);
  if (checkpoint === undefined) {
    const what = 'is damaged: the next start reads all delayed messages from the log';
    report({ kind: 'wrong', file, what });
    return;
  }
  const { position, periods } = checkpoint;
  if (position > logEnd) {
    report({ kind: 'wrong', file, what: `has position ${position}, the log ends at ${logEnd}` });
  }
  for (const period of periods) {
    const fault = await faultOf(files, folder, period, position);
    if (fault !== undefined) report({ kind: 'wrong', file: `${FOLDER}/${period[0]}`, ...fault });
  }
}

interface Fault {
  readonly at?: number;
  readonly what: string;
}

/** What is wrong with the file of a period; behind the bytes that the checkpoint names nothing counts. */
async function faultOf(
  files: Files,
  folder: string,
  [startMs, fileBytes, waiting]: PeriodCheckpoint,
  position: number,
): Promise<Fault | undefined> {
  const rows = new PeriodRows();
  if (fileBytes > 0) {
    const path = join(folder, String(startMs));
    const bytes = (await files.stat(path))?.bytes ?? 0;
    if (bytes < fileBytes) {
      return { at: bytes, what: `has ${bytes} bytes, the checkpoint speaks of ${fileBytes}` };
    }
    const fault = await applyEntries(files, path, fileBytes, (entry) => {
      if (startOf(entry.dueMs) !== startMs) return `is due at ${entry.dueMs}: not in this period`;
      if (entry.position >= position) return `is behind the checkpoint's position ${position}`;
      rows.apply(entry);
      return undefined;
    });
    if (fault !== undefined) return fault;
  }
  if (rows.waiting === waiting) return undefined;
  return { what: `${rows.waiting} messages wait, the checkpoint speaks of ${waiting}` };
}

/** Gives all entries of a file to `apply`, which says what is wrong with one; answers the first fault. */
async function applyEntries(
  files: Files,
  path: string,
  fileBytes: number,
  apply: (entry: ReturnType<typeof readEntry>) => string | undefined,
): Promise<Fault | undefined> {
  const handle = await files.open(path, 'read');
  try {
    const block = Buffer.allocUnsafe(Math.min(READ_ENTRIES * ENTRY_BYTES, fileBytes));
    for (let from = 0; from < fileBytes; from += block.length) {
      const part = block.subarray(0, Math.min(block.length, fileBytes - from));
      const filled = await handle.read(part, from);
      for (let i = 0; i < filled; i += ENTRY_BYTES) {
        const what = faultOfEntry(part, i, apply);
        if (what !== undefined) return { at: from + i, what };
      }
    }
    return undefined;
  } finally {
    await handle.close();
  }
}

function faultOfEntry(
  bytes: Buffer,
  at: number,
  apply: (entry: ReturnType<typeof readEntry>) => string | undefined,
): string | undefined {
  try {
    return apply(readEntry(bytes, at));
  } catch (error) {
    return errorText(error);
  }
}
