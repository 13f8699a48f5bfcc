/** Files that were written and directories that gained names, until they are synced. */
import { join } from 'node:path';
import type { Files } from '../platform/platform';
import type { HandleCache } from './handle-cache';
import { Pass, type Pause } from './pass';

/**
 * Syncs at once: what one commit of the file system's journal does for several costs little more than
 * for one, and thousands of new files would take minutes otherwise. Two of the four threads for files stay
 * for the log.
 */
const SYNCS_AT_ONCE = 2;

export class UnsyncedFiles {
  private readonly paths = new Set<string>();
  private readonly directories = new Set<string>();
  private pass: { readonly files: Pass<string>; directories?: Pass<string> } | undefined;

  constructor(
    private readonly files: Files,
    private readonly handles: HandleCache,
  ) {}

  has(path: string): boolean {
    return this.paths.has(path);
  }

  add(path: string): void {
    this.paths.add(path);
  }

  addDirectory(path: string): void {
    this.directories.add(path);
  }

  /** A file is gone. */
  delete(path: string): void {
    this.paths.delete(path);
  }

  /** A directory is gone with all in it. */
  deleteTree(directory: string): void {
    const prefix = join(directory, '/');
    for (const path of [...this.paths]) if (path.startsWith(prefix)) this.paths.delete(path);
    this.directories.delete(directory);
    for (const path of [...this.directories]) {
      if (path.startsWith(prefix)) this.directories.delete(path);
    }
  }

  clear(): void {
    this.paths.clear();
    this.directories.clear();
  }

  /**
   * Syncs all that was here when it was first called, files before the directories that name them.
   * @returns false when it has paused: the next call goes on
   */
  async sync(pause?: Pause): Promise<boolean> {
    this.pass ??= {
      files: new Pass([...this.paths], SYNCS_AT_ONCE, (path) => this.syncFile(path)),
    };
    if (!(await this.pass.files.run(pause))) return false;
    this.pass.directories ??= new Pass([...this.directories], SYNCS_AT_ONCE, (path) =>
      this.syncDirectory(path),
    );
    if (!(await this.pass.directories.run(pause))) return false;
    this.pass = undefined;
    return true;
  }

  private async syncFile(path: string): Promise<void> {
    if (!this.paths.delete(path)) return;
    await this.handles.use(path, (handle) => handle.datasync());
  }

  private async syncDirectory(path: string): Promise<void> {
    if (this.directories.delete(path)) await this.files.syncDirectory(path);
  }
}
