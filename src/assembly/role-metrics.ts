/** What brokers and proxies tell Prometheus: the same as `gantry cluster status` and `gantry proxy stats`. */
import type { ReplicasApi } from '../api/cluster-api';
import type { ProxyStats } from '../api/client-view';
import { type Metric, type MetricSource, plainSample, type Sample } from '../observe/metrics';

const gauge = (name: string, help: string): Metric => ({ name, help, type: 'gauge' });

export function proxyMetrics(stats: () => Promise<ProxyStats>): MetricSource {
  return {
    metrics: [
      gauge('gantry_proxy_connections', 'Open connections of clients.'),
      gauge('gantry_proxy_producers', 'Producers that the proxy knows.'),
      gauge('gantry_proxy_consumers', 'Consumers that the proxy knows.'),
      gauge('gantry_proxy_messages_in_per_second', 'Messages sent, over the last ten seconds.'),
      gauge('gantry_proxy_messages_out_per_second', 'Messages given out, over ten seconds.'),
    ],
    read: async () => {
      const now = await stats();
      return new Map([
        ['gantry_proxy_connections', plainSample(now.connections)],
        ['gantry_proxy_producers', plainSample(now.producers)],
        ['gantry_proxy_consumers', plainSample(now.consumers)],
        ['gantry_proxy_messages_in_per_second', plainSample(now.inPerSecond)],
        ['gantry_proxy_messages_out_per_second', plainSample(now.outPerSecond)],
      ]);
    },
  };
}

const MS_PER_SECOND = 1000;

/** A broker's place in its group; what it says of followers it says while it leads. */
export function replicaMetrics(replicas: ReplicasApi): MetricSource {
  return {
    metrics: [
      gauge('gantry_broker_leads', '1 while the broker leads its group, or is alone.'),
      gauge('gantry_broker_stands_in', '1 while a replica serves reads, its master being away.'),
      gauge('gantry_broker_epoch', 'The epoch that the broker leads or follows.'),
      gauge('gantry_broker_log_end_bytes', 'Where the log ends.'),
      gauge('gantry_broker_log_confirmed_bytes', 'Readers see the log up to here.'),
      gauge('gantry_broker_in_sync_replicas', 'Replicas in sync, the master among them.'),
      gauge('gantry_replica_connected', '1 while the replica is connected to its master.'),
      gauge('gantry_replica_lag_bytes', 'What of the log the replica has not acknowledged.'),
      gauge('gantry_replica_lag_seconds', 'For how long it has not had all of the log.'),
    ],
    read: async () => {
      const { brokerName, role, epoch, endPosition, confirmedPosition, inSync, followers } =
        await replicas.status();
      const group = { broker: brokerName };
      const own = (value: number): readonly Sample[] => [{ labels: group, value }];
      const each = (value: (follower: (typeof followers)[number]) => number): readonly Sample[] =>
        followers.map((one) => ({
          labels: { ...group, replica: String(one.replicaId) },
          value: value(one),
        }));
      return new Map([
        ['gantry_broker_leads', own(role === 'master' || role === 'alone' ? 1 : 0)],
        ['gantry_broker_stands_in', own(role === 'stand-in' ? 1 : 0)],
        ['gantry_broker_epoch', own(epoch)],
        ['gantry_broker_log_end_bytes', own(endPosition)],
        ['gantry_broker_log_confirmed_bytes', own(confirmedPosition)],
        ['gantry_broker_in_sync_replicas', own(inSync.length)],
        ['gantry_replica_connected', each(({ connected }) => (connected ? 1 : 0))],
        ['gantry_replica_lag_bytes', each(({ lagBytes }) => lagBytes)],
        ['gantry_replica_lag_seconds', each(({ lagMs }) => lagMs / MS_PER_SECOND)],
      ]);
    },
  };
}
