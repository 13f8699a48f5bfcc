/** The ways to the other brokers, made when they are first needed. */
import type { BrokerApi } from '../../api/broker-api';
import type { BrokerConnection, BrokerDialer } from '../../api/broker-dialer';
import { BrokerUnreachableError } from '../../api/broker-unreachable';
import type { BrokerRegistration } from '../../api/route-api';

interface Way {
  readonly registration: BrokerRegistration;
  readonly connection: BrokerConnection;
}

export class Peers {
  private masters: ReadonlyMap<string, BrokerRegistration> = new Map();
  private readonly ways = new Map<string, Way>();

  /** @param dial `undefined` for a broker that is alone in its process */
  constructor(private readonly dial: BrokerDialer | undefined) {}

  /** Takes over what the name servers say. */
  update(registrations: readonly BrokerRegistration[]): void {
    const masters = registrations.filter(({ brokerId }) => brokerId === 0);
    this.masters = new Map(masters.map((master) => [master.brokerName, master]));
    for (const [brokerName, way] of this.ways) {
      const now = this.masters.get(brokerName);
      if (now?.address === way.registration.address && now.epoch === way.registration.epoch)
        continue;
      this.ways.delete(brokerName);
      void way.connection.close().catch(() => undefined);
    }
  }

  /** @throws BrokerUnreachableError when no name server knows it */
  get(brokerName: string): BrokerApi {
    const known = this.ways.get(brokerName);
    if (known !== undefined) return known.connection;
    const registration = this.masters.get(brokerName);
    if (registration === undefined || this.dial === undefined) {
      throw new BrokerUnreachableError(brokerName);
    }
    const connection = this.dial(registration);
    this.ways.set(brokerName, { registration, connection });
    return connection;
  }

  async close(): Promise<void> {
    const ways = [...this.ways.values()];
    this.ways.clear();
    this.masters = new Map();
    await Promise.allSettled(ways.map(({ connection }) => connection.close()));
  }
}
