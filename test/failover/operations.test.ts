/** What docs/operations.md tells to do with a group that has a lease in etcd, done. */
import { cpSync, rmSync } from 'node:fs';
import type { ClusterView } from '../../src/api/cluster-api';
import type { ReplicationStatus } from '../../src/api/cluster-view';
import { rowsOf } from '../support/command-line';
import { runGantry } from '../support/process';
import { until } from '../support/until';
import { BROKERS, type BrokerNode, FailoverCluster, GROUP } from './support/cluster';

const LIMIT_MS = 60_000;
const TOPIC = 'orders';

let cluster: FailoverCluster;
const gantry = (...args: readonly string[]): Promise<string> =>
  runGantry([...args, '--endpoint', cluster.proxies[0] ?? '']);

/** What the master says of its group, once it is true. */
function status(
  what: string,
  holds: (group: ReplicationStatus) => boolean,
): Promise<ReplicationStatus> {
  return until(what, LIMIT_MS, async () => {
    const text = await gantry('cluster', 'status', '-o', 'json');
    const { groups } = JSON.parse(text) as Pick<ClusterView, 'groups'>;
    const group = groups[0]?.status;
    return group !== undefined && holds(group) ? group : undefined;
  });
}

const allInSync = (): Promise<ReplicationStatus> =>
  status('all replicas to be in sync', ({ inSync }) => inSync.length === BROKERS.length);

function brokerOf(replicaId: number): BrokerNode {
  const broker = BROKERS[replicaId];
  if (broker === undefined) throw new Error(`no replica ${replicaId}`);
  return broker;
}

/** What was sent. */
const sent: string[] = [];

async function send(): Promise<void> {
  const body = `message ${sent.length + 1}`;
  await gantry('send', TOPIC, '--body', body);
  sent.push(body);
}

/** Expects that a new group receives these, and nothing else with them. */
async function expectThere(group: string, bodies: readonly string[]): Promise<void> {
  const found = new Set<string>();
  await until(`${bodies.length} messages`, LIMIT_MS, async () => {
    const from = ['--group', group, '--from-beginning', '--max', `${bodies.length}`];
    const text = await gantry('receive', TOPIC, ...from, '-o', 'json').catch(() => '');
    for (const [, body = ''] of text.matchAll(/"body": ?"(message \d+)"/g)) found.add(body);
    return found.size >= bodies.length ? true : undefined;
  });
  expect([...found].toSorted()).toEqual(bodies);
}

beforeAll(async () => {
  cluster = await FailoverCluster.start({ brokerArgs: ['--replication-min-in-sync', '2'] });
  await allInSync();
  await gantry('topic', 'create', TOPIC);
  await send();
}, LIMIT_MS);
afterAll(() => cluster.remove());

describe('gantry cluster', () => {
  it('shows who leads, who is in sync, how far the others are, and the epoch', async () => {
    const { replicaId, epoch } = await allInSync();
    const rows = rowsOf(await gantry('cluster', 'status'));
    expect(rows[1]).toEqual([
      ...[GROUP, `${replicaId}`, 'master', `${epoch}`, 'yes', '0', '0.0 s'],
      cluster.address(brokerOf(replicaId)),
    ]);
    const replicas = [0, 1, 2].filter((id) => id !== replicaId);
    expect(rows.slice(2, 4).map(([, id, role, , inSync]) => [id, role, inSync])).toEqual(
      replicas.map((id) => [`${id}`, 'replica', 'yes']),
    );
    expect(rows.at(-1)).toEqual(['1 of 1 broker groups are led']);
  });

  it('shows a replica that is away, and how much it lacks', async () => {
    const { replicaId } = await allInSync();
    const away = (replicaId + 1) % BROKERS.length;
    await cluster.kill(brokerOf(away));
    const told = await status('two in sync', ({ inSync }) => !inSync.includes(away));
    await send();
    const [, ...rows] = rowsOf(await gantry('cluster', 'status'));
    const row = rows.find(([, id]) => id === `${away}`);
    expect(row?.slice(2, 5)).toEqual(['away', `${told.epoch}`, 'no']);
    expect(Number(row?.[5])).toBeGreaterThan(0);
    expect(Number.parseFloat(row?.[6] ?? '')).toBeGreaterThan(0);
    await cluster.restart(brokerOf(away));
    await allInSync();
  });

  it('makes the replica that is named lead', async () => {
    const { replicaId, epoch } = await allInSync();
    const to = (replicaId + 2) % BROKERS.length;
    await gantry('cluster', 'failover', GROUP, '--to', `${to}`);
    const after = await allInSync();
    expect(after.replicaId).toBe(to);
    expect(after.epoch).toBeGreaterThan(epoch);
    await send();
    const rows = rowsOf(await gantry('cluster', 'brokers'));
    expect(rows.find(([, id]) => id === '0')?.[5]).toBe(cluster.address(brokerOf(to)));
  });

  it('refuses to make one lead that is not in sync', async () => {
    await allInSync();
    await expect(gantry('cluster', 'failover', GROUP, '--to', '7')).rejects.toThrow('BAD_REQUEST');
  });
});

describe('restoring', () => {
  it('a replica that lost its disk fetches all from its master, and can lead then', async () => {
    const { replicaId } = await allInSync();
    const lost = (replicaId + 1) % BROKERS.length;
    await cluster.kill(brokerOf(lost));
    rmSync(cluster.directory(brokerOf(lost)), { recursive: true });
    await cluster.restart(brokerOf(lost));
    await allInSync();
    await gantry('cluster', 'failover', GROUP, '--to', `${lost}`);
    expect((await allInSync()).replicaId).toBe(lost);
    await expectThere('after-a-lost-disk', sent);
  });

  it('a group that lost all its disks goes on from a copy', async () => {
    const { replicaId } = await allInSync();
    const copied = brokerOf((replicaId + 1) % BROKERS.length);
    const copy = `${cluster.directory(copied)}-copy`;
    await cluster.stop(copied);
    cpSync(cluster.directory(copied), copy, { recursive: true });
    const copiedToo = [...sent];
    await cluster.restart(copied);
    await allInSync();
    await send();

    await cluster.kill(...BROKERS);
    for (const broker of BROKERS) rmSync(cluster.directory(broker), { recursive: true });
    cpSync(copy, cluster.directory(copied), { recursive: true });
    expect(await runGantry(['store', 'check', cluster.directory(copied)])).toContain(': sound');
    await cluster.etcdctl('del', `/gantry/DefaultCluster/${GROUP}/in-sync`);
    await cluster.restart(copied);
    await status('the copy to lead', (group) => brokerOf(group.replicaId) === copied);
    await cluster.restart(...BROKERS.filter((broker) => broker !== copied));
    await allInSync();
    await expectThere('after-a-copy', copiedToo);
    await send();
  });
});
