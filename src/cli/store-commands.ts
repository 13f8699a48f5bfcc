/** What `gantry store` does. */
import { utimes, stat } from 'node:fs/promises';
import { resolve } from 'node:path';

import {
  checkDirectory,
  dumpStore,
  findingLine,
  repairStore,
  type CheckSummary,
  type DumpedRecord,
  type Finding,
} from '../assembly/store-tools';
import { errorCode } from '../platform/file-error';
import { nodeFiles } from '../platform/node-files';
import { ExitError } from './exit-error';
import { byteText, progressBar } from './progress';
import { OutputClosed, type Terminal } from './terminal';
import { json, line, plain } from './text';
import { errorText } from '../platform/error-text';

/** Something is wrong with the store; it cannot be looked at. */
const WRONG = 1;
const NOT_CHECKABLE = 2;

export async function checkCommand(
  directory: string,
  asJson: boolean,
  forApache: boolean,
  terminal: Terminal,
): Promise<void> {
  const bar = progressBar(terminal);
  const onFinding = (finding: Finding): void => {
    bar.clear();
    terminal.out(asJson ? `${JSON.stringify({ finding })}\n` : `${plain(findingLine(finding))}\n`);
  };
  const summary = await looked(() =>
    checkDirectory({
      files: nodeFiles(),
      directory: resolve(directory),
      forApache,
      onFinding,
      onProgress: (done, total) => {
        bar.update(done, total);
      },
    }),
  );
  bar.clear();
  terminal.out(asJson ? `${JSON.stringify({ summary })}\n` : summaryText(summary));
  if (summary.wrong > 0) throw new ExitError(WRONG);
}

function summaryText(summary: CheckSummary): string {
  const { records, queues, entries, fillers, indexEntries, logStart, logEnd } = summary;
  const { damagedBytes, wrong } = summary;
  const parts = [
    `${records} records in ${byteText(logEnd - logStart)} of log`,
    `${entries} entries in ${queues} queues`,
  ];
  if (indexEntries > 0) parts.push(`${indexEntries} in the index`);
  if (fillers > 0) parts.push(`${fillers} slots without a message`);
  if (damagedBytes > 0) parts.push(`${damagedBytes} damaged bytes`);
  const verdict = wrong === 0 ? 'sound' : `${wrong} finding${wrong === 1 ? '' : 's'}`;
  return `${parts.join(', ')}: ${verdict}\n`;
}

export interface DumpFilter {
  readonly topic?: string;
  readonly queueId?: number;
  readonly offsetFrom: number;
  readonly offsetTo: number;
}

const HEADERS = ['POSITION', 'BYTES', 'STORED', 'TOPIC', 'QUEUE', 'OFFSET', 'BODY', 'TAG', 'KEYS'];
const WIDTHS = [12, 8, 24, 20, 5, 8, 8, 12, 0];

export async function dumpCommand(
  directory: string,
  filter: DumpFilter,
  asJson: boolean,
  bodies: boolean,
  terminal: Terminal,
): Promise<void> {
  if (!asJson) terminal.out(line(HEADERS, WIDTHS));
  const bar = progressBar(terminal);
  const summary = await untilClosed(() =>
    dumpStore({
      ...filter,
      files: nodeFiles(),
      directory: resolve(directory),
      onRecord: (record) => {
        bar.clear();
        terminal.out(asJson ? jsonLine(record, bodies) : line(cells(record), WIDTHS));
        return terminal.drained?.();
      },
      onProgress: (done, total) => {
        bar.update(done, total);
      },
    }),
  );
  bar.clear();
  if (summary === undefined || summary.damagedBytes === 0) return;
  const text = `gantry: ${summary.damagedBytes} bytes of the log are damaged; gantry store check tells more`;
  throw new ExitError(WRONG, text);
}

function cells(record: DumpedRecord): readonly string[] {
  const { physicalOffset, totalBytes, storeTimestamp, topic, queueId, queueOffset } = record;
  return [
    ...[String(physicalOffset), String(totalBytes), timeText(storeTimestamp)],
    ...[topic, String(queueId), String(queueOffset), String(record.body.length)],
    ...[record.propertyMap.get('TAGS') ?? '', record.propertyMap.get('KEYS') ?? ''],
  ];
}

function timeText(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? String(ms) : date.toISOString();
}

function jsonLine(record: DumpedRecord, bodies: boolean): string {
  const { physicalOffset, totalBytes, topic, queueId, queueOffset, sysFlag, flag } = record;
  const { bornTimestamp, storeTimestamp, reconsumeTimes, preparedOffset, body } = record;
  return `${JSON.stringify({
    ...{ physicalOffset, totalBytes, topic, queueId, queueOffset, sysFlag, flag, bornTimestamp },
    ...{ storeTimestamp, reconsumeTimes, preparedOffset, bodyBytes: body.length },
    properties: Object.fromEntries(record.propertyMap),
    ...(bodies ? { body: body.toString('base64') } : {}),
  })}\n`;
}

export async function repairCommand(
  directory: string,
  target: string,
  asJson: boolean,
  terminal: Terminal,
): Promise<void> {
  const bar = progressBar(terminal);
  const summary = await looked(() =>
    repairStore({
      files: nodeFiles(),
      directory: resolve(directory),
      target: resolve(target),
      keepTimes: async (from, to) => {
        const { atime, mtime } = await stat(from);
        await utimes(to, atime, mtime);
      },
      onProgress: (done, total) => {
        bar.update(done, total);
      },
    }),
  );
  bar.clear();
  const { records, damagedBytes, lost, queues } = summary;
  terminal.out(
    asJson
      ? json(summary)
      : `${records} records in ${queues} queues are in ${target}; ` +
          `${lost} messages are lost, ${damagedBytes} bytes were damaged\n`,
  );
}

/** Output that nobody reads any more (`| head`) ends the command without a word. */
async function untilClosed<T>(task: () => Promise<T>): Promise<T | undefined> {
  try {
    return await looked(task);
  } catch (error) {
    if (error instanceof OutputClosed) return undefined;
    throw error;
  }
}

/** What keeps a directory from being looked at ends the command with code 2. */
async function looked<T>(task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (error) {
    if (error instanceof OutputClosed) throw error;
    const why = errorText(error);
    const inUse = errorCode(error) === 'ELOCKED' ? 'the store is in use: ' : '';
    throw new ExitError(NOT_CHECKABLE, `gantry: ${inUse}${why}`);
  }
}
