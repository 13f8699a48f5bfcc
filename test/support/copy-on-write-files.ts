/**
 * Files that begin with given contents, which stay as they are: what is written is kept apart. Many
 * stores can so be opened, one after the other, on one directory with one small thing changed.
 */
import { basename, dirname, resolve } from 'node:path';
import { fileError } from '../../src/platform/file-error';
import type { FileHandle, Files, FileStat, OpenMode } from '../../src/platform/platform';

/** Contents by path; a directory is there when a file in it is. */
export type Contents = ReadonlyMap<string, Buffer>;

interface Entry {
  bytes: Buffer;
  length: number;
  /** Whether `bytes` is ours to write into. */
  own: boolean;
}

export class CopyOnWriteFiles implements Files {
  private readonly files = new Map<string, Entry>();
  private readonly directories = new Map<string, Set<string>>([['/', new Set()]]);

  constructor(contents: Contents) {
    for (const [path, bytes] of contents) {
      this.addDirectory(dirname(path));
      this.directories.get(dirname(path))?.add(basename(path));
      this.files.set(path, { bytes, length: bytes.length, own: false });
    }
  }

  /** All that is in a file system below `directory`. */
  static async contents(files: Files, directory: string): Promise<Map<string, Buffer>> {
    const found = new Map<string, Buffer>();
    for (const name of await files.list(directory)) {
      const path = `${directory}/${name}`;
      if ((await files.stat(path))?.directory !== true) {
        found.set(path, (await files.readFile(path)) ?? Buffer.alloc(0));
        continue;
      }
      for (const [below, bytes] of await CopyOnWriteFiles.contents(files, path)) {
        found.set(below, bytes);
      }
    }
    return found;
  }

  async open(path: string, mode: OpenMode): Promise<FileHandle> {
    const full = resolve(path);
    let entry = this.files.get(full);
    if (entry === undefined) {
      if (mode !== 'create') throw fileError('ENOENT', 'no such file', path);
      entry = { bytes: Buffer.alloc(0), length: 0, own: true };
      this.namesOf(full).add(basename(full));
      this.files.set(full, entry);
    }
    return handleOf(full, entry);
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
    const entry = this.files.get(full);
    return entry && { bytes: entry.length, modifiedMs: 0, directory: false };
  }

  async readFile(path: string): Promise<Buffer | undefined> {
    const entry = this.files.get(resolve(path));
    return entry && Buffer.from(entry.bytes.subarray(0, entry.length));
  }

  async writeFile(path: string, data: Uint8Array | string): Promise<void> {
    const handle = await this.open(path, 'create');
    await handle.truncate(0);
    await handle.write([Buffer.from(data as Uint8Array)], 0);
  }

  async rename(from: string, to: string): Promise<void> {
    const entry = this.files.get(resolve(from));
    if (entry === undefined) throw fileError('ENOENT', 'no such file', from);
    await this.remove(from);
    this.namesOf(resolve(to)).add(basename(to));
    this.files.set(resolve(to), entry);
  }

  async remove(path: string): Promise<void> {
    const full = resolve(path);
    if (this.files.delete(full)) this.directories.get(dirname(full))?.delete(basename(full));
  }

  async removeTree(path: string): Promise<void> {
    const full = resolve(path);
    for (const name of await this.list(full)) await this.removeTree(`${full}/${name}`);
    await this.remove(full);
    if (this.directories.delete(full)) {
      this.directories.get(dirname(full))?.delete(basename(full));
    }
  }

  syncDirectory = (): Promise<void> => Promise.resolve();
  space = (): ReturnType<Files['space']> => Promise.resolve({ totalBytes: 1e12, freeBytes: 1e12 });
  lock = (): ReturnType<Files['lock']> => Promise.resolve({ release: () => Promise.resolve() });

  private namesOf(full: string): Set<string> {
    const names = this.directories.get(dirname(full));
    if (names === undefined) throw fileError('ENOENT', 'no such directory', dirname(full));
    return names;
  }

  private addDirectory(full: string): void {
    if (this.directories.has(full)) return;
    this.addDirectory(dirname(full));
    this.namesOf(full).add(basename(full));
    this.directories.set(full, new Set());
  }
}

function handleOf(path: string, entry: Entry): FileHandle {
  return {
    path,
    write: async (buffers, position) => {
      const data = Buffer.concat(buffers);
      const end = position + data.length;
      if (!entry.own || end > entry.bytes.length) resize(entry, Math.max(end, entry.length));
      entry.bytes.set(data, position);
      entry.length = Math.max(entry.length, end);
    },
    read: async (target, position) => {
      const part = entry.bytes.subarray(position, Math.min(entry.length, position + target.length));
      target.set(part);
      return part.length;
    },
    truncate: async (length) => {
      if (length < entry.length || length > entry.bytes.length || !entry.own) {
        const kept = Math.min(length, entry.length);
        const bytes = Buffer.alloc(length);
        bytes.set(entry.bytes.subarray(0, kept));
        Object.assign(entry, { bytes, own: true });
      }
      entry.length = length;
    },
    size: async () => entry.length,
    datasync: async () => undefined,
    close: async () => undefined,
  };
}

function resize(entry: Entry, length: number): void {
  const bytes = Buffer.alloc(length);
  bytes.set(entry.bytes.subarray(0, entry.length));
  entry.bytes = bytes;
  entry.own = true;
}
