/**
 * Files in memory: for brokers that keep nothing, and for tests. A file is a sparse set of pages;
 * only pages that were written take memory and count against the capacity.
 */
import { basename, dirname, resolve } from 'node:path';
import { fileError } from './file-error';
import { nodePlatform } from './node-platform';
import type {
  DiskSpace,
  FileHandle,
  FileLock,
  Files,
  FileStat,
  OpenMode,
  Platform,
} from './platform';

const PAGE_BYTES = 16 * 1024;
const DEFAULT_CAPACITY_BYTES = 1024 * 1024 * 1024;

export interface MemoryFilesOptions {
  /** Bytes of all pages together; a write beyond them fails with ENOSPC. Default 1 GiB. */
  readonly capacityBytes?: number;
  /** Tells the modification times. Default: always 0. */
  readonly wallMs?: () => number;
}

/** An empty file system in memory. */
export function memoryFiles(options: MemoryFilesOptions = {}): Files {
  return new MemoryFiles(options.capacityBytes ?? DEFAULT_CAPACITY_BYTES, options.wallMs);
}

/** This process's platform with files in memory. */
export function memoryPlatform(options: MemoryFilesOptions = {}): Platform {
  const platform = nodePlatform();
  const wallMs = (): number => platform.clock.wallMs();
  return { ...platform, files: memoryFiles({ wallMs, ...options }) };
}

/** The pages all files together may hold. */
class Capacity {
  private usedPages = 0;

  constructor(
    private readonly bytes: number,
    readonly wallMs: () => number,
  ) {}

  take(path: string): void {
    if ((this.usedPages + 1) * PAGE_BYTES > this.bytes) {
      throw fileError('ENOSPC', `the ${this.bytes} bytes of memory for files are used up`, path);
    }
    this.usedPages++;
  }

  get space(): DiskSpace {
    const freeBytes = Math.max(0, this.bytes - this.usedPages * PAGE_BYTES);
    return { totalBytes: this.bytes, freeBytes };
  }

  free(pages: number): void {
    this.usedPages -= pages;
  }
}

class Content {
  length = 0;
  modifiedMs: number;
  private readonly pages = new Map<number, Buffer>();
  private removed = false;

  constructor(private readonly capacity: Capacity) {
    this.modifiedMs = capacity.wallMs();
  }

  write(source: Uint8Array, position: number, path: string): void {
    for (let done = 0; done < source.length;) {
      const at = position + done;
      const inPage = at % PAGE_BYTES;
      const part = source.subarray(done, done + PAGE_BYTES - inPage);
      this.page(Math.floor(at / PAGE_BYTES), path).set(part, inPage);
      done += part.length;
    }
    this.length = Math.max(this.length, position + source.length);
    this.modifiedMs = this.capacity.wallMs();
  }

  read(target: Uint8Array, position: number): number {
    const bytes = Math.max(0, Math.min(target.length, this.length - position));
    for (let done = 0; done < bytes;) {
      const at = position + done;
      const inPage = at % PAGE_BYTES;
      const count = Math.min(PAGE_BYTES - inPage, bytes - done);
      const page = this.pages.get(Math.floor(at / PAGE_BYTES));
      if (page) target.set(page.subarray(inPage, inPage + count), done);
      else target.fill(0, done, done + count);
      done += count;
    }
    return bytes;
  }

  truncate(length: number): void {
    if (length < this.length) {
      for (const number of [...this.pages.keys()]) {
        if (number * PAGE_BYTES >= length) this.drop(number);
      }
      this.pages.get(Math.floor(length / PAGE_BYTES))?.fill(0, length % PAGE_BYTES);
    }
    this.length = length;
    this.modifiedMs = this.capacity.wallMs();
  }

  remove(): void {
    if (!this.removed) this.capacity.free(this.pages.size);
    this.removed = true;
  }

  private page(number: number, path: string): Buffer {
    let page = this.pages.get(number);
    if (!page) {
      if (!this.removed) this.capacity.take(path);
      page = Buffer.alloc(PAGE_BYTES);
      this.pages.set(number, page);
    }
    return page;
  }

  private drop(number: number): void {
    if (this.pages.delete(number) && !this.removed) this.capacity.free(1);
  }
}

class MemoryFile implements FileHandle {
  private closed = false;

  constructor(
    readonly path: string,
    private readonly content: Content,
    private readonly writable: boolean,
  ) {}

  async write(buffers: readonly Uint8Array[], position: number): Promise<void> {
    this.check(true);
    let at = position;
    for (const buffer of buffers) {
      this.content.write(buffer, at, this.path);
      at += buffer.length;
    }
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    this.check(false);
    return this.content.read(target, position);
  }

  async datasync(): Promise<void> {
    this.check(false);
  }

  async truncate(length: number): Promise<void> {
    this.check(true);
    this.content.truncate(length);
  }

  async size(): Promise<number> {
    this.check(false);
    return this.content.length;
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  private check(writes: boolean): void {
    if (this.closed) throw fileError('EBADF', 'file is closed', this.path);
    if (writes && !this.writable) throw fileError('EBADF', 'file is open for reading', this.path);
  }
}

class MemoryFiles implements Files {
  private readonly capacity: Capacity;
  private readonly files = new Map<string, Content>();
  private readonly directories = new Map<string, Set<string>>([['/', new Set()]]);
  private readonly locks = new Set<string>();

  constructor(capacityBytes: number, wallMs: () => number = () => 0) {
    this.capacity = new Capacity(capacityBytes, wallMs);
  }

  async open(path: string, mode: OpenMode): Promise<FileHandle> {
    return new MemoryFile(path, this.content(path, mode === 'create'), mode !== 'read');
  }

  async makeDirectory(path: string): Promise<void> {
    this.addDirectory(resolve(path));
  }

  async list(path: string): Promise<string[]> {
    return [...(this.directories.get(resolve(path)) ?? [])].sort();
  }

  async stat(path: string): Promise<FileStat | undefined> {
    const full = resolve(path);
    if (this.directories.has(full)) return { bytes: 0, modifiedMs: 0, directory: true };
    const content = this.files.get(full);
    return content && { bytes: content.length, modifiedMs: content.modifiedMs, directory: false };
  }

  async readFile(path: string): Promise<Buffer | undefined> {
    const content = this.files.get(resolve(path));
    if (!content) return undefined;
    const bytes = Buffer.alloc(content.length);
    content.read(bytes, 0);
    return bytes;
  }

  async writeFile(path: string, data: Uint8Array | string): Promise<void> {
    const content = this.content(path, true);
    content.truncate(0);
    content.write(typeof data === 'string' ? Buffer.from(data) : data, 0, path);
  }

  async rename(from: string, to: string): Promise<void> {
    const source = resolve(from);
    const target = resolve(to);
    const content = this.files.get(source);
    if (!content) throw fileError('ENOENT', 'no such file', from);
    if (source === target) return;
    this.nameOf(target).add(basename(target));
    this.files.get(target)?.remove();
    this.files.set(target, content);
    this.files.delete(source);
    this.directories.get(dirname(source))?.delete(basename(source));
  }

  async remove(path: string): Promise<void> {
    const full = resolve(path);
    const content = this.files.get(full);
    if (!content) return;
    content.remove();
    this.files.delete(full);
    this.directories.get(dirname(full))?.delete(basename(full));
  }

  async removeTree(path: string): Promise<void> {
    const full = resolve(path);
    for (const name of this.directories.get(full) ?? []) await this.removeTree(`${full}/${name}`);
    await this.remove(full);
    if (this.directories.delete(full)) {
      this.directories.get(dirname(full))?.delete(basename(full));
    }
  }

  async syncDirectory(path: string): Promise<void> {
    if (!this.directories.has(resolve(path))) throw fileError('ENOENT', 'no such directory', path);
  }

  async space(): Promise<DiskSpace> {
    return this.capacity.space;
  }

  async lock(path: string): Promise<FileLock> {
    const full = resolve(path);
    if (this.locks.has(full)) throw fileError('ELOCKED', 'held by this process', path);
    this.locks.add(full);
    return {
      release: async () => {
        this.locks.delete(full);
      },
    };
  }

  private content(path: string, create: boolean): Content {
    const full = resolve(path);
    const existing = this.files.get(full);
    if (existing) return existing;
    if (this.directories.has(full)) throw fileError('EISDIR', 'is a directory', path);
    const names = this.nameOf(full);
    if (!create) throw fileError('ENOENT', 'no such file', path);
    names.add(basename(full));
    const content = new Content(this.capacity);
    this.files.set(full, content);
    return content;
  }

  /** The names of the directory that holds `full`. */
  private nameOf(full: string): Set<string> {
    const names = this.directories.get(dirname(full));
    if (!names) throw fileError('ENOENT', 'no such directory', dirname(full));
    return names;
  }

  private addDirectory(full: string): void {
    if (this.directories.has(full)) return;
    if (this.files.has(full)) throw fileError('EEXIST', 'is a file', full);
    this.addDirectory(dirname(full));
    this.nameOf(full).add(basename(full));
    this.directories.set(full, new Set());
  }
}
