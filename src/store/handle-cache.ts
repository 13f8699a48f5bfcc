/** A bounded set of open files, closed in the order of their last use. */
import type { FileHandle, Files, OpenMode } from '../platform/platform';

interface Cached {
  readonly handle: Promise<FileHandle>;
  uses: number;
}

export class HandleCache {
  /** In the order of last use. */
  private readonly cached = new Map<string, Cached>();

  /**
   * @param mode how files are opened
   * @param capacity files kept open; more are open only while more are in use at once
   */
  constructor(
    private readonly files: Files,
    private readonly mode: OpenMode,
    private readonly capacity: number,
  ) {}

  /**
   * Runs `task` with the open file, which stays open until then.
   * @param mode how it is opened when it is not open yet
   */
  async use<T>(
    path: string,
    task: (handle: FileHandle) => Promise<T>,
    mode = this.mode,
  ): Promise<T> {
    const entry = this.cached.get(path) ?? { handle: this.files.open(path, mode), uses: 0 };
    this.cached.delete(path);
    this.cached.set(path, entry);
    entry.uses++;
    try {
      return await task(await entry.handle);
    } catch (error) {
      // A file that could not be opened is tried again by the next one who asks.
      if (this.cached.get(path) === entry && !(await isOpen(entry))) this.cached.delete(path);
      throw error;
    } finally {
      entry.uses--;
      if (this.cached.get(path) !== entry && entry.uses === 0) await closeQuietly(entry);
      else await this.shrink();
    }
  }

  /** Closes the files whose path begins with `prefix`; they are about to be removed. */
  async forget(prefix: string): Promise<void> {
    for (const [path, entry] of [...this.cached]) {
      if (path.startsWith(prefix)) await this.drop(path, entry);
    }
  }

  async closeAll(): Promise<void> {
    await this.forget('');
  }

  private async shrink(): Promise<void> {
    for (const [path, entry] of this.cached) {
      if (this.cached.size <= this.capacity) return;
      if (entry.uses === 0) await this.drop(path, entry);
    }
  }

  /** Forgets a file now; who uses it last closes it. */
  private async drop(path: string, entry: Cached): Promise<void> {
    this.cached.delete(path);
    if (entry.uses === 0) await closeQuietly(entry);
  }
}

async function isOpen(entry: Cached): Promise<boolean> {
  return entry.handle.then(
    () => true,
    () => false,
  );
}

/** Nothing is lost with a handle that cannot be closed: writes and syncs report their own errors. */
async function closeQuietly(entry: Cached): Promise<void> {
  try {
    await (await entry.handle).close();
  } catch {
    return;
  }
}
