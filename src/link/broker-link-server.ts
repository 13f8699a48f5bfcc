/**
 * The broker's end of one link stream: decodes requests, calls the broker, sends the answers with all
 * others of the turn. It slows the proxy down when answers are not taken, and gives messages back that
 * were received for a proxy that is gone.
 *
 *     no broker leads   -- each call -->  NotMasterError
 *     a broker leads    -- each call -->  its answer
 *     it leads no more  -- its next batch of answers, or call -->  the stream breaks: a newer master may answer otherwise
 */
import type { BrokerApi } from '../api/broker-api';
import type { LeadingBroker } from '../api/leading-broker';
import { NotMasterError } from '../api/not-master';
import { Code, StatusError, toStatusError } from '../message/status';
import type { Platform } from '../platform/platform';
import { FrameKind } from '../rpc/generated/gantry/v1/FrameKind';
import type { LinkBatch, LinkBatch__Output } from '../rpc/generated/gantry/v1/LinkBatch';
import { OpenById } from '../rpc/open-by-id';
import type { ServedMethod } from './broker-method';
import { statusToWire } from './codec/status';
import { FrameReader, type WholeFrame } from './frame-reader';
import { FrameWriter } from './frame-writer';
import { REQUEST_BYTES_MAX, type LinkLimits } from './link-limits';
import type { LinkLog } from './log';
import type { Pipe } from '../rpc/pipe';
import { codeAndText } from './services';
import { errorText } from '../platform/error-text';

export interface BrokerLinkSettings {
  readonly platform: Pick<Platform, 'timers'>;
  readonly log: LinkLog;
  readonly brokerName: string;
  readonly brokerId: () => number;
  readonly limits: LinkLimits;
}

interface Running {
  readonly id: number;
  readonly parks: boolean;
  /** There for calls that wait. */
  readonly abort: AbortController | undefined;
}

const NEVER = new AbortController().signal;

export class BrokerLinkServer {
  private readonly running = new OpenById<Running>(1);
  private polls = 0;
  private greeted = false;
  private leaving = false;
  private paused = false;
  /** The broker that calls of this stream were served by, once there was one. */
  private served: BrokerApi | undefined;
  private readonly writer: FrameWriter;
  private readonly reader = new FrameReader(REQUEST_BYTES_MAX);

  /** @param onClosed called when the stream is over */
  constructor(
    private readonly leading: LeadingBroker,
    private readonly methods: ReadonlyMap<string, ServedMethod>,
    private readonly pipe: Pipe<LinkBatch, LinkBatch__Output>,
    private readonly settings: BrokerLinkSettings,
    onClosed: (server: BrokerLinkServer) => void,
  ) {
    this.writer = new FrameWriter(
      settings.platform.timers,
      (batch) => this.answer(batch),
      () => this.afterFlush(),
    );
    const late = settings.platform.timers.after(settings.limits.helloMs, () => {
      pipe.abort(`no greeting within ${settings.limits.helloMs} ms`);
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
        onClosed(this);
      },
    });
  }

  /**
   * Asks the proxy for no more requests; receives that wait are sent back, for the next master; the stream ends when all
   * is answered.
   */
  leave(): void {
    if (this.leaving) return;
    this.leaving = true;
    this.writer.flush();
    this.pipe.write({ goodbye: true });
    for (const { abort } of this.running.all()) abort?.abort();
    this.endWhenIdle();
  }

  /** Breaks the stream. */
  cut(reason: string): void {
    this.pipe.abort(reason);
  }

  private receive(batch: LinkBatch__Output): void {
    try {
      if (!this.greeted) this.greet(batch);
      for (const part of batch.frames) {
        const frame = this.reader.take(part);
        if (frame !== undefined) this.take(frame);
      }
    } catch (error) {
      const reason = errorText(error);
      this.settings.log.warn({ reason }, 'link to a proxy broken off');
      this.pipe.abort(reason);
    }
  }

  /** Says who this is; a proxy that meant another broker goes away by itself. */
  private greet({ hello }: LinkBatch__Output): void {
    if (hello === null) throw new RangeError('the first message is no greeting');
    this.greeted = true;
    const { brokerName, brokerId } = this.settings;
    this.pipe.write({ hello: { broker_name: brokerName, broker_id: brokerId() } });
  }

  private take(frame: WholeFrame): void {
    switch (frame.kind) {
      case FrameKind.REQUEST:
        void this.serve(frame);
        return;
      case FrameKind.CANCEL:
        this.running.get(frame.id)?.abort?.abort();
        return;
      default:
        throw new RangeError(`frame of kind ${frame.kind} from a proxy`);
    }
  }

  private async serve({ id, method: name, payload }: WholeFrame): Promise<void> {
    const method = this.methods.get(name);
    const parks = method?.parks ?? false;
    const call: Running = { id, parks, abort: parks ? new AbortController() : undefined };
    try {
      if (method === undefined) throw new StatusError(Code.UNSUPPORTED, `no method ${name}`);
      this.checkRoom(call.parks);
      const api = this.leader();
      this.start(call);
      const signal = call.abort?.signal ?? NEVER;
      const { payload: answer, giveBack, isNothing } = await method.serve(api, payload, signal);
      if (this.leaving && isNothing === true) throw this.notMaster('stops');
      const lost = giveBack === undefined ? undefined : (): void => this.giveBack(giveBack);
      this.send(id, FrameKind.RESPONSE, answer, lost);
    } catch (error) {
      this.send(id, FrameKind.ERROR, codeAndText.encode(statusToWire(toStatusError(error))));
    } finally {
      this.finish(call);
    }
  }

  /** @throws NotMasterError */
  private leader(): BrokerApi {
    const api = this.leading();
    if (api === undefined) throw this.notMaster('does not lead its group here');
    this.served ??= api;
    return api;
  }

  private notMaster(why: string): NotMasterError {
    return new NotMasterError(`broker ${this.settings.brokerName} ${why}`);
  }

  /** Hot path. */
  private answer(batch: LinkBatch): boolean {
    if (this.served === undefined || this.served === this.leading()) return this.pipe.write(batch);
    this.cut(`broker ${this.settings.brokerName} does not lead its group any more`);
    return false;
  }

  private checkRoom(parks: boolean): void {
    const { callsMax, pollsMax } = this.settings.limits;
    const count = parks ? this.polls : this.running.size - this.polls;
    const max = parks ? pollsMax : callsMax;
    if (count < max) return;
    const what = parks ? 'receives' : 'calls';
    throw new StatusError(
      Code.TOO_MANY_REQUESTS,
      `${count} ${what} of this proxy are under way, the limit is ${max}`,
    );
  }

  private start(call: Running): void {
    if (this.running.get(call.id) !== undefined) {
      throw new StatusError(Code.BAD_REQUEST, `call ${call.id} runs already`);
    }
    this.running.add(call);
    if (call.parks) this.polls++;
    if (this.leaving) call.abort?.abort();
  }

  private finish(call: Running): void {
    if (this.running.get(call.id) !== call) return;
    this.running.delete(call);
    if (call.parks) this.polls--;
    this.endWhenIdle();
  }

  private send(id: number, kind: 1 | 2, payload: Buffer, lost?: () => void): void {
    this.writer.push({ id, kind, method: '', payload, lost });
    if (!this.paused && this.writer.queuedBytes > this.settings.limits.queuedBytesMax) {
      this.paused = true;
      this.pipe.pause();
    }
  }

  private afterFlush(): void {
    if (this.paused && this.writer.queuedBytes <= this.settings.limits.queuedBytesMax / 2) {
      this.paused = false;
      this.pipe.resume();
    }
    this.endWhenIdle();
  }

  private endWhenIdle(): void {
    if (this.leaving && this.running.size === 0 && this.writer.queuedBytes === 0) this.pipe.end();
  }

  private giveBack(undo: () => Promise<void>): void {
    undo().catch((error: unknown) => {
      this.settings.log.warn(
        { err: error },
        'messages for a lost proxy come again only after their invisible time',
      );
    });
  }

  private close(reason: string): void {
    if (this.running.size > 0) {
      this.settings.log.info({ reason, calls: this.running.size }, 'link to a proxy lost');
    }
    this.writer.close();
    for (const { abort } of this.running.all()) abort?.abort();
  }
}
