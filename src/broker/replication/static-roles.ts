import type { Logger } from 'pino';
import type { ReplicaHost, RoleKeeper } from '../../api/replica-host';
import type { Clock } from '../../platform/platform';

/** Roles set by configuration: what a replica is it stays, and the master alone says who is in sync. */
export class StaticRoles implements RoleKeeper {
  readonly askPromiseMs = 0;

  constructor(
    private readonly leading: boolean,
    private readonly log: Pick<Logger, 'error'>,
  ) {}

  leads(): boolean {
    return true;
  }

  met(): boolean {
    return true;
  }

  changeInSync(): Promise<void> {
    return Promise.resolve();
  }

  promise(): number {
    return 0;
  }

  promised(): void {
    // Nobody is asked to promise.
  }

  behind(): void {
    // Who follows does not come to lead.
  }

  clockSeen(_replicaId: number, aheadMs: number): number {
    return -aheadMs;
  }

  clockOff(): void {
    // Who follows does not come to lead.
  }

  newerEpoch(epoch: number): void {
    if (!this.leading) return;
    this.log.error(
      { epoch },
      'another replica has led this group since: there must be one with replication.role master',
    );
  }
}

/** Leads under an epoch of its own: the wall clock, which is above all before it as long as clocks are sane. */
export async function leadByConfiguration(
  host: ReplicaHost,
  replicaId: number,
  newestEpoch: number,
  clock: Clock,
): Promise<void> {
  await host.lead(Math.max(clock.wallMs(), newestEpoch + 1), [replicaId]);
}
