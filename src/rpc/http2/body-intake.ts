/** DATA: counted against both windows, and handed to the stream's listener where it lies. */
import { Closed } from './closed-streams';
import { dataEnd } from './connection-frames';
import { ConnectionError, ErrorCode } from './error-code';
import type { FloodGuard } from './flood-guard';
import { Flag } from './frame';
import type { Http2Options } from './options';
import { ReceiveWindow } from './receive-window';
import type { Sender } from './sender';
import type { Http2Stream } from './stream';
import type { StreamTable } from './stream-table';

/** What an intake needs of its connection. */
export interface BodyHost {
  readonly options: Http2Options;
  readonly streams: StreamTable;
  readonly sender: Sender<Http2Stream>;
  readonly idleFrames: FloodGuard;
}

/** What a piece of a request allows of frames that bring nothing on. */
const IDLE_FRAMES_EARNED = 16;

export class BodyIntake {
  /** Given back as it is read; what waits is bounded by what streams hold. */
  private readonly window: ReceiveWindow;

  constructor(private readonly host: BodyHost) {
    this.window = new ReceiveWindow(host.options.connectionWindowBytes);
  }

  /** @throws ConnectionError for a stream that was never opened, padding without room, or the window's end */
  take(flags: number, streamId: number, bytes: Buffer, from: number, to: number): void {
    const { streams, idleFrames } = this.host;
    const start = (flags & Flag.PADDED) === 0 ? from : from + 1;
    const end = dataEnd(flags, bytes, from, to);
    this.takeWindow(to - from);
    if (start < end) idleFrames.earn(IDLE_FRAMES_EARNED);
    else idleFrames.spend();
    const endStream = (flags & Flag.END_STREAM) !== 0;
    const stream = streams.get(streamId);
    if (stream === undefined) {
      this.takeLate(streamId);
      return;
    }
    stream.receiveWindow -= to - from;
    if (stream.remoteEnded) streams.refuse(stream, ErrorCode.STREAM_CLOSED);
    else if (stream.receiveWindow < 0) streams.refuse(stream, ErrorCode.FLOW_CONTROL_ERROR);
    else if (!fitsContentLength(stream, end - start, endStream)) streams.refuse(stream);
    else {
      const paddingBytes = to - from - (end - start);
      if (paddingBytes > 0 && !endStream) streams.returnWindow(stream, paddingBytes);
      this.deliver(stream, bytes, start, end, endStream);
    }
  }

  private deliver(
    stream: Http2Stream,
    bytes: Buffer,
    start: number,
    end: number,
    endStream: boolean,
  ): void {
    if (endStream) stream.remoteEnded = true;
    if (stream.localEnded) {
      // The answer did not need the rest of the request.
      if (endStream) this.host.streams.finish(stream);
      return;
    }
    if (start < end) stream.listener?.onData(bytes, start, end);
    if (endStream && !stream.localEnded && !stream.closed) stream.listener?.onEnd();
  }

  /** DATA for a stream that is not open: an error unless it crossed our reset. */
  private takeLate(streamId: number): void {
    const { streams, sender, idleFrames } = this.host;
    streams.needKnown(streamId, 'DATA');
    idleFrames.spend();
    if (streams.reason(streamId) !== Closed.BY_US) {
      sender.resetStream(streamId, ErrorCode.STREAM_CLOSED);
    }
  }

  private takeWindow(bytes: number): void {
    if (!this.window.spend(bytes)) {
      const text = 'DATA beyond the window of the connection';
      throw new ConnectionError(ErrorCode.FLOW_CONTROL_ERROR, text);
    }
    const more = this.window.giveBack(bytes);
    if (more > 0) this.host.sender.windowUpdate(0, more);
  }
}

/** A body longer or shorter than its `content-length` makes a request malformed (section 8.1.1). */
function fitsContentLength(stream: Http2Stream, bytes: number, last: boolean): boolean {
  if (stream.contentLeft < 0) return true;
  stream.contentLeft -= bytes;
  return last ? stream.contentLeft === 0 : stream.contentLeft >= 0;
}
