/**
 * gantry/index.json: up to where the log is in the index files that are on stable storage.
 *
 *     {"slots":5000000,"entries":20000000,"position":73400320,"skip":0,
 *      "files":[["20261121071828123",2031957244]],"header":{"beginTimestamp":...,...,"next":133},
 *      "crc":2914733421}
 *
 * `files` are the index files that count, the oldest first, each with the CRC-32 of its header, and
 * `header` says what of the last one counts: what lies behind, and other files, are left over from a
 * crash. `skip` keys of the record at
 * `position` are in the files already. `crc` is the CRC-32 of the text without it.
 */
import { crc32 } from 'node:zlib';
import type { Files } from '../../platform/platform';
import { replaceFile } from '../atomic-file';
import {
  EMPTY_HEADER,
  INDEX_HEADER_BYTES,
  writeIndexHeader,
  type IndexGeometry,
  type IndexHeader,
} from './index-file';

/** An index file's name and the checksum of its header. */
export type MarkedFile = readonly [name: string, headSum: number];

/** The checksum of a file's header, as it lies in the file. */
export function headSumOf(header: IndexHeader): number {
  const bytes = Buffer.alloc(INDEX_HEADER_BYTES);
  writeIndexHeader(bytes, header);
  return crc32(bytes);
}

export interface IndexMark {
  /** All records below it are in the index. */
  readonly position: number;
  readonly skip: number;
  readonly files: readonly MarkedFile[];
  readonly header: IndexHeader;
}

/** The mark, `undefined` when there is none, none that is whole, or one for files of other lengths. */
export async function readIndexMark(
  files: Files,
  path: string,
  geometry: IndexGeometry,
): Promise<IndexMark | undefined> {
  const mark = parseIndexMark((await files.readFile(path)) ?? Buffer.alloc(0));
  if (mark?.slots !== geometry.slots || mark.entries !== geometry.entries) return undefined;
  const { position, skip, files: names, header } = mark;
  return { position, skip, files: names, header };
}

/** Durable when it resolves. */
export function writeIndexMark(
  files: Files,
  path: string,
  geometry: IndexGeometry,
  mark: IndexMark,
): Promise<void> {
  const { slots, entries } = geometry;
  const { position, skip, files: names, header } = mark;
  const body = { slots, entries, position, skip, files: names, header };
  const text = JSON.stringify({ ...body, crc: crc32(JSON.stringify(body)) });
  return replaceFile(files, path, Buffer.from(`${text}\n`));
}

/** A mark and the lengths of its files; `undefined` when the bytes are no whole mark. */
export function parseIndexMark(bytes: Buffer): (IndexMark & IndexGeometry) | undefined {
  try {
    const { crc, ...body } = JSON.parse(bytes.toString()) as Record<string, unknown>;
    if (crc !== crc32(JSON.stringify(body))) return undefined;
    const { header } = body;
    if (typeof header !== 'object' || header === null) return undefined;
    const numbers = [body['slots'], body['entries'], body['position'], body['skip']];
    const fields = Object.keys(EMPTY_HEADER).map((key) => (header as Record<string, unknown>)[key]);
    const whole = [...numbers, ...fields].every((value) => Number.isSafeInteger(value));
    if (!whole || !Array.isArray(body['files'])) return undefined;
    return body as unknown as IndexMark & IndexGeometry;
  } catch {
    return undefined;
  }
}
