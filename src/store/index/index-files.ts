/**
 * The files of the index: which of them count when a store is opened, making new ones, removing
 * those that are no longer wanted.
 */
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Files } from '../../platform/platform';
import { HandleCache } from '../handle-cache';
import type { Layout } from '../layout';
import { CurrentIndexFile } from './current-index-file';
import {
  EMPTY_HEADER,
  entryPosition,
  INDEX_ENTRY_BYTES,
  INDEX_HEADER_BYTES,
  indexFileBytes,
  indexFileName,
  isPlausibleHeader,
  isIndexFileName,
  readIndexEntry,
  readIndexHeader,
  slotPosition,
  type IndexGeometry,
  type IndexHeader,
} from './index-file';
import { headSumOf, readIndexMark, writeIndexMark, type IndexMark } from './index-mark';

/** Full files kept open for queries. */
const OPEN_FILES = 8;
/** A record has at most so many keys: its properties have 32767 bytes. */
const MAX_KEYS = 16_384;

/** A file that is full. */
export interface SealedIndexFile {
  readonly name: string;
  readonly header: IndexHeader;
}

export interface IndexFilesOptions {
  readonly files: Files;
  readonly layout: Layout;
  readonly geometry: IndexGeometry;
  readonly log: Logger;
}

export class IndexFiles {
  /** Oldest first. */
  sealed: readonly SealedIndexFile[] = [];
  current: CurrentIndexFile | undefined;
  /** All records below it have their entries, and so have `skip` keys of the one at it. */
  position = 0;
  skip = 0;
  /** Changes when files are put aside that a search may be reading. */
  generation = 0;
  /** Whether the directory has a mark. */
  private marked = false;
  private readonly handles: HandleCache;

  constructor(private readonly options: IndexFilesOptions) {
    this.handles = new HandleCache(options.files, 'read', OPEN_FILES);
  }

  get geometry(): IndexGeometry {
    return this.options.geometry;
  }

  /** All files, the newest first. */
  get newestFirst(): readonly SealedIndexFile[] {
    const { current } = this;
    const sealed = [...this.sealed].reverse();
    return current === undefined
      ? sealed
      : [{ name: current.name, header: { ...current.header } }, ...sealed];
  }

  /**
   * Takes the files that count. Those that are short, damaged at their head or ahead of the log are
   * removed, with all behind them.
   * @param logStart first position that the log has
   * @param logEnd where the log is visible
   */
  async load(logStart: number, logEnd: number): Promise<void> {
    const { files, layout, geometry, log } = this.options;
    this.generation++;
    await this.close();
    const names = (await files.list(layout.index)).filter(isIndexFileName);
    const mark = await readIndexMark(files, layout.indexMark, geometry);
    this.marked = mark !== undefined;
    if (mark === undefined) {
      if (names.length > 0) log.warn({ files: names.length }, 'building the index anew');
      return this.startOver(names, [], logStart);
    }
    const headers = await this.countedHeaders(mark, logEnd);
    if (headers.length < mark.files.length || mark.position > logEnd) {
      log.warn({ file: mark.files[headers.length]?.[0] }, 'building the index anew from here');
      return this.startOver(names, headers, logStart);
    }
    await this.removeOthers(names, headers);
    this.sealed = headers.slice(0, -1);
    this.position = Math.max(mark.position, logStart);
    this.skip = this.position === mark.position ? mark.skip : 0;
    await this.openCurrent(headers[headers.length - 1]);
  }

  /** Makes the file that takes the next entries; the one before it is full. */
  async add(wallMs: number): Promise<CurrentIndexFile> {
    const { files, layout, geometry } = this.options;
    const before = this.current;
    if (before !== undefined) {
      await before.sync();
      await before.close();
      this.sealed = [...this.sealed, { name: before.name, header: before.header }];
      this.current = undefined;
    }
    // Before the first file: without a mark it would be one of somebody else.
    if (!this.marked) await this.writeMark();
    if (this.sealed.length === 0) {
      await files.makeDirectory(layout.index);
      await files.syncDirectory(layout.root);
    }
    const name = indexFileName(wallMs, this.sealed[this.sealed.length - 1]?.name ?? '');
    const path = join(layout.index, name);
    this.current = await CurrentIndexFile.create(files, path, name, geometry, EMPTY_HEADER);
    await files.syncDirectory(layout.index);
    return this.current;
  }

  /** Brings all to stable storage and notes it. Nothing may be put meanwhile. */
  async sync(): Promise<void> {
    await this.current?.sync();
    await this.writeMark();
  }

  /** Removes a damaged file and all behind it: the index goes on from where the one before it ends. */
  async dropFrom(name: string, logStart: number): Promise<void> {
    const all = [...this.newestFirst].reverse();
    const kept = all.filter((file) => file.name < name);
    this.generation++;
    await this.close();
    const names = all.map((file) => file.name);
    await this.startOver(names, kept, logStart);
  }

  /** Removes full files of whose records the log has none any more. */
  async deleteBelow(logStart: number): Promise<void> {
    const isGone = ({ header }: SealedIndexFile): boolean => header.endPhysicalOffset < logStart;
    const gone = this.sealed.filter(isGone).map(({ name }) => name);
    if (gone.length === 0) return;
    this.generation++;
    this.sealed = this.sealed.filter((file) => !isGone(file));
    // A file that is noted and not there would be one that was lost.
    await this.sync();
    await this.remove(gone);
  }

  /** Number of the newest entry of a slot's chain in a file. @throws CorruptIndexError */
  async slotOf(name: string, slot: number): Promise<number> {
    if (this.current?.name === name) return this.current.slot(slot);
    const bytes = Buffer.alloc(4);
    await this.read(name, bytes, slotPosition(slot));
    return bytes.readInt32BE(0);
  }

  /** Reads the entries `from` .. `to` of a file, `to` not among them. */
  async entriesOf(name: string, from: number, to: number): Promise<Buffer> {
    if (this.current?.name === name) return this.current.entries(from, to);
    const bytes = Buffer.alloc((to - from) * INDEX_ENTRY_BYTES);
    await this.read(name, bytes, entryPosition(this.geometry, from));
    return bytes;
  }

  async close(): Promise<void> {
    const { current } = this;
    this.current = undefined;
    await current?.close();
    await this.handles.closeAll();
  }

  /** The heads of the files that should be there, up to the first that cannot be used. */
  private async countedHeaders(mark: IndexMark, logEnd: number): Promise<SealedIndexFile[]> {
    const found: SealedIndexFile[] = [];
    let before = 0;
    for (const [i, [name, headSum]] of mark.files.entries()) {
      const last = i === mark.files.length - 1;
      const onDisk = await this.headerOf(name);
      if (onDisk === undefined) break;
      const header = last ? mark.header : onDisk;
      if (!isPlausibleHeader(header, this.geometry)) break;
      if (!last && (header.next !== this.geometry.entries || headSumOf(header) !== headSum)) break;
      if (header.beginPhysicalOffset < before || header.endPhysicalOffset >= logEnd) break;
      before = header.endPhysicalOffset;
      found.push({ name, header });
    }
    return found;
  }

  /** A file's head, `undefined` when the file has not the length it should have. */
  private async headerOf(name: string): Promise<IndexHeader | undefined> {
    const { files, layout, geometry } = this.options;
    const stat = await files.stat(join(layout.index, name));
    if (stat?.bytes !== indexFileBytes(geometry)) return undefined;
    const bytes = Buffer.alloc(INDEX_HEADER_BYTES);
    await this.read(name, bytes, 0);
    try {
      return readIndexHeader(bytes);
    } catch {
      return undefined;
    }
  }

  /** Keeps, of the files `names`, those of `kept`, and goes on where the last of them ends. */
  private async startOver(
    names: readonly string[],
    kept: readonly SealedIndexFile[],
    logStart: number,
  ): Promise<void> {
    const last = kept[kept.length - 1];
    this.sealed = kept.slice(0, -1);
    this.position = Math.max(last?.header.endPhysicalOffset ?? 0, logStart);
    this.skip = last === undefined || this.position > last.header.endPhysicalOffset ? 0 : -1;
    await this.openCurrent(last);
    if (this.skip < 0) this.skip = await this.keysOfLast();
    // A directory that has nothing is left so until there is something to index.
    if (names.length > 0 || this.marked) await this.writeMark();
    await this.removeOthers(names, kept);
  }

  /** How many of the newest entries are of the last record. */
  private async keysOfLast(): Promise<number> {
    const { current } = this;
    if (current === undefined) return 0;
    const { next, endPhysicalOffset } = current.header;
    const from = Math.max(1, next - MAX_KEYS);
    const entries = await current.entries(from, next);
    let count = 0;
    for (let at = entries.length - INDEX_ENTRY_BYTES; at >= 0; at -= INDEX_ENTRY_BYTES) {
      if (entryOffset(entries, at) !== endPhysicalOffset) break;
      count++;
    }
    return count;
  }

  private async openCurrent(file: SealedIndexFile | undefined): Promise<void> {
    if (file === undefined) return;
    const { files, layout, geometry } = this.options;
    const path = join(layout.index, file.name);
    this.current = await CurrentIndexFile.open(files, path, file.name, geometry, file.header);
  }

  private async writeMark(): Promise<void> {
    const { files, layout, geometry } = this.options;
    const all = [...this.newestFirst].reverse();
    await writeIndexMark(files, layout.indexMark, geometry, {
      position: this.position,
      skip: this.skip,
      files: all.map(({ name, header }) => [name, headSumOf(header)]),
      header: all[all.length - 1]?.header ?? EMPTY_HEADER,
    });
    this.marked = true;
  }

  private async removeOthers(
    names: readonly string[],
    kept: readonly SealedIndexFile[],
  ): Promise<void> {
    const wanted = new Set(kept.map(({ name }) => name));
    await this.remove(names.filter((name) => !wanted.has(name)));
  }

  private async remove(names: readonly string[]): Promise<void> {
    const { files, layout } = this.options;
    for (const name of names) {
      const path = join(layout.index, name);
      await this.handles.forget(path);
      await files.remove(path);
    }
    if (names.length > 0) await files.syncDirectory(layout.index);
  }

  private async read(name: string, target: Buffer, position: number): Promise<void> {
    const path = join(this.options.layout.index, name);
    await this.handles.use(path, (handle) => handle.read(target, position));
  }
}

function entryOffset(entries: Buffer, at: number): number | undefined {
  try {
    return readIndexEntry(entries, at).physicalOffset;
  } catch {
    return undefined;
  }
}
