/** Whether the replicas of each group have become equal once all faults have ended. */
import { join } from 'node:path';
import type { Cluster } from './cluster';
import { GROUPS, replicasOf } from './machines';
import { DIRECTORY, FILES, type ReplicaNode } from './nodes/broker-node';

const { segmentBytes } = FILES;

/** Which groups have no master that serves, or not all replicas in sync, in words. */
export function notInSync(cluster: Cluster): readonly string[] {
  return GROUPS.flatMap((group) => {
    const host = masterOf(cluster, group);
    if (host === undefined) return [`${group} has no master`];
    const { inSync } = host.status();
    const all = inSync.length === replicasOf(group).length;
    return all ? [] : [`in sync in ${group}: ${inSync.join(', ')}`];
  });
}

/** Which replicas have not all of their master's log, in words. */
export function behind(cluster: Cluster): readonly string[] {
  return GROUPS.flatMap((group) => {
    const end = masterOf(cluster, group)?.status().endPosition;
    return cluster.replicas.of(group).flatMap(({ host }) => {
      const { replicaId, endPosition, confirmedPosition } = host.status();
      if (endPosition === end && confirmedPosition === end) return [];
      return [`replica ${replicaId} of ${group} has ${endPosition} of ${end} bytes`];
    });
  });
}

function masterOf(cluster: Cluster, group: string): ReplicaNode['host'] | undefined {
  return cluster.replicas.master(group)?.host;
}

/** Compares the log files of each group byte for byte, from the position on that all have. */
export async function differences(cluster: Cluster): Promise<readonly string[]> {
  const found: string[] = [];
  for (const group of GROUPS) {
    const statuses = replicasOf(group).flatMap((name) => {
      const status = cluster.replicas.on(name)?.host.status();
      return status === undefined ? [] : [{ name, status }];
    });
    const begin = Math.max(...statuses.map(({ status }) => status.minPosition));
    const end = Math.min(...statuses.map(({ status }) => status.endPosition));
    for (let start = begin - (begin % segmentBytes); start < end; start += segmentBytes) {
      const contents = await Promise.all(
        statuses.map(async ({ name }) => {
          const file = join(DIRECTORY, 'commitlog', `${start}`.padStart(20, '0'));
          const bytes = await cluster.machine(name).disk.readFile(file);
          return bytes?.subarray(Math.max(0, begin - start), end - start);
        }),
      );
      const [first] = contents;
      statuses.forEach(({ name }, i) => {
        const other = contents[i];
        if (first !== undefined && other?.equals(first) === true) return;
        found.push(`the log of ${name} differs in the file of ${start}`);
      });
    }
  }
  return found;
}
