/** gRPC on our own HTTP/2: turns requests into calls of handlers written for @grpc/grpc-js. */
import type { ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import type { Platform, TlsIdentity } from '../../platform/platform';
import type { Http2Options } from '../http2/options';
import type { RequestHead } from '../http2/request-head';
import { Http2Server, type PortPolicy } from '../http2/server';
import type { Http2Stream, StreamListener } from '../http2/stream';
import { sendStatus } from './answer';
import { CallHead } from './call-head';
import type { CallHost } from './call-host';
import { Unpacker } from './compression';
import { DeadlineWheel } from './deadline-wheel';
import { MethodTable } from './method';
import { NotGrpc, Refused } from './refusal';
import { StreamingCall } from './streaming-call';
import { UnaryCall } from './unary-call';

export interface GrpcServerOptions extends PortPolicy {
  /** Largest message taken, bytes, unpacked; a larger one ends its call RESOURCE_EXHAUSTED. Default 4 MiB. */
  readonly maxReceiveBytes?: number;
  /** Largest message sent, bytes; a larger one ends its call RESOURCE_EXHAUSTED. Default: no limit. */
  readonly maxSendBytes?: number;
  /** Compresses answers of 1 KiB and more with gzip for clients that take it. Default false. */
  readonly compressAnswers?: boolean;
  /** Hears what handlers throw; their calls end UNKNOWN, and clients are not told the text. */
  readonly onHandlerError?: (path: string, error: unknown) => void;
  /** What differs from `DEFAULT_HTTP2_OPTIONS`. */
  readonly http2?: Partial<Http2Options>;
}

const DEFAULT_MAX_RECEIVE_BYTES = 4 * 1024 * 1024;
/** Beside one message of the largest size, a connection may hold this much of others, bytes. */
const HELD_BESIDE_BYTES = 64 * 1024 * 1024;

export class GrpcServer implements CallHost {
  readonly deadlines: DeadlineWheel;
  readonly unpacker = new Unpacker();
  readonly maxReceiveBytes: number;
  readonly maxSendBytes: number;
  readonly compressAnswers: boolean;
  private readonly methods = new MethodTable();
  private readonly http2: Http2Server;
  private running = 0;

  constructor(
    private readonly platform: Platform,
    private readonly options: GrpcServerOptions = {},
  ) {
    this.maxReceiveBytes = options.maxReceiveBytes ?? DEFAULT_MAX_RECEIVE_BYTES;
    this.maxSendBytes = options.maxSendBytes ?? Infinity;
    this.compressAnswers = options.compressAnswers ?? false;
    this.deadlines = new DeadlineWheel(platform.clock, platform.timers);
    const http2 = {
      maxHeldConnectionBytes: this.maxReceiveBytes + HELD_BESIDE_BYTES,
      ...options.http2,
    };
    this.http2 = new Http2Server(
      platform,
      (stream, head) => this.serve(stream, head),
      http2,
      options,
    );
  }

  /** Calls that have begun and not ended. */
  get runningCalls(): number {
    return this.running;
  }

  get connectionCount(): number {
    return this.http2.connectionCount;
  }

  /** @throws Error when a method of the service is served already */
  addService(definition: ServiceDefinition, implementation: UntypedServiceImplementation): void {
    this.methods.add(definition, implementation);
  }

  /** See `Http2Server.setIdentity`. */
  setIdentity(identity: TlsIdentity): void {
    this.http2.setIdentity(identity);
  }

  /** See `Http2Server.listen`. */
  listen(host: string, port: number): Promise<number> {
    return this.http2.listen(host, port);
  }

  /** See `Http2Server.drain`. */
  drain(graceMs: number): Promise<void> {
    return this.http2.drain(graceMs);
  }

  /** Drops all connections at once. */
  close(): Promise<void> {
    return this.http2.close();
  }

  monotonicMs(): number {
    return this.platform.clock.monotonicMs();
  }

  wallMs(): number {
    return this.platform.clock.wallMs();
  }

  callEnded(): void {
    this.running--;
  }

  handlerFailed(path: string, error: unknown): void {
    this.options.onHandlerError?.(path, error);
  }

  private serve(stream: Http2Stream, head: RequestHead): StreamListener {
    const known = head.derived;
    const callHead = known instanceof CallHead ? known : CallHead.of(head, this.methods);
    if (callHead === undefined) return new NotGrpc(stream);
    head.derived = callHead;
    const { target } = callHead;
    if (!('kind' in target)) {
      sendStatus(stream, target, false);
      return new Refused(stream);
    }
    this.running++;
    if (target.kind === 'unary') return new UnaryCall(this, stream, callHead, target);
    const call = new StreamingCall(this, stream, callHead, target);
    stream.listener = call; // a handler may end its call before it returns
    call.begin();
    return call;
  }
}
