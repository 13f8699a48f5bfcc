import type { Logger } from 'pino';
import type { Leader, ReplicaHost } from '../../api/replica-host';
import type {
  BrokerRegistration,
  RegistrationLease,
  RouteApi,
  StandInPlace,
} from '../../api/route-api';

/** Who a replica is, as name servers are told. */
export type ReplicaPlace = Pick<BrokerRegistration, 'cluster' | 'brokerName' | 'address'> & {
  readonly replicaId: number;
};

/** What a replica is to be known as: of which epoch its master is, and what it serves in its place. */
interface Told {
  readonly epoch: number;
  readonly standIn?: StandInRegistration | undefined;
}

/** What a replica serves while its master is away. */
export type StandInRegistration = StandInPlace & Pick<BrokerRegistration, 'topics'>;

/**
 * A replica host that name servers know also while it follows: as broker `replicaId + 1`, so that it is never taken
 * for a master, and without topics unless it stands in for its master. While it leads, its broker registers itself.
 */
export class AnnouncedHost implements ReplicaHost {
  /** `undefined`: nobody is told. */
  private wanted: Told | undefined;
  private told: Told | undefined;
  private version = 0;
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
    if (this.wanted?.epoch !== epoch) void this.tell({ epoch });
    await this.host.follow(leader, epoch);
  }

  async rest(handsOver = false): Promise<void> {
    await this.host.rest(handsOver);
  }

  /** It serves in the place of its master, or does so no more. Resolves when name servers know, or are away. */
  async standIn(standIn: StandInRegistration | undefined): Promise<void> {
    const { wanted } = this;
    if (wanted === undefined || wanted.standIn === standIn) return;
    await this.tell({ epoch: wanted.epoch, standIn });
  }

  /** Name servers forget it, when they can be reached. */
  async close(): Promise<void> {
    await this.tell(undefined);
  }

  /** What waits is told together. Never rejects. */
  private tell(wanted: Told | undefined): Promise<void> {
    this.wanted = wanted;
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

  private registration({ epoch, standIn }: Told): BrokerRegistration {
    const { replicaId, ...place } = this.place;
    const broker = { ...place, brokerId: replicaId + 1, epoch, version: this.version++ };
    if (standIn === undefined) return { ...broker, topics: [] };
    const { topics, confirmedPosition } = standIn;
    return { ...broker, topics, standIn: { confirmedPosition } };
  }
}
