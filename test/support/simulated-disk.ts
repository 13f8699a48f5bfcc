/**
 * A disk that can lose power. What was synced stays. Of the rest it keeps what chance says, in any order:
 *
 * - of each sector of 512 bytes one of the contents it had since the last sync, or a torn one: the
 *   beginning of one and the rest of another;
 * - of a file's length one of those it had since;
 * - of names that were made, changed or removed any subset, but changes of one name in their order.
 */
import { basename, dirname, join, resolve } from 'node:path';
import { fileError } from '../../src/platform/file-error';
import type { FileHandle, Files, FileStat, OpenMode } from '../../src/platform/platform';
import type { Chance } from './seeded';
import { Content } from './simulated-content';

/** Part of the unsynced changes that a loss of power leaves. */
const KEPT_PARTS = [0, 0.1, 0.5, 0.9, 1];

type Node = Content | 'directory';

/** How long a disk takes. Without one every operation is done at once. */
export interface DiskPace {
  /** Resolves when the operation is to take effect. */
  wait(what: 'read' | 'write' | 'sync'): Promise<void>;
  /** Called for a write that the process waits for with its event loop standing still. */
  stall(): void;
}

/** A change of names that is not durable yet. */
interface NameChange {
  readonly directory: string;
  readonly names: readonly string[];
  readonly apply: (names: Map<string, Node>) => void;
}

export class SimulatedDisk implements Files {
  private names = new Map<string, Node>([['/', 'directory']]);
  private durable = new Map<string, Node>([['/', 'directory']]);
  private pending: NameChange[] = [];
  private changesLeft = Infinity;

  constructor(
    private readonly chance: Chance,
    private readonly pace?: DiskPace,
  ) {}

  /** After so many more changes the power is off: every call fails. */
  powerOffAfter(changes: number): void {
    this.changesLeft = changes;
  }

  /** The disk when the power is back. */
  afterPowerLoss(): SimulatedDisk {
    const { chance } = this;
    const kept = KEPT_PARTS[chance.below(KEPT_PARTS.length)] ?? 0;
    const names = new Map(this.durable);
    const stuck = new Set<string>();
    for (const change of this.pending) {
      const free = change.names.every((name) => !stuck.has(name));
      if (free && chance.hits(kept)) change.apply(names);
      else for (const name of change.names) stuck.add(name);
    }
    const after = new SimulatedDisk(chance, this.pace);
    for (const [path, node] of names) {
      if (!hasParents(names, path)) continue;
      after.names.set(path, node === 'directory' ? node : node.left(chance, kept));
    }
    after.durable = new Map(after.names);
    return after;
  }

  async open(path: string, mode: OpenMode): Promise<FileHandle> {
    const full = resolve(path);
    this.alive();
    let node = this.names.get(full);
    if (node === 'directory') throw fileError('EISDIR', 'is a directory', path);
    if (node === undefined) {
      if (mode !== 'create') throw fileError('ENOENT', 'no such file', path);
      node = new Content();
      this.setName(full, node);
    }
    return this.handleOf(full, node);
  }

  async makeDirectory(path: string): Promise<void> {
    const full = resolve(path);
    if (this.names.has(full)) return;
    await this.makeDirectory(dirname(full));
    this.setName(full, 'directory');
  }

  async list(path: string): Promise<string[]> {
    this.alive();
    const full = resolve(path);
    return [...this.names.keys()]
      .filter((name) => name !== '/' && dirname(name) === full)
      .map((name) => basename(name))
      .sort();
  }

  async stat(path: string): Promise<FileStat | undefined> {
    this.alive();
    const node = this.names.get(resolve(path));
    if (node === undefined) return undefined;
    if (node === 'directory') return { bytes: 0, modifiedMs: 0, directory: true };
    return { bytes: node.bytes.length, modifiedMs: 0, directory: false };
  }

  async readFile(path: string): Promise<Buffer | undefined> {
    this.alive();
    const node = this.names.get(resolve(path));
    return node instanceof Content ? Buffer.from(node.bytes) : undefined;
  }

  async writeFile(path: string, data: Uint8Array | string): Promise<void> {
    const handle = await this.open(path, 'create');
    await handle.truncate(0);
    await handle.write([Buffer.from(data as Uint8Array)], 0);
  }

  async rename(from: string, to: string): Promise<void> {
    const [source, target] = [resolve(from), resolve(to)];
    const node = this.names.get(source);
    if (node === undefined) throw fileError('ENOENT', 'no such file', from);
    this.change([source, target], (names) => {
      names.delete(source);
      names.set(target, node);
    });
  }

  async remove(path: string): Promise<void> {
    const full = resolve(path);
    if (this.names.has(full)) this.change([full], (names) => void names.delete(full));
  }

  async removeTree(path: string): Promise<void> {
    for (const name of await this.list(path)) await this.removeTree(join(path, name));
    await this.remove(path);
  }

  async syncDirectory(path: string): Promise<void> {
    this.count();
    const full = resolve(path);
    const synced = new Set(this.pending.filter(({ directory }) => directory === full));
    await this.pace?.wait('sync');
    for (const change of this.pending) if (synced.has(change)) change.apply(this.durable);
    this.pending = this.pending.filter((change) => !synced.has(change));
  }

  space = (): ReturnType<Files['space']> => Promise.resolve({ totalBytes: 1e12, freeBytes: 1e12 });
  lock = (): ReturnType<Files['lock']> => Promise.resolve({ release: () => Promise.resolve() });

  private setName(full: string, node: Node): void {
    if (this.names.get(dirname(full)) !== 'directory') {
      throw fileError('ENOENT', 'no such directory', dirname(full));
    }
    this.change([full], (names) => void names.set(full, node));
  }

  private change(names: readonly string[], apply: NameChange['apply']): void {
    this.count();
    apply(this.names);
    this.pending.push({ directory: dirname(names[0] ?? '/'), names, apply });
  }

  private handleOf(path: string, content: Content): FileHandle {
    return {
      path,
      write: async (buffers, position) => {
        this.count();
        await this.pace?.wait('write');
        content.write(Buffer.concat(buffers), position);
      },
      writeNow: (buffers, position) => {
        this.count();
        this.pace?.stall();
        content.write(Buffer.concat(buffers), position);
      },
      read: async (target, position) => {
        this.alive();
        await this.pace?.wait('read');
        const part = content.bytes.subarray(position, position + target.length);
        target.set(part);
        return part.length;
      },
      truncate: async (length) => {
        this.count();
        content.truncate(length);
      },
      datasync: async () => {
        this.count();
        const done = content.beginSync();
        await this.pace?.wait('sync');
        done();
      },
      size: async () => content.bytes.length,
      close: async () => undefined,
    };
  }

  private count(): void {
    this.alive();
    this.changesLeft--;
  }

  private alive(): void {
    if (this.changesLeft <= 0) throw fileError('EIO', 'the power is off', 'disk');
  }
}

function hasParents(names: ReadonlyMap<string, Node>, path: string): boolean {
  for (let at = dirname(path); at !== '/'; at = dirname(at)) {
    if (names.get(at) !== 'directory') return false;
  }
  return true;
}
