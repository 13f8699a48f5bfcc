/** What the options `replication.*` and `etcd.*` say together. */

/** A value as it is written, and where it came from. */
interface Given {
  readonly text: string;
  readonly source: string;
}

/** Why these do not go together, a line each; none for a role that has no such options. */
export function replicationFaults(by: ReadonlyMap<string, Given>): readonly string[] {
  const text = (key: string): string => by.get(key)?.text ?? '';
  const given = (key: string): boolean => text(key) !== '';
  const mode = text('replication.mode');
  const faults: string[] = [];
  if (mode === 'static' && text('replication.role') === 'replica' && !given('replication.master')) {
    faults.push('replication.master is empty: say where the master of this replica is');
  }
  if (mode === 'etcd' && !given('etcd.endpoints')) {
    faults.push('etcd.endpoints is empty: replication.mode (etcd) needs a member of etcd at least');
  }
  if (given('etcd.password') && !given('etcd.user')) {
    faults.push(`etcd.password (${by.get('etcd.password')?.source}) is given without etcd.user`);
  }
  return faults;
}
