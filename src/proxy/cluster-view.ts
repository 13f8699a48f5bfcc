/** Which brokers there are, who leads each group, and who follows how far. */
import type { BrokerView, ClusterView, GroupView, HandOver } from '../api/cluster-api';
import { Code, StatusError, toStatusError } from '../message/status';
import type { BrokerPool, PooledBroker } from './broker-pool';
import type { RouteTable } from './route-table';

interface ClusterParts {
  readonly pool: BrokerPool;
  readonly routes: RouteTable;
}

/** What each master tells; one that does not answer is told of, and hides no other. */
export async function clusterView({ pool, routes }: ClusterParts): Promise<ClusterView> {
  const brokers = routes.registrations
    .map(({ cluster, brokerName, brokerId, address, epoch, topics }): BrokerView => ({
      ...{ cluster, brokerName, brokerId, address, epoch, topics: topics.length },
    }))
    .toSorted(byNameAndId);
  const masters = new Map(pool.masters().map((master) => [master.brokerName, master]));
  const names = [...new Set(brokers.map(({ brokerName }) => brokerName))];
  const groups = names.map((brokerName) => groupView(brokerName, masters.get(brokerName)));
  return { brokers, groups: await Promise.all(groups) };
}

async function groupView(brokerName: string, master: PooledBroker | undefined): Promise<GroupView> {
  if (master === undefined) return { brokerName, status: undefined, reason: 'nobody leads it' };
  try {
    return { brokerName, status: await master.broker.replicas.status(), reason: '' };
  } catch (error) {
    return { brokerName, status: undefined, reason: toStatusError(error).message };
  }
}

/** @throws StatusError NOT_FOUND (nobody leads a group of that name), and what its master answers */
export async function handOver(
  { pool }: ClusterParts,
  { brokerName, to }: HandOver,
): Promise<void> {
  const masters = pool.masters();
  const master = masters.find((one) => one.brokerName === brokerName);
  if (master !== undefined) return master.broker.replicas.handOver(to);
  const led = masters.map((one) => one.brokerName).join(', ');
  throw new StatusError(
    Code.NOT_FOUND,
    `nobody leads a broker group ${brokerName}; those that are led: ${led === '' ? 'none' : led}`,
  );
}

function byNameAndId(a: BrokerView, b: BrokerView): number {
  if (a.brokerName !== b.brokerName) return a.brokerName < b.brokerName ? -1 : 1;
  return a.brokerId - b.brokerId;
}
