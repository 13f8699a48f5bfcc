import type { RequestHead } from './request-head';

/** Distinct blocks kept a connection; a client repeats a few, one a method that it calls. */
const MAX_ENTRIES = 32;
/** Longer blocks are those of first requests, which do not come again. */
const MAX_BLOCK_BYTES = 512;

interface Entry {
  readonly block: Buffer;
  readonly head: RequestHead;
}

/**
 * From the exact bytes of a header block to what they said last time. Equal bytes say the same only while the
 * decoder's dynamic table is the same, and may be skipped only when reading them does not change it: so a
 * block is kept only if it left the table alone, and all go when the table changes.
 */
export class HeadCache {
  private readonly entries = new Map<number, Entry>();
  private version = -1;

  /** The head that these bytes stood for while the table had this version. */
  find(tableVersion: number, bytes: Buffer, start: number, end: number): RequestHead | undefined {
    if (tableVersion !== this.version || end - start > MAX_BLOCK_BYTES) return undefined;
    const entry = this.entries.get(hash(bytes, start, end));
    if (entry === undefined || !equal(entry.block, bytes, start, end)) return undefined;
    return entry.head;
  }

  /** Keeps a head whose block was read without changing the table. */
  keep(tableVersion: number, bytes: Buffer, start: number, end: number, head: RequestHead): void {
    if (end - start > MAX_BLOCK_BYTES) return;
    if (tableVersion !== this.version || this.entries.size >= MAX_ENTRIES) {
      this.entries.clear();
      this.version = tableVersion;
    }
    const block = Buffer.from(bytes.subarray(start, end));
    this.entries.set(hash(bytes, start, end), { block, head });
  }
}

/** FNV-1a, 32 bits. */
function hash(bytes: Buffer, start: number, end: number): number {
  let value = 0x811c9dc5;
  for (let at = start; at < end; at++) value = Math.imul(value ^ (bytes[at] ?? 0), 0x01000193);
  return value;
}

function equal(block: Buffer, bytes: Buffer, start: number, end: number): boolean {
  if (block.length !== end - start) return false;
  for (let at = 0; at < block.length; at++) {
    if (block[at] !== bytes[start + at]) return false;
  }
  return true;
}
