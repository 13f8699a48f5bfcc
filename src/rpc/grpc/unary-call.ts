import { status as Status, type ServerUnaryCall } from '@grpc/grpc-js';
import type { Http2Stream } from '../http2/stream';
import type { CallHead } from './call-head';
import type { CallHost } from './call-host';
import type { UnaryMethod } from './method';
import { ServerCall } from './server-call';

/** One request, one answer: the hot path. */
export class UnaryCall extends ServerCall {
  /** What the client sent; there when the handler runs. */
  request: unknown;
  private message: Buffer | undefined;

  constructor(
    host: CallHost,
    stream: Http2Stream,
    head: CallHead,
    protected override readonly method: UnaryMethod,
  ) {
    super(host, stream, head, method);
  }

  protected receive(message: Buffer, held: boolean): void {
    if (this.message !== undefined) {
      this.finish({
        code: Status.UNIMPLEMENTED,
        details: `Received a second request message for the unary method ${this.method.path}`,
      });
      return;
    }
    // When the request's end came with the message, the handler runs within this turn.
    this.message = held || this.stream.remoteEnded ? message : this.keep(message);
  }

  protected requestsWait(): boolean {
    return false;
  }

  protected onRequestEnd(): void {
    const message = this.message;
    if (message === undefined) {
      this.finish({
        code: Status.UNIMPLEMENTED,
        details: `Received no request message for the unary method ${this.method.path}`,
      });
      return;
    }
    const request = this.decode(message);
    if (request === undefined) return;
    this.request = request.value;
    // The call offers what handlers use of grpc-js's class, not all that its base classes have.
    const call = this as unknown as ServerUnaryCall<unknown, unknown>;
    this.invoke(() => {
      this.method.handler(call, (error, value, trailers) => {
        this.answer(error, value, trailers);
      });
    });
  }
}
