/**
 * Calls that go to the master of a broker name, whichever process that is:
 *
 *     call -- answered, or refused by the master -->  done
 *     call -- not reached, does not lead, lost during the call -->  wait -- a master answers -->  call
 *                                                                        -- the time is over -->  the last error
 *
 * So a call may run twice, and only those may come here that may: a send (the duplicate window knows its id), what
 * names a receipt handle or a transaction, what only reads, and a receive (its attempt id, or messages come again later).
 */
import type { BrokerApi } from '../api/broker-api';
import { BrokerLostError } from '../api/broker-lost';
import type { Platform } from '../platform/platform';
import { isAway } from './away';
import type { BrokerPool } from './broker-pool';
import type { MasterWaits } from './master-waits';
import type { RouteTable } from './route-table';
import type { ProxySettings } from './settings';

/** The end of a wait that is none. */
export const NO_WAIT = 0;

interface FailoverParts {
  readonly platform: Pick<Platform, 'clock'>;
  readonly settings: ProxySettings;
  readonly pool: BrokerPool;
  readonly waits: MasterWaits;
  readonly routes: () => Pick<RouteTable, 'leaderless'>;
}

export class Failover {
  constructor(private readonly parts: FailoverParts) {}

  /**
   * Until when a client's call may wait for a master, by the monotonic clock: so long that its answer reaches
   * the client before its deadline.
   */
  endOf({ remainingMs = Infinity }: { readonly remainingMs: number | undefined }): number {
    const { masterWaitMs, pollMarginMs } = this.parts.settings;
    return this.nowMs() + Math.min(masterWaitMs, remainingMs - pollMarginMs);
  }

  /**
   * Makes a call to the master of `brokerName`. Hot path.
   * @param endMs until when it may wait for a master, by the monotonic clock; what has passed: it does not wait
   * @param signal ends the wait; the call is not made again then
   * @throws BrokerUnreachableError when no broker of that name is known; what the call throws, at last
   */
  async call<T>(
    brokerName: string,
    endMs: number,
    call: (broker: BrokerApi) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    const { pool } = this.parts;
    let lost: BrokerLostError | undefined;
    for (;;) {
      const way = pool.way(brokerName);
      try {
        return await call(way?.connection ?? pool.get(brokerName));
      } catch (error) {
        if (!isAway(error)) throw error;
        // That nobody knows whether it was done stays true, whatever is said later.
        if (error instanceof BrokerLostError) lost = error;
        const again = pool.way(brokerName) !== way || (await this.wait(brokerName, endMs, signal));
        if (!again || this.nowMs() >= endMs || signal?.aborted === true) throw lost ?? error;
      }
    }
  }

  /** Whether there is a broker of that name: a master, or replicas that one may come of. */
  knows(brokerName: string): boolean {
    const { pool, routes } = this.parts;
    return pool.way(brokerName) !== undefined || routes().leaderless().includes(brokerName);
  }

  private wait(brokerName: string, endMs: number, signal?: AbortSignal): Promise<boolean> {
    if (!this.knows(brokerName)) return Promise.resolve(false);
    return this.parts.waits.wait(brokerName, endMs - this.nowMs(), signal);
  }

  private nowMs(): number {
    return this.parts.platform.clock.monotonicMs();
  }
}
