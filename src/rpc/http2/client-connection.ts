/**
 * An HTTP/2 connection of ours to a server, for one request with a stream of bytes each way. It is dialled for the
 * request, and ends with it.
 *
 *     dialling -- onOpen --> open -- the stream ends, or a ConnectionError --> closing -- the socket is gone --> closed
 *
 * What is written before it is open waits, and leaves behind the preface.
 */
import type {
  DialEvents,
  DialTarget,
  Platform,
  TcpSocket,
  TimerHandle,
} from '../../platform/platform';
import { ClientIntake, type ClientIntakeHost } from './client-intake';
import { ClientStream, type ClientStreamListener } from './client-stream';
import { ALIVE_PING, ConnectionWatch } from './connection-watch';
import { ConnectionError, ErrorCode } from './error-code';
import { FloodGuard } from './flood-guard';
import { CLIENT_PREFACE, FrameType } from './frame';
import type { HeaderField } from './header-field';
import type { FieldPair } from './hpack-encoder';
import { DEFAULT_HTTP2_OPTIONS, type Http2Options } from './options';
import { BlockPool } from './output';
import { Sender } from './sender';
import { DEFAULT_WINDOW_BYTES, Setting, settingsPayload } from './settings';

type Phase = 'dialling' | 'open' | 'closing' | 'closed';

/** How often the connection looks at the clock, ms: the grain of all its times. */
const TICK_MS = 1_000;
/** How long a server gets to take what was written last, ms. */
const LINGER_MS = 2_000;

/** Our own servers are on the other side: large windows, and a silent one is given up within seconds. */
export const CLIENT_OPTIONS: Http2Options = {
  ...DEFAULT_HTTP2_OPTIONS,
  streamWindowBytes: 4 * 1024 * 1024,
  keepaliveMs: 10_000,
  keepaliveTimeoutMs: 5_000,
  idleMs: 0,
};

export class ClientConnection implements DialEvents, ClientIntakeHost {
  readonly stream: ClientStream;
  readonly sender: Sender<ClientStream>;
  readonly idleFrames: FloodGuard;
  private readonly socket: TcpSocket;
  private readonly intake: ClientIntake;
  private readonly watch: ConnectionWatch;
  private phase: Phase = 'dialling';
  private heard = false;
  private flushing = false;
  private timer: TimerHandle | undefined;
  /** When what is still there is dropped. */
  private deadlineMs: number;

  /**
   * Dials, and asks with `head`. Nothing is told before this has returned.
   * @throws Error see `Sockets.dialTcp`
   */
  constructor(
    private readonly platform: Pick<Platform, 'clock' | 'timers' | 'sockets'>,
    target: DialTarget,
    head: readonly FieldPair[],
    private readonly listener: ClientStreamListener,
    readonly options: Http2Options = CLIENT_OPTIONS,
  ) {
    const nowMs = this.monotonicMs();
    this.deadlineMs = nowMs + options.handshakeMs;
    this.stream = new ClientStream({
      onDrain: () => this.listener.onDrain(),
      onSent: () => undefined,
    });
    this.socket = platform.sockets.dialTcp(target, this);
    const clock = (): number => this.monotonicMs();
    this.idleFrames = new FloodGuard(options.maxIdleFrames, 'frames that bring nothing on', clock);
    this.sender = new Sender(
      this.socket,
      new BlockPool(),
      options,
      this.idleFrames,
      () => undefined,
      () => this.abort('more was written than the other side takes'),
    );
    this.intake = new ClientIntake(this);
    this.watch = new ConnectionWatch(options, nowMs, 0);
    this.greet();
    this.sender.headers(this.stream, head, false);
    this.timer = platform.timers.after(TICK_MS, this.tick);
  }

  // What the caller asks.

  /** See `Http2Stream.write`. */
  write(prefix: Uint8Array, bytes: Uint8Array): boolean {
    if (this.stream.closed || this.stream.ending) return true;
    const more = this.sender.data(this.stream, prefix, bytes);
    this.flushSoon();
    return more;
  }

  /** Ends the request after all that was written; the server has 2 s to end the answer. */
  end(): void {
    if (this.stream.closed || this.stream.ending) return;
    this.deadlineMs = Math.min(this.deadlineMs, this.monotonicMs() + LINGER_MS);
    this.sender.end(this.stream, undefined);
    this.flushSoon();
  }

  /** Lets the server send `bytes` more. */
  take(bytes: number): void {
    if (this.stream.closed) return;
    this.intake.take(bytes);
    this.flushSoon();
  }

  /** Gives the request up. @param reason what the listener is told */
  abort(reason: string): void {
    if (this.stream.closed) return;
    if (this.phase === 'open') this.sender.resetStream(this.stream.id, ErrorCode.CANCEL);
    this.finish(reason);
  }

  // What the socket tells.

  onOpen(): void {
    if (this.phase !== 'dialling') return;
    this.phase = 'open';
    this.deadlineMs = this.stream.ending ? this.monotonicMs() + LINGER_MS : Infinity;
    this.heard = true;
    this.sender.output.flush();
  }

  onData(chunk: Buffer): void {
    this.heard = true;
    if (this.phase !== 'open') return;
    try {
      this.intake.push(chunk);
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      this.goAway(error);
    }
    if (this.phase === 'open') this.sender.output.flush();
  }

  onDrain(): void {
    this.sender.output.drained();
    this.sender.pump();
    if (this.phase === 'open') this.sender.output.flush();
  }

  onEnd(): void {
    this.finish('the other side closed the connection');
  }

  onClose(error?: Error): void {
    this.phase = 'closed';
    this.timer?.cancel();
    this.over(error?.message ?? 'the connection is gone');
  }

  // What frames ask.

  get isOpen(): boolean {
    return this.phase === 'open';
  }

  headers(fields: readonly HeaderField[], end: boolean): void {
    this.listener.onHeaders(fields, end);
    if (end) this.finish('');
  }

  data(bytes: Buffer, start: number, end: number, last: boolean): void {
    if (start < end) this.listener.onData(bytes, start, end);
    if (last) this.finish('');
  }

  reset(reason: string): void {
    this.finish(reason);
  }

  private greet(): void {
    const { options, sender } = this;
    const { output } = sender;
    const at = output.reserve(CLIENT_PREFACE.length);
    output.block.set(CLIENT_PREFACE, at);
    const settings = settingsPayload([
      [Setting.ENABLE_PUSH, 0],
      [Setting.INITIAL_WINDOW_SIZE, options.streamWindowBytes],
      [Setting.MAX_FRAME_SIZE, options.maxFrameBytes],
      [Setting.MAX_HEADER_LIST_SIZE, options.maxHeaderListBytes],
    ]);
    sender.frame(FrameType.SETTINGS, 0, 0, settings);
    sender.windowUpdate(0, options.connectionWindowBytes - DEFAULT_WINDOW_BYTES);
  }

  /** All that is written before the caller is done leaves together. */
  private flushSoon(): void {
    if (this.flushing) return;
    this.flushing = true;
    queueMicrotask(() => {
      this.flushing = false;
      if (this.phase === 'open') this.sender.output.flush();
    });
  }

  private readonly tick = (): void => {
    this.timer = this.platform.timers.after(TICK_MS, this.tick);
    const nowMs = this.monotonicMs();
    if (nowMs >= this.deadlineMs) {
      const what = this.phase === 'dialling' ? 'no connection' : 'not ended';
      this.over(`${what} within its time`);
      this.socket.destroy();
    } else if (this.phase === 'open') {
      this.obeyWatch(nowMs);
    }
  };

  private obeyWatch(nowMs: number): void {
    const { midFrame, frames } = this.intake;
    const verdict = this.watch.look(nowMs, { heard: this.heard, midFrame, frames, openStreams: 1 });
    this.heard = false;
    if (verdict === 'ping') {
      this.sender.frame(FrameType.PING, 0, 0, ALIVE_PING);
      this.sender.output.flush();
    } else if (verdict === 'lost' || verdict === 'slow') {
      this.over('the other side does not answer');
      this.socket.destroy();
    }
  }

  private monotonicMs(): number {
    return this.platform.clock.monotonicMs();
  }

  /** The stream is over; the connection ends behind what was written. */
  private finish(reason: string): void {
    this.over(reason);
    this.close();
  }

  /** The server broke a rule: it is told which, and the connection ends. */
  private goAway({ code, message }: ConnectionError): void {
    this.sender.goAway(0, code, message);
    this.finish(`the other side broke a rule of HTTP/2: ${message}`);
  }

  private close(): void {
    if (this.phase === 'dialling') {
      this.socket.destroy();
    } else if (this.phase === 'open') {
      this.phase = 'closing';
      this.deadlineMs = this.monotonicMs() + LINGER_MS;
      this.sender.output.end();
    }
  }

  private over(reason: string): void {
    const { stream } = this;
    if (stream.closed) return;
    stream.closed = true;
    this.sender.forget(stream);
    this.listener.onClosed(reason);
  }
}
