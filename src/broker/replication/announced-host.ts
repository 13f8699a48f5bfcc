import type { Logger } from 'pino';
import type { Leader, ReplicaHost } from '../../api/replica-host';
import type { BrokerRegistration, RegistrationLease, RouteApi } from '../../api/route-api';

/** Who a replica is, as name servers are told. */
export type ReplicaPlace = Pick<BrokerRegistration, 'cluster' | 'brokerName' | 'address'> & {
  readonly replicaId: number;
};

/**
 * A replica host that name servers know also while it follows: as broker `replicaId + 1`, so that it is never taken
 * for a master, and without topics. While it leads, its broker registers itself.
 */
export class AnnouncedHost implements ReplicaHost {
  /** Of the leader that is followed; `undefined`: nobody is told. */
  private wanted: number | undefined;
  private told: number | undefined;
  private lease: RegistrationLease | undefined;
  private turn: Promise<void> = Promise.resolve();

  /** @param host what it does */
  constructor(
    private readonly host: ReplicaHost,
    private readonly routes: RouteApi,
    private readonly place: ReplicaPlace,
    private readonly log: Pick<Logger, 'warn'>,
  ) {}

  get endPosition(): number {
    return this.host.endPosition;
  }

  async lead(epoch: number, inSync: readonly number[], lost?: number): Promise<void> {
    void this.tell(undefined);
    await this.host.lead(epoch, inSync, lost);
  }

  async follow(leader: Leader, epoch: number): Promise<void> {
    void this.tell(epoch);
    await this.host.follow(leader, epoch);
  }

  async rest(handsOver = false): Promise<void> {
    await this.host.rest(handsOver);
  }

  /** Name servers forget it, when they can be reached. */
  async close(): Promise<void> {
    await this.tell(undefined);
  }

  /** What waits is told together. Never rejects. */
  private tell(epoch: number | undefined): Promise<void> {
    this.wanted = epoch;
    this.turn = this.turn
      .then(() => this.tellNow())
      .catch((err: unknown) => {
        this.told = undefined;
        this.log.warn({ err }, 'name servers do not take this replica');
      });
    return this.turn;
  }

  private async tellNow(): Promise<void> {
    const { wanted, lease } = this;
    if (wanted === this.told) return;
    this.told = wanted;
    if (wanted === undefined) {
      this.lease = undefined;
      await lease?.close();
    } else if (lease === undefined) {
      this.lease = await this.routes.register(this.registration(wanted));
    } else {
      await lease.update(this.registration(wanted));
    }
  }

  private registration(epoch: number): BrokerRegistration {
    const { replicaId, ...place } = this.place;
    return { ...place, brokerId: replicaId + 1, epoch, version: 0, topics: [] };
  }
}
