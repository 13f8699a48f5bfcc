import { replicasOf } from './machines';
import type { ReplicaNode } from './nodes/broker-node';

/** The replicas that run, those among them that stop in an orderly way. */
export class Replicas {
  private readonly running = new Map<string, ReplicaNode>();
  /** Put together since the last change. */
  private readonly groups = new Map<string, readonly ReplicaNode[]>();

  on(machine: string): ReplicaNode | undefined {
    return this.running.get(machine);
  }

  /** Those of a broker group. Hot path. */
  of(brokerName: string): readonly ReplicaNode[] {
    let group = this.groups.get(brokerName);
    if (group === undefined) {
      group = replicasOf(brokerName).flatMap((machine) => this.running.get(machine) ?? []);
      this.groups.set(brokerName, group);
    }
    return group;
  }

  /** The one that leads a group. */
  master(brokerName: string): ReplicaNode | undefined {
    return this.of(brokerName).find(({ host }) => host.leader() !== undefined);
  }

  joined(machine: string, node: ReplicaNode): void {
    this.running.set(machine, node);
    this.groups.clear();
  }

  gone(machine: string): void {
    this.running.delete(machine);
    this.groups.clear();
  }
}
