/**
 * Header blocks as they come: one HEADERS frame, or HEADERS and CONTINUATION frames with nothing between
 * (RFC 9113, section 4.3). A block in one frame, as nearly all are, is read where it lies.
 */
import { ConnectionError, ErrorCode } from './error-code';
import { Flag, readUint31 } from './frame';

/** A block whose end has not come. */
interface OpenBlock {
  readonly streamId: number;
  readonly endStream: boolean;
  readonly selfDependent: boolean;
  readonly pieces: Buffer[];
  bytes: number;
}

/** Takes one whole header block. `selfDependent`: its priority said that the stream depends on itself. */
export type BlockSink = (
  streamId: number,
  endStream: boolean,
  selfDependent: boolean,
  bytes: Buffer,
  start: number,
  end: number,
) => void;

export class HeaderIntake {
  private open: OpenBlock | undefined;

  /** @param maxBlockBytes a block that is longer, as sent, ends the connection */
  constructor(
    private readonly maxBlockBytes: number,
    private readonly sink: BlockSink,
  ) {}

  /** True while a block has begun and not ended. */
  get midBlock(): boolean {
    return this.open !== undefined;
  }

  /** @throws ConnectionError for padding or priority that the frame has no room for, and what the sink throws */
  headers(flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    let at = start;
    let until = end;
    if ((flags & Flag.PADDED) !== 0) {
      until -= bytes[at] ?? 0;
      at++;
    }
    let selfDependent = false;
    if ((flags & Flag.PRIORITY) !== 0) {
      selfDependent = readUint31(bytes, at) === streamId;
      at += 5;
    }
    if (at > until) {
      throw new ConnectionError(
        at > end ? ErrorCode.FRAME_SIZE_ERROR : ErrorCode.PROTOCOL_ERROR,
        'HEADERS has no room for its padding or priority',
      );
    }
    this.limit(until - at);
    const endStream = (flags & Flag.END_STREAM) !== 0;
    if ((flags & Flag.END_HEADERS) !== 0) {
      this.sink(streamId, endStream, selfDependent, bytes, at, until);
      return;
    }
    const first = Buffer.from(bytes.subarray(at, until));
    this.open = { streamId, endStream, selfDependent, pieces: [first], bytes: first.length };
  }

  /** @throws ConnectionError PROTOCOL_ERROR outside a block or for another stream; and what the sink throws */
  continuation(flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    const open = this.open;
    if (open?.streamId !== streamId) {
      throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'CONTINUATION without its HEADERS');
    }
    open.bytes += end - start;
    this.limit(open.bytes);
    open.pieces.push(Buffer.from(bytes.subarray(start, end)));
    if ((flags & Flag.END_HEADERS) === 0) return;
    this.open = undefined;
    const block = Buffer.concat(open.pieces);
    this.sink(streamId, open.endStream, open.selfDependent, block, 0, block.length);
  }

  private limit(bytes: number): void {
    if (bytes > this.maxBlockBytes) {
      throw new ConnectionError(
        ErrorCode.ENHANCE_YOUR_CALM,
        `a header block is above the limit of ${this.maxBlockBytes} bytes`,
      );
    }
  }
}
