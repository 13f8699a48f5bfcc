/**
 * One HTTP/2 connection, the server's side: reads frames, and answers each break of the rules as RFC 9113 says.
 * `StreamTable` keeps the streams, `RequestIntake` reads headers, `BodyIntake` data, `Sender` writes; what a request
 * means is its listener's.
 *
 *     open  -- last stream ends after GOAWAY -->  closing  -->  closed
 *       \---- ConnectionError: GOAWAY with its code ----/
 */
import type { TcpConnection, TcpEvents } from '../../platform/platform';
import { BodyIntake, type BodyHost } from './body-intake';
import { ConnectionWatch } from './connection-watch';
import { ConnectionError, ErrorCode, frameSizeError, protocolError } from './error-code';
import { FloodGuard } from './flood-guard';
import { Flag, FrameType, readUint31, writeUint32 } from './frame';
import { FrameReader, type FrameSink } from './frame-reader';
import type { Http2Options } from './options';
import type { BlockPool } from './output';
import type { RequestHead } from './request-head';
import { RequestIntake, type IntakeHost } from './request-intake';
import { Sender } from './sender';
import {
  DEFAULT_WINDOW_BYTES,
  readSettings,
  Setting,
  SETTING_BYTES,
  settingsPayload,
} from './settings';
import type { Http2Stream, StreamListener } from './stream';
import { StreamTable, type TableHost } from './stream-table';

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
}

type Phase = 'open' | 'closing' | 'closed';

/** How long a peer gets to read the last GOAWAY before the socket is dropped, ms. */
const LINGER_MS = 2_000;
const MAX_STREAM_ID = 0x7fff_ffff;
/** The PING that tells when a peer has read the first GOAWAY of a drain, and the one that asks for life. */
const DRAIN_PING = Buffer.from('drain...', 'latin1');
const ALIVE_PING = Buffer.from('alive?..', 'latin1');
const NO_BYTES = new Uint8Array(0);

export class Http2Connection implements TcpEvents, TableHost, IntakeHost, BodyHost {
  readonly peer: string;
  readonly localAddress: string;
  readonly options: Http2Options;
  readonly sender: Sender;
  readonly idleFrames: FloodGuard;
  readonly streams: StreamTable;
  /** What the last GOAWAY said; streams above are refused. */
  highestStreamId = MAX_STREAM_ID;
  private phase: Phase = 'open';
  private readonly reader: FrameReader;
  private readonly intake: RequestIntake;
  private readonly body: BodyIntake;
  private readonly watch: ConnectionWatch;
  private frames = 0;
  private heard = false;
  private paused = false;
  private flushing = false;
  /** No new streams are wanted; the connection ends with the last one. */
  private draining = false;
  /** When what is still open is dropped. */
  private deadlineMs = Infinity;

  /** Greets a client that has sent the preface; what follows it is for `onData`. */
  constructor(
    private readonly socket: TcpConnection,
    private readonly host: ConnectionHost,
  ) {
    const { options } = host;
    this.options = options;
    this.peer = addressText(socket.remote);
    this.localAddress = addressText(socket.local);
    const clock = (): number => host.monotonicMs();
    this.idleFrames = new FloodGuard(options.maxIdleFrames, 'frames that bring nothing on', clock);
    this.sender = new Sender(
      socket,
      host.pool,
      options,
      (stream) => this.streams.answered(stream),
      (stream) => this.streams.reset(stream, ErrorCode.ENHANCE_YOUR_CALM),
    );
    this.streams = new StreamTable(this);
    this.intake = new RequestIntake(this);
    this.body = new BodyIntake(this);
    this.reader = new FrameReader(options.maxFrameBytes, this.onFrame);
    this.watch = new ConnectionWatch(options, clock(), host.random());
    this.greet();
  }

  // What the socket tells.

  onData(chunk: Buffer): void {
    this.heard = true;
    if (this.phase !== 'open') return;
    try {
      this.reader.push(chunk);
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      this.close(error.code, error.message);
    }
    if (this.sender.output.dirty) this.schedule();
    if (!this.paused && this.sender.congested) {
      // A peer that does not read gets no more read from it.
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

  /** A client that sends no more can open no window and cancel nothing: it is taken as gone. */
  onEnd(): void {
    this.close(ErrorCode.NO_ERROR, '');
  }

  onClose(): void {
    this.phase = 'closed';
    this.streams.dropAll();
  }

  // What the server asks.

  /** Ends in an orderly way: no new streams, open ones have `graceMs` to finish. */
  drain(graceMs: number): void {
    this.beginDrain(graceMs);
    this.endIfDone();
  }

  /** Looks at the clock: called about once a second. */
  tick(nowMs: number): void {
    if (nowMs >= this.deadlineMs) {
      if (this.phase === 'open') this.close(ErrorCode.NO_ERROR, 'time is up');
      else this.socket.destroy();
    } else if (this.phase === 'open') {
      this.obeyWatch(nowMs);
    }
  }

  /** Writes what the turn gathered to the socket. */
  flush(): void {
    this.streams.stopEarlyRequests();
    this.flushing = false;
    this.sender.output.flush();
  }

  // What streams ask.

  monotonicMs(): number {
    return this.host.monotonicMs();
  }

  request(stream: Http2Stream, head: RequestHead): StreamListener {
    return this.host.request(stream, head);
  }

  schedule(): void {
    if (this.flushing) return;
    this.flushing = true;
    this.host.flushSoon(this);
  }

  onEmpty(): void {
    this.endIfDone();
  }

  // Reading.

  private greet(): void {
    const { options } = this;
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
    this.schedule();
  }

  private readonly onFrame: FrameSink = (type, flags, streamId, bytes, start, end) => {
    if (this.frames++ === 0 && type !== FrameType.SETTINGS) {
      throw protocolError('the first frame is not SETTINGS');
    }
    if (this.intake.blocks.midBlock && type !== FrameType.CONTINUATION) {
      throw protocolError('a frame inside a header block');
    }
    if (type === FrameType.DATA) {
      this.body.take(flags, streamId, bytes, start, end);
    } else if (type === FrameType.HEADERS) {
      if ((streamId & 1) === 0) throw protocolError('HEADERS on a stream that no client may open');
      this.intake.blocks.headers(flags, streamId, bytes, start, end);
    } else {
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
      case FrameType.WINDOW_UPDATE:
        this.onWindowUpdate(streamId, bytes, start, end);
        break;
      case FrameType.CONTINUATION:
        this.intake.blocks.continuation(flags, streamId, bytes, start, end);
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
        this.onGoAway(streamId, end - start);
        break;
      case FrameType.PUSH_PROMISE:
        throw protocolError('PUSH_PROMISE from a client');
      default: // unknown frames are ignored (section 5.5)
    }
  }

  private onReset(streamId: number, bytes: number): void {
    if (bytes !== 4) throw frameSizeError('RST_STREAM');
    this.streams.needKnown(streamId, 'RST_STREAM');
    const stream = this.streams.get(streamId);
    if (stream !== undefined) this.streams.resetByPeer(stream);
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
    if ((end - start) % SETTING_BYTES !== 0 || (ack && end > start)) {
      throw frameSizeError('SETTINGS');
    }
    if (ack) return;
    readSettings(bytes, start, end, (identifier, value) => {
      if (identifier === Setting.HEADER_TABLE_SIZE) this.sender.limitHeaderTable(value);
      else if (identifier === Setting.INITIAL_WINDOW_SIZE) this.streams.changePeerWindow(value);
    });
    this.control(FrameType.SETTINGS, Flag.ACK);
    this.sender.pump(); // after the acknowledgement: the peer knows now which window it opened
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
    if (stream === undefined) this.sender.resetStream(streamId, code);
    else this.streams.refuse(stream, code);
  }

  private onWindowUpdate(streamId: number, bytes: Buffer, start: number, end: number): void {
    if (end - start !== 4) throw frameSizeError('WINDOW_UPDATE');
    const increment = readUint31(bytes, start);
    if (streamId === 0) {
      if (increment === 0) throw protocolError('WINDOW_UPDATE by 0');
      this.sender.widenConnection(increment);
      return;
    }
    this.streams.needKnown(streamId, 'WINDOW_UPDATE');
    const stream = this.streams.get(streamId);
    if (stream === undefined) return;
    if (increment === 0) this.streams.refuse(stream);
    else if (this.sender.widenStream(stream, increment)) this.sender.pump();
    else this.streams.refuse(stream, ErrorCode.FLOW_CONTROL_ERROR);
  }

  /** The client will open no more streams. */
  private onGoAway(streamId: number, bytes: number): void {
    needConnectionStream(streamId);
    if (bytes < 8) throw frameSizeError('GOAWAY');
    this.draining = true;
    this.highestStreamId = this.streams.lastId;
    this.endIfDone();
  }

  // Ends of the connection.

  private obeyWatch(nowMs: number): void {
    const verdict = this.watch.look(nowMs, {
      heard: this.heard,
      midFrame: this.reader.midFrame || this.intake.blocks.midBlock,
      frames: this.frames,
      openStreams: this.streams.size,
    });
    this.heard = false;
    if (verdict === 'ping') this.control(FrameType.PING, 0, ALIVE_PING);
    else if (verdict === 'end' && !this.draining) this.drain(this.options.graceMs);
    else if (verdict === 'lost') this.socket.destroy();
    else if (verdict === 'slow') {
      this.close(ErrorCode.ENHANCE_YOUR_CALM, 'what was begun was not ended in time');
    }
  }

  /**
   * First GOAWAY: it names no stream yet, as requests may be on their way. The PING behind it is answered when
   * the client knows; the second GOAWAY says then which streams are served (section 6.8).
   */
  private beginDrain(graceMs: number): void {
    this.deadlineMs = Math.min(this.deadlineMs, this.host.monotonicMs() + graceMs);
    if (this.draining || this.phase !== 'open') return;
    this.draining = true;
    this.goAway(MAX_STREAM_ID, ErrorCode.NO_ERROR, '');
    this.control(FrameType.PING, 0, DRAIN_PING);
  }

  private refuseFurtherStreams(): void {
    this.highestStreamId = this.streams.lastId;
    this.goAway(this.streams.lastId, ErrorCode.NO_ERROR, '');
    this.endIfDone();
  }

  private endIfDone(): void {
    if (this.phase !== 'open' || !this.draining || this.streams.size > 0) return;
    if (this.highestStreamId !== MAX_STREAM_ID) this.close(ErrorCode.NO_ERROR, '');
  }

  /** Last GOAWAY, then the end of our side; the peer gets a moment to read it. */
  private close(code: ErrorCode, text: string): void {
    if (this.phase !== 'open') return;
    this.phase = 'closing';
    this.streams.dropAll();
    this.deadlineMs = this.host.monotonicMs() + LINGER_MS;
    this.goAway(this.streams.lastId, code, text);
    this.sender.output.flush();
    this.socket.end();
  }

  private goAway(lastStreamId: number, code: ErrorCode, text: string): void {
    const debug = Buffer.from(text, 'latin1');
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
}

function addressText({ host, port }: { readonly host: string; readonly port: number }): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function needConnectionStream(streamId: number): void {
  if (streamId !== 0) throw protocolError('a frame about the connection on a stream');
}
