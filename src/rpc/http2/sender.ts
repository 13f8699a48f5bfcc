/**
 * What a connection sends. Frames are written straight into the output block; DATA that the client's windows or
 * the socket do not take yet waits in its stream, and the streams that may send take turns, a frame each.
 *
 *     write -> fits both windows, socket free -> output block
 *           \-> stream.waiting -> queue: A B C -> pump: a frame of A, B, C, A ... while window and socket last
 */
import type { TcpSocket } from '../../platform/platform';
import { ByteQueue } from './byte-queue';
import { ConnectionError, ErrorCode } from './error-code';
import { Flag, FRAME_HEADER_BYTES, FrameType, writeFrameHeader, writeUint32 } from './frame';
import type { FloodGuard } from './flood-guard';
import { HeaderBlock, HpackEncoder } from './hpack-encoder';
import type { Http2Options } from './options';
import { Output, type BlockPool } from './output';
import { DEFAULT_WINDOW_BYTES, MAX_WINDOW_BYTES } from './settings';
import type { Fields, SendingStream } from './stream';

/** Largest payload that we write: larger frames would only make other streams wait. */
const MAX_WRITTEN_FRAME_BYTES = 16_384;
/** A stream that waits for its turn asks for more when less than this part of its high water mark waits. */
const LOW_WATER_PART = 0.5;

/** What a piece of an answer allows of frames that bring nothing on, and how large it is at least. */
const IDLE_FRAMES_EARNED = 16;
const USEFUL_BYTES = 1024;
/** All streams are told to hold back when this part of what may wait on the connection waits. */
const HOLD_BACK_PART = 0.25;
/** No request is begun when this part of it waits. */
const REFUSE_PART = 0.5;

const NO_BYTES = new Uint8Array(0);

/** @typeParam S what it knows of streams: the server's are served, a client's is its own */
export class Sender<S extends SendingStream> {
  readonly output: Output;
  private readonly encoder = new HpackEncoder();
  /** What the client takes on the connection, bytes. */
  private window = DEFAULT_WINDOW_BYTES;
  /** Streams with bytes that wait and a window to send them. */
  private readonly queue: S[] = [];
  private waitingBytes = 0;
  private pumping = false;

  /**
   * @param ended hears when the end of a stream's answer was written
   * @param overflowed hears when a stream was written to although too much waits; the bytes are dropped
   */
  constructor(
    socket: TcpSocket,
    pool: BlockPool,
    private readonly options: Http2Options,
    private readonly idleFrames: FloodGuard,
    private readonly ended: (stream: S) => void,
    private readonly overflowed: (stream: S) => void,
  ) {
    this.output = new Output(socket, pool);
  }

  /** True when the socket holds so much that no more should be made. */
  get congested(): boolean {
    return this.output.waitingBytes > this.options.socketHighWaterBytes;
  }

  /** True when so much waits for the client that it should take that before it asks for more. */
  get backedUp(): boolean {
    return this.waitingBytes >= this.options.maxPendingConnectionBytes * REFUSE_PART;
  }

  limitHeaderTable(bytes: number): void {
    this.encoder.limitTable(bytes);
  }

  headers(stream: S, fields: Fields, end: boolean): void {
    const block =
      fields instanceof HeaderBlock ? this.encoder.repeated(fields) : this.encoder.once(fields);
    const flags = end ? Flag.END_STREAM : 0;
    if (block.length > MAX_WRITTEN_FRAME_BYTES) {
      this.longHeaders(stream.id, block, flags);
    } else {
      this.frame(FrameType.HEADERS, flags | Flag.END_HEADERS, stream.id, block);
    }
    if (end) this.finish(stream);
  }

  /** Sends or queues; answers whether the stream may be written to at once again. */
  data(stream: S, prefix: Uint8Array, bytes: Uint8Array): boolean {
    const total = prefix.length + bytes.length;
    if (
      total <= stream.sendWindow &&
      total <= this.window &&
      total <= MAX_WRITTEN_FRAME_BYTES &&
      stream.waitingBytes === 0 &&
      !this.congested
    ) {
      const at = this.frameSpace(FrameType.DATA, 0, stream.id, total);
      this.output.block.set(prefix, at);
      this.output.block.set(bytes, at + prefix.length);
      stream.sendWindow -= total;
      this.window -= total;
      this.idleFrames.earn(IDLE_FRAMES_EARNED);
      return true;
    }
    if (this.isFull(stream)) {
      this.overflowed(stream);
      return true;
    }
    this.hold(stream, prefix, bytes);
    this.pump();
    const holdBack = this.shouldHoldBack(stream);
    // Who was told to wait before is owed the word to go on, whatever is written meanwhile.
    stream.wantsDrain ||= holdBack;
    return !holdBack;
  }

  /** Ends the answer after what waits, with trailers or without. */
  end(stream: S, trailers: Fields | undefined): void {
    stream.ending = true;
    stream.trailers = trailers;
    if (stream.waitingBytes === 0) this.writeEnd(stream);
  }

  /** Says that the connection ends. @param text for people */
  goAway(lastStreamId: number, code: ErrorCode, text: string): void {
    const debug = Buffer.from(text, 'latin1');
    const payload = Buffer.alloc(8 + debug.length);
    writeUint32(payload, 0, lastStreamId);
    writeUint32(payload, 4, code);
    debug.copy(payload, 8);
    this.frame(FrameType.GOAWAY, 0, 0, payload);
  }

  /** Drops what a closed stream still had to send. */
  forget(stream: S): void {
    this.waitingBytes -= stream.waitingBytes;
    stream.waiting = undefined;
  }

  /** @throws ConnectionError FLOW_CONTROL_ERROR when the window would be above 2^31 - 1 */
  widenConnection(bytes: number): void {
    this.window += bytes;
    if (this.window > MAX_WINDOW_BYTES) {
      throw new ConnectionError(
        ErrorCode.FLOW_CONTROL_ERROR,
        `the connection's window is above ${MAX_WINDOW_BYTES}`,
      );
    }
    this.pump();
  }

  /** Adds to a stream's window, or takes from it; answers false when it would be above 2^31 - 1. */
  widenStream(stream: S, bytes: number): boolean {
    stream.sendWindow += bytes;
    if (stream.sendWindow > MAX_WINDOW_BYTES) return false;
    this.enqueue(stream);
    return true;
  }

  /** Sends what waits, as far as windows and socket go. */
  pump(): void {
    if (this.pumping) return;
    this.pumping = true;
    let stream: S | undefined;
    while (this.window > 0 && !this.congested && (stream = this.queue.shift()) !== undefined) {
      stream.queued = false;
      if (!stream.closed) this.sendPiece(stream);
    }
    this.pumping = false;
  }

  resetStream(streamId: number, code: ErrorCode): void {
    const at = this.frameSpace(FrameType.RST_STREAM, 0, streamId, 4);
    writeUint32(this.output.block, at, code);
  }

  windowUpdate(streamId: number, bytes: number): void {
    const at = this.frameSpace(FrameType.WINDOW_UPDATE, 0, streamId, 4);
    writeUint32(this.output.block, at, bytes);
  }

  /** Writes a frame whose payload is `payload`, at most 64 KiB. */
  frame(type: number, flags: number, streamId: number, payload: Uint8Array = NO_BYTES): void {
    const at = this.frameSpace(type, flags, streamId, payload.length);
    this.output.block.set(payload, at);
  }

  private frameSpace(type: number, flags: number, streamId: number, payloadBytes: number): number {
    const at = this.output.reserve(FRAME_HEADER_BYTES + payloadBytes);
    return writeFrameHeader(this.output.block, at, payloadBytes, type, flags, streamId);
  }

  private longHeaders(streamId: number, block: Buffer, flags: number): void {
    let at = 0;
    while (at < block.length) {
      const piece = block.subarray(at, at + MAX_WRITTEN_FRAME_BYTES);
      const type = at === 0 ? FrameType.HEADERS : FrameType.CONTINUATION;
      at += piece.length;
      const last = at === block.length ? Flag.END_HEADERS : 0;
      this.frame(type, (type === FrameType.HEADERS ? flags : 0) | last, streamId, piece);
    }
  }

  /** What waits is enough to go on with, for the stream or for the connection as a whole. */
  private shouldHoldBack(stream: S): boolean {
    if (stream.waitingBytes === 0) return false;
    return (
      stream.waitingBytes >= this.options.streamHighWaterBytes ||
      this.waitingBytes >= this.options.maxPendingConnectionBytes * HOLD_BACK_PART
    );
  }

  /** Too much waits already, this stream's or all streams': a slow reader must not make memory grow. */
  private isFull(stream: S): boolean {
    return (
      stream.waitingBytes >= this.options.maxPendingStreamBytes ||
      this.waitingBytes >= this.options.maxPendingConnectionBytes
    );
  }

  private hold(stream: S, prefix: Uint8Array, bytes: Uint8Array): void {
    stream.waiting ??= new ByteQueue();
    stream.waiting.push(prefix);
    stream.waiting.push(bytes);
    this.waitingBytes += prefix.length + bytes.length;
    this.enqueue(stream);
  }

  private enqueue(stream: S): void {
    if (stream.queued || stream.sendWindow <= 0 || stream.waitingBytes === 0) return;
    stream.queued = true;
    this.queue.push(stream);
  }

  /** One DATA frame of a stream that waits, and its end if that was all. */
  private sendPiece(stream: S): void {
    const waiting = stream.waiting;
    if (waiting === undefined || stream.sendWindow <= 0) return;
    const bytes = Math.min(waiting.length, stream.sendWindow, this.window, MAX_WRITTEN_FRAME_BYTES);
    const at = this.frameSpace(FrameType.DATA, 0, stream.id, bytes);
    waiting.shift(this.output.block, at, bytes);
    stream.sendWindow -= bytes;
    this.window -= bytes;
    this.waitingBytes -= bytes;
    // The windows that the client opened were of use, unless it opens them by a few bytes.
    if (bytes >= USEFUL_BYTES) this.idleFrames.earn(IDLE_FRAMES_EARNED);
    this.enqueue(stream);
    if (stream.tellsSent) stream.listener?.onSent();
    if (stream.closed) return;
    if (waiting.length === 0 && stream.ending) {
      this.writeEnd(stream);
    } else if (
      stream.wantsDrain &&
      waiting.length <= this.options.streamHighWaterBytes * LOW_WATER_PART
    ) {
      stream.wantsDrain = false;
      stream.listener?.onDrain();
    }
  }

  private writeEnd(stream: S): void {
    if (stream.trailers !== undefined) {
      this.headers(stream, stream.trailers, true);
      return;
    }
    this.frameSpace(FrameType.DATA, Flag.END_STREAM, stream.id, 0);
    this.finish(stream);
  }

  private finish(stream: S): void {
    stream.ending = true;
    stream.localEnded = true;
    this.ended(stream);
  }
}
