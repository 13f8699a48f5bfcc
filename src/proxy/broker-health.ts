/**
 * Which brokers are left out when the proxy chooses one, because calls of theirs failed or were slow.
 * Each fault makes the time longer, from `firstMs` doubled up to `longestMs`; at its end the broker is
 * asked whether it can take messages, and is in again when it says so:
 *
 *     in  -- unreachable, not master, no answer, slow answers one after the other, not writable -->  out
 *     out -- a probe that succeeds, or the broker started anew ------------------------>  in
 *     out -- a probe that fails ----------------------------------->  out, for twice as long
 */
import type { Logger } from 'pino';
import type { BrokerApi } from '../api/broker-api';
import type { BrokerRegistration } from '../api/route-api';
import { NotMasterError } from '../api/not-master';
import { Code, toStatusError } from '../message/status';
import type { Platform, TimerHandle } from '../platform/platform';

export interface BrokerHealthSettings {
  /** An answer that takes longer is slow, milliseconds. */
  readonly slowMs: number;
  /** So many slow answers, none in time between them, are a fault. */
  readonly slowAnswers: number;
  /** How long a broker is left out after its first fault, milliseconds. */
  readonly firstMs: number;
  /** How long a broker is left out at most before it is asked again, milliseconds. */
  readonly longestMs: number;
  /** How long a broker may take to answer a probe, milliseconds. */
  readonly probeMs: number;
}

interface State {
  readonly epoch: number;
  slowAnswers: number;
  /** How long the broker is or was left out; 0 before the first fault. */
  outMs: number;
  out: boolean;
  /** When the latest probe that succeeded ended. */
  backAtMs: number;
  timer: TimerHandle | undefined;
  probing: boolean;
}

interface HealthParts {
  readonly platform: Pick<Platform, 'clock' | 'timers'>;
  readonly log: Logger;
  readonly settings: BrokerHealthSettings;
  readonly find: (brokerName: string) => BrokerApi | undefined;
}

export class BrokerHealth {
  /** Of the brokers in the routes. */
  private readonly states = new Map<string, State>();

  constructor(private readonly parts: HealthParts) {}

  /** Takes over the masters of the routes; one that has started anew is in. */
  update(masters: readonly BrokerRegistration[]): void {
    const names = new Set(masters.map(({ brokerName }) => brokerName));
    for (const brokerName of this.states.keys()) if (!names.has(brokerName)) this.drop(brokerName);
    for (const { brokerName, epoch } of masters) {
      if (this.states.get(brokerName)?.epoch === epoch) continue;
      this.drop(brokerName);
      this.states.set(brokerName, newState(epoch));
    }
  }

  /** Whether a broker is in the routes and not left out. */
  isIn(brokerName: string): boolean {
    return this.states.get(brokerName)?.out === false;
  }

  /** The brokers that are in; all of them when none is. */
  choice<T extends { readonly brokerName: string }>(brokers: readonly T[]): readonly T[] {
    if (brokers.every(({ brokerName }) => this.isIn(brokerName))) return brokers;
    const left = brokers.filter(({ brokerName }) => this.isIn(brokerName));
    return left.length > 0 ? left : brokers;
  }

  /** Draws conclusions from how a call that should be answered at once goes. Hot path. */
  async watch<T>(brokerName: string, call: () => Promise<T>): Promise<T> {
    const { clock } = this.parts.platform;
    const beganMs = clock.monotonicMs();
    try {
      const answer = await call();
      this.answered(brokerName, clock.monotonicMs() - beganMs);
      return answer;
    } catch (error) {
      this.failed(brokerName, error);
      throw error;
    }
  }

  /** Draws conclusions from a call that failed. */
  failed(brokerName: string, error: unknown): void {
    const state = this.states.get(brokerName);
    if (state === undefined || state.out) return;
    const { code, message } = toStatusError(error);
    if (code === Code.PROXY_TIMEOUT || error instanceof NotMasterError)
      this.leaveOut(brokerName, state, message);
    // What went wrong with one message need not go wrong with others: ask.
    else if (code === Code.INTERNAL_SERVER_ERROR) this.probe(brokerName, state);
  }

  close(): void {
    for (const brokerName of [...this.states.keys()]) this.drop(brokerName);
  }

  private answered(brokerName: string, tookMs: number): void {
    const state = this.states.get(brokerName);
    if (state === undefined) return;
    const { slowMs, slowAnswers } = this.parts.settings;
    if (tookMs <= slowMs) {
      state.slowAnswers = 0;
      return;
    }
    state.slowAnswers++;
    if (state.out || state.slowAnswers < slowAnswers) return;
    const text = `${state.slowAnswers} answers took more than ${slowMs} ms, the last ${Math.round(tookMs)} ms`;
    this.leaveOut(brokerName, state, text);
  }

  private leaveOut(brokerName: string, state: State, reason: string): void {
    const { clock, timers } = this.parts.platform;
    const { firstMs, longestMs } = this.parts.settings;
    // A fault soon after the last one goes on where that one ended.
    const again =
      state.out || clock.monotonicMs() - state.backAtMs < Math.max(state.outMs, firstMs);
    state.outMs = again && state.outMs > 0 ? Math.min(2 * state.outMs, longestMs) : firstMs;
    state.out = true;
    state.slowAnswers = 0;
    this.parts.log.warn({ brokerName, reason, outMs: state.outMs }, 'broker left out');
    state.timer?.cancel();
    state.timer = timers.after(state.outMs, () => this.probe(brokerName, state));
  }

  private probe(brokerName: string, state: State): void {
    const broker = this.parts.find(brokerName);
    if (state.probing || broker === undefined) return;
    state.probing = true;
    void this.ask(broker).then((fault) => {
      state.probing = false;
      if (this.states.get(brokerName) !== state) return;
      if (fault !== undefined) {
        this.leaveOut(brokerName, state, fault);
      } else if (state.out) {
        state.out = false;
        state.backAtMs = this.parts.platform.clock.monotonicMs();
        this.parts.log.info({ brokerName }, 'broker is chosen again');
      }
    });
  }

  /** What is wrong with a broker; `undefined` when it takes messages. */
  private ask(broker: BrokerApi): Promise<string | undefined> {
    const { probeMs } = this.parts.settings;
    return new Promise((resolve) => {
      const late = `no answer to a probe within ${probeMs} ms`;
      const timer = this.parts.platform.timers.after(probeMs, () => resolve(late));
      broker
        .probe()
        .then(
          () => resolve(undefined),
          (error: unknown) => resolve(toStatusError(error).message),
        )
        .finally(() => timer.cancel());
    });
  }

  private drop(brokerName: string): void {
    this.states.get(brokerName)?.timer?.cancel();
    this.states.delete(brokerName);
  }
}

function newState(epoch: number): State {
  return {
    ...{ epoch, slowAnswers: 0, outMs: 0, out: false, backAtMs: -Infinity },
    ...{ timer: undefined, probing: false },
  };
}
