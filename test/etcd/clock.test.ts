import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type GantryProcess, startGantry } from '../support/process';
import { letRun, until } from '../support/until';
import { EtcdCluster } from './support/etcd-process';

const LIMIT_MS = 60_000;
const LEASE_MS = 2_000;
const LEADER = '/gantry/DefaultCluster/broker-a/leader';
const LATE_CLOCK = { NODE_OPTIONS: `--require ${join(__dirname, 'support', 'late-clock.cjs')}` };

it('a broker whose clock is off warns, and does not lead though it is the only one left', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gantry-clock-'));
  const etcd = await EtcdCluster.start({ members: 1 });
  const processes: GantryProcess[] = [];
  const start = async (id: number, env: Record<string, string> = {}): Promise<GantryProcess> => {
    const place = ['--data-dir', join(folder, `${id}`), '--broker-replica-id', `${id}`];
    const group = ['--replication-mode', 'etcd', '--etcd-endpoints', etcd.endpoints.join(',')];
    const lease = ['--etcd-lease-seconds', `${LEASE_MS / 1000}`];
    const args = [...place, ...group, ...lease, '--namesrv', namesrv.endpoint];
    const started = await startGantry('broker', { args, env });
    processes.push(started);
    return started;
  };
  const leader = (): Promise<string> => etcd.ctl(['get', '--print-value-only', LEADER]);
  const namesrv = await startGantry('namesrv');
  processes.push(namesrv);
  try {
    const right = [await start(0), await start(1)];
    const late = await start(2, LATE_CLOCK);
    const warning = "the clock is off the group's: this replica is not to lead";
    await until(warning, LIMIT_MS, () => (late.output().includes(warning) ? true : undefined));
    await Promise.all(right.map((broker) => broker.kill()));
    await until('the lease to end', LIMIT_MS, async () =>
      (await leader()) === '' ? true : undefined,
    );
    await letRun(3 * LEASE_MS);
    expect(await leader()).toBe('');
    await start(0);
    expect(await leader()).toContain('"member":"0/');
  } finally {
    for (const running of processes.toReversed()) await running.kill();
    await etcd.stop();
    rmSync(folder, { recursive: true });
  }
});
