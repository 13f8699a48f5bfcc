/**
 * epochFileCheckpoint: which mastership has first written which part of the log, as Apache RocketMQ keeps it.
 * The number of lines, the CRC-32 of the lines (its 31 lower bits; 0: not checked), then a line for each epoch
 * with the position where it starts:
 *
 *     2
 *     1595479383
 *     1-0
 *     3-580
 *
 * The lines are synced before the first record of their epoch is appended.
 */
import { crc32 } from 'node:zlib';
import type { Files } from '../platform/platform';
import { replaceFile } from './atomic-file';

export interface EpochLine {
  readonly epoch: number;
  readonly start: number;
}

/** More are not kept: the oldest go. */
const MOST_LINES = 1000;
const LINE = /^(\d{1,16})-(\d{1,16})$/;

export class EpochFile {
  private constructor(
    private readonly files: Files,
    private readonly path: string,
    private known: readonly EpochLine[],
  ) {}

  /** @throws Error when the file is there and is not what it should be: a wrong epoch would cut the log at a wrong place. */
  static async open(files: Files, path: string): Promise<EpochFile> {
    const text = (await files.readFile(path))?.toString('utf8');
    const lines = text === undefined ? [] : parse(text);
    if (lines === undefined) throw new Error(`${path} is damaged: ${text?.slice(0, 100)}`);
    return new EpochFile(files, path, lines);
  }

  /** Ascending by epoch and by start. */
  get lines(): readonly EpochLine[] {
    return this.known;
  }

  /** Replaces all lines; durable when it resolves. */
  async replace(lines: readonly EpochLine[]): Promise<void> {
    const kept = lines.slice(-MOST_LINES);
    if (JSON.stringify(kept) === JSON.stringify(this.known)) return;
    const body = kept.map(({ epoch, start }) => `${epoch}-${start}\n`).join('');
    const text = `${kept.length}\n${crc32(body) & 0x7fffffff}\n${body}`;
    await replaceFile(this.files, this.path, Buffer.from(text));
    this.known = kept;
  }
}

function parse(text: string): EpochLine[] | undefined {
  const [count, crc, ...rest] = text.split('\n');
  if (rest.pop() !== '' || !/^\d+$/.test(crc ?? '') || Number(count) !== rest.length) {
    return undefined;
  }
  const body = rest.map((line) => `${line}\n`).join('');
  if (Number(crc) !== 0 && Number(crc) !== (crc32(body) & 0x7fffffff)) return undefined;
  const lines: EpochLine[] = [];
  for (const line of rest) {
    const match = LINE.exec(line);
    const [epoch, start] = [Number(match?.[1]), Number(match?.[2])];
    const before = lines[lines.length - 1];
    if (!Number.isSafeInteger(epoch) || !Number.isSafeInteger(start)) return undefined;
    if (before !== undefined && (epoch <= before.epoch || start <= before.start)) return undefined;
    lines.push({ epoch, start });
  }
  return lines;
}
