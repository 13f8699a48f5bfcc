/** One index file as it is, for tools: only read, in blocks. */
import { join } from 'node:path';
import { errorCode } from '../../platform/file-error';
import type { FileHandle, Files } from '../../platform/platform';
import {
  entryPosition,
  INDEX_ENTRY_BYTES,
  INDEX_HEADER_BYTES,
  indexFileBytes,
  readIndexEntry,
  readIndexHeader,
  SLOT_BYTES,
  slotPosition,
  type IndexEntry,
  type IndexGeometry,
  type IndexHeader,
} from '../index/index-file';

const BLOCK_ENTRIES = 8192;

export class IndexFileReader {
  private geometry: IndexGeometry = { slots: 1, entries: 1 };
  private block: Buffer = Buffer.alloc(0);
  private blockFirst = 0;

  private constructor(private readonly handle: FileHandle) {}

  /** `undefined` when there is no such file. */
  static async open(
    files: Files,
    directory: string,
    name: string,
  ): Promise<IndexFileReader | undefined> {
    try {
      return new IndexFileReader(await files.open(join(directory, name), 'read'));
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** What is wrong with the file's length; else it is read with these lengths from now on. */
  async lengthFault(geometry: IndexGeometry): Promise<string | undefined> {
    this.geometry = geometry;
    const [bytes, right] = [await this.handle.size(), indexFileBytes(geometry)];
    return bytes === right ? undefined : `has ${bytes} bytes, not ${right}`;
  }

  /** The header; `undefined` when its numbers are beyond what numbers can be. */
  async header(): Promise<IndexHeader | undefined> {
    const bytes = await this.read(0, INDEX_HEADER_BYTES);
    try {
      return readIndexHeader(bytes);
    } catch {
      return undefined;
    }
  }

  /** An entry; its position is infinite when it is beyond what numbers can be. */
  async entry(number: number): Promise<IndexEntry> {
    const inBlock = number - this.blockFirst;
    if (inBlock < 0 || (inBlock + 1) * INDEX_ENTRY_BYTES > this.block.length) {
      const count = Math.min(BLOCK_ENTRIES, this.geometry.entries - number);
      this.block = await this.read(this.entryAt(number), count * INDEX_ENTRY_BYTES);
      this.blockFirst = number;
    }
    const at = (number - this.blockFirst) * INDEX_ENTRY_BYTES;
    try {
      return readIndexEntry(this.block, at);
    } catch {
      const rest = Buffer.from(this.block.subarray(at, at + INDEX_ENTRY_BYTES));
      return { ...readIndexEntry(rest.fill(0, 4, 12), 0), physicalOffset: Infinity };
    }
  }

  /** Newest entries of the slots `from` .. `to`, `to` not among them. */
  async slots(from: number, to: number): Promise<Int32Array> {
    const bytes = await this.read(this.slotAt(from), (to - from) * SLOT_BYTES);
    return Int32Array.from({ length: to - from }, (_, i) => bytes.readInt32BE(i * SLOT_BYTES));
  }

  /** Goes back from entry `number` of a slot to the first one of its chain below `limit`; -1 when the chain is none. */
  async before(slot: number, number: number, limit: number): Promise<number> {
    for (let at = number; at >= limit;) {
      if (at >= this.geometry.entries) return -1;
      const { keyHash, previous } = await this.entry(at);
      if (keyHash < 0 || keyHash % this.geometry.slots !== slot) return -1;
      if (previous < 0 || previous >= at) return -1;
      if (previous < limit) return previous;
      at = previous;
    }
    return number;
  }

  async isZero(position: number, bytes: number): Promise<boolean> {
    return (await this.read(position, bytes)).every((byte) => byte === 0);
  }

  /** Whether the entry that is never used holds nothing. */
  isUnusedZero(): Promise<boolean> {
    return this.isZero(this.entryAt(0), INDEX_ENTRY_BYTES);
  }

  slotAt(slot: number): number {
    return slotPosition(slot);
  }

  entryAt(number: number): number {
    return entryPosition(this.geometry, number);
  }

  close(): Promise<void> {
    return this.handle.close();
  }

  private async read(position: number, bytes: number): Promise<Buffer> {
    const target = Buffer.alloc(bytes);
    await this.handle.read(target, position);
    return target;
  }
}

/** Whether a header is `noted` with more entries. */
export function isNewer(header: IndexHeader | undefined, noted: IndexHeader): boolean {
  if (header === undefined) return false;
  const sameStart =
    noted.next === 1 ||
    (header.beginTimestamp === noted.beginTimestamp &&
      header.beginPhysicalOffset === noted.beginPhysicalOffset);
  return (
    sameStart &&
    header.next > noted.next &&
    header.slotsInUse >= noted.slotsInUse &&
    header.endTimestamp >= noted.endTimestamp &&
    header.endPhysicalOffset >= noted.endPhysicalOffset
  );
}
