/** Every frame that comes, in its place: what RFC 9113, section 6, asks of each type. */
import { BodyIntake } from './body-intake';
import { ErrorCode, frameSizeError, protocolError } from './error-code';
import type { FloodGuard } from './flood-guard';
import { Flag, FrameType, readUint31 } from './frame';
import { FrameReader, type FrameSink } from './frame-reader';
import type { Http2Options } from './options';
import type { RequestHead } from './request-head';
import { RequestIntake } from './request-intake';
import type { Sender } from './sender';
import { readSettings, Setting, SETTING_BYTES } from './settings';
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
    if (this.frames++ === 0 && type !== FrameType.SETTINGS) {
      throw protocolError('the first frame is not SETTINGS');
    }
    if (this.requests.blocks.midBlock && type !== FrameType.CONTINUATION) {
      throw protocolError('a frame inside a header block');
    }
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

  private onSettings(
    flags: number,
    streamId: number,
    bytes: Buffer,
    start: number,
    end: number,
  ): void {
    const { sender, streams } = this.host;
    needConnectionStream(streamId);
    const ack = (flags & Flag.ACK) !== 0;
    if ((end - start) % SETTING_BYTES !== 0 || (ack && end > start)) {
      throw frameSizeError('SETTINGS');
    }
    if (ack) {
      this.requests.settingsKnown();
      streams.settingsKnown();
      return;
    }
    readSettings(bytes, start, end, (identifier, value) => {
      if (identifier === Setting.HEADER_TABLE_SIZE) sender.limitHeaderTable(value);
      else if (identifier === Setting.INITIAL_WINDOW_SIZE) streams.changePeerWindow(value);
    });
    sender.frame(FrameType.SETTINGS, Flag.ACK, 0);
    sender.pump(); // after the acknowledgement: the peer knows now which window it opened
  }

  private onPing(flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    needConnectionStream(streamId);
    if (end - start !== 8) throw frameSizeError('PING');
    const payload = bytes.subarray(start, end);
    if ((flags & Flag.ACK) !== 0) this.host.onPong(payload);
    else this.host.sender.frame(FrameType.PING, Flag.ACK, 0, payload);
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

function needConnectionStream(streamId: number): void {
  if (streamId !== 0) throw protocolError('a frame about the connection on a stream');
}
