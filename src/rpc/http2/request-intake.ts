/** Header blocks become requests, or end them. */
import { Closed } from './closed-streams';
import { ConnectionError, ErrorCode, protocolError } from './error-code';
import type { FloodGuard } from './flood-guard';
import { HeadCache } from './head-cache';
import { HeadLikeness } from './head-likeness';
import type { HeaderField } from './header-field';
import { HeaderIntake, type BlockSink } from './header-intake';
import { HpackDecoder } from './hpack-decoder';
import { HeaderBlock } from './hpack-encoder';
import type { Http2Options } from './options';
import { RequestHead, requestHead, trailersError } from './request-head';
import type { Sender } from './sender';
import { DEFAULT_TABLE_BYTES } from './settings';
import type { Http2Stream, StreamListener } from './stream';
import type { StreamTable } from './stream-table';

/** What an intake needs of its connection. */
export interface IntakeHost {
  readonly options: Http2Options;
  readonly streams: StreamTable;
  readonly sender: Sender<Http2Stream>;
  readonly idleFrames: FloodGuard;
  /** Streams above it are refused. */
  readonly highestStreamId: number;
  /** A request has begun; answers who serves it. */
  request(stream: Http2Stream, head: RequestHead): StreamListener;
}

/** What a request allows of frames that bring nothing on. */
const IDLE_FRAMES_EARNED = 16;
const TOO_MANY_HEADERS = new HeaderBlock([[':status', '431']]);

export class RequestIntake {
  readonly blocks: HeaderIntake;
  private readonly decoder: HpackDecoder;
  private readonly heads = new HeadCache();
  private readonly likeness = new HeadLikeness();

  constructor(private readonly host: IntakeHost) {
    const { headerTableBytes, maxHeaderListBytes } = host.options;
    // Until the client knows the setting it may use the table that every client begins with.
    const tableBytes = Math.max(headerTableBytes, DEFAULT_TABLE_BYTES);
    this.decoder = new HpackDecoder(tableBytes, maxHeaderListBytes);
    this.blocks = new HeaderIntake(maxHeaderListBytes, this.onBlock);
  }

  /** The client has read our settings. */
  settingsKnown(): void {
    this.decoder.limitTable(this.host.options.headerTableBytes);
  }

  /** Every block is read, also for streams that are refused: the tables of both sides must stay alike. */
  private readonly onBlock: BlockSink = (streamId, endStream, selfDependent, bytes, start, end) => {
    const { streams } = this.host;
    const stream = streams.get(streamId);
    if (stream !== undefined) {
      this.endRequest(stream, endStream, this.decoder.decode(bytes, start, end));
    } else if (streamId <= streams.lastId) {
      this.decoder.decode(bytes, start, end);
      this.onLateBlock(streamId);
    } else {
      const head = this.readHead(bytes, start, end);
      streams.lastId = streamId;
      this.host.idleFrames.earn(IDLE_FRAMES_EARNED);
      const refusal = selfDependent
        ? ErrorCode.PROTOCOL_ERROR
        : this.refusal(streamId, head, endStream);
      if (refusal === undefined) this.beginRequest(streamId, head, endStream);
      else streams.refuseNew(streamId, refusal);
    }
  };

  /** The request's head, or `undefined` when its fields are more than allowed. */
  private readHead(bytes: Buffer, start: number, end: number): RequestHead | undefined {
    const version = this.decoder.tableVersion;
    const known = this.heads.find(version, bytes, start, end);
    if (known !== undefined) return known;
    const fields = this.decoder.decode(bytes, start, end);
    if (this.decoder.overflowed) return undefined;
    let head = this.likeness.find(fields);
    if (head === undefined) {
      head = requestHead(fields);
      this.likeness.keep(fields, head);
    }
    if (this.decoder.tableVersion === version) this.heads.keep(version, bytes, start, end, head);
    return head;
  }

  private refusal(
    streamId: number,
    head: RequestHead | undefined,
    endStream: boolean,
  ): ErrorCode | undefined {
    const { streams, options, highestStreamId, sender } = this.host;
    if (
      streamId > highestStreamId ||
      streams.size >= options.maxConcurrentStreams ||
      sender.backedUp
    ) {
      return ErrorCode.REFUSED_STREAM;
    }
    if (head === undefined) return undefined;
    const wrong = head.malformed !== undefined || (endStream && head.contentLength > 0);
    return wrong ? ErrorCode.PROTOCOL_ERROR : undefined;
  }

  private beginRequest(streamId: number, head: RequestHead | undefined, endStream: boolean): void {
    const stream = this.host.streams.add(streamId, head ?? new RequestHead(), endStream);
    if (head === undefined) {
      stream.respond(TOO_MANY_HEADERS, true);
      return;
    }
    stream.listener = this.host.request(stream, head);
    if (endStream && !stream.localEnded && !stream.closed) stream.listener.onEnd();
  }

  /** A second block on a stream: trailers, which end the request (section 8.1). */
  private endRequest(
    stream: Http2Stream,
    endStream: boolean,
    fields: readonly HeaderField[],
  ): void {
    const { streams } = this.host;
    if (stream.remoteEnded) {
      streams.refuse(stream, ErrorCode.STREAM_CLOSED);
    } else if (!endStream || trailersError(fields) !== undefined || stream.contentLeft > 0) {
      streams.refuse(stream);
    } else {
      stream.remoteEnded = true;
      if (stream.localEnded) streams.finish(stream);
      else stream.listener?.onEnd();
    }
  }

  private onLateBlock(streamId: number): void {
    const reason = this.host.streams.reason(streamId);
    if (reason === Closed.UNKNOWN) {
      throw protocolError(`HEADERS on stream ${streamId}, below one that was opened before`);
    }
    if (reason !== Closed.BY_US) {
      const text = `HEADERS on stream ${streamId}, which is closed`;
      throw new ConnectionError(ErrorCode.STREAM_CLOSED, text);
    }
    this.host.idleFrames.spend();
  }
}
