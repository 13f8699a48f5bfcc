import type { LeaseApi } from '../../../src/api/lease-api';
import { ModelLease } from '../../support/model-lease';
import { ModelLeaseService } from '../../support/model-lease-service';
import type { Network } from './network';
import type { Process } from './process';
import type { Scheduler } from './scheduler';

/** The machine that etcd is on: its ways to the brokers are cut and slow as others are. */
export const ETCD = 'etcd';
/** How long a leadership lasts that is not renewed, ms. */
export const LEASE_MS = 3000;

/** Etcd as brokers see it: a lease service for each group, which may be away as a whole. */
export class Etcd {
  private readonly groups: ReadonlyMap<string, ModelLeaseService>;

  constructor(
    private readonly scheduler: Scheduler,
    private readonly network: Network,
    groups: readonly string[],
  ) {
    const timers = this.timers();
    this.groups = new Map(groups.map((name) => [name, new ModelLeaseService(timers, LEASE_MS)]));
  }

  /** What is kept for a broker group. */
  group(brokerName: string): ModelLeaseService {
    const group = this.groups.get(brokerName);
    if (group === undefined) throw new Error(`no group ${brokerName}`);
    return group;
  }

  /** A process's way to it. */
  leaseOf(brokerName: string, process: Process): LeaseApi {
    const { machine, platform } = process;
    return new ModelLease(this.group(brokerName), {
      platform,
      network: this.timers(),
      wire: (way) => {
        if (!process.alive) return undefined;
        return way === 'there'
          ? this.network.passage(machine, ETCD)
          : this.network.passage(ETCD, machine);
      },
    });
  }

  /** It has no majority: it answers nobody, and no lease ends. */
  stop(): void {
    for (const group of this.groups.values()) group.stop();
  }

  goOn(): void {
    for (const group of this.groups.values()) group.goOn();
  }

  /** What happens there happens to no process. */
  private timers(): ConstructorParameters<typeof ModelLeaseService>[0] {
    return {
      after: (delayMs, run) => {
        const event = this.scheduler.after(delayMs, undefined, run);
        return { cancel: () => (event.run = undefined) };
      },
    };
  }
}
