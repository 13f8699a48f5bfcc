/**
 * The streams of a connection: which are open, which were, and how each of them ends.
 *
 *     ids    1  3  5  7  9  11                     lastStreamId = 11
 *            |  |  |  |  |  \ open                 above: idle, a frame for it is an error
 *            |  |  |  |  \ open                    open: in the map
 *            closed, remembered with the reason    below and in no map: closed, what comes is late or wrong
 */
import { OpenById } from '../open-by-id';
import { Closed, ClosedStreams } from './closed-streams';
import { ConnectionError, ErrorCode, protocolError } from './error-code';
import { FloodGuard } from './flood-guard';
import type { Http2Options } from './options';
import type { RequestHead } from './request-head';
import type { Sender } from './sender';
import { DEFAULT_WINDOW_BYTES } from './settings';
import { Http2Stream, type Fields, type StreamOwner } from './stream';

/** What a table needs of its connection. */
export interface TableHost {
  /** `host:port` of the client. */
  readonly peer: string;
  /** `host:port` that the client reached. */
  readonly localAddress: string;
  readonly options: Http2Options;
  readonly sender: Sender<Http2Stream>;
  monotonicMs(): number;
  /** Has what was gathered written at the end of the turn. */
  schedule(): void;
  /** The last open stream has ended. */
  onEmpty(): void;
}

export class StreamTable implements StreamOwner {
  readonly peer: string;
  readonly localAddress: string;
  /** The highest stream that the client has opened, or tried to. */
  lastId = 0;
  private readonly open = new OpenById<Http2Stream>(2);
  private readonly closed = new ClosedStreams();
  /** Streams whose answer ended before the request did; their clients are told at the end of the turn. */
  private endedEarly: Http2Stream[] = [];
  private readonly unanswered: FloodGuard;
  private readonly sender: Sender<Http2Stream>;
  /** What a new stream's client takes before it says more, bytes. */
  private peerWindow = DEFAULT_WINDOW_BYTES;
  /** What the client may send on a new stream, as far as it knows our settings, bytes. */
  private receiveWindow: number;
  private held = 0;

  constructor(private readonly host: TableHost) {
    this.peer = host.peer;
    this.localAddress = host.localAddress;
    this.sender = host.sender;
    this.receiveWindow = Math.max(host.options.streamWindowBytes, DEFAULT_WINDOW_BYTES);
    const { maxUnansweredRequests } = host.options;
    const clock = (): number => host.monotonicMs();
    this.unanswered = new FloodGuard(maxUnansweredRequests, 'requests given up', clock);
  }

  get size(): number {
    return this.open.size;
  }

  get(streamId: number): Http2Stream | undefined {
    return this.open.get(streamId);
  }

  add(streamId: number, head: RequestHead, remoteEnded: boolean): Http2Stream {
    const stream = new Http2Stream(streamId, head, this, this.peerWindow, this.receiveWindow);
    stream.remoteEnded = remoteEnded;
    this.open.add(stream);
    return stream;
  }

  /** Why a stream that is not open is closed. */
  reason(streamId: number): Closed {
    return this.closed.reason(streamId);
  }

  /** @throws ConnectionError PROTOCOL_ERROR for a stream that is idle (RFC 9113, section 5.1) */
  needKnown(streamId: number, frame: string): void {
    if (streamId === 0 || streamId > this.lastId) {
      throw protocolError(`${frame} on stream ${streamId}, which was never opened`);
    }
  }

  /**
   * Moves every stream's window by the difference (section 6.9.2), below zero if need be.
   * @throws ConnectionError FLOW_CONTROL_ERROR when one would be above 2^31 - 1
   */
  changePeerWindow(bytes: number): void {
    const difference = bytes - this.peerWindow;
    this.peerWindow = bytes;
    for (const stream of this.open.all()) {
      if (!this.sender.widenStream(stream, difference)) {
        throw new ConnectionError(
          ErrorCode.FLOW_CONTROL_ERROR,
          `INITIAL_WINDOW_SIZE makes the window of stream ${stream.id} too large`,
        );
      }
    }
  }

  /** The client has read our settings: it makes the windows of its streams smaller if it had taken them for larger. */
  settingsKnown(): void {
    const difference = this.host.options.streamWindowBytes - this.receiveWindow;
    this.receiveWindow += difference;
    for (const stream of this.open.all()) stream.receiveWindow += difference;
  }

  // What streams ask.

  sendHeaders(stream: Http2Stream, fields: Fields, end: boolean): void {
    this.sender.headers(stream, fields, end);
    this.host.schedule();
  }

  sendData(stream: Http2Stream, prefix: Uint8Array, bytes: Uint8Array): boolean {
    const more = this.sender.data(stream, prefix, bytes);
    this.host.schedule();
    return more;
  }

  sendEnd(stream: Http2Stream, trailers: Fields | undefined): void {
    this.sender.end(stream, trailers);
    this.host.schedule();
  }

  reset(stream: Http2Stream, code: ErrorCode): void {
    this.sender.resetStream(stream.id, code);
    this.host.schedule();
    this.drop(stream, Closed.BY_US, code);
  }

  returnWindow(stream: Http2Stream, bytes: number): void {
    stream.unreturned += bytes;
    if (stream.unreturned * 2 < this.host.options.streamWindowBytes) return;
    stream.receiveWindow += stream.unreturned;
    this.sender.windowUpdate(stream.id, stream.unreturned);
    stream.unreturned = 0;
    this.host.schedule();
  }

  hold(stream: Http2Stream, bytes: number): boolean {
    if (this.held + bytes > this.host.options.maxHeldConnectionBytes) return false;
    this.held += bytes;
    stream.held += bytes;
    return true;
  }

  release(stream: Http2Stream, bytes: number): void {
    this.held -= bytes;
    stream.held -= bytes;
  }

  // Ends of streams.

  /** The end of an answer was written. */
  answered(stream: Http2Stream): void {
    this.unanswered.earn(1);
    if (stream.remoteEnded) this.finish(stream);
    else this.endedEarly.push(stream);
    stream.listener?.onAnswered();
  }

  /** Both sides have ended. */
  finish(stream: Http2Stream): void {
    this.forget(stream, Closed.DONE);
  }

  /** The answer is whole, the request is not wanted any more (section 8.1). */
  stopEarlyRequests(): void {
    if (this.endedEarly.length === 0) return;
    const streams = this.endedEarly;
    this.endedEarly = [];
    for (const stream of streams) {
      if (!stream.closed) this.reset(stream, ErrorCode.NO_ERROR);
    }
  }

  /** The client reset a stream. */
  resetByPeer(stream: Http2Stream): void {
    const answered = stream.localEnded;
    this.drop(stream, Closed.BY_PEER, ErrorCode.CANCEL);
    if (!answered) this.unanswered.spend();
  }

  /** The client broke a rule on a stream: ends it, and counts it. */
  refuse(stream: Http2Stream, code: ErrorCode = ErrorCode.PROTOCOL_ERROR): void {
    this.reset(stream, code);
    this.unanswered.spend();
  }

  /** A stream that is ended as it is opened, and counted. */
  refuseNew(streamId: number, code: ErrorCode): void {
    this.sender.resetStream(streamId, code);
    this.closed.add(streamId, Closed.BY_US);
    this.unanswered.spend();
  }

  /** The connection is gone. */
  dropAll(): void {
    for (const stream of this.open.all()) this.drop(stream, Closed.BY_US, ErrorCode.CANCEL);
  }

  private drop(stream: Http2Stream, reason: Closed, code: ErrorCode): void {
    this.sender.forget(stream);
    this.forget(stream, reason);
    if (!stream.localEnded) stream.listener?.onGone(code);
  }

  private forget(stream: Http2Stream, reason: Closed): void {
    stream.closed = true;
    this.held -= stream.held;
    this.open.delete(stream);
    this.closed.add(stream.id, reason);
    if (this.open.size === 0) this.host.onEmpty();
  }
}
