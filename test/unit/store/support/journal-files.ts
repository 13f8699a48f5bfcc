/**
 * Files in memory that remember every change, so that a test can ask what would be on disk if the
 * process, or the machine, had stopped after the n-th of them.
 */
import { dirname, join, resolve } from 'node:path';
import { memoryFiles } from '../../../../src/platform/memory-files';
import type { FileHandle, Files, OpenMode } from '../../../../src/platform/platform';

type Change =
  | { readonly kind: 'create'; readonly path: string; readonly file: number }
  | { readonly kind: 'write'; readonly file: number; readonly at: number; readonly data: Buffer }
  | { readonly kind: 'truncate'; readonly file: number; readonly length: number }
  | { readonly kind: 'sync'; readonly file: number }
  | { readonly kind: 'makeDirectory'; readonly path: string }
  | { readonly kind: 'rename'; readonly path: string; readonly to: string }
  | { readonly kind: 'remove'; readonly path: string }
  | { readonly kind: 'removeTree'; readonly path: string }
  | { readonly kind: 'syncDirectory'; readonly path: string };

/** What a system keeps of a write that was not synced: pages, each whole or not at all. */
const PAGE_BYTES = 4096;

export class JournalFiles implements Files {
  readonly changes: Change[] = [];
  private readonly base = memoryFiles();
  private readonly fileOf = new Map<string, number>();
  private nextFile = 0;

  /** Begins with all that is in `disk`; it counts as synced. */
  static async of(disk: Files): Promise<JournalFiles> {
    const files = new JournalFiles();
    await files.copy(disk, '/');
    return files;
  }

  async open(path: string, mode: OpenMode): Promise<FileHandle> {
    const full = resolve(path);
    const handle = await this.base.open(full, mode);
    const known = this.fileOf.get(full);
    const file = known ?? this.nextFile++;
    if (known === undefined) {
      this.fileOf.set(full, file);
      this.changes.push({ kind: 'create', path: full, file });
    }
    return this.watch(handle, file);
  }

  async makeDirectory(path: string): Promise<void> {
    const full = resolve(path);
    if (await this.base.stat(full)) return;
    await this.makeDirectory(dirname(full));
    await this.base.makeDirectory(full);
    this.changes.push({ kind: 'makeDirectory', path: full });
  }

  async writeFile(path: string, data: Uint8Array | string): Promise<void> {
    const handle = await this.open(path, 'create');
    await handle.truncate(0);
    await handle.write([Buffer.from(data as Uint8Array)], 0);
  }

  async rename(from: string, to: string): Promise<void> {
    const [source, target] = [resolve(from), resolve(to)];
    await this.base.rename(source, target);
    const file = this.fileOf.get(source);
    if (file !== undefined) this.fileOf.set(target, file);
    this.fileOf.delete(source);
    this.changes.push({ kind: 'rename', path: source, to: target });
  }

  async remove(path: string): Promise<void> {
    const full = resolve(path);
    if (!(await this.base.stat(full))) return;
    await this.base.remove(full);
    this.fileOf.delete(full);
    this.changes.push({ kind: 'remove', path: full });
  }

  async removeTree(path: string): Promise<void> {
    const full = resolve(path);
    await this.base.removeTree(full);
    for (const name of [...this.fileOf.keys()]) {
      if (name.startsWith(`${full}/`)) this.fileOf.delete(name);
    }
    this.changes.push({ kind: 'removeTree', path: full });
  }

  async syncDirectory(path: string): Promise<void> {
    await this.base.syncDirectory(path);
    this.changes.push({ kind: 'syncDirectory', path: resolve(path) });
  }

  list = (path: string): ReturnType<Files['list']> => this.base.list(path);
  stat = (path: string): ReturnType<Files['stat']> => this.base.stat(path);
  readFile = (path: string): ReturnType<Files['readFile']> => this.base.readFile(path);
  space = (path: string): ReturnType<Files['space']> => this.base.space(path);
  lock = (path: string, beside?: string): ReturnType<Files['lock']> => this.base.lock(path, beside);

  /** What is there when the process is killed after `count` changes; of the next one, a write, the first `partBytes` bytes. */
  async afterKill(count: number, partBytes = 0): Promise<Files> {
    const disk = new Disk();
    for (const change of this.changes.slice(0, count)) await disk.apply(change);
    const broken = this.changes[count];
    if (broken?.kind === 'write' && partBytes > 0) {
      await disk.apply({ ...broken, data: broken.data.subarray(0, partBytes) });
    }
    return disk.files;
  }

  /**
   * What is there when the machine stops after `count` changes. All that was synced is; of the rest
   * names are kept up to some point, and pages of data by chance, as `chance` (0 .. 1) says.
   */
  async afterPowerLoss(count: number, chance: () => number): Promise<Files> {
    const changes = this.changes.slice(0, count);
    const syncedFiles = new Map<number, number>();
    const syncedDirectories = new Map<string, number>();
    changes.forEach((change, i) => {
      if (change.kind === 'sync') syncedFiles.set(change.file, i);
      if (change.kind === 'syncDirectory') syncedDirectories.set(change.path, i);
    });
    const namesKept = Math.floor(chance() * (count + 1));
    const disk = new Disk();
    for (const [i, change] of changes.entries()) {
      if ('file' in change && change.kind !== 'create') {
        const synced = (syncedFiles.get(change.file) ?? -1) > i;
        for (const part of synced ? [change] : unsyncedParts(change, chance))
          await disk.apply(part);
      } else {
        const parent = dirname(change.path);
        const synced = (syncedDirectories.get(parent) ?? -1) > i;
        if (synced || i < namesKept) await disk.apply(change);
        else if (change.kind === 'create') disk.nameless(change.file);
      }
    }
    return disk.files;
  }

  private async copy(disk: Files, directory: string): Promise<void> {
    for (const name of await disk.list(directory)) {
      const path = join(directory, name);
      if ((await disk.stat(path))?.directory) {
        await this.makeDirectory(path);
        await this.copy(disk, path);
        continue;
      }
      const handle = await this.open(path, 'create');
      await handle.truncate((await disk.stat(path))?.bytes ?? 0);
      await handle.write([(await disk.readFile(path)) ?? Buffer.alloc(0)], 0);
      await handle.datasync();
    }
    await this.syncDirectory(directory);
  }

  private watch(handle: FileHandle, file: number): FileHandle {
    return {
      path: handle.path,
      read: (target, position) => handle.read(target, position),
      size: () => handle.size(),
      close: () => handle.close(),
      write: async (buffers, position) => {
        const data = Buffer.concat(buffers);
        await handle.write([data], position);
        this.changes.push({ kind: 'write', file, at: position, data });
      },
      writeNow: (buffers, position) => {
        const data = Buffer.concat(buffers);
        handle.writeNow?.([data], position);
        this.changes.push({ kind: 'write', file, at: position, data });
      },
      truncate: async (length) => {
        await handle.truncate(length);
        this.changes.push({ kind: 'truncate', file, length });
      },
      datasync: async () => {
        await handle.datasync();
        this.changes.push({ kind: 'sync', file });
      },
    };
  }
}

function unsyncedParts(change: Change, chance: () => number): Change[] {
  if (change.kind === 'truncate') return chance() < 0.5 ? [change] : [];
  if (change.kind !== 'write') return [];
  const parts: Change[] = [];
  for (let done = 0; done < change.data.length;) {
    const at = change.at + done;
    const data = change.data.subarray(done, done + PAGE_BYTES - (at % PAGE_BYTES));
    if (chance() < 0.5) parts.push({ ...change, at, data });
    done += data.length;
  }
  return parts;
}

/** A disk made anew from changes. Names whose directory is not there are lost with it. */
class Disk {
  readonly files = memoryFiles();
  private readonly handles = new Map<number, FileHandle>();

  async apply(change: Change): Promise<void> {
    switch (change.kind) {
      case 'create':
        if (await this.files.stat(dirname(change.path))) {
          this.handles.set(change.file, await this.files.open(change.path, 'create'));
        }
        return;
      case 'write':
        return this.handles.get(change.file)?.write([change.data], change.at);
      case 'truncate':
        return this.handles.get(change.file)?.truncate(change.length);
      case 'makeDirectory':
        if (await this.files.stat(dirname(change.path)))
          await this.files.makeDirectory(change.path);
        return;
      case 'rename':
        if (await this.files.stat(change.path)) await this.files.rename(change.path, change.to);
        return;
      case 'remove':
        return this.files.remove(change.path);
      case 'removeTree':
        return this.files.removeTree(change.path);
      case 'sync':
      case 'syncDirectory':
        return;
    }
  }

  /** A file whose name is lost: what is written to it goes nowhere. */
  nameless(file: number): void {
    this.handles.delete(file);
  }
}
