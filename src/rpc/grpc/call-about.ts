/** What a handler may ask about its call, by the names that grpc-js gives it. */
import type { Http2Stream } from '../http2/stream';
import type { CallHead } from './call-head';
import type { CallHost } from './call-host';
import { LazyEmitter } from './lazy-emitter';
import type { RequestMetadata } from './metadata';

export abstract class CallAbout extends LazyEmitter {
  /** By the monotonic clock, ms; Infinity when the client set none. */
  readonly deadlineMs: number;
  private lazyMetadata: RequestMetadata | undefined;

  constructor(
    protected readonly host: CallHost,
    protected readonly stream: Http2Stream,
    protected readonly head: CallHead,
  ) {
    super();
    this.deadlineMs = head.timeoutMs === Infinity ? Infinity : host.monotonicMs() + head.timeoutMs;
  }

  get metadata(): RequestMetadata {
    return (this.lazyMetadata ??= this.head.metadata());
  }

  /** The last value of a header, '' when it is absent; see `lastHeader` in ../call-context. */
  lastHeader(name: string): string {
    return this.head.lastHeader(name);
  }

  /** `host:port` of the client. */
  getPeer(): string {
    return this.stream.peer;
  }

  /** `host:port` that the client came to. */
  getLocalAddress(): string {
    return this.stream.localAddress;
  }

  /** The authority that the client addressed. */
  getHost(): string {
    return this.head.authority;
  }

  getPath(): string {
    return this.head.path;
  }

  /** Wall clock, ms; Infinity when the client set none. */
  getDeadline(): number {
    if (this.deadlineMs === Infinity) return Infinity;
    return this.host.wallMs() + this.deadlineMs - this.host.monotonicMs();
  }
}
