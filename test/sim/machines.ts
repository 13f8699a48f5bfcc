/** The machines of the simulated cluster, and those of its clients. */
import { ETCD } from './world/etcd';

export const NAME_SERVERS = ['namesrv-1', 'namesrv-2'] as const;
export const GROUPS = ['broker-a', 'broker-b'] as const;
const REPLICAS = 3;
export const BROKERS: readonly string[] = GROUPS.flatMap(replicasOf);
export const PROXIES = ['proxy-1', 'proxy-2'] as const;
export const CLIENTS = ['client-1', 'client-2', 'client-3', 'client-4'] as const;
/** The machines with our processes, and all that are on the network. */
export const SERVERS: readonly string[] = [...NAME_SERVERS, ...BROKERS, ...PROXIES];
export const NETWORK: readonly string[] = [...SERVERS, ETCD, ...CLIENTS];

/** The machines of a broker group, by replica id. */
export function replicasOf(brokerName: string): readonly string[] {
  return Array.from({ length: REPLICAS }, (_none, id) => `${brokerName}-${id}`);
}

/** Whether a stream from one machine to another is a proxy's to a broker. */
export function isLink(from: string, to: string): boolean {
  return PROXIES.some((name) => name === from) && BROKERS.includes(to);
}

/** Which replica of which group is on a machine. */
export function replicaAt(machine: string): {
  readonly brokerName: string;
  readonly replicaId: number;
} {
  for (const brokerName of GROUPS) {
    const replicaId = replicasOf(brokerName).indexOf(machine);
    if (replicaId >= 0) return { brokerName, replicaId };
  }
  throw new Error(`${machine} is no replica`);
}
