/**
 * The proxy's end of one link stream, from its opening to its end: calls go out as frames, answers come
 * back by the call's id, in any order.
 */
import { BrokerLostError } from '../api/broker-lost';
import { BrokerUnreachableError } from '../api/broker-unreachable';
import { Code, StatusError } from '../message/status';
import type { Platform } from '../platform/platform';
import { FrameKind } from '../rpc/generated/gantry/v1/FrameKind';
import type { LinkBatch, LinkBatch__Output } from '../rpc/generated/gantry/v1/LinkBatch';
import { DeadlineWheel } from '../rpc/grpc/deadline-wheel';
import { OpenById } from '../rpc/open-by-id';
import type { BrokerMethod, GivenBackTo } from './broker-method';
import { statusFromWire } from './codec/status';
import { FrameReader, type WholeFrame } from './frame-reader';
import { FrameWriter } from './frame-writer';
import { LinkCall, type CallHost, type OpenCall } from './link-call';
import { ANSWER_BYTES_MAX, REQUEST_BYTES_MAX, type LinkLimits } from './link-limits';
import type { Pipe } from '../rpc/pipe';
import { codeAndText } from './services';
import { errorText } from '../platform/error-text';

export type LinkPipe = Pipe<LinkBatch, LinkBatch__Output>;

const EMPTY = Buffer.alloc(0);

export interface SessionOwner {
  readonly platform: Pick<Platform, 'clock' | 'timers'>;
  readonly limits: LinkLimits;
  readonly brokerName: string;
  readonly brokerId: number;
  /** How texts name the broker: `name/id at address`. */
  readonly brokerText: string;
  /** Takes back what nobody waits for any more. */
  readonly api: GivenBackTo;
  /** The broker has answered the greeting: calls may begin. */
  up(session: BrokerSession): void;
  /** The broker stops: no new calls on this session. */
  leaving(session: BrokerSession): void;
  /** The stream is over. */
  down(session: BrokerSession, reason: string): void;
  /** Giving back failed: the messages come again after their invisible time. */
  giveBackFailed(error: unknown): void;
}

export class BrokerSession implements CallHost {
  readonly deadlines: DeadlineWheel;
  private readonly calls = new OpenById<OpenCall>(1);
  private polls = 0;
  private nextId = 1;
  private greeted = false;
  private ended = false;
  private readonly writer: FrameWriter;
  private readonly reader = new FrameReader(ANSWER_BYTES_MAX);

  constructor(
    private readonly owner: SessionOwner,
    private readonly pipe: LinkPipe,
  ) {
    const { platform, brokerName, brokerId } = owner;
    this.deadlines = new DeadlineWheel(platform.clock, platform.timers);
    this.writer = new FrameWriter(platform.timers, (batch) => pipe.write(batch));
    const late = platform.timers.after(owner.limits.helloMs, () => {
      this.pipe.abort(`no greeting within ${owner.limits.helloMs} ms`);
    });
    pipe.open({
      message: (batch) => {
        late.cancel();
        this.receive(batch);
      },
      drained: () => this.writer.drained(),
      closed: (reason) => {
        late.cancel();
        this.close(reason);
      },
    });
    pipe.write({ hello: { broker_name: brokerName, broker_id: brokerId } });
  }

  /** Calls under way, those included whose callers have gone. */
  get underWay(): number {
    return this.calls.size;
  }

  /**
   * Makes a call. Hot path.
   * @param waitMs what the request itself asks the broker to wait, milliseconds
   * @throws StatusError TOO_MANY_REQUESTS at a limit, PROXY_TIMEOUT when no answer came, and what the broker threw
   */
  call<Q, A>(method: BrokerMethod<Q, A>, request: Q, waitMs = 0, signal?: AbortSignal): Promise<A> {
    const { parking } = method;
    let payload: Buffer;
    try {
      this.checkRoom(parking !== undefined);
      payload = method.encodeRequest(request);
      checkSize(method.name, payload);
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(String(error)));
    }
    const patienceMs = method.patienceMs + waitMs;
    const deadlineMs = this.owner.platform.clock.monotonicMs() + patienceMs;
    const id = this.nextId++;
    const call = new LinkCall(this, id, method, request, payload, deadlineMs, patienceMs, signal);
    this.calls.add(call);
    if (call.parks) this.polls++;
    this.writer.push(call);
    return call.answer;
  }

  // What calls ask.

  get api(): GivenBackTo {
    return this.owner.api;
  }

  giveBackFailed(error: unknown): void {
    this.owner.giveBackFailed(error);
  }

  abandoned({ id, parks }: OpenCall): void {
    if (parks) this.writer.push({ id, kind: FrameKind.CANCEL, method: '', payload: EMPTY });
    else this.forget(id);
  }

  unsent({ id }: OpenCall): void {
    this.forget(id)?.failed(this.unreachable());
  }

  unknownOutcome(what: string, cause?: unknown): StatusError {
    const options = cause === undefined ? {} : { cause };
    return new StatusError(Code.PROXY_TIMEOUT, this.unknown(what), options);
  }

  /** Ends the stream; calls under way fail. */
  end(reason: string): void {
    this.pipe.end();
    this.close(reason);
  }

  private checkRoom(parks: boolean): void {
    const { brokerText, limits } = this.owner;
    if (this.ended) throw this.unreachable();
    if (parks && this.polls >= limits.pollsMax) {
      throw tooMany(
        `${this.polls} receives wait at broker ${brokerText}, the limit is ${limits.pollsMax}`,
      );
    }
    const others = this.calls.size - this.polls;
    if (!parks && others >= limits.callsMax) {
      throw tooMany(
        `${others} calls are under way to broker ${brokerText}, the limit is ${limits.callsMax}`,
      );
    }
    if (this.writer.queuedBytes >= limits.queuedBytesMax) {
      throw tooMany(
        `${this.writer.queuedBytes} bytes wait to be sent to broker ${brokerText}, the limit is ${limits.queuedBytesMax}`,
      );
    }
  }

  private forget(id: number): OpenCall | undefined {
    const call = this.calls.get(id);
    if (call === undefined) return undefined;
    this.calls.delete(call);
    if (call.parks) this.polls--;
    return call;
  }

  private receive(batch: LinkBatch__Output): void {
    if (this.ended) return;
    if (!this.greeted && !this.greet(batch)) return;
    for (const part of batch.frames) {
      let frame: WholeFrame | undefined;
      try {
        frame = this.reader.take(part);
        if (frame !== undefined) this.take(frame);
      } catch (error) {
        this.pipe.abort(errorText(error));
        return;
      }
    }
    if (batch.goodbye) this.owner.leaving(this);
  }

  /** False when it is not the broker that was meant. */
  private greet({ hello }: LinkBatch__Output): boolean {
    const { brokerName, brokerId } = this.owner;
    if (hello?.broker_name !== brokerName || hello.broker_id !== brokerId) {
      const who = hello === null ? 'no broker' : `broker ${hello.broker_name}/${hello.broker_id}`;
      this.pipe.abort(`${who} answers there`);
      return false;
    }
    this.greeted = true;
    this.owner.up(this);
    return true;
  }

  private take(frame: WholeFrame): void {
    // An answer that came too late finds no call.
    const call = this.forget(frame.id);
    if (call === undefined) return;
    try {
      if (frame.kind === FrameKind.RESPONSE) call.answered(frame.payload);
      else if (frame.kind === FrameKind.ERROR)
        call.failed(statusFromWire(codeAndText.decode(frame.payload)));
      else throw new RangeError(`frame of kind ${frame.kind} from a broker`);
    } catch (error) {
      call.failed(this.unknownOutcome('gave an answer that cannot be read', error));
    }
  }

  private close(reason: string): void {
    if (this.ended) return;
    this.ended = true;
    // First the owner, so that whoever retries at once does not find this session.
    this.owner.down(this, reason);
    this.writer.close();
    for (const { id } of this.calls.all()) {
      const call = this.forget(id);
      call?.failed(new BrokerLostError(this.unknown(`was lost during the call (${reason})`)));
    }
  }

  private unreachable(): StatusError {
    return new BrokerUnreachableError(this.owner.brokerText);
  }

  private unknown(what: string): string {
    return `broker ${this.owner.brokerText} ${what}; the outcome is unknown`;
  }
}

function tooMany(text: string): StatusError {
  return new StatusError(Code.TOO_MANY_REQUESTS, text);
}

function checkSize(method: string, payload: Buffer): void {
  if (payload.length <= REQUEST_BYTES_MAX) return;
  throw new StatusError(
    Code.BAD_REQUEST,
    `${method} takes ${payload.length} bytes, the limit between proxy and broker is ${REQUEST_BYTES_MAX}`,
  );
}
