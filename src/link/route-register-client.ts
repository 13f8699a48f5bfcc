/** The registration of one broker with one name server: a stream that is opened again whenever it ends. */
import type { BrokerRegistration } from '../api/route-api';
import { Code, type StatusError } from '../message/status';
import type { Platform, TimerHandle } from '../platform/platform';
import type { RegisterMessage } from '../rpc/generated/gantry/v1/RegisterMessage';
import type { RegisterReply__Output } from '../rpc/generated/gantry/v1/RegisterReply';
import { Backoff } from './backoff';
import { registrationToWire } from './codec/route';
import { statusFromWire } from './codec/status';
import type { LinkLog } from './log';
import type { Pipe } from '../rpc/pipe';

/** Between signs of life, milliseconds. */
export const KEEP_ALIVE_MS = 30_000;
/** A name server that has been away for less is waited for, milliseconds. */
export const AWAY_MS = 1_000;
/** Longest wait for a name server's answer: its watchers have 2 s, milliseconds. */
export const ANSWER_MS = 4_000;

type RegisterPipe = Pipe<RegisterMessage, RegisterReply__Output>;

/** How a name server took a registration. `away`: it gets it when it is back. */
export type RegisterOutcome = 'known' | 'away' | StatusError;

interface Waiter {
  readonly id: number;
  readonly settle: (outcome: RegisterOutcome) => void;
}

export interface RegisterClientOptions {
  readonly address: string;
  readonly platform: Pick<Platform, 'clock' | 'timers' | 'random'>;
  readonly log: LinkLog;
  readonly connect: () => RegisterPipe;
}

export class RegisterClient {
  private readonly backoff: Backoff;
  private pipe: RegisterPipe | undefined;
  /** A reply came on this pipe. */
  private answered = false;
  private keepAlive: TimerHandle | undefined;
  /** Since when it has been away, monotonic milliseconds; `undefined` while it answers. */
  private awaySinceMs: number | undefined;
  private nextId = 1;
  private waiters: Waiter[] = [];
  private closed = false;

  constructor(
    private registration: BrokerRegistration,
    private readonly options: RegisterClientOptions,
  ) {
    this.backoff = new Backoff(options.platform);
    this.awaySinceMs = options.platform.clock.monotonicMs();
    this.connect();
  }

  /** Resolves when the name server has taken the newest registration, has refused it, or is away for too long. */
  update(registration: BrokerRegistration): Promise<RegisterOutcome> {
    this.registration = registration;
    if (this.pipe !== undefined) this.sendRegistration(this.pipe);
    return this.settled();
  }

  /** As `update`, for the registration of the constructor. */
  settled(): Promise<RegisterOutcome> {
    const { clock, timers } = this.options.platform;
    const awayMs = this.awaySinceMs === undefined ? 0 : clock.monotonicMs() - this.awaySinceMs;
    if (awayMs >= AWAY_MS) return Promise.resolve('away');
    return new Promise((resolve) => {
      const away = timers.after(AWAY_MS - awayMs, () => {
        if (this.awaySinceMs !== undefined) waiter.settle('away');
      });
      const silent = timers.after(ANSWER_MS, () => waiter.settle('away'));
      const waiter: Waiter = {
        // What is sent from now on carries this registration or a newer one.
        id: this.pipe === undefined ? this.nextId : this.nextId - 1,
        settle: (outcome) => {
          away.cancel();
          silent.cancel();
          this.waiters = this.waiters.filter((other) => other !== waiter);
          resolve(outcome);
        },
      };
      this.waiters.push(waiter);
    });
  }

  /** Unregisters; resolves when the name server knows it, or is away. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.backoff.stop();
    this.keepAlive?.cancel();
    const pipe = this.pipe;
    if (pipe !== undefined && this.awaySinceMs === undefined) {
      const id = this.nextId++;
      pipe.write({ id, unregister: {} });
      await this.settled();
    }
    this.settleAll('away');
    pipe?.end();
  }

  private connect(): void {
    const pipe = this.options.connect();
    this.pipe = pipe;
    this.answered = false;
    const late = this.options.platform.timers.after(ANSWER_MS, () => {
      pipe.abort(`no answer within ${ANSWER_MS} ms`);
    });
    pipe.open({
      message: (reply) => {
        late.cancel();
        this.take(pipe, reply);
      },
      drained: () => undefined,
      closed: (reason) => {
        late.cancel();
        this.lost(reason);
      },
    });
    this.sendRegistration(pipe);
    this.scheduleKeepAlive(pipe);
  }

  private sendRegistration(pipe: RegisterPipe): void {
    pipe.write({ id: this.nextId++, registration: registrationToWire(this.registration) });
  }

  private scheduleKeepAlive(pipe: RegisterPipe): void {
    this.keepAlive?.cancel();
    this.keepAlive = this.options.platform.timers.after(KEEP_ALIVE_MS, () => {
      pipe.write({ keep_alive: {} });
      this.scheduleKeepAlive(pipe);
    });
  }

  private take(pipe: RegisterPipe, { id, status }: RegisterReply__Output): void {
    const { address, log } = this.options;
    this.awaySinceMs = undefined;
    const refusal = status === null || status.code === Code.OK ? undefined : statusFromWire(status);
    if (refusal === undefined && !this.answered) {
      this.answered = true;
      this.backoff.reset();
      log.info({ nameServer: address }, 'registered');
    }
    for (const waiter of this.waiters) if (waiter.id <= id) waiter.settle(refusal ?? 'known');
    if (refusal === undefined || this.closed) return;
    log.warn({ nameServer: address, reason: refusal.message }, 'name server refuses this broker');
    // Tried again on a new stream: what is in the way may go away.
    pipe.abort('refused');
  }

  private lost(reason: string): void {
    const { address, log, platform } = this.options;
    this.pipe = undefined;
    this.keepAlive?.cancel();
    if (this.closed) {
      this.settleAll('away');
      return;
    }
    if (this.awaySinceMs === undefined) {
      this.awaySinceMs = platform.clock.monotonicMs();
      log.warn({ nameServer: address, reason }, 'name server lost');
    }
    this.backoff.retry(() => this.connect());
  }

  private settleAll(outcome: RegisterOutcome): void {
    for (const waiter of [...this.waiters]) waiter.settle(outcome);
  }
}
