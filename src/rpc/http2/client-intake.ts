/** Every frame that a server sends on a connection of ours, which has one stream (RFC 9113, section 6). */
import type { ClientStream } from './client-stream';
import { dataEnd, needGoAway, needInTurn, takePing, takeSettings } from './connection-frames';
import { ConnectionError, ErrorCode, errorName, frameSizeError, protocolError } from './error-code';
import type { FloodGuard } from './flood-guard';
import { Flag, FrameType, readUint31, readUint32 } from './frame';
import { FrameReader, type FrameSink } from './frame-reader';
import type { HeaderField } from './header-field';
import { HeaderIntake, type BlockSink } from './header-intake';
import { HpackDecoder } from './hpack-decoder';
import type { Http2Options } from './options';
import { ReceiveWindow } from './receive-window';
import type { Sender } from './sender';
import { DEFAULT_WINDOW_BYTES } from './settings';

/** What an intake needs of its connection. */
export interface ClientIntakeHost {
  readonly options: Http2Options;
  readonly stream: ClientStream;
  readonly sender: Sender<ClientStream>;
  readonly idleFrames: FloodGuard;
  /** False when nothing more is to be read. */
  readonly isOpen: boolean;
  headers(fields: readonly HeaderField[], end: boolean): void;
  data(bytes: Buffer, start: number, end: number, last: boolean): void;
  /** The server ended the stream before its answer was whole. @param reason for people */
  reset(reason: string): void;
}

/** What a piece of an answer allows of frames that bring nothing on. */
const IDLE_FRAMES_EARNED = 16;

export class ClientIntake {
  private readonly reader: FrameReader;
  private readonly blocks: HeaderIntake;
  private readonly decoder: HpackDecoder;
  private readonly connectionWindow: ReceiveWindow;
  private readonly streamWindow: ReceiveWindow;
  /** What a stream's server takes before it says more, bytes. */
  private peerWindow = DEFAULT_WINDOW_BYTES;
  /** Whole frames read so far. */
  frames = 0;

  constructor(private readonly host: ClientIntakeHost) {
    const { maxFrameBytes, maxHeaderListBytes, headerTableBytes } = host.options;
    this.reader = new FrameReader(maxFrameBytes, this.onFrame);
    this.blocks = new HeaderIntake(maxHeaderListBytes, this.onBlock);
    this.decoder = new HpackDecoder(headerTableBytes, maxHeaderListBytes);
    this.connectionWindow = new ReceiveWindow(host.options.connectionWindowBytes);
    this.streamWindow = new ReceiveWindow(host.options.streamWindowBytes);
  }

  /** True while a frame or a header block has begun and not ended. */
  get midFrame(): boolean {
    return this.reader.midFrame || this.blocks.midBlock;
  }

  /** @throws ConnectionError for what ends the connection */
  push(chunk: Buffer): void {
    this.reader.push(chunk);
  }

  /** Bytes of the answer are used up. */
  take(bytes: number): void {
    const { sender, stream } = this.host;
    const more = this.streamWindow.giveBack(bytes);
    if (more > 0) sender.windowUpdate(stream.id, more);
  }

  private readonly onFrame: FrameSink = (type, flags, streamId, bytes, start, end) => {
    needInTurn(type, this.frames++, this.blocks.midBlock);
    if (type === FrameType.DATA) this.onData(flags, streamId, bytes, start, end);
    else if (type === FrameType.HEADERS) this.blocks.headers(flags, streamId, bytes, start, end);
    else this.onOther(type, flags, streamId, bytes, start, end);
    return this.host.isOpen;
  };

  /** Hot path. */
  private onData(flags: number, streamId: number, bytes: Buffer, from: number, to: number): void {
    const { stream, sender } = this.host;
    needOurs(stream, streamId, 'DATA');
    const start = (flags & Flag.PADDED) === 0 ? from : from + 1;
    const end = dataEnd(flags, bytes, from, to);
    if (!this.connectionWindow.spend(to - from) || !this.streamWindow.spend(to - from)) {
      throw new ConnectionError(ErrorCode.FLOW_CONTROL_ERROR, 'DATA beyond the window');
    }
    const more = this.connectionWindow.giveBack(to - from);
    if (more > 0) sender.windowUpdate(0, more);
    if (end > start) this.host.idleFrames.earn(IDLE_FRAMES_EARNED);
    else this.host.idleFrames.spend();
    if (to - from > end - start) this.take(to - from - (end - start));
    this.host.data(bytes, start, end, (flags & Flag.END_STREAM) !== 0);
  }

  private readonly onBlock: BlockSink = (streamId, endStream, _dependent, bytes, start, end) => {
    needOurs(this.host.stream, streamId, 'HEADERS');
    this.host.idleFrames.spend();
    const fields = this.decoder.decode(bytes, start, end);
    if (this.decoder.overflowed) {
      throw new ConnectionError(
        ErrorCode.ENHANCE_YOUR_CALM,
        'the fields of an answer are too long',
      );
    }
    this.host.headers(fields, endStream);
  };

  private onOther(
    type: number,
    flags: number,
    streamId: number,
    bytes: Buffer,
    start: number,
    end: number,
  ): void {
    this.host.idleFrames.spend();
    switch (type) {
      case FrameType.WINDOW_UPDATE:
        this.onWindowUpdate(streamId, bytes, start, end);
        break;
      case FrameType.CONTINUATION:
        this.blocks.continuation(flags, streamId, bytes, start, end);
        break;
      case FrameType.RST_STREAM:
        needOurs(this.host.stream, streamId, 'RST_STREAM');
        if (end - start !== 4) throw frameSizeError('RST_STREAM');
        this.host.reset(`the other side broke the stream (${errorName(readUint32(bytes, start))})`);
        break;
      case FrameType.SETTINGS:
        takeSettings({ flags, streamId, bytes, start, end }, this.host.sender, (window) =>
          this.changePeerWindow(window),
        );
        break;
      case FrameType.PING:
        takePing({ flags, streamId, bytes, start, end }, this.host.sender);
        break;
      case FrameType.GOAWAY:
        this.onGoAway(streamId, bytes, start, end);
        break;
      case FrameType.PUSH_PROMISE:
        throw protocolError('PUSH_PROMISE, which we have not allowed');
      default: // PRIORITY says nothing to a client; unknown frames are ignored (section 5.5)
    }
  }

  private changePeerWindow(bytes: number): void {
    const difference = bytes - this.peerWindow;
    this.peerWindow = bytes;
    this.widen(difference);
  }

  private onWindowUpdate(streamId: number, bytes: Buffer, start: number, end: number): void {
    if (end - start !== 4) throw frameSizeError('WINDOW_UPDATE');
    const increment = readUint31(bytes, start);
    if (increment === 0) throw protocolError('WINDOW_UPDATE by 0');
    if (streamId === 0) {
      this.host.sender.widenConnection(increment);
    } else {
      needOurs(this.host.stream, streamId, 'WINDOW_UPDATE');
      this.widen(increment);
      this.host.sender.pump();
    }
  }

  private widen(bytes: number): void {
    const { sender, stream } = this.host;
    if (sender.widenStream(stream, bytes)) return;
    throw new ConnectionError(
      ErrorCode.FLOW_CONTROL_ERROR,
      'the window of the stream is too large',
    );
  }

  /** A server that takes no more requests still answers those up to the last stream that it names (section 6.8). */
  private onGoAway(streamId: number, bytes: Buffer, start: number, end: number): void {
    needGoAway(streamId, end - start);
    const code = readUint32(bytes, start + 4);
    const lastId = readUint31(bytes, start);
    if (code === ErrorCode.NO_ERROR && lastId >= this.host.stream.id) return;
    const text = bytes.toString('latin1', start + 8, end);
    this.host.reset(`the other side ends the connection (${errorName(code)}) ${text}`.trimEnd());
  }
}

/** @throws ConnectionError PROTOCOL_ERROR for a stream that was never opened */
function needOurs(stream: ClientStream, streamId: number, frame: string): void {
  if (streamId !== stream.id) throw protocolError(`${frame} on stream ${streamId}`);
}
