import {
  status as Status,
  type Metadata,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerWritableStream,
} from '@grpc/grpc-js';
import type { ErrorCode } from '../http2/error-code';
import type { Http2Stream } from '../http2/stream';
import type { CallHead } from './call-head';
import type { CallHost } from './call-host';
import type { StreamingMethod } from './method';
import { ServerCall } from './server-call';
import { okStatus, toGrpcStatus, type HandlerError } from './status';

type WriteCallback = (error?: Error | null) => void;

interface Queued {
  readonly value: unknown;
  /** What is counted as held for it. */
  readonly bytes: number;
}

/**
 * A call with many requests, many answers, or both: what handlers use of grpc-js's streams, without streams.
 *
 * Requests go out as 'data' once somebody listens, until `pause`; then they wait here, and the client's window
 * is not given back, so that it stops. Answers come in by `write`, which says false when the client does not keep
 * up; 'drain' says when to go on.
 */
export class StreamingCall extends ServerCall {
  /** The request of a server-streaming call. */
  request: unknown;
  private flowing = false;
  private paused = false;
  private delivering = false;
  private queue: Queued[] = [];
  private endEmitted = false;
  /** Writes whose callbacks wait, and how many bytes must have left for each. */
  private unsent: { readonly bytes: number; readonly callback: WriteCallback }[] = [];
  private requests = 0;

  constructor(
    host: CallHost,
    stream: Http2Stream,
    head: CallHead,
    protected override readonly method: StreamingMethod,
  ) {
    super(host, stream, head, method);
  }

  /** Runs the handler of a call whose requests are a stream; others wait for their request. */
  begin(): void {
    const { method } = this;
    if (method.kind === 'bidi') {
      const call = this as unknown as ServerDuplexStream<unknown, unknown>;
      this.invoke(() => {
        method.handler(call);
      });
    } else if (method.kind === 'client-stream') {
      const call = this as unknown as ServerReadableStream<unknown, unknown>;
      this.invoke(() => {
        method.handler(call, (error, value, trailers) => {
          this.answer(error, value, trailers);
        });
      });
    }
  }

  // What handlers that answer with a stream use.

  /**
   * Sends one answer. False: wait for 'drain' before more.
   * @param callback runs when the answer has left for the client, or with an error when it never will
   */
  write(value: unknown, callback?: WriteCallback): boolean {
    const more = this.sendMessage(value);
    if (callback !== undefined) this.afterSent(callback);
    return more && !this.cancelled;
  }

  /** Ends the call OK, after all that was written; 'finish' says when that has left. */
  end(metadata?: Metadata): this {
    this.finish(okStatus(metadata));
    return this;
  }

  /** `emit('error', status)` ends the call with that status, whether or not anybody listens. */
  override emit(event: string, ...args: unknown[]): boolean {
    if (event !== 'error') return super.emit(event, ...args);
    this.finish(toGrpcStatus(args[0] ?? {}));
    return this.listenerCount('error') > 0 ? super.emit(event, ...args) : true;
  }

  /** Ends the call: with an error's status, or as cancelled. */
  destroy(error?: HandlerError): this {
    this.finish(
      error === undefined ? { code: Status.CANCELLED, details: 'Cancelled' } : toGrpcStatus(error),
    );
    return this;
  }

  // What handlers of a stream of requests use.

  pause(): this {
    this.paused = true;
    this.flowing = false;
    return this;
  }

  resume(): this {
    this.paused = false;
    this.startFlowing();
    return this;
  }

  isPaused(): boolean {
    return this.paused;
  }

  /** The requests one by one; throws the cancellation when the client gives up. */
  async *[Symbol.asyncIterator](): AsyncGenerator<unknown, void, undefined> {
    const arrived: unknown[] = [];
    let wake: () => void = () => undefined;
    this.on('data', (value: unknown) => {
      arrived.push(value);
      this.pause();
      wake();
    });
    this.on('end', () => wake());
    this.on('cancelled', () => wake());
    for (;;) {
      if (arrived.length > 0) {
        yield arrived.shift();
      } else if (this.cancelled) {
        throw new Error('The call was cancelled');
      } else if (this.endEmitted || this.ended) {
        return;
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
          this.resume();
        });
      }
    }
  }

  // What the stream tells.

  override onSent(): void {
    while ((this.unsent[0]?.bytes ?? Infinity) <= this.stream.sentBytes) {
      this.unsent.shift()?.callback();
    }
    this.stream.tellsSent = this.unsent.length > 0;
  }

  override onAnswered(): void {
    super.onAnswered();
    // As in node's streams, not within the caller of `end`.
    queueMicrotask(() => {
      if (!this.cancelled) this.emitAside('finish');
      this.emitAside('close');
    });
  }

  override onGone(code: ErrorCode): void {
    super.onGone(code);
    for (const { callback } of this.unsent.splice(0)) callback(new Error('The call was cancelled'));
    this.emitAside('close');
  }

  // What the base tells.

  protected receive(message: Buffer, held: boolean): void {
    const { kind } = this.method;
    if (kind === 'server-stream' && ++this.requests > 1) {
      this.finish({
        code: Status.UNIMPLEMENTED,
        details: `Received a second request message for the server streaming method ${this.method.path}`,
      });
      return;
    }
    const waits = kind === 'server-stream' ? !this.stream.remoteEnded : !this.canDeliver();
    const bytes = waits && !held ? this.keep(message) : message;
    const request = bytes === undefined ? undefined : this.decode(bytes);
    if (request === undefined) return;
    if (kind === 'server-stream') {
      this.request = request.value;
    } else if (waits) {
      this.queue.push({ value: request.value, bytes: message.length });
    } else {
      if (held) this.stream.release(message.length);
      this.deliver(request.value);
    }
  }

  protected requestsWait(): boolean {
    return this.queue.length > 0;
  }

  protected onRequestEnd(): void {
    const { method } = this;
    if (method.kind !== 'server-stream') {
      this.deliverQueued();
      return;
    }
    if (this.requests === 0) {
      this.finish({
        code: Status.UNIMPLEMENTED,
        details: `Received no request message for the server streaming method ${method.path}`,
      });
      return;
    }
    const call = this as unknown as ServerWritableStream<unknown, unknown>;
    this.invoke(() => {
      method.handler(call);
    });
  }

  /** As in node's streams, listening to 'data' starts the flow unless `pause` came first. */
  protected override onListen(event: string): void {
    if (event === 'data' && !this.paused) this.startFlowing();
  }

  private startFlowing(): void {
    if (this.flowing) return;
    this.flowing = true;
    // Not within the caller, who may have more to set up.
    queueMicrotask(() => this.deliverQueued());
  }

  private afterSent(callback: WriteCallback): void {
    if (this.over) {
      queueMicrotask(() => callback(new Error('The call has ended')));
    } else if (this.stream.waitingBytes === 0) {
      queueMicrotask(callback);
    } else {
      const bytes = this.stream.sentBytes + this.stream.waitingBytes;
      this.unsent.push({ bytes, callback });
      this.stream.tellsSent = true;
    }
  }

  private canDeliver(): boolean {
    return this.flowing && !this.delivering && this.queue.length === 0;
  }

  private deliver(value: unknown): void {
    this.delivering = true;
    this.invoke(() => {
      this.emit('data', value);
    });
    this.delivering = false;
  }

  private deliverQueued(): void {
    if (this.delivering) return;
    while (this.flowing && !this.cancelled) {
      const next = this.queue.shift();
      if (next === undefined) break;
      this.stream.release(next.bytes);
      if (this.queue.length === 0) this.payWindow();
      this.deliver(next.value);
    }
    if (!this.flowing || !this.requestEnded || this.queue.length > 0 || this.endEmitted) return;
    this.endEmitted = true;
    this.emit('end');
  }
}
