/** The ways to all masters, following the routes. */
import { byBrokerName } from '../api/by-broker-name';
import type { Logger } from 'pino';
import type { BrokerApi } from '../api/broker-api';
import type { BrokerConnection, BrokerDialer } from '../api/broker-dialer';
import { BrokerUnreachableError } from '../api/broker-unreachable';
import type { BrokerRegistration } from '../api/route-api';
import type { Platform, TimerHandle } from '../platform/platform';

/** The way to one master, or to a replica in its place; another object for each epoch. */
export interface Way {
  readonly connection: BrokerConnection;
}

interface Member extends Way {
  readonly brokerId: number;
  readonly address: string;
  readonly epoch: number;
  /** Runs while the broker is out of the routes: then the way to it ends. */
  lingering: TimerHandle | undefined;
}

export interface PooledBroker {
  readonly brokerName: string;
  readonly broker: BrokerApi;
}

export class BrokerPool {
  private readonly members = new Map<string, Member>();

  /**
   * @param lingerMs how long a broker that left the routes stays reachable
   * @param onChange told of each new master, and `undefined` for a name whose broker is given up
   */
  constructor(
    private readonly dial: BrokerDialer,
    private readonly platform: Pick<Platform, 'timers'>,
    private readonly log: Logger,
    private readonly lingerMs: number,
    private readonly onChange: (brokerName: string, master: BrokerApi | undefined) => void,
  ) {}

  /** Takes over the masters of the routes. */
  update(masters: readonly BrokerRegistration[]): void {
    const names = new Set(masters.map(({ brokerName }) => brokerName));
    for (const registration of masters) this.join(registration);
    for (const [brokerName, member] of this.members) {
      if (names.has(brokerName) || member.lingering !== undefined) continue;
      member.lingering = this.platform.timers.after(this.lingerMs, () => {
        this.members.delete(brokerName);
        this.end(brokerName, member);
        this.onChange(brokerName, undefined);
      });
    }
  }

  /** The way to a broker that is in the routes, or was a moment ago. */
  way(brokerName: string): Way | undefined {
    return this.members.get(brokerName);
  }

  /** The epoch of the newest master that is known, 0 for none. */
  epochOf(brokerName: string): number {
    return this.members.get(brokerName)?.epoch ?? 0;
  }

  /** As `way`. */
  find(brokerName: string): BrokerApi | undefined {
    return this.members.get(brokerName)?.connection;
  }

  /** @throws BrokerUnreachableError: it was in a route and is gone now */
  get(brokerName: string): BrokerApi {
    const broker = this.find(brokerName);
    if (broker !== undefined) return broker;
    throw new BrokerUnreachableError(brokerName);
  }

  /** Names of the brokers that are in the routes, or were a moment ago, sorted. */
  names(): readonly string[] {
    return [...this.members.keys()].toSorted();
  }

  /** All brokers that are in the routes now, sorted by name. */
  masters(): readonly PooledBroker[] {
    return [...this.members]
      .filter(([, member]) => member.lingering === undefined)
      .map(([brokerName, { connection }]) => ({ brokerName, broker: connection }))
      .toSorted(byBrokerName);
  }

  async close(): Promise<void> {
    const members = [...this.members.values()];
    this.members.clear();
    for (const { lingering } of members) lingering?.cancel();
    await Promise.allSettled(members.map(({ connection }) => connection.close()));
  }

  private join(registration: BrokerRegistration): void {
    const { brokerName, brokerId, address, epoch } = registration;
    const member = this.members.get(brokerName);
    // Inside one process a broker that starts anew is another object at the same (empty) address.
    const isSame =
      member?.address === address &&
      member.brokerId === brokerId &&
      (address !== '' || member.epoch === epoch);
    member?.lingering?.cancel();
    if (isSame && member.epoch === epoch) {
      member.lingering = undefined;
      return;
    }
    const connection = isSame ? member.connection : this.dial(registration);
    this.members.set(brokerName, {
      ...{ brokerId, address, epoch, connection, lingering: undefined },
    });
    this.log.info({ brokerName, address, epoch }, 'broker joined');
    if (member !== undefined && !isSame) this.end(brokerName, member);
    this.onChange(brokerName, connection);
  }

  private end(brokerName: string, member: Member): void {
    this.log.info({ brokerName, address: member.address }, 'broker left');
    member.connection
      .close()
      .catch((err: unknown) => this.log.warn({ err, brokerName }, 'broker connection not closed'));
  }
}
