/** What every call is: a stream that is listened to, with the methods that grpc-js's calls offer to handlers. */
import { status as Status, type Metadata } from '@grpc/grpc-js';
import { ErrorCode } from '../http2/error-code';
import type { Http2Stream, StreamListener } from '../http2/stream';
import { sendHead, sendStatus } from './answer';
import { CallAbout } from './call-about';
import type { CallHead } from './call-head';
import type { CallHost } from './call-host';
import { pack } from './compression';
import { NO_SLOT, type Expiring } from './deadline-wheel';
import { MessageReader, messagePrefix, type MessageSink } from './message-frame';
import type { Method } from './method';
import { TaskChain } from './task-chain';
import { okStatus, toGrpcStatus, type GrpcStatus, type HandlerError } from './status';

export abstract class ServerCall
  extends CallAbout
  implements StreamListener, MessageSink, Expiring
{
  /** The client gave up, is gone, or ran out of time: nothing that is written matters any more. */
  cancelled = false;
  nextExpiring: Expiring | undefined;
  previousExpiring: Expiring | undefined;
  expiringSlot = NO_SLOT;
  /** The status was handed over, or will never be: nothing more is read or written. */
  protected ended = false;
  /** The stream is done with: all of the answer has left, or none will. */
  protected over = false;
  protected requestEnded = false;
  private headSent = false;
  /** Bytes of the request that the client may not send again yet. */
  private owedWindow = 0;
  private readonly reader: MessageReader;
  /** Compressed messages being unpacked; what follows waits for them. */
  private readonly unpacking = new TaskChain();

  constructor(
    host: CallHost,
    stream: Http2Stream,
    head: CallHead,
    protected readonly method: Method,
  ) {
    super(host, stream, head);
    this.reader = new MessageReader(host.maxReceiveBytes, this);
    host.deadlines.add(this);
  }

  // What handlers of every kind use.

  /** Sends the answer's first metadata now; without this it goes with the first message. */
  sendMetadata(metadata: Metadata): void {
    if (this.ended || this.headSent) return;
    this.beginAnswer(metadata);
  }

  // What the stream tells.

  onData(bytes: Buffer, start: number, end: number): void {
    if (!this.ended) this.reader.push(bytes, start, end);
    // A client whose requests wait for their handler is not asked for more.
    if (this.requestsWait()) this.owedWindow += end - start;
    else this.stream.take(end - start);
  }

  onEnd(): void {
    if (this.ended) return;
    if (this.reader.midMessage) {
      this.finish({ code: Status.INTERNAL, details: 'The request ended inside a message' });
      return;
    }
    this.unpacking.run(() => {
      if (this.ended) return;
      this.requestEnded = true;
      this.onRequestEnd();
    });
  }

  onDrain(): void {
    this.emitAside('drain');
  }

  onSent(): void {
    // For those who wait for it.
  }

  onAnswered(): void {
    this.release();
  }

  onGone(_code: ErrorCode): void {
    this.release();
    this.announceCancel();
  }

  onDeadline(): void {
    if (this.ended || this.stream.waitingBytes > 0) {
      this.stream.reset(ErrorCode.CANCEL); // what waits would come too late
      return;
    }
    this.finish({ code: Status.DEADLINE_EXCEEDED, details: 'Deadline exceeded' });
    this.announceCancel();
  }

  // What the reader finds.

  onMessage(compressed: boolean, message: Buffer, held: boolean): boolean {
    if (!compressed && !this.unpacking.busy) {
      this.receive(message, held);
    } else {
      const kept = held ? message : this.keep(message);
      if (kept !== undefined) this.unpacking.run(() => this.unpackMessage(compressed, kept));
    }
    return !this.ended;
  }

  onBadMessage(flags: number, bytes: number): void {
    const tooLarge = `Received message larger than max (${bytes} vs. ${this.host.maxReceiveBytes})`;
    const wrongFlags = `A message has the unknown flags ${flags}`;
    if (flags > 1) this.finish({ code: Status.INTERNAL, details: wrongFlags });
    else this.finish({ code: Status.RESOURCE_EXHAUSTED, details: tooLarge });
  }

  onHold(bytes: number): boolean {
    if (this.stream.hold(bytes)) return true;
    this.finish({
      code: Status.RESOURCE_EXHAUSTED,
      details: 'This connection’s requests that wait take more memory than allowed',
    });
    return false;
  }

  /**
   * A whole message, unpacked. `held`: it is counted as held, and is released when it is used up; if not, it
   * is part of a chunk that is used up within the turn.
   */
  protected abstract receive(message: Buffer, held: boolean): void;

  /** True while messages wait for their handler. */
  protected abstract requestsWait(): boolean;

  /** All messages have come. */
  protected abstract onRequestEnd(): void;

  /** A copy of a message that outlives the turn, counted as held; `undefined` when that ended the call. */
  protected keep(message: Buffer): Buffer | undefined {
    return this.onHold(message.length) ? Buffer.from(message) : undefined;
  }

  /** Lets the client send again what was held back. */
  protected payWindow(): void {
    if (this.owedWindow === 0) return;
    this.stream.take(this.owedWindow);
    this.owedWindow = 0;
  }

  /** The request that bytes stand for; ends the call INTERNAL and answers `undefined` when they are none. */
  protected decode(message: Buffer): { readonly value: unknown } | undefined {
    try {
      return { value: this.method.deserialize(message) };
    } catch {
      this.finish({ code: Status.INTERNAL, details: 'Error deserializing request' });
      return undefined;
    }
  }

  /** Sends one message; answers false when the writer should wait for 'drain'. */
  protected sendMessage(value: unknown): boolean {
    if (this.ended) return true;
    let bytes: Buffer;
    try {
      bytes = this.method.serialize(value);
    } catch {
      this.finish({ code: Status.INTERNAL, details: 'Error serializing response' });
      return true;
    }
    if (bytes.length > this.host.maxSendBytes) {
      const details = `Sent message larger than max (${bytes.length} vs. ${this.host.maxSendBytes})`;
      this.finish({ code: Status.RESOURCE_EXHAUSTED, details });
      return true;
    }
    if (!this.headSent) this.beginAnswer(undefined);
    if (!this.gzip) return this.stream.write(messagePrefix(false, bytes.length), bytes);
    const packed = pack(bytes);
    return this.stream.write(messagePrefix(packed.compressed, packed.bytes.length), packed.bytes);
  }

  /** Ends a call that answers with one message. */
  protected answer(
    error: HandlerError | null,
    value: unknown,
    trailers: Metadata | undefined,
  ): void {
    if (error !== null) {
      this.finish(toGrpcStatus(error, trailers));
      return;
    }
    this.sendMessage(value);
    this.finish(okStatus(trailers));
  }

  /** Sends the status, once, behind what waits. */
  protected finish(status: GrpcStatus): void {
    if (this.ended) return;
    this.ended = true;
    sendStatus(this.stream, status, this.headSent);
  }

  /** Runs a handler; what it throws ends the call UNKNOWN. */
  protected invoke(handler: () => void): void {
    try {
      handler();
    } catch (error) {
      this.host.handlerFailed(this.method.path, error);
      this.finish({ code: Status.UNKNOWN, details: 'Unknown error' });
    }
  }

  private announceCancel(): void {
    this.cancelled = true;
    this.emitAside('cancelled', 'cancelled');
  }

  /** Tells the handler's listeners; an error of theirs is nobody's but theirs: the stream's books go on. */
  protected emitAside(event: string, ...args: unknown[]): void {
    try {
      this.emit(event, ...args);
    } catch (error) {
      this.host.handlerFailed(this.method.path, error);
    }
  }

  private release(): void {
    if (this.over) return;
    this.ended = true;
    this.over = true;
    this.host.deadlines.remove(this);
    this.host.callEnded();
  }

  private get gzip(): boolean {
    return this.host.compressAnswers && this.head.acceptsGzip;
  }

  private beginAnswer(metadata: Metadata | undefined): void {
    this.headSent = true;
    sendHead(this.stream, metadata, this.gzip);
  }

  private async unpackMessage(compressed: boolean, bytes: Buffer): Promise<void> {
    if (this.ended) return;
    const { unpacker, maxReceiveBytes: maxBytes } = this.host;
    const wanted = (): boolean => !this.ended;
    const message = compressed
      ? await unpacker.unpack(bytes, this.head.encoding, maxBytes, wanted)
      : bytes;
    if (this.ended || message === undefined) return;
    if (!Buffer.isBuffer(message)) {
      this.finish(message);
      return;
    }
    if (compressed) {
      this.stream.release(bytes.length);
      if (!this.onHold(message.length)) return;
    }
    this.receive(message, true);
  }
}
