/**
 * Files in memory: for brokers that keep nothing, and for tests. A file is a sparse set of pages;
 * only pages that were written take memory and count against the capacity.
 */
import { basename, dirname, resolve } from 'node:path';
import { fileError } from './file-error';
import { Capacity, MemoryContent } from './memory-content';
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

class MemoryFile implements FileHandle {
  private closed = false;

  constructor(
    readonly path: string,
    private readonly content: MemoryContent,
    private readonly writable: boolean,
  ) {}

  async write(buffers: readonly Uint8Array[], position: number): Promise<void> {
    this.writeNow(buffers, position);
  }

  writeNow(buffers: readonly Uint8Array[], position: number): void {
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
  private readonly files = new Map<string, MemoryContent>();
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

  private content(path: string, create: boolean): MemoryContent {
    const full = resolve(path);
    const existing = this.files.get(full);
    if (existing) return existing;
    if (this.directories.has(full)) throw fileError('EISDIR', 'is a directory', path);
    const names = this.nameOf(full);
    if (!create) throw fileError('ENOENT', 'no such file', path);
    names.add(basename(full));
    const content = new MemoryContent(this.capacity);
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
