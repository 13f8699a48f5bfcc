/** The frame around every handler: the client id, the bound on calls, errors as statuses. */
import type { handleUnaryCall } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { Code, codeName, StatusError, toStatusError } from '../message/status';
import type { Platform } from '../platform/platform';
import type { Status } from '../rpc/generated/apache/rocketmq/v2/Status';
import { requestContext, type RequestContext } from './request-context';

/** A status as it is answered. */
export interface PublicStatus extends Status {
  readonly code: Code;
  readonly message: string;
}

export const OK_STATUS: PublicStatus = { code: Code.OK, message: 'OK' };

export function statusOf(error: unknown): PublicStatus {
  const { code, message } = toStatusError(error);
  return { code, message };
}

/** The status of a failed call; what is no client's mistake is logged. */
export function failure(error: unknown, log: Logger, rpc: string): PublicStatus {
  const known = toStatusError(error);
  if (known.code === Code.INTERNAL_SERVER_ERROR) log.error({ err: error, rpc }, 'call failed');
  return { code: known.code, message: known.message };
}

/** The status of a whole request from those of its entries: the common one, else MULTIPLE_RESULTS. */
export function commonStatus(entries: readonly PublicStatus[]): PublicStatus {
  const first = entries[0] ?? OK_STATUS;
  if (entries.every(({ code }) => code === first.code)) return first;
  return { code: Code.MULTIPLE_RESULTS, message: codeName(Code.MULTIPLE_RESULTS) };
}

/** Counts what is under way and refuses what is too much. */
export class CallGate {
  private running = 0;
  private idle: (() => void)[] = [];

  constructor(
    readonly family: string,
    private readonly max: number,
  ) {}

  /** @throws StatusError TOO_MANY_REQUESTS */
  enter(): void {
    if (this.running >= this.max) {
      throw new StatusError(
        Code.TOO_MANY_REQUESTS,
        `flow limit: ${this.running} ${this.family} calls are under way, the limit is ${this.max}`,
      );
    }
    this.running++;
  }

  leave(): void {
    this.running--;
    if (this.running > 0) return;
    for (const resolve of this.idle.splice(0)) resolve();
  }

  /** Resolves when nothing is under way. */
  whenIdle(): Promise<void> {
    return this.running === 0 ? Promise.resolve() : new Promise((done) => this.idle.push(done));
  }
}

/** Bytes held for something, against a bound; one holder always fits. */
export class ByteBudget {
  private held = 0;

  constructor(
    private readonly what: string,
    private readonly max: number,
  ) {}

  /** @throws StatusError TOO_MANY_REQUESTS when others already hold so much that `bytes` do not fit */
  take(bytes: number): void {
    this.check(bytes);
    this.held += bytes;
  }

  /** Takes without a question: for what has come already. */
  add(bytes: number): void {
    this.held += bytes;
  }

  /** @throws StatusError TOO_MANY_REQUESTS when `bytes` more would not fit */
  check(bytes: number): void {
    if (this.held === 0 || this.held + bytes <= this.max) return;
    throw new StatusError(
      Code.TOO_MANY_REQUESTS,
      `flow limit: ${this.held} bytes are ${this.what}, the limit is ${this.max}`,
    );
  }

  give(bytes: number): void {
    this.held -= bytes;
  }
}

type Answer = { status?: Status | null };

/**
 * A unary handler: business errors go into the answer's `status`, never into gRPC's.
 * @param work answers the response, or throws what becomes its status
 */
export function unary<Request, Response extends Answer>(
  { platform, log }: { readonly platform: Pick<Platform, 'clock'>; readonly log: Logger },
  gate: CallGate,
  work: (request: Request, context: RequestContext) => Promise<Response>,
): handleUnaryCall<Request, Response> {
  return (call, callback) => {
    const fail = (error: unknown): void => {
      const answer: Answer = { status: failure(error, log, gate.family) };
      callback(null, answer as Response);
    };
    let context: RequestContext;
    try {
      context = requestContext(call, platform.clock.wallMs());
      gate.enter();
    } catch (error) {
      fail(error);
      return;
    }
    work(call.request, context).then(
      (response) => {
        gate.leave();
        callback(null, response);
      },
      (error: unknown) => {
        gate.leave();
        fail(error);
      },
    );
  };
}
