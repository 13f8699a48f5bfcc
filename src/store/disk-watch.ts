/**
 * How full the disk is, and what follows: above `refusePercent` messages are refused until use is
 * down to `cleanPercent` again. Records of the broker's own (what consumers have finished, topics and
 * groups) may still take as much as one segment, so that consumers can make room by finishing.
 */
import { Code, StatusError } from '../message/status';
import type { Files } from '../platform/platform';

export interface DiskLimits {
  /** Use of the disk, percent, above which expired segments go at any hour. */
  readonly warnPercent: number;
  /** ... above which the oldest segments go, expired or not. */
  readonly cleanPercent: number;
  /** ... above which messages are refused. */
  readonly refusePercent: number;
}

export interface DiskUse {
  /** Rounded up. */
  readonly percent: number;
  /** Bytes in use beyond `cleanPercent`, 0 when below. */
  readonly overCleanBytes: number;
}

export class DiskWatch {
  private refusal: { readonly reason: string; readonly sinceEnd: number } | undefined;

  /** @param reserveBytes what the broker's own records may take once messages are refused */
  constructor(
    private readonly files: Files,
    private readonly directory: string,
    readonly limits: DiskLimits,
    private readonly reserveBytes: number,
  ) {}

  /** Why messages are refused; `undefined` while they are not. */
  get full(): string | undefined {
    return this.refusal?.reason;
  }

  /** Measures, and begins or ends the refusal. @param end where the log ends now */
  async look(end: number): Promise<DiskUse> {
    const { totalBytes, freeBytes } = await this.files.space(this.directory);
    const { cleanPercent, refusePercent } = this.limits;
    const used = totalBytes - freeBytes;
    const percent = totalBytes === 0 ? 0 : Math.ceil((used / totalBytes) * 100);
    if (percent > refusePercent) {
      const sinceEnd = this.refusal?.sinceEnd ?? end;
      const reason = `the disk is ${percent} % full, the limit is ${refusePercent} %`;
      this.refusal = { reason, sinceEnd };
    } else if (percent <= cleanPercent) {
      this.refusal = undefined;
    }
    return { percent, overCleanBytes: Math.max(0, used - (totalBytes * cleanPercent) / 100) };
  }

  /** Bytes that the broker's own records may still take; Infinity while messages are taken. */
  room(end: number): number {
    return this.refusal === undefined
      ? Infinity
      : Math.max(0, this.reserveBytes - (end - this.refusal.sinceEnd));
  }

  /**
   * @param end where the log ends now
   * @param system whether the record is the broker's own
   * @throws StatusError INTERNAL_SERVER_ERROR when there is no room for it
   */
  check(end: number, system: boolean): void {
    const { refusal } = this;
    if (refusal === undefined) return;
    if (system && end - refusal.sinceEnd < this.reserveBytes) return;
    const text = `no messages are taken: ${refusal.reason}; try again when there is room`;
    throw new StatusError(Code.INTERNAL_SERVER_ERROR, text);
  }
}
