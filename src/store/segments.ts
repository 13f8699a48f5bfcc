/**
 * The files of the CommitLog: each exactly `segmentBytes` long (sparse until written), named by the
 * position of its first byte, one behind the other without a gap.
 */
import type { FileHandle, Files } from '../platform/platform';
import { Gate } from './gate';
import { HandleCache } from './handle-cache';
import { type Layout, positionName, positionOfName } from './layout';

/** Segments kept open for reading. */
const OPEN_SEGMENTS = 32;
/** Reads of old records at once: the rest of the four threads for files are for the writer. */
const READS_AT_ONCE = 2;

/** Bytes of one step when the unsynced end of the log is written anew. */
const REWRITE_BYTES = 1024 * 1024;

export class Segments {
  private readonly starts: number[] = [];
  private readonly handles: HandleCache;
  private readonly gate = new Gate(READS_AT_ONCE);

  constructor(
    private readonly files: Files,
    private readonly layout: Layout,
    readonly segmentBytes: number,
  ) {
    this.handles = new HandleCache(files, 'read', OPEN_SEGMENTS);
  }

  /**
   * Lists the segments. A last one without a byte was not finished and is removed, unless it lies
   * below `synced`: something was in it. With `mend` one that is too short gets its length back: a
   * cut that was broken off, or damage; what it lacks reads as zeros.
   * @returns the segments that were too short
   * @throws Error when a name, a length or the order is wrong.
   */
  async load(mend: boolean, synced: number): Promise<readonly number[]> {
    const mended: number[] = [];
    const { commitLog } = this.layout;
    const starts = (await this.files.list(commitLog)).map((name) => this.startOfName(name));
    for (const [i, start] of starts.entries()) {
      const path = this.layout.segment(start);
      const bytes = (await this.files.stat(path))?.bytes ?? 0;
      const last = i === starts.length - 1;
      // A log that begins at a position above 0 and is empty has nothing else that says so.
      const only = i === 0 && start > 0;
      if (last && bytes === 0 && start >= synced && !only) {
        await this.files.remove(path);
        break;
      }
      if (mend && bytes < this.segmentBytes) {
        await this.setLength(start, bytes);
        mended.push(start);
      } else if (bytes !== this.segmentBytes) {
        throw new Error(
          `${path} has ${bytes} bytes, segments of this store have ${this.segmentBytes}`,
        );
      }
      const expected = this.end;
      if (this.starts.length > 0 && start !== expected) {
        throw new Error(`${commitLog} lacks segment ${positionName(expected)}`);
      }
      this.starts.push(start);
    }
    return mended;
  }

  /** Position of the first byte kept; 0 when there is no segment. */
  get first(): number {
    return this.starts[0] ?? 0;
  }

  /** Position behind the last segment; 0 when there is none. */
  get end(): number {
    const last = this.starts[this.starts.length - 1];
    return last === undefined ? 0 : last + this.segmentBytes;
  }

  /** Start of each segment, ascending. */
  get all(): readonly number[] {
    return this.starts;
  }

  /** Start of the segment that holds `position`. */
  startOf(position: number): number {
    return position - (position % this.segmentBytes);
  }

  /** Opens a segment for writing; one that does not exist is made, its length and its name durable. */
  async openForWriting(start: number): Promise<FileHandle> {
    const path = this.layout.segment(start);
    if (this.starts.includes(start)) return this.files.open(path, 'write');
    const handle = await this.files.open(path, 'create');
    await handle.truncate(this.segmentBytes);
    await handle.datasync();
    await this.files.syncDirectory(this.layout.commitLog);
    this.starts.push(start);
    return handle;
  }

  /** Fills `target` from the log at `position`; answers the bytes read, fewer only at a segment's end. */
  async read(target: Uint8Array, position: number): Promise<number> {
    const start = this.startOf(position);
    const bytes = Math.min(target.length, start + this.segmentBytes - position);
    return this.gate.run(() =>
      this.handles.use(this.layout.segment(start), (handle) =>
        handle.read(target.subarray(0, bytes), position - start),
      ),
    );
  }

  /**
   * Makes all bytes from `position` on zero: the rest of its segment, and the later segments go. A log that
   * begins above 0 keeps its first one.
   * What is left is on stable storage when this resolves.
   */
  async cut(position: number): Promise<void> {
    for (let last = this.starts.pop(); last !== undefined; last = this.starts.pop()) {
      if (last < position || (last === position && last > 0 && this.starts.length === 0)) {
        this.starts.push(last);
        break;
      }
      await this.handles.forget(this.layout.segment(last));
      await this.files.remove(this.layout.segment(last));
      await this.files.syncDirectory(this.layout.commitLog);
    }
    const last = this.starts[this.starts.length - 1];
    if (last !== undefined) await this.setLength(last, position - last);
  }

  /** Removes the segments that end at or below `position`, the oldest first: a crash leaves no hole. */
  async removeBelow(position: number): Promise<void> {
    for (let first = this.starts[0]; first !== undefined; first = this.starts[0]) {
      if (first + this.segmentBytes > position) return;
      this.starts.shift();
      const path = this.layout.segment(first);
      await this.handles.forget(path);
      await this.files.remove(path);
      await this.files.syncDirectory(this.layout.commitLog);
    }
  }

  /**
   * Writes the bytes of `from` .. `to` once more and syncs them. After a sync that failed the system
   * may take pages for written that never reached the disk, and a later sync then says nothing: only
   * bytes written anew are sure to get there.
   */
  async rewrite(from: number, to: number): Promise<void> {
    for (let position = Math.max(from, this.first); position < to;) {
      const start = this.startOf(position);
      const end = Math.min(to, start + this.segmentBytes);
      const handle = await this.files.open(this.layout.segment(start), 'write');
      try {
        for (; position < end; position += REWRITE_BYTES) {
          const bytes = Buffer.allocUnsafe(Math.min(REWRITE_BYTES, end - position));
          const filled = await handle.read(bytes, position - start);
          await handle.write([bytes.subarray(0, filled)], position - start);
        }
        await handle.datasync();
      } finally {
        await handle.close();
      }
      position = end;
    }
  }

  close(): Promise<void> {
    return this.handles.closeAll();
  }

  /** Keeps `bytes` bytes of a segment; the rest becomes zeros that take no space. */
  private async setLength(start: number, bytes: number): Promise<void> {
    const handle = await this.files.open(this.layout.segment(start), 'write');
    try {
      await handle.truncate(bytes);
      await handle.truncate(this.segmentBytes);
      await handle.datasync();
    } finally {
      await handle.close();
    }
  }

  private startOfName(name: string): number {
    const start = positionOfName(name);
    if (start === undefined || start % this.segmentBytes !== 0) {
      throw new Error(
        `${this.layout.commitLog} holds '${name}', which is no segment of ${this.segmentBytes} bytes`,
      );
    }
    return start;
  }
}
