/**
 * Pieces of the log for replicas: whole records as they lie there, from memory where the newest part of
 * the log is, else from its files. A piece never crosses a segment's end.
 */
import { MAGIC_BLANK, MAGIC_V1, MAGIC_V2 } from '../message/record';
import { LogScanner } from './log-scanner';
import { isRecordAt } from './record-check';
import type { FedPiece } from './replicated-log';
import type { Segments } from './segments';

const HEAD_BYTES = 8;
/** First read of a piece from a file, bytes. */
const READ_BYTES = 256 * 1024;

interface FedLog {
  /** A view of what is in memory from `position` on; `undefined` when it is not there. */
  recent(position: number, limit: number): Buffer | undefined;
}

export class LogFeed {
  constructor(
    private readonly log: FedLog,
    private readonly segments: Segments,
  ) {}

  /**
   * What lies from `position` on, a record's first byte below `limit`; nobody overwrites the bytes.
   * @param limit up to where records are whole and written
   * @param mostBytes a longer piece is one record
   * @throws RangeError when the log begins behind `position`; as `Files.read`
   */
  async read(position: number, limit: number, mostBytes: number): Promise<FedPiece> {
    if (position < this.segments.first || position >= limit) {
      throw new RangeError(
        `position ${position} is not in the log's ${this.segments.first} .. ${limit}`,
      );
    }
    const recent = this.log.recent(position, limit);
    if (recent !== undefined) {
      const piece = this.wholeRecords(recent, position, mostBytes, false);
      if (piece.bytes.length > 0) return piece;
    }
    return this.fromFile(position, limit, mostBytes);
  }

  private async fromFile(position: number, limit: number, mostBytes: number): Promise<FedPiece> {
    const end = Math.min(limit, this.segmentEnd(position));
    for (let wanted = Math.max(HEAD_BYTES, Math.min(mostBytes, READ_BYTES)); ;) {
      const target = Buffer.allocUnsafeSlow(Math.min(wanted, end - position));
      const filled = await this.segments.read(target, position);
      const piece = this.wholeRecords(target.subarray(0, filled), position, mostBytes, true);
      if (piece.bytes.length > 0) return piece;
      const bytes = filled < HEAD_BYTES ? 0 : target.readInt32BE(0);
      // Not all of its first record was read; else that one is damaged.
      if (bytes <= filled || bytes > end - position) break;
      wanted = bytes;
    }
    return this.damage(position, end, mostBytes);
  }

  /** The records at the beginning of `bytes` that are whole, at most `mostBytes` of them, at least one. */
  private wholeRecords(
    bytes: Buffer,
    position: number,
    mostBytes: number,
    check: boolean,
  ): FedPiece {
    const segmentEnd = this.segmentEnd(position);
    let at = 0;
    let next = position;
    while (at + HEAD_BYTES <= bytes.length) {
      const length = bytes.readInt32BE(at);
      const magic = bytes.readInt32BE(at + 4);
      if (magic === MAGIC_BLANK && length === segmentEnd - position - at) {
        at += HEAD_BYTES;
        next = segmentEnd;
        break;
      }
      const fits = length > 0 && at + length <= bytes.length;
      if (!fits || (magic !== MAGIC_V1 && magic !== MAGIC_V2)) break;
      if (at > 0 && at + length > mostBytes) break;
      if (check && !isRecordAt(bytes.subarray(at, at + length), position + at)) break;
      at += length;
      next = position + at;
    }
    return { position, bytes: bytes.subarray(0, at), damaged: false, next };
  }

  /** The bytes at `position` up to the next record that counts. */
  private async damage(position: number, limit: number, mostBytes: number): Promise<FedPiece> {
    const found = await new LogScanner(this.segments).nextValid(position);
    const end = Math.min(found ?? limit, limit, position + mostBytes);
    const target = Buffer.allocUnsafeSlow(end - position);
    const filled = await this.segments.read(target, position);
    const bytes = target.subarray(0, filled);
    return { position, bytes, damaged: true, next: position + filled };
  }

  private segmentEnd(position: number): number {
    return this.segments.startOf(position) + this.segments.segmentBytes;
  }
}
