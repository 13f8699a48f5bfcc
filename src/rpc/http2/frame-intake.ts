/** Every frame that comes, in its place: what RFC 9113, section 6, asks of each type. */
import { BodyIntake } from './body-intake';
import {
  needGoAway,
  needInTurn,
  takePing,
  takeSettings,
  type WholeFrame,
} from './connection-frames';
import { ErrorCode, frameSizeError, protocolError } from './error-code';
import type { FloodGuard } from './flood-guard';
import { FrameType, readUint31 } from './frame';
import { FrameReader, type FrameSink } from './frame-reader';
import type { Http2Options } from './options';
import type { RequestHead } from './request-head';
import { RequestIntake } from './request-intake';
import type { Sender } from './sender';
import type { Http2Stream, StreamListener } from './stream';
import type { StreamTable } from './stream-table';

/** What an intake needs of its connection. */
export interface FrameHost {
  readonly options: Http2Options;
  readonly streams: StreamTable;
  readonly sender: Sender<Http2Stream>;
  readonly idleFrames: FloodGuard;
  /** Streams above it are refused. */
  readonly highestStreamId: number;
  /** False when nothing more is to be read. */
  readonly isOpen: boolean;
  /** A request has begun; answers who serves it. */
  request(stream: Http2Stream, head: RequestHead): StreamListener;
  /** Our PING was answered. */
  onPong(payload: Buffer): void;
  /** The client will open no more streams. */
  onGoAway(): void;
}

export class FrameIntake {
  private readonly reader: FrameReader;
  private readonly requests: RequestIntake;
  private readonly bodies: BodyIntake;
  /** Whole frames read so far. */
  frames = 0;

  constructor(private readonly host: FrameHost) {
    this.requests = new RequestIntake(host);
    this.bodies = new BodyIntake(host);
    this.reader = new FrameReader(host.options.maxFrameBytes, this.onFrame);
  }

  /** True while a frame or a header block has begun and not ended. */
  get midFrame(): boolean {
    return this.reader.midFrame || this.requests.blocks.midBlock;
  }

  /** @throws ConnectionError for what ends the connection */
  push(chunk: Buffer): void {
    this.reader.push(chunk);
  }

  private readonly onFrame: FrameSink = (type, flags, streamId, bytes, start, end) => {
    needInTurn(type, this.frames++, this.requests.blocks.midBlock);
    if (type === FrameType.DATA) {
      this.bodies.take(flags, streamId, bytes, start, end);
    } else if (type === FrameType.HEADERS) {
      if ((streamId & 1) === 0) throw protocolError('HEADERS on a stream that no client may open');
      this.requests.blocks.headers(flags, streamId, bytes, start, end);
    } else {
      this.host.idleFrames.spend();
      this.onOther(type, flags, streamId, bytes, start, end);
    }
    return this.host.isOpen;
  };

  private onOther(
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
        this.requests.blocks.continuation(flags, streamId, bytes, start, end);
        break;
      case FrameType.RST_STREAM:
        this.onReset(streamId, end - start);
        break;
      case FrameType.SETTINGS:
        this.onSettings({ flags, streamId, bytes, start, end });
        break;
      case FrameType.PING:
        this.onPing({ flags, streamId, bytes, start, end });
        break;
      case FrameType.PRIORITY:
        this.onPriority(streamId, bytes, start, end);
        break;
      case FrameType.GOAWAY:
        needGoAway(streamId, end - start);
        this.host.onGoAway();
        break;
      case FrameType.PUSH_PROMISE:
        throw protocolError('PUSH_PROMISE from a client');
      default: // unknown frames are ignored (section 5.5)
    }
  }

  private onReset(streamId: number, bytes: number): void {
    const { streams } = this.host;
    if (bytes !== 4) throw frameSizeError('RST_STREAM');
    streams.needKnown(streamId, 'RST_STREAM');
    const stream = streams.get(streamId);
    if (stream !== undefined) streams.resetByPeer(stream);
  }

  private onSettings(frame: WholeFrame): void {
    const { sender, streams } = this.host;
    if (!takeSettings(frame, sender, (bytes) => streams.changePeerWindow(bytes))) return;
    this.requests.settingsKnown();
    streams.settingsKnown();
  }

  private onPing(frame: WholeFrame): void {
    const pong = takePing(frame, this.host.sender);
    if (pong !== undefined) this.host.onPong(pong);
  }

  /** Priorities are not used, but a stream that depends on itself is still an error. */
  private onPriority(streamId: number, bytes: Buffer, start: number, end: number): void {
    const { streams, sender } = this.host;
    if (streamId === 0) throw protocolError('PRIORITY on stream 0');
    const wrongSize = end - start !== 5;
    if (!wrongSize && readUint31(bytes, start) !== streamId) return;
    const code = wrongSize ? ErrorCode.FRAME_SIZE_ERROR : ErrorCode.PROTOCOL_ERROR;
    const stream = streams.get(streamId);
    if (stream === undefined) sender.resetStream(streamId, code);
    else streams.refuse(stream, code);
  }

  private onWindowUpdate(streamId: number, bytes: Buffer, start: number, end: number): void {
    const { streams, sender } = this.host;
    if (end - start !== 4) throw frameSizeError('WINDOW_UPDATE');
    const increment = readUint31(bytes, start);
    if (streamId === 0) {
      if (increment === 0) throw protocolError('WINDOW_UPDATE by 0');
      sender.widenConnection(increment);
      return;
    }
    streams.needKnown(streamId, 'WINDOW_UPDATE');
    const stream = streams.get(streamId);
    if (stream === undefined) return;
    if (increment === 0) streams.refuse(stream);
    else if (sender.widenStream(stream, increment)) sender.pump();
    else streams.refuse(stream, ErrorCode.FLOW_CONTROL_ERROR);
  }
}
