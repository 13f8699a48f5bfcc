/** `gantry/timer/checkpoint.json`: up to which position of the log the files beside it tell all, and how long they are. */
import { join } from 'node:path';
import type { Files } from '../../platform/platform';
import { replaceFile } from '../../store/atomic-file';
import type { TopicCounts } from './pending-counts';

/** Messages due within so long lie in one file. */
export const PERIOD_MS = 300_000;
export const CHECKPOINT = 'checkpoint.json';

export interface Checkpoint {
  readonly position: number;
  /** startMs, fileBytes, waiting, lowest, highest: see `Period`. */
  readonly periods: readonly (readonly [number, number, number, number, number])[];
  readonly topics: TopicCounts;
}

export function startOf(dueMs: number): number {
  return Math.floor(dueMs / PERIOD_MS) * PERIOD_MS;
}

/** The checkpoint; `undefined` when there is none, or it speaks of what files or the log do not hold. */
export async function readCheckpoint(
  files: Files,
  directory: string,
  logEnd: number,
): Promise<Checkpoint | undefined> {
  const text = await files.readFile(join(directory, CHECKPOINT));
  if (text === undefined) return undefined;
  try {
    const read = JSON.parse(text.toString('utf8')) as Checkpoint & { periodMs: number };
    if (read.position > logEnd || read.periodMs !== PERIOD_MS) return undefined;
    for (const [startMs, bytes] of read.periods) {
      const stat = await files.stat(join(directory, String(startMs)));
      if (bytes > 0 && (stat?.bytes ?? 0) < bytes) return undefined;
    }
    return read;
  } catch {
    return undefined;
  }
}

export async function writeCheckpoint(
  files: Files,
  directory: string,
  checkpoint: Checkpoint,
): Promise<void> {
  const json = JSON.stringify({ periodMs: PERIOD_MS, ...checkpoint });
  await replaceFile(files, join(directory, CHECKPOINT), Buffer.from(json));
}
