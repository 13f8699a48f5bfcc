/**
 * A bidirectional gRPC stream to a server, on our own HTTP/2 and a connection of its own:
 *
 *     write -> prefix, message -> DATA ...      DATA ... -> MessageReader -> receiver.message
 *                                               HEADERS  -> grpc-status, grpc-message -> receiver.closed
 */
import type { DialTarget, Platform } from '../../platform/platform';
import { peerAddress } from '../call-context';
import type { ClientTls } from '../client-credentials';
import { ClientConnection, CLIENT_OPTIONS } from '../http2/client-connection';
import type { ClientStreamListener } from '../http2/client-stream';
import type { HeaderField } from '../http2/header-field';
import type { FieldPair } from '../http2/hpack-encoder';
import type { Http2Options } from '../http2/options';
import type { Pipe, PipeReceiver } from '../pipe';
import { MessageReader, messagePrefix, type MessageSink } from './message-frame';
import { decodeDetails } from './status';

/** What of a method's definition makes a stream: grpc-js's has it. */
export interface StreamMethod<Out, In> {
  /** `/package.Service/Method` */
  readonly path: string;
  readonly requestSerialize: (message: Out) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => In;
}

export interface ClientPipeOptions {
  /** Absent: plaintext. */
  readonly tls?: ClientTls | undefined;
  /** Largest message taken, bytes. Default 130 MiB. */
  readonly maxMessageBytes?: number;
  /** What differs from `CLIENT_OPTIONS`. */
  readonly http2?: Partial<Http2Options>;
}

const MAX_MESSAGE_BYTES = 130 * 1024 * 1024;
/** How the other side's good ending reads. */
const ENDED = 'the other side ended';

/**
 * Dials `address` and begins a stream there; what becomes of either is told to the pipe's receiver.
 * @param address `host:port`, an IPv6 host in brackets
 * @throws Error see `Sockets.dialTcp`
 */
export function openPipe<Out, In>(
  platform: Pick<Platform, 'clock' | 'timers' | 'sockets'>,
  address: string,
  method: StreamMethod<Out, In>,
  options: ClientPipeOptions = {},
): Pipe<Out, In> {
  return new ClientPipe(platform, address, method, options);
}

class ClientPipe<Out, In> implements Pipe<Out, In>, ClientStreamListener, MessageSink {
  private readonly connection: ClientConnection;
  private readonly reader: MessageReader;
  private receiver: PipeReceiver<In> | undefined;
  private answered = false;
  /** Nothing more is delivered. */
  private over = false;
  private paused = false;
  /** Messages that came before the pause took effect. */
  private readonly waiting: Buffer[] = [];
  /** Bytes that the server may not send again yet. */
  private owedBytes = 0;

  constructor(
    platform: Pick<Platform, 'clock' | 'timers' | 'sockets'>,
    address: string,
    private readonly method: StreamMethod<Out, In>,
    { tls, maxMessageBytes = MAX_MESSAGE_BYTES, http2 = {} }: ClientPipeOptions,
  ) {
    this.reader = new MessageReader(maxMessageBytes, this);
    const { ip: host, port } = peerAddress(address);
    const target: DialTarget = { host, port, ...(tls !== undefined && { tls: tls() }) };
    const scheme = tls === undefined ? 'http' : 'https';
    this.connection = new ClientConnection(
      platform,
      target,
      head(method.path, scheme, address),
      this,
      {
        ...CLIENT_OPTIONS,
        ...http2,
      },
    );
  }

  open(receiver: PipeReceiver<In>): void {
    this.receiver = receiver;
  }

  /** Hot path. */
  write(message: Out): boolean {
    if (this.over) return true;
    const bytes = this.method.requestSerialize(message);
    return this.connection.write(messagePrefix(false, bytes.length), bytes);
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    // Not within the caller, who may have more to do.
    queueMicrotask(() => this.catchUp());
  }

  end(): void {
    this.connection.end();
  }

  abort(reason: string): void {
    this.connection.abort(reason);
  }

  // What the stream tells.

  onHeaders(fields: readonly HeaderField[], end: boolean): void {
    const value = (name: string): string =>
      fields.find((field) => field.name === name)?.value ?? '';
    if (!this.answered) {
      this.answered = true;
      const type = value('content-type');
      if (!end && (value(':status') !== '200' || !type.startsWith('application/grpc'))) {
        this.connection.abort(`no gRPC there: HTTP status ${value(':status')}, ${type}`);
        return;
      }
    }
    if (!end) return;
    const status = value('grpc-status');
    const text = decodeDetails(value('grpc-message'));
    this.close(text || (status === '0' ? ENDED : `the other side ended with status ${status}`));
  }

  onData(bytes: Buffer, start: number, end: number): void {
    this.reader.push(bytes, start, end);
    if (this.paused) this.owedBytes += end - start;
    else this.connection.take(end - start);
  }

  onDrain(): void {
    if (!this.over) this.receiver?.drained();
  }

  onClosed(reason: string): void {
    this.close(reason || ENDED);
  }

  // What the reader finds.

  onMessage(compressed: boolean, message: Buffer): boolean {
    if (compressed) this.connection.abort('a compressed message, which was not asked for');
    else if (this.paused) this.waiting.push(message);
    else this.deliver(message);
    return !this.over;
  }

  onBadMessage(_flags: number, bytes: number): void {
    this.connection.abort(`a message of ${bytes} bytes is above the limit, or has unknown flags`);
  }

  onHold(): boolean {
    return true; // as large as the largest message at most
  }

  private deliver(bytes: Buffer): void {
    if (this.over) return;
    let message: In;
    try {
      message = this.method.responseDeserialize(bytes);
    } catch {
      this.connection.abort('a message that cannot be read');
      return;
    }
    this.receiver?.message(message);
  }

  private catchUp(): void {
    while (!this.paused) {
      const message = this.waiting.shift();
      if (message === undefined) break;
      this.deliver(message);
    }
    if (this.paused || this.owedBytes === 0) return;
    this.connection.take(this.owedBytes);
    this.owedBytes = 0;
  }

  /** Told apart from whoever caused it: a receiver may ask for the end itself. */
  private close(reason: string): void {
    if (this.over) return;
    this.over = true;
    queueMicrotask(() => this.receiver?.closed(reason));
  }
}

function head(path: string, scheme: string, authority: string): readonly FieldPair[] {
  return [
    [':method', 'POST'],
    [':scheme', scheme],
    [':path', path],
    [':authority', authority],
    ['te', 'trailers'],
    ['content-type', 'application/grpc'],
    ['user-agent', 'gantry'],
  ];
}
