/** Streams that no handler serves. */
import { HeaderBlock } from '../http2/hpack-encoder';
import type { Http2Stream, StreamListener } from '../http2/stream';

/** A call that was answered as it came: what the client still sends is of no use. */
export class Refused implements StreamListener {
  constructor(protected readonly stream: Http2Stream) {}

  onData(_bytes: Buffer, start: number, end: number): void {
    this.stream.take(end - start);
  }

  onEnd(): void {
    // Answered already.
  }

  onDrain(): void {
    // Nothing more is written.
  }

  onSent(): void {
    // Nothing waits for it.
  }

  onAnswered(): void {
    // As it should be.
  }

  onGone(): void {
    // Nothing to undo.
  }
}

const head = new HeaderBlock([
  [':status', '415'],
  ['content-type', 'text/plain; charset=utf-8'],
]);
const text = Buffer.from(
  'This port speaks gRPC: POST with content-type application/grpc. See your client library.\n',
);
const NO_PREFIX = new Uint8Array(0);

/** A request over HTTP/2 that is not gRPC: answered with one line for people, after its end. */
export class NotGrpc extends Refused {
  override onEnd(): void {
    this.stream.respond(head);
    this.stream.write(NO_PREFIX, text);
    this.stream.end();
  }
}
