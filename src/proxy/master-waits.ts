/**
 * Calls that wait until the master of a broker name can be asked again: because another one is in the routes, or because
 * the one that was away answers. Who waits asks nothing: there is one question at a time for each name.
 */
import type { BrokerApi } from '../api/broker-api';
import type { Platform, TimerHandle } from '../platform/platform';
import { isAway } from './away';

/** Between questions to a broker that calls wait for, milliseconds. */
const ASK_AGAIN_MS = 200;

interface Waiter {
  /** @param again whether it is worth another try */
  end(again: boolean): void;
}

/** The calls that wait for one broker name. */
class Outage {
  readonly waiters = new Set<Waiter>();
  private timer: TimerHandle | undefined;
  private over = false;

  constructor(
    private readonly timers: Platform['timers'],
    private readonly find: () => BrokerApi | undefined,
    private readonly answers: () => void,
  ) {
    this.ask();
  }

  end(): void {
    this.over = true;
    this.timer?.cancel();
  }

  /** Anything that a broker says but that it is away is for the calls to hear themselves. */
  private ask(): void {
    const broker = this.find();
    if (broker === undefined) return;
    broker.probe().then(
      () => this.answers(),
      (error: unknown) => {
        if (this.over) return;
        if (isAway(error)) this.timer = this.timers.after(ASK_AGAIN_MS, () => this.ask());
        else this.answers();
      },
    );
  }
}

export class MasterWaits {
  private readonly outages = new Map<string, Outage>();

  /** @param find the way to a broker, whether it answers or not */
  constructor(
    private readonly timers: Platform['timers'],
    private readonly find: (brokerName: string) => BrokerApi | undefined,
  ) {}

  /**
   * Resolves with whether it is worth another try: `false` when `limitMs` have passed, or `signal` has fired.
   * How many wait is bounded by the calls that are let in.
   */
  wait(brokerName: string, limitMs: number, signal?: AbortSignal): Promise<boolean> {
    if (limitMs <= 0 || signal?.aborted === true) return Promise.resolve(false);
    return new Promise((resolve) => {
      const giveUp = (): void => waiter.end(false);
      const timer = this.timers.after(limitMs, giveUp);
      signal?.addEventListener('abort', giveUp);
      const waiter: Waiter = {
        end: (again) => {
          timer.cancel();
          signal?.removeEventListener('abort', giveUp);
          this.remove(brokerName, waiter);
          resolve(again);
        },
      };
      this.outageOf(brokerName).waiters.add(waiter);
    });
  }

  /** Something has changed about the broker: all that wait for it try again. */
  wake(brokerName: string): void {
    const waiters = [...(this.outages.get(brokerName)?.waiters ?? [])];
    for (const waiter of waiters) waiter.end(true);
  }

  close(): void {
    for (const { waiters } of [...this.outages.values()]) {
      for (const waiter of [...waiters]) waiter.end(false);
    }
  }

  private outageOf(brokerName: string): Outage {
    let outage = this.outages.get(brokerName);
    if (outage === undefined) {
      outage = new Outage(
        this.timers,
        () => this.find(brokerName),
        () => this.wake(brokerName),
      );
      this.outages.set(brokerName, outage);
    }
    return outage;
  }

  private remove(brokerName: string, waiter: Waiter): void {
    const outage = this.outages.get(brokerName);
    if (outage?.waiters.delete(waiter) !== true || outage.waiters.size > 0) return;
    this.outages.delete(brokerName);
    outage.end();
  }
}
