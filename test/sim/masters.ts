import type { ReplicaNode } from './nodes/broker-node';
import type { Replicas } from './replicas';

/** What is known of one group's masters. */
interface Group {
  readonly name: string;
  /** Who led, under each epoch. */
  readonly byEpoch: Map<number, number>;
  newestEpoch: number;
  /** The broker that was seen to lead last. */
  last: object | undefined;
}

/**
 * Looks, at every moment of the simulated time, at who would answer as master: never two of a group, never two under
 * one epoch, never an older epoch after a newer one.
 */
export class Masters {
  readonly broken: string[] = [];
  /** When each group had another master than before. */
  readonly changesMs: number[] = [];
  private readonly groups: readonly Group[];

  constructor(
    names: readonly string[],
    private readonly replicas: Replicas,
  ) {
    this.groups = names.map((name) => ({
      name,
      byEpoch: new Map(),
      newestEpoch: 0,
      last: undefined,
    }));
  }

  look(nowMs: number): void {
    for (const group of this.groups) {
      let other: ReplicaNode | undefined;
      for (const replica of this.replicas.of(group.name)) {
        const broker = replica.host.leader();
        if (broker === undefined) continue;
        if (other !== undefined) this.two(group, nowMs, other, replica);
        other = replica;
        if (broker === group.last) continue;
        if (group.last !== undefined) this.changesMs.push(nowMs);
        group.last = broker;
        this.note(group, nowMs, replica);
      }
    }
  }

  private note(group: Group, nowMs: number, { host }: ReplicaNode): void {
    const { epoch, replicaId } = host.status();
    const { byEpoch, name, newestEpoch } = group;
    const known = byEpoch.get(epoch);
    const told = `${name} at ${nowMs.toFixed(1)} ms: replica ${replicaId} leads under epoch ${epoch}`;
    if (known !== undefined && known !== replicaId) this.broken.push(`${told}, as ${known} did`);
    if (epoch < newestEpoch) this.broken.push(`${told}, after epoch ${newestEpoch}`);
    byEpoch.set(epoch, replicaId);
    group.newestEpoch = Math.max(newestEpoch, epoch);
  }

  private two({ name }: Group, nowMs: number, one: ReplicaNode, other: ReplicaNode): void {
    if (this.broken.length > 20) return;
    const who = [one, other].map(({ host }) => {
      const { replicaId, epoch } = host.status();
      return `replica ${replicaId} under epoch ${epoch}`;
    });
    this.broken.push(`${name} at ${nowMs.toFixed(1)} ms: ${who.join(' and ')} lead`);
  }
}
