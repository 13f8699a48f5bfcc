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
 *
 * After one without an answer the key is read first: renewals that reach etcd and whose answers do not come back would
 * let nobody lead for as long as they go on.
 */
export class RenewalLoop {
  private timer: TimerHandle | undefined;
  private over = false;
  /** Nobody knows whether the one before has renewed anything. */
  private unsure = false;

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
    const beganMs = clock.monotonicMs();
    const outcome = this.wanted() ? await this.renew().catch(() => 'unsure' as const) : 'unsure';
    if (this.over) return;
    if (outcome === 'lost') {
      this.end();
      this.events.lost();
      return;
    }
    this.unsure = outcome === 'unsure';
    if (outcome !== 'unsure') this.events.renewed(outcome.sentMs);
    const nextMs = beganMs + this.held.leaseMs / RENEWALS - clock.monotonicMs();
    this.schedule(Math.max(this.held.leaseMs / RENEWALS / 4, nextMs));
  }

  private async renew(): Promise<{ readonly sentMs: number } | 'lost' | 'unsure'> {
    const { leaseId, leaseMs } = this.held;
    if (this.unsure && (await this.look()) === 'lost') return 'lost';
    if (this.over) return 'unsure';
    const sentMs = this.platform.clock.monotonicMs();
    const kept = await this.client.keepAlive(leaseId, leaseMs / 2);
    const term = await this.look();
    if (term === 'lost') return 'lost';
    return kept.TTL > 0 && kept.header?.raft_term === term ? { sentMs } : 'unsure';
  }

  /** Answers the term in which a majority of etcd's members says that the key is still there. */
  private async look(): Promise<number | 'lost' | undefined> {
    const { key, revision, leaseMs } = this.held;
    const read = await this.client.range({ key: Buffer.from(key) }, leaseMs / 2);
    return read.kvs[0]?.create_revision === revision ? read.header?.raft_term : 'lost';
  }
}
