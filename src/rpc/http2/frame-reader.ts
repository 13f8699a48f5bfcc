import { ConnectionError, ErrorCode } from './error-code';
import { FRAME_HEADER_BYTES, readUint31 } from './frame';

/**
 * Takes one whole frame. Its payload is `bytes[start .. end)`; the bytes stay as they are as long as
 * somebody holds them. Answers whether more frames are wanted.
 */
export type FrameSink = (
  type: number,
  flags: number,
  streamId: number,
  bytes: Buffer,
  start: number,
  end: number,
) => boolean;

/**
 * Cuts the byte stream into frames, in place: a frame that lies whole in a chunk is handed on as a range
 * of that chunk. Only a frame that the end of a chunk cuts is put together in a buffer of its own, of
 * exactly its size, so a slow sender holds at most one frame here.
 *
 *     chunk 1                        chunk 2
 *     | frame | frame | fra          me | frame | ...
 *                     \______ cut ______/
 */
export class FrameReader {
  /** The first bytes of a frame whose rest has not come; sized for the whole frame once its header is known. */
  private cut: Buffer | undefined;
  private cutBytes = 0;

  /** @param maxPayloadBytes the SETTINGS_MAX_FRAME_SIZE that we told the peer */
  constructor(
    private readonly maxPayloadBytes: number,
    private readonly sink: FrameSink,
  ) {}

  /** True while a frame has begun and not ended. */
  get midFrame(): boolean {
    return this.cutBytes > 0;
  }

  /**
   * Hands on every frame that `chunk` completes.
   * @throws ConnectionError FRAME_SIZE_ERROR for a frame above the maximum, and what the sink throws
   */
  push(chunk: Buffer): void {
    let at = 0;
    if (this.cutBytes > 0) {
      at = this.complete(chunk, at);
      if (at < 0) return;
    }
    const end = chunk.length;
    while (end - at >= FRAME_HEADER_BYTES) {
      const payload = at + FRAME_HEADER_BYTES;
      const next = payload + this.payloadBytes(chunk, at);
      if (next > end) break;
      if (!this.deliver(chunk, at, next)) return;
      at = next;
    }
    if (at < end) this.keep(chunk, at);
  }

  private deliver(bytes: Buffer, at: number, end: number): boolean {
    return this.sink(
      bytes[at + 3] ?? 0,
      bytes[at + 4] ?? 0,
      readUint31(bytes, at + 5),
      bytes,
      at + FRAME_HEADER_BYTES,
      end,
    );
  }

  private payloadBytes(bytes: Buffer, at: number): number {
    const length = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    if (length > this.maxPayloadBytes) {
      throw new ConnectionError(
        ErrorCode.FRAME_SIZE_ERROR,
        `a frame of ${length} bytes is above the limit of ${this.maxPayloadBytes}`,
      );
    }
    return length;
  }

  /** Starts a cut frame from the end of a chunk. */
  private keep(chunk: Buffer, at: number): void {
    const rest = chunk.length - at;
    const bytes =
      rest >= FRAME_HEADER_BYTES
        ? FRAME_HEADER_BYTES + this.payloadBytes(chunk, at)
        : FRAME_HEADER_BYTES;
    this.cut = Buffer.allocUnsafe(bytes);
    chunk.copy(this.cut, 0, at);
    this.cutBytes = rest;
  }

  /** Adds to the cut frame; answers where the chunk goes on, or -1 when it is used up or no more is wanted. */
  private complete(chunk: Buffer, start: number): number {
    let at = this.fill(chunk, start);
    let cut = this.cut;
    if (cut === undefined || this.cutBytes < cut.length) return -1;
    if (cut.length === FRAME_HEADER_BYTES) {
      const payload = this.payloadBytes(cut, 0);
      if (payload > 0) {
        const whole = Buffer.allocUnsafe(FRAME_HEADER_BYTES + payload);
        whole.set(cut, 0);
        this.cut = cut = whole;
        at = this.fill(chunk, at);
        if (this.cutBytes < whole.length) return -1;
      }
    }
    this.cut = undefined;
    this.cutBytes = 0;
    return this.deliver(cut, 0, cut.length) ? at : -1;
  }

  private fill(chunk: Buffer, at: number): number {
    const cut = this.cut;
    if (cut === undefined) return at;
    const take = Math.min(cut.length - this.cutBytes, chunk.length - at);
    chunk.copy(cut, this.cutBytes, at, at + take);
    this.cutBytes += take;
    return at + take;
  }
}
