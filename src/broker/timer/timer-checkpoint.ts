/**
 * `gantry/timer/checkpoint.json`: up to which position of the log the files beside it tell all, and how long
 * they are; with a checksum, as all that decides what of the log is read again.
 */
import { join } from 'node:path';
import type { Files } from '../../platform/platform';
import { replaceFile } from '../../store/atomic-file';
import { wholeJson, withChecksum } from '../../store/kept-twice';
import type { TopicCounts } from './pending-counts';

/** Messages due within so long lie in one file. */
export const PERIOD_MS = 300_000;
export const CHECKPOINT = 'checkpoint.json';

/** startMs, fileBytes, waiting, lowest, highest: see `Period`. */
export type PeriodCheckpoint = readonly [number, number, number, number, number];

export interface Checkpoint {
  readonly position: number;
  readonly periods: readonly PeriodCheckpoint[];
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
  const checkpoint = parseCheckpoint(await files.readFile(join(directory, CHECKPOINT)));
  if (checkpoint === undefined || checkpoint.position > logEnd) return undefined;
  for (const [startMs, bytes] of checkpoint.periods) {
    const stat = await files.stat(join(directory, String(startMs)));
    if (bytes > 0 && (stat?.bytes ?? 0) < bytes) return undefined;
  }
  return checkpoint;
}

/** What a file holds; `undefined` when there is none, it is damaged, or its periods have another length. */
export function parseCheckpoint(bytes: Buffer | undefined): Checkpoint | undefined {
  const json = wholeJson(bytes);
  if (json === undefined) return undefined;
  const read = JSON.parse(json) as Checkpoint & { readonly periodMs: number };
  return read.periodMs === PERIOD_MS ? read : undefined;
}

export async function writeCheckpoint(
  files: Files,
  directory: string,
  checkpoint: Checkpoint,
): Promise<void> {
  const json = JSON.stringify({ periodMs: PERIOD_MS, ...checkpoint });
  await replaceFile(files, join(directory, CHECKPOINT), withChecksum(json));
}

/** Lets all be read from the log again when a checkpoint tells of what lies beyond `position`, where the log is cut. */
export async function forgetTimerBeyond(
  files: Files,
  directory: string,
  position: number,
): Promise<void> {
  const folder = join(directory, 'gantry', 'timer');
  const path = join(folder, CHECKPOINT);
  const bytes = await files.readFile(path);
  if (bytes === undefined) return;
  const checkpoint = parseCheckpoint(bytes);
  if (checkpoint !== undefined && checkpoint.position <= position) return;
  await files.remove(path);
  await files.syncDirectory(folder);
}
