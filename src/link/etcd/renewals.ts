import type { Platform } from '../../platform/platform';
import type { EtcdClient } from './etcd-client';
import { RenewalLoop, type HeldKey } from './renewal-loop';

/** The renewals of one leadership. */
export interface RunningRenewals {
  /** When the newest that succeeded was sent, monotonic ms. */
  readonly renewedMs: number;
  end(): void;
}

/** Who renews: this thread, or one of its own. */
export interface Renewer {
  /** Resolves when renewals can begin at once: a lease that is asked for before may end without one. */
  readonly ready: Promise<void>;
  /** @param sentMs when the lease was asked for, monotonic ms */
  begin(held: HeldKey, sentMs: number, lost: () => void): RunningRenewals;
  close(): Promise<void>;
}

/** Renews in this thread: what keeps its event loop busy keeps it from renewing. */
export class OwnThreadRenewer implements Renewer {
  readonly ready = Promise.resolve();

  constructor(
    private readonly client: EtcdClient,
    private readonly platform: Pick<Platform, 'clock' | 'timers'>,
  ) {}

  begin(held: HeldKey, sentMs: number, lost: () => void): RunningRenewals {
    let renewedMs = sentMs;
    const loop = new RenewalLoop(this.client, this.platform, held, {
      renewed: (atMs) => (renewedMs = atMs),
      lost,
    });
    return {
      get renewedMs() {
        return renewedMs;
      },
      end: () => loop.end(),
    };
  }

  async close(): Promise<void> {
    // What it renews is ended by who began it.
  }
}
