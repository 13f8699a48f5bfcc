/**
 * A disk with faults, and a page cache as Linux has it: what is written is seen by every reader and
 * reaches the disk with a sync; when a sync fails, the pages that it was to bring there count as
 * clean from then on, so that a later sync says OK and leaves them out.
 */
import { resolve } from 'node:path';
import { fileError } from '../../../../src/platform/file-error';
import { memoryFiles } from '../../../../src/platform/memory-files';
import type { FileHandle, Files, OpenMode } from '../../../../src/platform/platform';

export type DiskOperation =
  | 'open'
  | 'write'
  | 'read'
  | 'datasync'
  | 'truncate'
  | 'makeDirectory'
  | 'rename'
  | 'remove'
  | 'syncDirectory';

interface Dirty {
  readonly at: number;
  readonly data: Buffer;
}

interface Fault {
  readonly operation: DiskOperation;
  readonly path: RegExp;
  readonly code: string;
}

export class FaultyDisk implements Files {
  /** What the process sees. */
  private readonly cache = memoryFiles();
  /** What has reached the disk; names do at once. */
  private readonly stable = memoryFiles();
  private readonly dirty = new Map<string, Dirty[]>();
  private readonly faults = new Set<Fault>();
  private readonly held: { operation: DiskOperation; path: RegExp; go: () => void }[] = [];
  private holding: { readonly operation: DiskOperation; readonly path: RegExp } | undefined;
  readonly counts = { read: 0 };
  bytesRead = 0;
  /** Bytes in use and in all, as `space` tells them. */
  used = { bytes: 0, of: 1e12 };

  /** Makes an operation fail on paths that match; answers how to end that. */
  fail(operation: DiskOperation, path: RegExp, code: string): () => void {
    const fault = { operation, path, code };
    this.faults.add(fault);
    return () => void this.faults.delete(fault);
  }

  /** Makes an operation wait; answers how to let all that wait go on. */
  hold(operation: DiskOperation, path: RegExp): () => void {
    this.holding = { operation, path };
    return () => {
      this.holding = undefined;
      for (const { go } of this.held.splice(0)) go();
    };
  }

  /** Operations that are held up now. */
  get waiting(): number {
    return this.held.length;
  }

  /** What is there when the power is lost now. */
  afterPowerLoss(): Files {
    const { stable } = this;
    return { ...bound(stable), lock: () => Promise.resolve({ release: () => Promise.resolve() }) };
  }

  async open(path: string, mode: OpenMode): Promise<FileHandle> {
    await this.pass('open', path);
    const full = resolve(path);
    const [cached, stable] = [
      await this.cache.open(full, mode),
      await this.stable.open(full, mode),
    ];
    return {
      path,
      size: () => cached.size(),
      close: () => cached.close(),
      read: async (target, position) => {
        await this.pass('read', path);
        this.counts.read++;
        this.bytesRead += target.length;
        return cached.read(target, position);
      },
      write: async (buffers, position) => {
        await this.pass('write', path);
        const data = Buffer.concat(buffers);
        await cached.write([data], position);
        const dirty = this.dirty.get(full) ?? [];
        this.dirty.set(full, [...dirty, { at: position, data }]);
      },
      datasync: async () => {
        const dirty = this.dirty.get(full) ?? [];
        this.dirty.delete(full);
        await this.pass('datasync', path);
        for (const { at, data } of dirty) await stable.write([data], at);
      },
      truncate: async (length) => {
        await this.pass('truncate', path);
        await cached.truncate(length);
        await stable.truncate(length);
      },
    };
  }

  async makeDirectory(path: string): Promise<void> {
    await this.pass('makeDirectory', path);
    await this.cache.makeDirectory(path);
    await this.stable.makeDirectory(path);
  }

  async rename(from: string, to: string): Promise<void> {
    await this.pass('rename', to);
    await this.cache.rename(from, to);
    await this.stable.rename(from, to);
    const dirty = this.dirty.get(resolve(from));
    this.dirty.delete(resolve(from));
    if (dirty) this.dirty.set(resolve(to), dirty);
  }

  async remove(path: string): Promise<void> {
    await this.pass('remove', path);
    await this.cache.remove(path);
    await this.stable.remove(path);
  }

  async removeTree(path: string): Promise<void> {
    await this.pass('remove', path);
    await this.cache.removeTree(path);
    await this.stable.removeTree(path);
  }

  async syncDirectory(path: string): Promise<void> {
    await this.pass('syncDirectory', path);
    await this.cache.syncDirectory(path);
  }

  async writeFile(path: string, data: Uint8Array | string): Promise<void> {
    const handle = await this.open(path, 'create');
    await handle.truncate(0);
    await handle.write([Buffer.from(data as Uint8Array)], 0);
  }

  space(): ReturnType<Files['space']> {
    const { bytes, of } = this.used;
    return Promise.resolve({ totalBytes: of, freeBytes: of - bytes });
  }

  list = (path: string): ReturnType<Files['list']> => this.cache.list(path);
  stat = (path: string): ReturnType<Files['stat']> => this.cache.stat(path);
  readFile = (path: string): ReturnType<Files['readFile']> => this.cache.readFile(path);
  lock = (path: string): ReturnType<Files['lock']> => this.cache.lock(path);

  private async pass(operation: DiskOperation, path: string): Promise<void> {
    const { holding } = this;
    if (holding?.operation === operation && holding.path.test(path)) {
      await new Promise<void>((go) => this.held.push({ ...holding, go }));
    }
    for (const fault of this.faults) {
      if (fault.operation !== operation || !fault.path.test(path)) continue;
      throw fileError(fault.code, `${operation} fails`, path);
    }
  }
}

function bound(files: Files): Files {
  return {
    open: (path, mode) => files.open(path, mode),
    makeDirectory: (path) => files.makeDirectory(path),
    list: (path) => files.list(path),
    stat: (path) => files.stat(path),
    readFile: (path) => files.readFile(path),
    writeFile: (path, data, mode) => files.writeFile(path, data, mode),
    rename: (from, to) => files.rename(from, to),
    remove: (path) => files.remove(path),
    removeTree: (path) => files.removeTree(path),
    syncDirectory: (path) => files.syncDirectory(path),
    space: (path) => files.space(path),
    lock: (path) => files.lock(path),
  };
}
