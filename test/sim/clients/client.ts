import { Code } from '../../../src/message/status';
import type { Call, Outcome } from '../../crash/mixed/history';
import type { Chance } from '../../support/seeded';
import type { Answered, Sent, UnaryName } from '../../support/public-client';
import type { Process } from '../world/process';
import type { Channel } from '../world/rpc';
import type { Scheduler } from '../world/scheduler';

/** Between two tries while something is away. */
const AWAY_MS = 50;
const DEADLINE_MS = 3000;
/** From here on a status says that something went wrong on the way, and not whether the call was carried out. */
const FAULTS_FROM = 50000;

interface Status {
  readonly code: number;
  readonly message: string;
}

/** What a client is made of. */
export interface ClientParts {
  readonly process: Process;
  readonly scheduler: Scheduler;
  readonly chance: Chance;
  /** To all proxies; behind a balancer a call may go through any of them. */
  readonly channels: readonly Channel[];
  /** How calls spread: each call anywhere, or all through one proxy until a call fails. */
  readonly spread: boolean;
}

/** What became of a call, by true time. */
export interface Asked<T> {
  readonly call: Call;
  readonly answer: T | undefined;
}

/** A client of the cluster behind a balancer: it repeats what was not answered, as the official ones do. */
export class Client {
  private current = 0;

  constructor(readonly parts: ClientParts) {}

  get nowMs(): number {
    return this.parts.scheduler.nowMs;
  }

  /** The client's own wall clock. */
  wallMs(): number {
    return this.parts.process.platform.clock.wallMs();
  }

  sleep(ms: number): Promise<void> {
    return this.parts.process.sleep(ms);
  }

  /** The way to the proxy that the balancer chooses now. */
  channel(): Channel {
    const { channels, spread, chance } = this.parts;
    const channel = channels[spread ? chance.below(channels.length) : this.current];
    if (channel === undefined) throw new Error('no proxy');
    return channel;
  }

  /** A call was not answered: a client that stays with one proxy goes to the next. */
  moveOn(): void {
    this.current = (this.current + 1) % this.parts.channels.length;
  }

  /** Makes a call, and tells what became of it. */
  async ask<T>(
    call: () => Promise<T>,
    statusOf: (answer: T) => Status | undefined,
  ): Promise<Asked<T>> {
    const askedMs = this.nowMs;
    const answer = await call().catch(() => undefined);
    const status = answer === undefined ? undefined : statusOf(answer);
    if (status === undefined) this.moveOn();
    const text = status === undefined ? 'no answer' : `${status.code} ${status.message}`;
    return { call: { askedMs, endedMs: this.nowMs, outcome: outcomeOf(status), text }, answer };
  }

  /** A unary call. */
  unary<N extends UnaryName>(name: N, request: Sent<N>): Promise<Asked<Answered<N>>> {
    return this.ask<Answered<N>>(
      () => this.channel().unary(name, request, DEADLINE_MS),
      ({ status }) => status ?? undefined,
    );
  }

  /** Repeats a call that is not answered definitely, and notes each. */
  async insist<N extends UnaryName>(
    name: N,
    request: Sent<N>,
    tries: number,
    note: (call: Call) => void,
  ): Promise<Asked<Answered<N>>> {
    for (let i = 1; ; i++) {
      const asked = await this.unary(name, request);
      note(asked.call);
      if (asked.call.outcome !== 'unknown' || i >= tries) return asked;
      await this.sleep(AWAY_MS * Math.min(i, 10));
    }
  }
}

function outcomeOf(status: Status | undefined): Outcome {
  if (status === undefined || status.code >= FAULTS_FROM) return 'unknown';
  return status.code === Code.OK ? 'ok' : 'refused';
}
