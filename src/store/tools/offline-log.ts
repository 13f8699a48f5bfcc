/** The CommitLog's files as they are, for tools: only read; wrong names, lengths and gaps are told, not refused. */
import type { Files } from '../../platform/platform';
import { HandleCache } from '../handle-cache';
import { type Layout, positionName, positionOfName } from '../layout';
import type { LogBytes } from '../log-scanner';
import type { Report } from './finding';

const OPEN_SEGMENTS = 4;

export class OfflineLog implements LogBytes {
  private readonly handles: HandleCache;

  private constructor(
    files: Files,
    private readonly layout: Layout,
    readonly segmentBytes: number,
    /** Start of each segment that is there, ascending. */
    readonly starts: readonly number[],
  ) {
    this.handles = new HandleCache(files, 'read', OPEN_SEGMENTS);
  }

  static async open(
    files: Files,
    layout: Layout,
    segmentBytes: number,
    report: Report,
  ): Promise<OfflineLog> {
    const starts: number[] = [];
    for (const name of await files.list(layout.commitLog)) {
      const file = `commitlog/${name}`;
      const start = positionOfName(name);
      if (start === undefined || start % segmentBytes !== 0) {
        const what = `is no segment of ${segmentBytes} bytes: a broker does not start with it`;
        report({ kind: 'wrong', file, what });
        continue;
      }
      const before = starts[starts.length - 1];
      if (before !== undefined && start !== before + segmentBytes) {
        const what = `segment ${positionName(before + segmentBytes)} is missing before it`;
        report({ kind: 'wrong', file, what });
      }
      const bytes = (await files.stat(layout.segment(start)))?.bytes ?? 0;
      if (bytes !== segmentBytes) {
        const what = `has ${bytes} bytes, segments of this store have ${segmentBytes}`;
        report({ kind: 'wrong', file, at: bytes, what });
      }
      starts.push(start);
    }
    return new OfflineLog(files, layout, segmentBytes, starts);
  }

  get first(): number {
    return this.starts[0] ?? 0;
  }

  get end(): number {
    const last = this.starts[this.starts.length - 1];
    return last === undefined ? 0 : last + this.segmentBytes;
  }

  startOf(position: number): number {
    return position - (position % this.segmentBytes);
  }

  /** File and byte of a position, for findings. */
  place(position: number): { readonly file: string; readonly at: number } {
    const start = this.startOf(position);
    return { file: `commitlog/${positionName(start)}`, at: position - start };
  }

  /** What a file does not have reads as zeros. */
  async read(target: Uint8Array, position: number): Promise<number> {
    const start = this.startOf(position);
    const part = target.subarray(0, start + this.segmentBytes - position);
    const filled = this.starts.includes(start)
      ? await this.handles.use(this.layout.segment(start), (file) =>
          file.read(part, position - start),
        )
      : 0;
    part.fill(0, filled);
    return part.length;
  }

  close(): Promise<void> {
    return this.handles.closeAll();
  }
}
