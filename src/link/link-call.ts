import { type StatusError } from '../message/status';
import { FrameKind } from '../rpc/generated/gantry/v1/FrameKind';
import { NO_SLOT, type DeadlineWheel, type Expiring } from '../rpc/grpc/deadline-wheel';
import type { BrokerMethod, GivenBackTo } from './broker-method';
import type { OutgoingFrame } from './frame-writer';

/** What a session keeps of a call. */
export interface OpenCall {
  readonly id: number;
  readonly parks: boolean;
  answered(payload: Buffer): void;
  failed(error: StatusError): void;
}

/** What a call needs of its session. */
export interface CallHost {
  readonly deadlines: DeadlineWheel;
  /** Takes back what nobody waits for any more. */
  readonly api: GivenBackTo;
  giveBackFailed(error: unknown): void;
  /** Nobody waits for the answer any more. */
  abandoned(call: OpenCall): void;
  /** The call never left. */
  unsent(call: OpenCall): void;
  /** @param what happened, for people */
  unknownOutcome(what: string): StatusError;
}

const nobody = (): void => undefined;

/** A call on a session: this, its promise and its bytes are all that it costs. Hot path. */
export class LinkCall<Q, A> implements OpenCall, OutgoingFrame, Expiring {
  readonly kind = FrameKind.REQUEST;
  readonly answer: Promise<A>;
  nextExpiring: Expiring | undefined;
  previousExpiring: Expiring | undefined;
  expiringSlot = NO_SLOT;
  private resolve: (answer: A) => void = nobody;
  private reject: (error: StatusError) => void = nobody;
  /** The caller waits. An answer that still comes when nobody does is given back, or nobody's business. */
  private wanted = true;
  private readonly request: Q | undefined;
  private readonly signal: AbortSignal | undefined;

  /**
   * @param deadlineMs by the monotonic clock
   * @param patienceMs how far ahead that is, for people
   * @param signal its caller goes away; heeded by methods that park
   */
  constructor(
    private readonly host: CallHost,
    readonly id: number,
    private readonly how: BrokerMethod<Q, A>,
    request: Q,
    readonly payload: Buffer,
    readonly deadlineMs: number,
    private readonly patienceMs: number,
    signal: AbortSignal | undefined,
  ) {
    this.answer = new Promise<A>((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    if (how.parking !== undefined) {
      this.request = request;
      this.signal = signal;
      signal?.addEventListener('abort', this);
    }
    host.deadlines.add(this);
  }

  get method(): string {
    return this.how.name;
  }

  get parks(): boolean {
    return this.how.parking !== undefined;
  }

  answered(bytes: Buffer): void {
    const answer = this.how.decodeAnswer(bytes);
    if (this.wanted) {
      this.settle();
      this.resolve(answer);
    } else {
      this.giveBack(answer);
    }
  }

  failed(error: StatusError): void {
    if (!this.wanted) return;
    this.settle();
    this.reject(error);
  }

  /** The frame was not handed to the pipe. */
  lost(): void {
    this.host.unsent(this);
  }

  onDeadline(): void {
    this.settle();
    this.host.abandoned(this);
    const what = `did not answer ${this.method} within ${this.patienceMs} ms`;
    this.reject(this.host.unknownOutcome(what));
  }

  /** The signal's. */
  handleEvent(): void {
    const { parking } = this.how;
    if (!this.wanted || parking === undefined) return;
    this.settle();
    this.host.abandoned(this);
    this.resolve(parking.stopped);
  }

  private settle(): void {
    this.wanted = false;
    this.host.deadlines.remove(this);
    this.signal?.removeEventListener('abort', this);
  }

  private giveBack(answer: A): void {
    const { parking } = this.how;
    const { request, host } = this;
    if (parking === undefined || request === undefined) return;
    parking.giveBack(host.api, request, answer).catch((error: unknown) => {
      host.giveBackFailed(error);
    });
  }
}
