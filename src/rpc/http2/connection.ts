/**
 * One HTTP/2 connection, the server's side: its life from the greeting to the last GOAWAY.
 *
 *     socket --> FrameIntake --> StreamTable --> listener of the request
 *                      \              |               |
 *     socket <-- Output <-- Sender <--+---------------/
 *
 *
 *     open  -- last stream ends after GOAWAY -->  closing  -->  closed
 *       \---- ConnectionError: GOAWAY with its code ----/
 */
import type { TcpConnection, TcpEvents } from '../../platform/platform';
import { ALIVE_PING, ConnectionWatch } from './connection-watch';
import { ConnectionError, ErrorCode } from './error-code';
import { FloodGuard } from './flood-guard';
import { FrameType } from './frame';
import { FrameIntake, type FrameHost } from './frame-intake';
import type { Http2Options } from './options';
import type { BlockPool } from './output';
import type { ConnectionEnds } from './proxy-header';
import type { RequestHead } from './request-head';
import { Sender } from './sender';
import { DEFAULT_WINDOW_BYTES, Setting, settingsPayload } from './settings';
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
/** The PING that tells when a peer has read the first GOAWAY of a drain. */
const DRAIN_PING = Buffer.from('drain...', 'latin1');

export class Http2Connection implements TcpEvents, TableHost, FrameHost {
  readonly peer: string;
  readonly localAddress: string;
  readonly options: Http2Options;
  readonly sender: Sender<Http2Stream>;
  readonly idleFrames: FloodGuard;
  readonly streams: StreamTable;
  /** What the last GOAWAY said; streams above are refused. */
  highestStreamId = MAX_STREAM_ID;
  private phase: Phase = 'open';
  private readonly intake: FrameIntake;
  private readonly watch: ConnectionWatch;
  private heard = false;
  private paused = false;
  private flushing = false;
  /** No new streams are wanted; the connection ends with the last one. */
  private draining = false;
  /** When what is still open is dropped. */
  private deadlineMs = Infinity;

  /**
   * Greets a client that has sent the preface; what follows it is for `onData`.
   * @param ends who speaks to whom, when the socket's peer is a balancer
   */
  constructor(
    private readonly socket: TcpConnection,
    private readonly host: ConnectionHost,
    ends: ConnectionEnds = socket,
  ) {
    const { options } = host;
    this.options = options;
    this.peer = addressText(ends.remote);
    this.localAddress = addressText(ends.local);
    const clock = (): number => host.monotonicMs();
    this.idleFrames = new FloodGuard(options.maxIdleFrames, 'frames that bring nothing on', clock);
    this.sender = new Sender(
      socket,
      host.pool,
      options,
      this.idleFrames,
      (stream) => this.streams.answered(stream),
      (stream) => this.streams.reset(stream, ErrorCode.ENHANCE_YOUR_CALM),
    );
    this.streams = new StreamTable(this);
    this.intake = new FrameIntake(this);
    this.watch = new ConnectionWatch(options, clock(), host.random());
    this.greet();
  }

  // What the socket tells.

  onData(chunk: Buffer): void {
    this.heard = true;
    if (this.phase !== 'open') return;
    try {
      this.intake.push(chunk);
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

  // What streams and frames ask.

  get isOpen(): boolean {
    return this.phase === 'open';
  }

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

  onPong(payload: Buffer): void {
    if (this.draining && payload.equals(DRAIN_PING)) this.refuseFurtherStreams();
  }

  onGoAway(): void {
    this.draining = true;
    this.highestStreamId = this.streams.lastId;
    this.endIfDone();
  }

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

  // Ends of the connection.

  private obeyWatch(nowMs: number): void {
    const verdict = this.watch.look(nowMs, {
      heard: this.heard,
      midFrame: this.intake.midFrame,
      frames: this.intake.frames,
      openStreams: this.streams.size,
    });
    this.heard = false;
    if (verdict === 'ping') this.control(FrameType.PING, ALIVE_PING);
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
    this.control(FrameType.PING, DRAIN_PING);
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
    this.sender.output.end();
  }

  private goAway(lastStreamId: number, code: ErrorCode, text: string): void {
    this.sender.goAway(lastStreamId, code, text);
    this.schedule();
  }

  private control(type: number, payload: Uint8Array): void {
    this.sender.frame(type, 0, 0, payload);
    this.schedule();
  }
}

function addressText({ host, port }: { readonly host: string; readonly port: number }): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
