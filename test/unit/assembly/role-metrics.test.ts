import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { proxyMetrics, replicaMetrics } from '../../../src/assembly/role-metrics';
import { Readiness } from '../../../src/observe/http';
import { clusterSample } from '../../support/cluster-sample';
import { ROOT } from '../../support/process';

/** A process that is broker and proxy. */
function everything(): Readiness {
  const readiness = new Readiness();
  readiness.set('store', true);
  const [group] = clusterSample.groups;
  if (group?.status === undefined) throw new Error('the sample has a group that is led');
  const { status } = group;
  const replicas = { status: async () => status, handOver: async () => undefined };
  readiness.metrics.add(replicaMetrics(replicas));
  readiness.metrics.add(
    proxyMetrics(async () => ({
      ...{ name: 'n', version: 'v', inPerSecond: 0.5, outPerSecond: 12.3 },
      ...{ connections: 1, producers: 2, consumers: 3 },
    })),
  );
  return readiness;
}

describe('what roles tell Prometheus', () => {
  it('is readiness, what goes through a proxy, and how far replicas are', async () => {
    const lines = (await everything().metrics.text()).split('\n');
    expect(lines).toEqual(
      expect.arrayContaining([
        'gantry_ready 1',
        'gantry_part_ready{part="store"} 1',
        'gantry_proxy_connections 1',
        'gantry_proxy_producers 2',
        'gantry_proxy_consumers 3',
        'gantry_proxy_messages_in_per_second 0.5',
        'gantry_proxy_messages_out_per_second 12.3',
        'gantry_broker_leads{broker="broker-a"} 1',
        'gantry_broker_stands_in{broker="broker-a"} 0',
        `gantry_broker_epoch{broker="broker-a"} ${2 ** 42}`,
        `gantry_broker_log_end_bytes{broker="broker-a"} ${2 ** 52}`,
        `gantry_broker_log_confirmed_bytes{broker="broker-a"} ${2 ** 52 - 100}`,
        'gantry_broker_in_sync_replicas{broker="broker-a"} 2',
        'gantry_replica_connected{broker="broker-a",replica="1"} 1',
        'gantry_replica_connected{broker="broker-a",replica="2"} 0',
        `gantry_replica_lag_bytes{broker="broker-a",replica="2"} ${2 ** 40}`,
        'gantry_replica_lag_seconds{broker="broker-a",replica="1"} 0.04',
      ]),
    );
  });

  it('is all that docs/operations.md speaks of, and that page speaks of all of it', async () => {
    const text = await everything().metrics.text();
    const told = Array.from(text.matchAll(/^# TYPE (\S+)/gm), ([, name]) => name ?? '');
    const page = readFileSync(join(ROOT, 'docs/operations.md'), 'utf8');
    const named = Array.from(page.matchAll(/`((?:gantry|process)_\w+)/g), ([, name]) => name ?? '');
    expect([...new Set(named)].toSorted()).toEqual(told.toSorted());
  });
});
