/**
 * Small files whose loss would bring deleted messages back or give offsets out twice: each is kept
 * twice, as NAME and NAME.bak, and ends with a checksum over the lines before it:
 *
 *     {"topics":{"orders":73400320}}
 *     crc32 1c291ca3
 */
import { crc32 } from 'node:zlib';
import type { Files } from '../platform/platform';
import { replaceFile } from './atomic-file';

const CHECKSUM_LINE = /^crc32 ([0-9a-f]{8})\n$/;

/** Replaces both copies; durable when it resolves. */
export async function keepTwice(files: Files, path: string, json: string): Promise<void> {
  const data = withChecksum(json);
  // After a crash between the two the old one counts.
  await replaceFile(files, `${path}.bak`, data);
  await replaceFile(files, path, data);
}

/** The bytes of one copy. */
export function withChecksum(json: string): Buffer {
  const line = `${json}\n`;
  return Buffer.from(`${line}crc32 ${crc32(line).toString(16).padStart(8, '0')}\n`);
}

/**
 * The JSON in the first copy that is whole; `undefined` when the file was never written.
 * @throws Error when both copies are damaged
 */
export async function readKept(files: Files, path: string): Promise<string | undefined> {
  const first = await files.readFile(path);
  if (first === undefined) return undefined;
  const json = wholeJson(first) ?? wholeJson(await files.readFile(`${path}.bak`));
  if (json !== undefined) return json;
  throw new Error(`${path} is damaged: ${first.toString().slice(0, 100)}`);
}

/** The JSON of one copy; `undefined` when the copy is damaged. */
export function wholeJson(bytes: Buffer | undefined): string | undefined {
  const text = bytes?.toString() ?? '';
  const end = text.indexOf('\n') + 1;
  const checksum = CHECKSUM_LINE.exec(text.slice(end))?.[1];
  if (end === 0 || checksum === undefined) return undefined;
  return parseInt(checksum, 16) === crc32(text.slice(0, end)) ? text.slice(0, end - 1) : undefined;
}
