import { type GantryProcess, spawnGantry, startGantry, untilReady } from '../support/process';
import { until } from '../support/until';
import { Certificate } from './support/certificate';
import { EtcdCluster } from './support/etcd-process';
import { askForUsers } from './support/users';

const LIMIT_MS = 60_000;

describe('a broker whose etcd asks for TLS, a certificate, a user and a password', () => {
  const own = new Certificate();
  const processes: GantryProcess[] = [];
  let etcd: EtcdCluster;
  let namesrv: GantryProcess;

  beforeAll(async () => {
    etcd = await EtcdCluster.start({ members: 1, tls: own.files });
    await askForUsers(etcd, 'secret');
    namesrv = await startGantry('namesrv');
    processes.push(namesrv);
  }, LIMIT_MS);

  afterAll(async () => {
    for (const running of processes.toReversed()) await running.kill();
    await etcd.stop();
    own.remove();
  });

  async function start(name: string, password: string): Promise<GantryProcess> {
    const tls = ['--etcd-tls-enabled', '--etcd-tls-ca', own.certificate];
    const shown = ['--etcd-tls-certificate', own.certificate, '--etcd-tls-key', own.key];
    const args = [
      ...['--memory', '--namesrv', namesrv.endpoint, '--broker-name', name],
      ...['--replication-mode', 'etcd', '--etcd-endpoints', etcd.endpoints.join(',')],
      ...['--etcd-user', 'gantry', ...tls, ...shown],
    ];
    const env = { GANTRY_ETCD_PASSWORD: password };
    const running = await spawnGantry('broker', { args, env });
    processes.push(running);
    return running;
  }

  it('leads when it has all of them', async () => {
    await untilReady(await start('broker-a', 'secret'));
    const leader = await etcd.ctl([
      ...['--user', 'root:root', 'get', '/gantry/DefaultCluster/broker-a/leader'],
    ]);
    expect(leader).toContain('"member":"0/');
  });

  it('does not lead with another password, and says why', async () => {
    const running = await start('broker-b', 'guess');
    const why = 'invalid user ID or password';
    await until(why, LIMIT_MS, () => (running.output().includes(why) ? true : undefined));
    const ready = await fetch(`http://127.0.0.1:${running.httpPort}/ready`);
    expect({ status: ready.status, text: await ready.text() }).toMatchObject({
      status: 503,
      text: expect.stringContaining('replica 0 neither leads nor is in sync') as string,
    });
  });
});
