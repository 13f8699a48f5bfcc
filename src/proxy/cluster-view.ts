/** Which brokers there are, who leads each group, and who follows how far. */
import type { BrokerView, ClusterView, GroupView, HandOver } from '../api/cluster-api';
import { BrokerLostError } from '../api/broker-lost';
import { Code, StatusError, toStatusError } from '../message/status';
import type { BrokerPool, PooledBroker } from './broker-pool';
import type { MasterWaits } from './master-waits';
import type { RouteTable } from './route-table';

interface ClusterParts {
  readonly pool: BrokerPool;
  readonly routes: RouteTable;
}

/** What each master tells; one that does not answer is told of, and hides no other. */
export async function clusterView({ pool, routes }: ClusterParts): Promise<ClusterView> {
  const brokers = routes.registrations
    .map(({ cluster, brokerName, brokerId, address, epoch, topics, standIn }): BrokerView => ({
      ...{ cluster, brokerName, brokerId, address, epoch, topics: topics.length },
      standsIn: standIn !== undefined,
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

/** How long after the end of a leadership its successor is waited for, ms. */
const SUCCESSOR_MS = 10_000;

/**
 * Resolves when the master has stopped leading: it says so, or its successor shows it.
 * @throws StatusError NOT_FOUND (nobody leads a group of that name), and what its master answers
 */
export async function handOver(
  { pool, waits }: Pick<ClusterParts, 'pool'> & { readonly waits: MasterWaits },
  { brokerName, to }: HandOver,
): Promise<void> {
  const masters = pool.masters();
  const master = masters.find((one) => one.brokerName === brokerName);
  if (master !== undefined) {
    const epoch = pool.epochOf(brokerName);
    return master.broker.replicas.handOver(to).catch(async (error: unknown) => {
      // One that leads no more sends no answers.
      if (!(error instanceof BrokerLostError)) throw error;
      const isOver = (): boolean => pool.epochOf(brokerName) > epoch;
      if (!isOver()) await waits.wait(brokerName, SUCCESSOR_MS);
      if (!isOver()) throw error;
    });
  }
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
