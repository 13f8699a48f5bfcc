/**
 * Walks the log record by record and finds its end. A record counts when its lengths fit, its own
 * offset is the place it lies at, and its checksum is right. One that does not count is
 *
 * - at or above `trusted` the torn tail: the log ends there, even if something valid follows;
 * - below it damage to what was on stable storage: it is skipped up to the next that counts.
 */
import { MAGIC_BLANK, MAGIC_V1, MAGIC_V2, readRecord, recordIntact } from '../message/record';
import type { StoredRecord } from '../message/record';
import { isRecordAt } from './record-check';
import { errorText } from '../platform/error-text';

const WINDOW_BYTES = 1024 * 1024;
/** A larger record is none: no configuration of Apache RocketMQ writes one. */
const MAX_SCANNED_BYTES = 32 * 1024 * 1024;
const HEAD_BYTES = 8;

const magics = [MAGIC_V1, MAGIC_V2, MAGIC_BLANK].map((magic) => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(magic);
  return bytes;
});

/** The bytes of a log, segment by segment. */
export interface LogBytes {
  readonly segmentBytes: number;
  /** Position behind the last segment. */
  readonly end: number;
  /** Start of the segment that holds `position`. */
  startOf(position: number): number;
  /** Fills `target` from `position` on; answers the bytes read, fewer only at a segment's end. */
  read(target: Uint8Array, position: number): Promise<number>;
}

export interface ScanOptions {
  /** Where to begin: a record's first byte, or a segment's. */
  readonly from: number;
  /** Where to end, when that is before the log's end. */
  readonly to?: number;
  /** All below this position was synced once. */
  readonly trusted: number;
  /** Called with each record; its views are valid until the call returns. */
  readonly onRecord: (record: StoredRecord) => Promise<void> | void;
  /** Called for bytes that were skipped; `record` when at least its header can be read. */
  readonly onDamage: (
    from: number,
    to: number,
    record: StoredRecord | undefined,
    why: string,
  ) => Promise<void> | void;
}

type Parsed =
  | { readonly kind: 'record'; readonly record: StoredRecord }
  | { readonly kind: 'blank' }
  | { readonly kind: 'none'; readonly why: string; readonly damaged?: StoredRecord };

export class LogScanner {
  private window = Buffer.alloc(0);
  private windowBase = 0;
  private windowUsed = 0;

  constructor(private readonly segments: LogBytes) {}

  /** Scans to the end of the log; answers the position where it ends. */
  async scan(options: ScanOptions): Promise<number> {
    let position = options.from;
    const to = Math.min(options.to ?? Infinity, this.segments.end);
    while (position < to) {
      const bytes = this.inWindow(position);
      const parsed = bytes ? parseRecord(bytes, position) : await this.parse(position);
      if (parsed.kind === 'record') {
        const done = options.onRecord(parsed.record);
        if (done !== undefined) await done;
        position += parsed.record.totalBytes;
      } else if (parsed.kind === 'blank') {
        position = this.segmentEnd(position);
      } else {
        if (position >= options.trusted) return position;
        const next = await this.nextValid(position, parsed.damaged);
        const end = next ?? Math.max(options.trusted, position);
        await options.onDamage(position, end, parsed.damaged, parsed.why);
        if (next === undefined) return end;
        position = next;
      }
    }
    return position;
  }

  /**
   * The first record that counts at or behind `position` and begins below `limit`; damage is passed
   * over. Its bytes are valid until the next call. What lies below `limit` must not change any more. Comes
   * at once when it was read with the one before. Hot path.
   */
  next(position: number, limit: number): Buffer | Promise<Buffer | undefined> {
    const bytes = position < Math.min(limit, this.segments.end) && this.inWindow(position);
    return bytes && isRecordAt(bytes, position) ? bytes : this.search(position, limit);
  }

  private async search(position: number, limit: number): Promise<Buffer | undefined> {
    let at = position;
    while (at < Math.min(limit, this.segments.end)) {
      const parsed = await this.parse(at);
      if (parsed.kind === 'record') return this.view(at, parsed.record.totalBytes);
      const behind =
        parsed.kind === 'blank' ? this.segmentEnd(at) : await this.nextValid(at, parsed.damaged);
      if (behind === undefined) return undefined;
      at = behind;
    }
    return undefined;
  }

  /** Whether the record at `position` counts, or a blank one. */
  async isValid(position: number): Promise<boolean> {
    return (await this.parse(position)).kind !== 'none';
  }

  /** Whether nothing was written at `position` yet. */
  async isUnwritten(position: number): Promise<boolean> {
    const head = Buffer.alloc(HEAD_BYTES);
    await this.segments.read(head, position);
    return head.every((byte) => byte === 0);
  }

  private async parse(position: number): Promise<Parsed> {
    const rest = this.segmentEnd(position) - position;
    const head = await this.view(position, HEAD_BYTES);
    if (head === undefined) return none('the segment ends');
    const bytes = head.readInt32BE(0);
    const magic = head.readInt32BE(4);
    if (magic === MAGIC_BLANK) {
      if (bytes === rest) return { kind: 'blank' };
      return none(`a blank record of ${bytes} bytes where ${rest} are left`);
    }
    if (magic !== MAGIC_V1 && magic !== MAGIC_V2) return none('no record begins here');
    if (bytes <= 0 || bytes > MAX_SCANNED_BYTES) return none(`its length is ${bytes}`);
    const source = await this.view(position, bytes);
    return source === undefined
      ? none(`its ${bytes} bytes cross the segment's end`)
      : parseRecord(source, position);
  }

  /**
   * The next position behind damage at `position` that counts; `undefined` when its segment has none and is the last.
   * Where the damaged record says it ends is tried first: a body may hold bytes made to look like a record.
   */
  async nextValid(position: number, damaged?: StoredRecord): Promise<number | undefined> {
    const end = this.segmentEnd(position);
    const behind = position + (damaged?.totalBytes ?? 0);
    if (behind > position && behind < end && (await this.isValid(behind))) return behind;
    for (let from = position + 1; from < end;) {
      const block = await this.view(from, Math.min(WINDOW_BYTES, end - from));
      if (block === undefined) break;
      for (const candidate of candidates(block, from)) {
        if (await this.isValid(candidate)) return candidate;
      }
      from += Math.max(1, block.length - (HEAD_BYTES - 1));
      if (block.length < HEAD_BYTES) break;
    }
    return end < this.segments.end ? end : undefined;
  }

  /** The bytes of what may be a record at `position`, when all of them were read already. Hot path. */
  private inWindow(position: number): Buffer | undefined {
    const at = position - this.windowBase;
    if (at < 0 || at + HEAD_BYTES > this.windowUsed) return undefined;
    const magic = this.window.readInt32BE(at + 4);
    if (magic !== MAGIC_V1 && magic !== MAGIC_V2) return undefined;
    const bytes = this.window.readInt32BE(at);
    if (bytes <= 0 || at + bytes > this.windowUsed) return undefined;
    return this.window.subarray(at, at + bytes);
  }

  private segmentEnd(position: number): number {
    return this.segments.startOf(position) + this.segments.segmentBytes;
  }

  /** The `bytes` bytes at `position`, `undefined` when their segment ends before. Valid until the next call. */
  private async view(position: number, bytes: number): Promise<Buffer | undefined> {
    if (position + bytes > this.segmentEnd(position)) return undefined;
    const inWindow =
      position >= this.windowBase && position + bytes <= this.windowBase + this.windowUsed;
    if (!inWindow) {
      const wanted = Math.min(Math.max(WINDOW_BYTES, bytes), this.segmentEnd(position) - position);
      if (this.window.length < wanted) this.window = Buffer.allocUnsafeSlow(wanted);
      this.windowUsed = 0;
      this.windowBase = position;
      this.windowUsed = await this.segments.read(this.window.subarray(0, wanted), position);
      if (this.windowUsed < bytes) return undefined;
    }
    const at = position - this.windowBase;
    return this.window.subarray(at, at + bytes);
  }
}

function parseRecord(source: Buffer, position: number): Parsed {
  let record: StoredRecord;
  try {
    record = readRecord(source, 0);
  } catch (error) {
    return none(errorText(error));
  }
  if (record.physicalOffset !== position) {
    return none(`it says that it lies at ${record.physicalOffset}`);
  }
  if (!recordIntact(source, 0, record)) {
    return { kind: 'none', why: 'its checksum is wrong', damaged: record };
  }
  return { kind: 'record', record };
}

function none(why: string): Parsed {
  return { kind: 'none', why };
}

/** Positions in a block that lies at `base` where a magic stands as a record's would, ascending. */
function candidates(block: Buffer, base: number): number[] {
  const found: number[] = [];
  for (const magic of magics) {
    for (let at = block.indexOf(magic, 4); at >= 0; at = block.indexOf(magic, at + 1)) {
      found.push(base + at - 4);
    }
  }
  return found.sort((a, b) => a - b);
}
