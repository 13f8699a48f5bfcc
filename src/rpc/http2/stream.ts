import type { ErrorCode } from './error-code';
import type { FieldPair, HeaderBlock } from './hpack-encoder';
import type { ByteQueue } from './byte-queue';
import type { RequestHead } from './request-head';

/** Fields to send: a block that repeats, or pairs that do not. */
export type Fields = HeaderBlock | readonly FieldPair[];

/** Who serves a stream. Nothing is called after `onGone` or `onAnswered`. */
export interface StreamListener {
  /**
   * Bytes of the request's body: `bytes[start .. end)`, valid for good, but part of a larger chunk: copy
   * what is kept beyond the turn. The client may send more once `Http2Stream.take` counted them.
   */
  onData(bytes: Buffer, start: number, end: number): void;
  /** The request has ended. */
  onEnd(): void;
  /** So much has left that `write` would answer true again. Only after it answered false. */
  onDrain(): void;
  /** Bytes that waited have left. Only after `Http2Stream.tellsSent` was set. */
  onSent(): void;
  /** All of the answer has left. */
  onAnswered(): void;
  /** The stream ended before its answer did: the client cancelled or is gone, or a limit was met. */
  onGone(code: ErrorCode): void;
}

/** What a `Sender` keeps of a stream. */
export interface SendingStream {
  readonly id: number;
  readonly listener: Pick<StreamListener, 'onDrain' | 'onSent'> | undefined;
  /** What the peer takes, bytes; may be negative after it changed its mind. */
  sendWindow: number;
  /** What waits for the peer's windows or for the socket. */
  waiting: ByteQueue | undefined;
  readonly waitingBytes: number;
  /** In the connection's queue of those that may send. */
  queued: boolean;
  wantsDrain: boolean;
  /** The listener wants `onSent`. */
  readonly tellsSent: boolean;
  /** The end was asked for, and comes after what waits. */
  ending: boolean;
  trailers: Fields | undefined;
  /** The end has been written. */
  localEnded: boolean;
  readonly closed: boolean;
}

/** What a stream needs of its connection. */
export interface StreamOwner {
  /** `host:port` of the client. */
  readonly peer: string;
  /** `host:port` that the client reached. */
  readonly localAddress: string;
  sendHeaders(stream: Http2Stream, fields: Fields, end: boolean): void;
  sendData(stream: Http2Stream, prefix: Uint8Array, bytes: Uint8Array): boolean;
  sendEnd(stream: Http2Stream, trailers: Fields | undefined): void;
  reset(stream: Http2Stream, code: ErrorCode): void;
  returnWindow(stream: Http2Stream, bytes: number): void;
  hold(stream: Http2Stream, bytes: number): boolean;
  release(stream: Http2Stream, bytes: number): void;
}

/**
 * One request and its answer. A plain object: its connection does the work and keeps the books in it.
 *
 *                     END_STREAM read                  END_STREAM written
 *     open  ------------------------->  remoteEnded  --------------------->  closed
 *       \---  END_STREAM written: the client is told to stop (RST_STREAM NO_ERROR)  ---/
 *       \---  RST_STREAM of either side  ---------------------------------------------/
 */
export class Http2Stream implements SendingStream {
  listener: StreamListener | undefined;
  /** The client sends no more. */
  remoteEnded = false;
  /** The answer's end has been written. */
  localEnded = false;
  closed = false;
  /** The answer's end was asked for, and comes after what waits. */
  ending = false;
  trailers: Fields | undefined;
  /** What waits for the client's windows or for the socket. */
  waiting: ByteQueue | undefined;
  /** In the connection's queue of those that may send. */
  queued = false;
  wantsDrain = false;
  /** The listener wants `onSent`. */
  tellsSent = false;
  /** Bytes taken and not yet given back to the client's window. */
  unreturned = 0;
  /** Bytes that the listener keeps. */
  held = 0;
  /** Bytes that `content-length` announced and that have not come; -1 when it was not sent. */
  contentLeft: number;

  /**
   * @param sendWindow what the client takes, bytes; may be negative after it changed its mind
   * @param receiveWindow what the client may send, bytes
   */
  constructor(
    readonly id: number,
    readonly head: RequestHead,
    private readonly owner: StreamOwner,
    public sendWindow: number,
    public receiveWindow: number,
  ) {
    this.contentLeft = head.contentLength;
  }

  /** `host:port` of the client. */
  get peer(): string {
    return this.owner.peer;
  }

  /** `host:port` that the client reached. */
  get localAddress(): string {
    return this.owner.localAddress;
  }

  /** Bytes written that wait for the client or the socket. */
  get waitingBytes(): number {
    return this.waiting?.length ?? 0;
  }

  /** Bytes that had to wait and have left. */
  get sentBytes(): number {
    return this.waiting?.taken ?? 0;
  }

  /** Begins the answer, or is all of it when `end`. Once, and first. Ignored on a closed stream. */
  respond(fields: Fields, end = false): void {
    if (!this.closed && !this.ending) this.owner.sendHeaders(this, fields, end);
  }

  /**
   * Sends `prefix` (copied) and `bytes` (must not change any more), cut into frames as the client likes it. Answers
   * false when the writer should wait for `onDrain`. Ignored on a closed stream.
   */
  write(prefix: Uint8Array, bytes: Uint8Array): boolean {
    if (this.closed || this.ending) return true;
    return this.owner.sendData(this, prefix, bytes);
  }

  /** Ends the answer after all that was written. */
  end(trailers?: Fields): void {
    if (!this.closed && !this.ending) this.owner.sendEnd(this, trailers);
  }

  /** Ends both directions at once; what waits is dropped. The listener hears `onGone`. */
  reset(code: ErrorCode): void {
    if (!this.closed) this.owner.reset(this, code);
  }

  /** Lets the client send `bytes` more: call it with what `onData` brought, when it is used up. */
  take(bytes: number): void {
    if (!this.closed && !this.remoteEnded) this.owner.returnWindow(this, bytes);
  }

  /**
   * Counts `bytes` that the listener keeps of the request beyond the turn; false when that is more than a
   * connection may hold, they are not counted then. What is not released is when the stream closes.
   */
  hold(bytes: number): boolean {
    return this.closed || this.owner.hold(this, bytes);
  }

  release(bytes: number): void {
    if (!this.closed) this.owner.release(this, bytes);
  }
}
