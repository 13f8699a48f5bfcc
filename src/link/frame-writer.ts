/**
 * Gathers the frames of one turn of the event loop into batches.
 *
 *     push push push ──> queue ──(end of the turn, or the pipe drained)──> batch, batch ... ──> pipe
 *
 * A batch holds frames of up to `LINK_BATCH_BYTES`; a payload beyond that is cut into fragments, each a
 * batch of its own, so that no message of the transport is larger.
 */
import type { Timers } from '../platform/platform';
import type { Frame } from '../rpc/generated/gantry/v1/Frame';
import type { FrameKind__Output } from '../rpc/generated/gantry/v1/FrameKind';
import type { LinkBatch } from '../rpc/generated/gantry/v1/LinkBatch';

/** Payload bytes of one batch. */
export const LINK_BATCH_BYTES = 1024 * 1024;
/** Bytes that a frame is counted with beside its payload. */
const FRAME_BYTES = 64;

export interface OutgoingFrame {
  readonly id: number;
  readonly kind: FrameKind__Output;
  readonly method: string;
  readonly payload: Buffer;
  /** Called when the pipe has closed before the whole frame was handed to it. */
  readonly lost?: (() => void) | undefined;
}

export class FrameWriter {
  private queue: OutgoingFrame[] = [];
  /** Payload bytes of the first one that were handed on already. */
  private sentBytes = 0;
  private bytes = 0;
  private scheduled = false;
  private writable = true;
  private closed = false;

  /**
   * @param write hands a batch to the pipe; false: not before `drained`
   * @param onFlushed called when `queuedBytes` may have become less
   */
  constructor(
    private readonly timers: Timers,
    private readonly write: (batch: LinkBatch) => boolean,
    private readonly onFlushed: () => void = () => undefined,
  ) {}

  /** Bytes that wait for the end of the turn, or for the pipe. */
  get queuedBytes(): number {
    return this.bytes;
  }

  /** Hot path. */
  push(frame: OutgoingFrame): void {
    if (this.closed) {
      frame.lost?.();
      return;
    }
    this.queue.push(frame);
    this.bytes += frame.payload.length + FRAME_BYTES;
    if (this.scheduled || !this.writable) return;
    this.scheduled = true;
    this.timers.nextTurn(() => {
      this.scheduled = false;
      this.flush();
    });
  }

  drained(): void {
    this.writable = true;
    this.flush();
  }

  /** Hands on what waits, as far as the pipe takes it. */
  flush(): void {
    if (this.closed) return;
    let taken = 0;
    while (this.writable && taken < this.queue.length) {
      const { frames, done } = this.nextBatch(taken);
      taken += done;
      this.writable = this.write({ frames });
    }
    if (taken > 0) this.queue = this.queue.slice(taken);
    this.onFlushed();
  }

  /** What was not handed on is lost. */
  close(): void {
    this.closed = true;
    const queue = this.queue;
    this.queue = [];
    this.bytes = 0;
    for (const frame of queue) frame.lost?.();
  }

  /** Frames for one batch from `from` on, and how many of the queue are done with it. */
  private nextBatch(from: number): { frames: Frame[]; done: number } {
    const frames: Frame[] = [];
    let done = 0;
    let room = LINK_BATCH_BYTES;
    for (let frame = this.queue[from]; frame !== undefined; frame = this.queue[from + done]) {
      const { sentBytes } = this;
      const rest = frame.payload.length - sentBytes;
      if (rest + FRAME_BYTES > room && frames.length > 0) break;
      const size = Math.min(rest, LINK_BATCH_BYTES);
      const more = size < rest;
      frames.push({
        id: frame.id,
        kind: frame.kind,
        method: sentBytes === 0 ? frame.method : '',
        payload:
          size === frame.payload.length ? frame.payload : part(frame.payload, sentBytes, size),
        more,
      });
      this.sentBytes = more ? sentBytes + size : 0;
      this.bytes -= size + (more ? 0 : FRAME_BYTES);
      room -= size + FRAME_BYTES;
      if (more) break;
      done++;
    }
    return { frames, done };
  }
}

function part(payload: Buffer, start: number, bytes: number): Buffer {
  return payload.subarray(start, start + bytes);
}
