/**
 * Files of the operating system. Works on bare descriptors with callbacks: the hot path is one
 * `writev` and one `fdatasync` a batch, and a FileHandle object of Node's own would only add to it.
 */
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { lockFile } from './file-lock';
import { errorCode, fileError } from './file-error';
import type { DiskSpace, FileHandle, Files, FileStat, OpenMode } from './platform';

/** Most buffers that one system call takes (IOV_MAX on Linux). */
const MAX_BUFFERS = 1024;

const flags: Readonly<Record<OpenMode, number>> = {
  read: fs.constants.O_RDONLY,
  write: fs.constants.O_RDWR,
  create: fs.constants.O_RDWR | fs.constants.O_CREAT,
};

/** The file system of this machine. */
export function nodeFiles(): Files {
  return {
    open: async (path, mode) =>
      new NodeFile(path, await call<number>((done) => fs.open(path, flags[mode], 0o644, done))),
    makeDirectory,
    list: async (path) => (await absentAs(fs.promises.readdir(path), [])).sort(),
    stat: statFile,
    readFile: (path) => absentAs<Buffer | undefined>(fs.promises.readFile(path), undefined),
    writeFile: (path, data, mode = 0o644) => fs.promises.writeFile(path, data, { mode }),
    rename: (from, to) => fs.promises.rename(from, to),
    remove: (path) => absentAs(fs.promises.unlink(path), undefined),
    removeTree: (path) => fs.promises.rm(path, { recursive: true, force: true }),
    syncDirectory,
    space: spaceOf,
    lock: lockFile,
  };
}

/** Step by step: Node's own way to make parents tells ENOENT whatever the reason was. */
async function makeDirectory(path: string): Promise<void> {
  try {
    await fs.promises.mkdir(path);
  } catch (error) {
    if ((await statFile(path))?.directory === true) return;
    if (errorCode(error) !== 'ENOENT') throw error;
    const parent = dirname(path);
    if ((await statFile(parent)) === undefined) await makeDirectory(parent);
    // The parent may be somebody else's work of this moment, and so may be the directory.
    await fs.promises.mkdir(path).catch(async (again: unknown) => {
      if ((await statFile(path))?.directory !== true) throw again;
    });
  }
}

async function statFile(path: string): Promise<FileStat | undefined> {
  const stat = await absentAs<fs.Stats | undefined>(fs.promises.stat(path), undefined);
  return stat && { bytes: stat.size, modifiedMs: stat.mtimeMs, directory: stat.isDirectory() };
}

/** As `df` counts: blocks that only root may take are part of neither number. */
async function spaceOf(path: string): Promise<DiskSpace> {
  const { blocks, bfree, bavail, bsize } = await fs.promises.statfs(path);
  return { totalBytes: (blocks - bfree + bavail) * bsize, freeBytes: bavail * bsize };
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await fs.promises.open(join(path, '.'), fs.constants.O_RDONLY);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** The outcome of `task`, or `instead` when there is no such file or directory. */
async function absentAs<T>(task: Promise<T>, instead: T): Promise<T> {
  try {
    return await task;
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return instead;
    throw error;
  }
}

/** An open descriptor. Closing waits for what runs on it, so that its number is not given out anew below a running call. */
class NodeFile implements FileHandle {
  private running = 0;
  private closing = false;
  private idle: (() => void) | undefined;

  constructor(
    readonly path: string,
    private readonly descriptor: number,
  ) {}

  async write(buffers: readonly Uint8Array[], position: number): Promise<void> {
    const rest = new Unwritten(buffers, position, this.path);
    while (rest.left) {
      const written = await this.run<number>((done) => {
        fs.writev(this.descriptor, rest.next(), rest.position, (error, bytes) => {
          done(error, bytes);
        });
      });
      rest.took(written);
    }
  }

  writeNow(buffers: readonly Uint8Array[], position: number): void {
    if (this.closing) throw closed(this.path);
    const rest = new Unwritten(buffers, position, this.path);
    while (rest.left) {
      try {
        rest.took(fs.writevSync(this.descriptor, rest.next(), rest.position));
      } catch (error) {
        if (errorCode(error) !== 'EINTR') throw error;
      }
    }
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    let filled = 0;
    while (filled < target.length) {
      const bytes = await this.run<number>((done) => {
        const { length } = target;
        fs.read(this.descriptor, target, filled, length - filled, position + filled, done);
      });
      if (bytes === 0) break;
      filled += bytes;
    }
    return filled;
  }

  async datasync(): Promise<void> {
    await this.run<void>((done) => {
      fs.fdatasync(this.descriptor, (error) => {
        done(error);
      });
    });
  }

  async truncate(length: number): Promise<void> {
    await this.run<void>((done) => {
      fs.ftruncate(this.descriptor, length, (error) => {
        done(error);
      });
    });
  }

  async size(): Promise<number> {
    const stat = await this.run<fs.Stats>((done) => {
      fs.fstat(this.descriptor, done);
    });
    return stat.size;
  }

  async close(): Promise<void> {
    if (this.closing) return;
    this.closing = true;
    if (this.running > 0) {
      await new Promise<void>((resolve) => {
        this.idle = resolve;
      });
    }
    await call<void>((done) => {
      fs.close(this.descriptor, (error) => {
        done(error ?? null);
      });
    });
  }

  private async run<T>(start: (done: Done<T>) => void): Promise<T> {
    if (this.closing) throw closed(this.path);
    this.running++;
    try {
      return await call(start);
    } finally {
      this.running--;
      if (this.running === 0) this.idle?.();
    }
  }
}

type Done<T> = (error: NodeJS.ErrnoException | null, value?: T) => void;

/** Calls a function that takes a callback; a call that a signal broke off is made again. */
function call<T>(start: (done: Done<T>) => void): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const attempt = (): void => {
      start((error, value) => {
        if (error === null) resolve(value as T);
        else if (error.code === 'EINTR') attempt();
        else reject(error);
      });
    };
    attempt();
  });
}

function closed(path: string): Error {
  return fileError('EBADF', 'file is closed', path);
}

/** What a write has still to do: one call may take fewer bytes than it was given. */
class Unwritten {
  private rest: readonly Uint8Array[];

  constructor(
    buffers: readonly Uint8Array[],
    public position: number,
    private readonly path: string,
  ) {
    this.rest = buffers.filter((buffer) => buffer.length > 0);
  }

  get left(): boolean {
    return this.rest.length > 0;
  }

  /** As much as one system call takes. */
  next(): readonly Uint8Array[] {
    return this.rest.length > MAX_BUFFERS ? this.rest.slice(0, MAX_BUFFERS) : this.rest;
  }

  took(bytes: number): void {
    if (bytes === 0) throw fileError('EIO', 'write took no bytes', this.path);
    this.position += bytes;
    this.rest = behind(this.rest, bytes);
  }
}

/** What is left of `buffers` when their first `bytes` bytes are done. */
function behind(buffers: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let skip = bytes;
  for (let i = 0; i < buffers.length; i++) {
    const buffer = buffers[i];
    if (buffer === undefined) break;
    if (skip < buffer.length) return [buffer.subarray(skip), ...buffers.slice(i + 1)];
    skip -= buffer.length;
  }
  return [];
}
