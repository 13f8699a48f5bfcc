/**
 * One HTTP/2 connection, the server's side: reads frames, keeps the books on streams and windows, and answers each
 * break of the rules as RFC 9113 says. What it sends is `Sender`'s part; what a request means is the listener's.
 *
 *     greeting  -- preface and SETTINGS -->  open  -- last stream ends after GOAWAY -->  closing  -->  closed
 *                                              \---- ConnectionError: GOAWAY with its code ----/
 */
import type { TcpConnection, TcpEvents } from '../../platform/platform';
import { Closed, ClosedStreams } from './closed-streams';
import { ConnectionWatch, type Watched } from './connection-watch';
import { ConnectionError, ErrorCode } from './error-code';
import { FloodGuard } from './flood-guard';
import { CLIENT_PREFACE, Flag, FrameType, readUint31, writeUint32 } from './frame';
import { FrameReader, type FrameSink } from './frame-reader';
import { HeadCache } from './head-cache';
import { HeaderIntake, type BlockSink } from './header-intake';
import { HpackDecoder } from './hpack-decoder';
import { HeaderBlock } from './hpack-encoder';
import type { Http2Options } from './options';
import type { BlockPool } from './output';
import { requestHead, trailersError, type RequestHead } from './request-head';
import { Sender } from './sender';
import {
  DEFAULT_WINDOW_BYTES,
  readSettings,
  Setting,
  SETTING_BYTES,
  settingsPayload,
} from './settings';
import { Http2Stream, type Fields, type StreamListener, type StreamOwner } from './stream';

/** What a connection needs of its server. */
export interface ConnectionHost {
  readonly options: Http2Options;
  readonly pool: BlockPool;
  monotonicMs(): number;
  /** Uniform in 0 .. 1. */
  random(): number;
  /** A request has begun; answers who serves it. */
  request(stream: Http2Stream, head: RequestHead): StreamListener;
  /** Calls `flush` at the end of the turn. */
  flushSoon(connection: Http2Connection): void;
  closed(connection: Http2Connection): void;
}

type Phase = 'greeting' | 'open' | 'closing' | 'closed';

/** How long a peer gets to read the last GOAWAY before the socket is dropped, ms. */
const LINGER_MS = 2_000;
/** What a frame that brings something on allows of those that do not. */
const IDLE_FRAMES_EARNED = 16;
const MAX_STREAM_ID = 0x7fff_ffff;
/** The PING that tells when a peer has read the first GOAWAY of a drain, and the one that asks for life. */
const DRAIN_PING = Buffer.from('drain...', 'latin1');
const ALIVE_PING = Buffer.from('alive?..', 'latin1');
const TOO_MANY_HEADERS = new HeaderBlock([[':status', '431']]);

export class Http2Connection implements TcpEvents, StreamOwner {
  readonly peer: string;
  readonly localAddress: string;
  private phase: Phase = 'greeting';
  private prefaceBytes = 0;
  private readonly reader: FrameReader;
  private readonly intake: HeaderIntake;
  private readonly decoder: HpackDecoder;
  private readonly heads = new HeadCache();
  private readonly sender: Sender;
  private readonly streams = new Map<number, Http2Stream>();
  private readonly closedStreams = new ClosedStreams();
  private readonly idleFrames: FloodGuard;
  private readonly unanswered: FloodGuard;
  private readonly watch: ConnectionWatch;
  /** Streams whose answer ended before the request did; their clients are told at the end of the turn. */
  private endedEarly: Http2Stream[] = [];
  private lastStreamId = 0;
  private receiveWindow: number;
  private unreturned = 0;
  private held = 0;
  private peerWindow = DEFAULT_WINDOW_BYTES;
  private frames = 0;
  private heard = false;
  private paused = false;
  private flushing = false;
  /** No new streams; the connection ends with the last one. */
  private draining = false;
  /** Streams above are refused; what a GOAWAY said. */
  private highestStreamId = MAX_STREAM_ID;
  /** When what is still open is dropped. */
  private deadlineMs = Infinity;

  constructor(
    private readonly socket: TcpConnection,
    private readonly host: ConnectionHost,
  ) {
    const { options, pool } = host;
    this.peer = addressText(socket.remote);
    this.localAddress = addressText(socket.local);
    this.receiveWindow = options.connectionWindowBytes;
    this.decoder = new HpackDecoder(options.headerTableBytes, options.maxHeaderListBytes);
    this.intake = new HeaderIntake(options.maxHeaderListBytes, this.onBlock);
    this.reader = new FrameReader(options.maxFrameBytes, this.onFrame);
    this.sender = new Sender(socket, pool, options, this.onAnswered, (stream) => {
      this.reset(stream, ErrorCode.ENHANCE_YOUR_CALM);
    });
    const clock = (): number => host.monotonicMs();
    this.idleFrames = new FloodGuard(options.maxIdleFrames, 'frames that bring nothing on', clock);
    this.unanswered = new FloodGuard(options.maxUnansweredRequests, 'requests given up', clock);
    this.watch = new ConnectionWatch(options, clock(), host.random());
  }

  /** The client's address, as limits count it. */
  get remoteHost(): string {
    return this.socket.remote.host;
  }

  get openStreams(): number {
    return this.streams.size;
  }

  // What the socket tells.

  onData(chunk: Buffer): void {
    this.heard = true;
    if (this.phase === 'closing' || this.phase === 'closed') return;
    try {
      const at = this.phase === 'greeting' ? this.readPreface(chunk) : 0;
      if (at < chunk.length) this.reader.push(chunk, at);
    } catch (error) {
      this.fail(error);
    }
    if (this.sender.output.dirty) this.schedule();
    if (!this.paused && this.sender.congested) {
      this.paused = true;
      this.socket.pause();
    }
  }

  onDrain(): void {
    this.sender.output.drained();
    this.sender.pump();
    this.flush();
    if (this.paused && !this.sender.congested) {
      this.paused = false;
      this.socket.resume();
    }
  }

  /** A client that sends no more can open no window: what can be answered is, then the connection ends. */
  onEnd(): void {
    if (this.phase === 'greeting') this.socket.destroy();
    else this.startDrain(this.host.options.graceMs);
    this.highestStreamId = this.lastStreamId;
    this.endIfIdle();
  }

  onClose(): void {
    if (this.phase === 'closed') return;
    this.phase = 'closed';
    this.dropStreams(ErrorCode.CANCEL);
    this.host.closed(this);
  }

  // What the server asks.

  /** Ends in an orderly way: no new streams, open ones have `graceMs` to finish. */
  drain(graceMs: number): void {
    if (this.phase === 'greeting') {
      this.socket.destroy();
      return;
    }
    this.startDrain(graceMs);
    this.endIfIdle();
  }

  /** Drops the connection at once. */
  destroy(): void {
    this.socket.destroy();
  }

  /** Looks at the clock: called about once a second. */
  tick(nowMs: number): void {
    if (nowMs >= this.deadlineMs) {
      if (this.phase === 'open') this.close(ErrorCode.NO_ERROR, 'time is up');
      else this.socket.destroy();
      return;
    }
    if (this.phase === 'closing' || this.phase === 'closed') return;
    const verdict = this.watch.look(nowMs, this.watched());
    this.heard = false;
    if (verdict === 'ping') this.control(FrameType.PING, 0, ALIVE_PING);
    else if (verdict === 'end' && !this.draining) this.drain(this.host.options.graceMs);
    else if (verdict === 'lost') this.socket.destroy();
    else if (verdict === 'slow') {
      if (this.phase === 'greeting') this.socket.destroy();
      else this.close(ErrorCode.ENHANCE_YOUR_CALM, 'a frame was begun and not ended in time');
    }
  }

  /** Writes what the turn gathered to the socket. */
  flush(): void {
    this.flushing = false;
    if (this.endedEarly.length > 0) this.stopEarlyRequests();
    this.sender.output.flush();
  }

  // What streams ask.

  sendHeaders(stream: Http2Stream, fields: Fields, end: boolean): void {
    this.sender.headers(stream, fields, end);
    this.schedule();
  }

  sendData(stream: Http2Stream, prefix: Uint8Array, bytes: Uint8Array): boolean {
    this.idleFrames.earn(IDLE_FRAMES_EARNED);
    const more = this.sender.data(stream, prefix, bytes);
    this.schedule();
    return more;
  }

  sendEnd(stream: Http2Stream, trailers: Fields | undefined): void {
    this.sender.end(stream, trailers);
    this.schedule();
  }

  reset(stream: Http2Stream, code: ErrorCode): void {
    this.sender.resetStream(stream.id, code);
    this.drop(stream, Closed.BY_US, code);
    this.schedule();
  }

  returnWindow(stream: Http2Stream, bytes: number): void {
    stream.unreturned += bytes;
    if (stream.unreturned * 2 < this.host.options.streamWindowBytes) return;
    stream.receiveWindow += stream.unreturned;
    this.sender.windowUpdate(stream.id, stream.unreturned);
    stream.unreturned = 0;
    this.schedule();
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

  // Reading.

  private readPreface(chunk: Buffer): number {
    let at = 0;
    while (at < chunk.length && this.prefaceBytes < CLIENT_PREFACE.length) {
      if (chunk[at++] !== CLIENT_PREFACE[this.prefaceBytes++]) {
        throw protocolError('this is not HTTP/2: its first bytes are others');
      }
    }
    if (this.prefaceBytes === CLIENT_PREFACE.length) {
      this.phase = 'open';
      this.greet();
    }
    return at;
  }

  private greet(): void {
    const { options } = this.host;
    const settings = settingsPayload([
      [Setting.HEADER_TABLE_SIZE, options.headerTableBytes],
      [Setting.MAX_CONCURRENT_STREAMS, options.maxConcurrentStreams],
      [Setting.INITIAL_WINDOW_SIZE, options.streamWindowBytes],
      [Setting.MAX_FRAME_SIZE, options.maxFrameBytes],
      [Setting.MAX_HEADER_LIST_SIZE, options.maxHeaderListBytes],
    ]);
    this.sender.frame(FrameType.SETTINGS, 0, 0, settings);
    const more = options.connectionWindowBytes - DEFAULT_WINDOW_BYTES;
    if (more > 0) this.sender.windowUpdate(0, more);
  }

  private readonly onFrame: FrameSink = (type, flags, streamId, bytes, start, end) => {
    if (this.frames++ === 0 && type !== FrameType.SETTINGS) {
      throw protocolError('the first frame is not SETTINGS');
    }
    if (this.intake.midBlock && type !== FrameType.CONTINUATION) {
      throw protocolError('a frame inside a header block');
    }
    switch (type) {
      case FrameType.DATA:
        this.onDataFrame(flags, streamId, bytes, start, end);
        break;
      case FrameType.HEADERS:
        if ((streamId & 1) === 0) throw protocolError('HEADERS on a stream that is not a client’s');
        this.intake.headers(flags, streamId, bytes, start, end);
        break;
      case FrameType.WINDOW_UPDATE:
        this.onWindowUpdate(streamId, bytes, start, end);
        break;
      default:
        this.idleFrames.spend();
        this.onControlFrame(type, flags, streamId, bytes, start, end);
    }
    return this.phase === 'open';
  };

  private onControlFrame(
    type: number,
    flags: number,
    streamId: number,
    bytes: Buffer,
    start: number,
    end: number,
  ): void {
    switch (type) {
      case FrameType.CONTINUATION:
        this.intake.continuation(flags, streamId, bytes, start, end);
        break;
      case FrameType.RST_STREAM:
        this.onReset(streamId, end - start);
        break;
      case FrameType.SETTINGS:
        this.onSettings(flags, streamId, bytes, start, end);
        break;
      case FrameType.PING:
        this.onPing(flags, streamId, bytes, start, end);
        break;
      case FrameType.PRIORITY:
        this.onPriority(streamId, bytes, start, end);
        break;
      case FrameType.GOAWAY:
        needConnectionStream(streamId);
        if (end - start < 8) throw frameSizeError('GOAWAY');
        this.draining = true;
        this.endIfIdle();
        break;
      case FrameType.PUSH_PROMISE:
        throw protocolError('PUSH_PROMISE from a client');
      default: // unknown frames are ignored (section 5.5)
    }
  }

  private onDataFrame(
    flags: number,
    streamId: number,
    bytes: Buffer,
    from: number,
    to: number,
  ): void {
    const frameBytes = to - from;
    let start = from;
    let end = to;
    if ((flags & Flag.PADDED) !== 0) {
      end -= bytes[start++] ?? 0;
      if (end < start) throw protocolError('DATA has no room for its padding');
    }
    this.takeConnectionWindow(frameBytes);
    const endStream = (flags & Flag.END_STREAM) !== 0;
    if (start < end) this.idleFrames.earn(IDLE_FRAMES_EARNED);
    else this.idleFrames.spend();
    const stream = this.streams.get(streamId);
    if (stream === undefined) {
      this.onLateFrame(streamId, 'DATA');
      return;
    }
    stream.receiveWindow -= frameBytes;
    if (stream.remoteEnded) this.reset(stream, ErrorCode.STREAM_CLOSED);
    else if (stream.receiveWindow < 0) this.reset(stream, ErrorCode.FLOW_CONTROL_ERROR);
    else if (isBodyWrong(stream, end - start, endStream)) this.refuse(stream);
    else this.deliver(stream, bytes, start, end, frameBytes, endStream);
  }

  private deliver(
    stream: Http2Stream,
    bytes: Buffer,
    start: number,
    end: number,
    frameBytes: number,
    endStream: boolean,
  ): void {
    if (endStream) stream.remoteEnded = true;
    else if (frameBytes > end - start) this.returnWindow(stream, frameBytes - (end - start));
    if (stream.localEnded) {
      if (endStream) this.finish(stream);
      return;
    }
    if (start < end) stream.listener?.onData(bytes, start, end);
    if (endStream && !stream.localEnded && !stream.closed) stream.listener?.onEnd();
  }

  /** Reads a block in every case, as the tables of both sides must stay alike. */
  private readonly onBlock: BlockSink = (streamId, endStream, selfDependent, bytes, start, end) => {
    const stream = this.streams.get(streamId);
    if (stream !== undefined) {
      this.onTrailers(stream, endStream, this.decoder.decode(bytes, start, end));
      return;
    }
    if (streamId <= this.lastStreamId) {
      this.decoder.decode(bytes, start, end);
      this.onLateHeaders(streamId);
      return;
    }
    const head = this.readHead(bytes, start, end);
    this.lastStreamId = streamId;
    this.idleFrames.earn(IDLE_FRAMES_EARNED);
    if (selfDependent) this.refuseNew(streamId, ErrorCode.PROTOCOL_ERROR);
    else if (
      streamId > this.highestStreamId ||
      this.streams.size >= this.host.options.maxConcurrentStreams
    ) {
      this.refuseNew(streamId, ErrorCode.REFUSED_STREAM);
    } else if (head?.malformed !== undefined || (endStream && (head?.contentLength ?? 0) > 0)) {
      this.refuseNew(streamId, ErrorCode.PROTOCOL_ERROR);
    } else {
      this.openStream(streamId, head, endStream);
    }
  };

  /** The request's head, or `undefined` when its fields are more than allowed. */
  private readHead(bytes: Buffer, start: number, end: number): RequestHead | undefined {
    const version = this.decoder.tableVersion;
    const known = this.heads.find(version, bytes, start, end);
    if (known !== undefined) return known;
    const head = requestHead(this.decoder.decode(bytes, start, end));
    if (this.decoder.overflowed) return undefined;
    if (this.decoder.tableVersion === version) this.heads.keep(version, bytes, start, end, head);
    return head;
  }

  private openStream(streamId: number, head: RequestHead | undefined, endStream: boolean): void {
    const window = this.host.options.streamWindowBytes;
    const stream = new Http2Stream(
      streamId,
      head ?? requestHead([]),
      this,
      this.peerWindow,
      window,
    );
    stream.remoteEnded = endStream;
    this.streams.set(streamId, stream);
    if (head === undefined) {
      this.sendHeaders(stream, TOO_MANY_HEADERS, true);
      return;
    }
    stream.listener = this.host.request(stream, head);
    if (endStream && !stream.localEnded && !stream.closed) stream.listener.onEnd();
  }

  private onTrailers(
    stream: Http2Stream,
    endStream: boolean,
    fields: Parameters<typeof trailersError>[0],
  ): void {
    if (stream.remoteEnded) {
      this.reset(stream, ErrorCode.STREAM_CLOSED);
    } else if (!endStream || trailersError(fields) !== undefined || stream.contentLeft > 0) {
      this.refuse(stream);
    } else {
      stream.remoteEnded = true;
      if (stream.localEnded) this.finish(stream);
      else stream.listener?.onEnd();
    }
  }

  private onLateHeaders(streamId: number): void {
    const reason = this.closedStreams.reason(streamId);
    if (reason === Closed.UNKNOWN) throw protocolError(`stream ${streamId} is below the last one`);
    if (reason !== Closed.BY_US) {
      throw new ConnectionError(
        ErrorCode.STREAM_CLOSED,
        `HEADERS on stream ${streamId}, which is closed`,
      );
    }
    this.idleFrames.spend();
  }

  /** A frame for a stream that is not open: an error unless it may have crossed our reset. */
  private onLateFrame(streamId: number, name: string): void {
    this.needKnownStream(streamId, name);
    this.idleFrames.spend();
    if (this.closedStreams.reason(streamId) === Closed.BY_US) return;
    this.sender.resetStream(streamId, ErrorCode.STREAM_CLOSED);
  }

  private onReset(streamId: number, bytes: number): void {
    if (bytes !== 4) throw frameSizeError('RST_STREAM');
    this.needKnownStream(streamId, 'RST_STREAM');
    const stream = this.streams.get(streamId);
    if (stream === undefined) return;
    const answered = stream.localEnded;
    this.drop(stream, Closed.BY_PEER, ErrorCode.CANCEL);
    if (!answered) this.unanswered.spend();
  }

  private onSettings(
    flags: number,
    streamId: number,
    bytes: Buffer,
    start: number,
    end: number,
  ): void {
    needConnectionStream(streamId);
    const ack = (flags & Flag.ACK) !== 0;
    if ((end - start) % SETTING_BYTES !== 0 || (ack && end > start))
      throw frameSizeError('SETTINGS');
    if (ack) return;
    readSettings(bytes, start, end, (identifier, value) => {
      if (identifier === Setting.HEADER_TABLE_SIZE) this.sender.limitHeaderTable(value);
      else if (identifier === Setting.INITIAL_WINDOW_SIZE) this.changePeerWindow(value);
    });
    this.control(FrameType.SETTINGS, Flag.ACK);
  }

  /** Moves every stream's window by the difference (section 6.9.2), below zero if need be. */
  private changePeerWindow(bytes: number): void {
    const difference = bytes - this.peerWindow;
    this.peerWindow = bytes;
    for (const stream of this.streams.values()) {
      if (!this.sender.widenStream(stream, difference)) {
        throw new ConnectionError(
          ErrorCode.FLOW_CONTROL_ERROR,
          `INITIAL_WINDOW_SIZE makes the window of stream ${stream.id} too large`,
        );
      }
    }
    this.sender.pump();
  }

  private onPing(flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    needConnectionStream(streamId);
    if (end - start !== 8) throw frameSizeError('PING');
    const payload = bytes.subarray(start, end);
    if ((flags & Flag.ACK) === 0) this.control(FrameType.PING, Flag.ACK, payload);
    else if (this.draining && payload.equals(DRAIN_PING)) this.refuseFurtherStreams();
  }

  private onPriority(streamId: number, bytes: Buffer, start: number, end: number): void {
    if (streamId === 0) throw protocolError('PRIORITY on stream 0');
    const wrongSize = end - start !== 5;
    if (!wrongSize && readUint31(bytes, start) !== streamId) return; // priorities are not used
    const code = wrongSize ? ErrorCode.FRAME_SIZE_ERROR : ErrorCode.PROTOCOL_ERROR;
    const stream = this.streams.get(streamId);
    if (stream !== undefined) this.reset(stream, code);
    else this.sender.resetStream(streamId, code);
  }

  private onWindowUpdate(streamId: number, bytes: Buffer, start: number, end: number): void {
    if (end - start !== 4) throw frameSizeError('WINDOW_UPDATE');
    this.idleFrames.spend();
    const increment = readUint31(bytes, start);
    if (streamId === 0) {
      if (increment === 0) throw protocolError('WINDOW_UPDATE by 0');
      this.sender.widenConnection(increment);
      return;
    }
    this.needKnownStream(streamId, 'WINDOW_UPDATE');
    const stream = this.streams.get(streamId);
    if (stream === undefined) return;
    if (increment === 0) this.refuse(stream);
    else if (this.sender.widenStream(stream, increment)) this.sender.pump();
    else this.reset(stream, ErrorCode.FLOW_CONTROL_ERROR);
  }

  private takeConnectionWindow(bytes: number): void {
    this.receiveWindow -= bytes;
    if (this.receiveWindow < 0) {
      throw new ConnectionError(
        ErrorCode.FLOW_CONTROL_ERROR,
        'DATA beyond the connection’s window',
      );
    }
    this.unreturned += bytes;
    if (this.unreturned * 2 < this.host.options.connectionWindowBytes) return;
    this.receiveWindow += this.unreturned;
    this.sender.windowUpdate(0, this.unreturned);
    this.unreturned = 0;
  }

  private needKnownStream(streamId: number, name: string): void {
    if (streamId === 0 || streamId > this.lastStreamId) {
      throw protocolError(`${name} on stream ${streamId}, which was never opened`);
    }
  }

  // Ends of streams.

  /** Called when the end of an answer was written. */
  private readonly onAnswered = (stream: Http2Stream): void => {
    this.unanswered.earn(1);
    if (stream.remoteEnded) this.finish(stream);
    else this.endedEarly.push(stream);
  };

  private finish(stream: Http2Stream): void {
    stream.closed = true;
    this.held -= stream.held;
    this.streams.delete(stream.id);
    this.closedStreams.add(stream.id, Closed.DONE);
    if (this.draining) this.endIfIdle();
  }

  /** The answer is whole, the request is not wanted any more (section 8.1). */
  private stopEarlyRequests(): void {
    const streams = this.endedEarly;
    this.endedEarly = [];
    for (const stream of streams) {
      if (!stream.closed) this.reset(stream, ErrorCode.NO_ERROR);
    }
  }

  private drop(stream: Http2Stream, reason: Closed, code: ErrorCode): void {
    stream.closed = true;
    this.held -= stream.held;
    this.sender.forget(stream);
    this.streams.delete(stream.id);
    this.closedStreams.add(stream.id, reason);
    if (!stream.localEnded) stream.listener?.onGone(code);
    if (this.draining) this.endIfIdle();
  }

  private dropStreams(code: ErrorCode): void {
    for (const stream of [...this.streams.values()]) this.drop(stream, Closed.BY_US, code);
  }

  /** The client broke a rule on a stream: ends it, and counts it. */
  private refuse(stream: Http2Stream): void {
    this.reset(stream, ErrorCode.PROTOCOL_ERROR);
    this.unanswered.spend();
  }

  private refuseNew(streamId: number, code: ErrorCode): void {
    this.sender.resetStream(streamId, code);
    this.closedStreams.add(streamId, Closed.BY_US);
    this.unanswered.spend();
  }

  // Ends of the connection.

  /** First GOAWAY: no number yet, as requests are on their way; the PING's answer tells when they are here. */
  private startDrain(graceMs: number): void {
    this.deadlineMs = Math.min(this.deadlineMs, this.host.monotonicMs() + graceMs);
    if (this.draining && this.highestStreamId !== MAX_STREAM_ID) return;
    this.draining = true;
    this.goAway(MAX_STREAM_ID, ErrorCode.NO_ERROR, '');
    this.control(FrameType.PING, 0, DRAIN_PING);
  }

  private refuseFurtherStreams(): void {
    this.highestStreamId = this.lastStreamId;
    this.goAway(this.lastStreamId, ErrorCode.NO_ERROR, '');
    this.endIfIdle();
  }

  private endIfIdle(): void {
    if (!this.draining || this.phase !== 'open' || this.streams.size > 0) return;
    // While the peer may not know yet, requests are on their way.
    if (this.highestStreamId === MAX_STREAM_ID && this.deadlineMs !== Infinity) return;
    this.close(ErrorCode.NO_ERROR, '');
  }

  private fail(error: unknown): void {
    if (error instanceof ConnectionError) this.close(error.code, error.message);
    else throw error;
  }

  /** Last GOAWAY, then the end of our side; the peer gets a moment to read it. */
  private close(code: ErrorCode, text: string): void {
    if (this.phase === 'closing' || this.phase === 'closed') return;
    const greeted = this.phase === 'open';
    this.phase = 'closing';
    this.dropStreams(ErrorCode.CANCEL);
    this.deadlineMs = this.host.monotonicMs() + LINGER_MS;
    if (greeted) this.goAway(this.lastStreamId, code, text);
    this.sender.output.flush();
    this.socket.end();
  }

  private goAway(lastStreamId: number, code: ErrorCode, text: string): void {
    const debug = Buffer.from(text.slice(0, 200), 'latin1');
    const payload = Buffer.alloc(8 + debug.length);
    writeUint32(payload, 0, lastStreamId);
    writeUint32(payload, 4, code);
    debug.copy(payload, 8);
    this.control(FrameType.GOAWAY, 0, payload);
  }

  private control(type: number, flags: number, payload: Uint8Array = NO_BYTES): void {
    this.sender.frame(type, flags, 0, payload);
    this.schedule();
  }

  private schedule(): void {
    if (this.flushing) return;
    this.flushing = true;
    this.host.flushSoon(this);
  }

  private watched(): Watched {
    return {
      heard: this.heard,
      greeted: this.phase !== 'greeting',
      midFrame: this.reader.midFrame || this.intake.midBlock,
      frames: this.frames,
      openStreams: this.streams.size,
    };
  }
}

const NO_BYTES = new Uint8Array(0);

/** A body longer or shorter than its `content-length` makes a request malformed (section 8.1.1). */
function isBodyWrong(stream: Http2Stream, bytes: number, last: boolean): boolean {
  if (stream.contentLeft < 0) return false;
  stream.contentLeft -= bytes;
  return stream.contentLeft < 0 || (last && stream.contentLeft > 0);
}

function addressText({ host, port }: { readonly host: string; readonly port: number }): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function protocolError(text: string): ConnectionError {
  return new ConnectionError(ErrorCode.PROTOCOL_ERROR, text);
}

function frameSizeError(name: string): ConnectionError {
  return new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, `${name} has a wrong length`);
}

function needConnectionStream(streamId: number): void {
  if (streamId !== 0) throw protocolError('a frame about the connection on a stream');
}
