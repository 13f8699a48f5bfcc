import { EventEmitter } from 'node:events';
import {
  Metadata,
  type handleBidiStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
} from '@grpc/grpc-js';
import type { Clock } from '../../src/platform/platform';

/** What tells the time: deadlines are the wall clock's. */
export interface Simulated {
  readonly clock: Clock;
}

export interface Caller {
  /** '' sends no header. Default `client-1`. */
  readonly clientId?: string;
  /** Further headers; several values of one name are sent in order. */
  readonly headers?: readonly (readonly [string, string])[];
  /** Milliseconds until the deadline; none by default. */
  readonly timeoutMs?: number;
  readonly authority?: string;
  readonly peer?: string;
  /** Our end of the connection, where the server tells it. */
  readonly local?: string;
}

/** A handler's call without a network: what a gRPC server hands to handlers, and what they do with it. */
export class FakeCall<Request, Response> extends EventEmitter {
  readonly metadata = new Metadata();
  readonly items: Response[] = [];
  cancelled = false;
  ended = false;
  destroyed = false;
  headersSent = false;
  /** The error that a handler ended the call with. */
  error: (Error & { code?: number }) | undefined;
  /** Whether the client takes what is written; what it does not take waits in `held`. */
  reading = true;
  private held: (() => void)[] = [];
  private paused = false;
  private readonly waiting: Request[] = [];
  private readonly deadline: number;

  constructor(
    private readonly caller: Caller,
    sim: Simulated,
    readonly request: Request,
  ) {
    super();
    const { clientId = 'client-1', headers = [], timeoutMs = Infinity } = caller;
    if (clientId !== '') this.metadata.add('x-mq-client-id', clientId);
    for (const [name, value] of headers) this.metadata.add(name, value);
    this.deadline = sim.clock.wallMs() + timeoutMs;
    this.on('error', (error: Error & { code?: number }) => {
      this.error = error;
      this.ended = true;
    });
  }

  getPeer(): string {
    return this.caller.peer ?? '10.1.2.3:4567';
  }

  getHost(): string {
    return this.caller.authority ?? 'broker.example:8081';
  }

  getDeadline(): number {
    return this.deadline;
  }

  getLocalAddress(): string {
    return this.caller.local ?? '';
  }

  sendMetadata(): void {
    this.headersSent = true;
  }

  write(item: Response, callback?: (error?: Error | null) => void): boolean {
    if (this.ended) throw new Error('write after end');
    const take = (): void => {
      this.items.push(item);
      callback?.(null);
    };
    if (this.reading) take();
    else this.held.push(take);
    return this.reading;
  }

  end(): this {
    this.ended = true;
    if (this.held.length === 0) this.emit('finish');
    return this;
  }

  destroy(): this {
    this.destroyed = true;
    return this;
  }

  // What the client's side does.

  /** The client reads again. */
  drain(): void {
    this.reading = true;
    for (const take of this.held.splice(0)) take();
    this.emit('drain');
    if (this.ended) this.emit('finish');
  }

  /** The client cancels, or its connection breaks. */
  cancel(): void {
    this.cancelled = true;
    this.held = [];
    this.emit('cancelled', 'cancelled');
  }

  /** The client sends one message of its stream. */
  send(request: Request): void {
    if (this.paused) this.waiting.push(request);
    else this.emit('data', request);
  }

  /** The client sends no more. */
  halfClose(): void {
    this.emit('end');
  }

  pause(): this {
    this.paused = true;
    return this;
  }

  resume(): this {
    this.paused = false;
    const next = this.waiting.shift();
    if (next !== undefined) this.emit('data', next);
    return this;
  }
}

/** Calls a unary handler and answers its response; rejects with a gRPC error. */
export function callUnary<Request, Response>(
  handler: handleUnaryCall<Request, Response>,
  sim: Simulated,
  request: Request,
  caller: Caller = {},
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const call = new FakeCall<Request, Response>(caller, sim, request);
    handler(call as unknown as ServerUnaryCall<Request, Response>, (error, value) => {
      if (error !== null) reject(new Error(`gRPC error ${error.code}: ${error.details}`));
      else if (value === undefined || value === null) reject(new Error('no response'));
      else resolve(value);
    });
  });
}

/** Opens a call whose answer is a stream. */
export function callStream<Request, Response>(
  handler: handleServerStreamingCall<Request, Response>,
  sim: Simulated,
  request: Request,
  caller: Caller = {},
  prepare: (call: FakeCall<Request, Response>) => void = () => undefined,
): FakeCall<Request, Response> {
  const call = new FakeCall<Request, Response>(caller, sim, request);
  prepare(call);
  handler(call as unknown as ServerWritableStream<Request, Response>);
  return call;
}

/** Opens a call of streams both ways. */
export function callDuplex<Request, Response>(
  handler: handleBidiStreamingCall<Request, Response>,
  sim: Simulated,
  caller: Caller = {},
): FakeCall<Request, Response> {
  const call = new FakeCall<Request, Response>(caller, sim, undefined as never);
  handler(call as unknown as ServerDuplexStream<Request, Response>);
  return call;
}
