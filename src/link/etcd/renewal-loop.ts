import type { Platform, TimerHandle } from '../../platform/platform';
import type { EtcdClient } from './etcd-client';

/** A leadership as etcd holds it. */
export interface HeldKey {
  readonly leaseId: number;
  /** The leader's key of the group, which goes with the lease. */
  readonly key: string;
  /** Its create revision. */
  readonly revision: number;
  readonly leaseMs: number;
}

export interface RenewalEvents {
  /** A renewal that was sent at this monotonic time has succeeded. */
  renewed(sentMs: number): void;
  /** The leadership is over. The last call. */
  lost(): void;
}

/** Renewals in a lease's length. */
const RENEWALS = 4;

/**
 * Renews the lease again and again. A renewal counts when the same etcd leader that took it was still leading
 * afterwards: the key is then read, which a majority confirms, and both answers are of one term. (An etcd leader that
 * hangs while another is elected would otherwise renew what the other lets end.)
 */
export class RenewalLoop {
  private timer: TimerHandle | undefined;
  private over = false;

  /** @param wanted asked before each renewal: false leaves it out */
  constructor(
    private readonly client: EtcdClient,
    private readonly platform: Pick<Platform, 'clock' | 'timers'>,
    private readonly held: HeldKey,
    private readonly events: RenewalEvents,
    private readonly wanted: () => boolean = () => true,
  ) {
    this.schedule(held.leaseMs / RENEWALS);
  }

  end(): void {
    this.over = true;
    this.timer?.cancel();
  }

  private schedule(delayMs: number): void {
    this.timer = this.platform.timers.after(delayMs, () => void this.run());
  }

  private async run(): Promise<void> {
    const { clock } = this.platform;
    const sentMs = clock.monotonicMs();
    const outcome = this.wanted() ? await this.renew().catch(() => 'unsure') : 'unsure';
    if (this.over) return;
    if (outcome === 'lost') {
      this.end();
      this.events.lost();
      return;
    }
    if (outcome === 'renewed') this.events.renewed(sentMs);
    const nextMs = sentMs + this.held.leaseMs / RENEWALS - clock.monotonicMs();
    this.schedule(Math.max(this.held.leaseMs / RENEWALS / 4, nextMs));
  }

  private async renew(): Promise<'renewed' | 'lost' | 'unsure'> {
    const { leaseId, key, revision, leaseMs } = this.held;
    const withinMs = leaseMs / 2;
    const kept = await this.client.keepAlive(leaseId, withinMs);
    const read = await this.client.range({ key: Buffer.from(key) }, withinMs);
    if (read.kvs[0]?.create_revision !== revision) return 'lost';
    const sameTerm = kept.header?.raft_term === read.header?.raft_term;
    return kept.TTL > 0 && sameTerm ? 'renewed' : 'unsure';
  }
}
