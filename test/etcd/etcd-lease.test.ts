import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GroupState, LeaseApi } from '../../src/api/lease-api';
import type * as EtcdLeaseModule from '../../src/link/etcd/etcd-lease';
import { nodePlatform } from '../../src/platform/node-platform';
import { etcdLeaseSuite } from '../support/etcd-lease-suite';
import { ROOT } from '../support/process';
import { until } from '../support/until';
import { Certificate } from './support/certificate';
import { EtcdCluster } from './support/etcd-process';
import { askForUsers } from './support/users';

// Built, as renewals have a thread of their own, which runs JavaScript.
// eslint-disable-next-line @typescript-eslint/no-require-imports
const { etcdLease } = require(join(ROOT, 'dist/link/etcd/etcd-lease')) as typeof EtcdLeaseModule;

const a = { member: '0/a', address: 'a:10911' };
const b = { member: '1/b', address: 'b:10911' };
const LIMIT_MS = 60_000;
const log = { debug: jest.fn(), info: jest.fn(), warn: jest.fn() };
const platform = nodePlatform();

type Options = Partial<Parameters<typeof etcdLease>[0]>;

function connect(endpoints: readonly string[], brokerName: string, more: Options = {}): LeaseApi {
  return etcdLease({
    ...{ endpoints, user: '', password: '', cluster: 'C', brokerName },
    ...{ leaseSeconds: 6, ownThread: true, platform, log },
    ...more,
  });
}

/** Holds up this thread's event loop. */
function busy(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

describe('leases in three etcds', () => {
  let etcd: EtcdCluster;

  beforeAll(async () => (etcd = await EtcdCluster.start()));
  afterAll(() => etcd.stop());

  etcdLeaseSuite((name) => connect(etcd.endpoints, name));

  it('are renewed while the event loop is busy', async () => {
    const [ofA, ofB] = [connect(etcd.endpoints, 'busy'), connect(etcd.endpoints, 'busy')];
    const held = await ofA.campaign(a);
    const { renewedMs } = held;
    await until('a renewal', LIMIT_MS, () => (held.renewedMs > renewedMs ? true : undefined));
    busy(8_000);
    expect(platform.clock.monotonicMs() - held.renewedMs).toBeLessThan(held.leaseMs);
    await expect(ofB.campaign(b)).rejects.toThrow('not in the in-sync set');
    await held.setInSync([a.member]);
    await Promise.all([ofA.close(), ofB.close()]);
  });

  it('outlast the etcd member that leads, and a watch hears of what happens then', async () => {
    const [ofA, ofB] = [connect(etcd.endpoints, 'kill'), connect(etcd.endpoints, 'kill')];
    const seen: GroupState[] = [];
    ofB.watch((state) => seen.push(state));
    const held = await ofA.campaign(a);
    const leader = await etcd.leader();
    etcd.signal(leader, 'SIGKILL');
    const { renewedMs } = held;
    await until('renewals go on', LIMIT_MS, () =>
      held.renewedMs > renewedMs + held.leaseMs ? true : undefined,
    );
    await held.setInSync([a.member, b.member]);
    await until('the new set to be seen', LIMIT_MS, () =>
      seen.find(({ inSync }) => inSync?.length === 2),
    );
    expect(seen.some(({ leader: left }, index) => index > 1 && left === undefined)).toBe(false);
    etcd.restart(leader);
    await Promise.all([ofA.close(), ofB.close()]);
  });

  it('outlast an etcd that hangs for longer than they last', async () => {
    const api = connect(etcd.endpoints, 'hang');
    const held = await api.campaign(a);
    const { renewedMs } = held;
    etcd.signalAll('SIGSTOP');
    await until('the lease to be over here', LIMIT_MS, () =>
      platform.clock.monotonicMs() > renewedMs + 3 * held.leaseMs ? true : undefined,
    );
    expect(held.renewedMs - renewedMs).toBeLessThan(held.leaseMs);
    const lost = new Promise<string>((resolve) => held.onLost(() => resolve('lost')));
    const renewed = until('a renewal', LIMIT_MS, () =>
      held.renewedMs > renewedMs + 3 * held.leaseMs ? 'renewed' : undefined,
    );
    etcd.signalAll('SIGCONT');
    // By its clock the lease may have ended meanwhile: either is right, and one of them is told.
    await Promise.race([lost, renewed]);
    await api.close();
    await renewed.catch(() => undefined);
  });

  it('of a user with a password', async () => {
    await askForUsers(etcd, 'secret');
    const api = connect(etcd.endpoints, 'user', { user: 'gantry', password: 'secret' });
    const held = await until('a leadership', LIMIT_MS, () =>
      api.campaign(a).catch(() => undefined),
    );
    const { renewedMs } = held;
    await until('a renewal', LIMIT_MS, () => (held.renewedMs > renewedMs ? true : undefined));
    // Users have changed: tokens from before are refused.
    await etcd.ctl(['--user', 'root:root', 'user', 'add', 'other:other']);
    await held.setInSync([a.member, b.member]);
    await held.release();
    await api.close();
    const stranger = connect(etcd.endpoints, 'user', { user: 'gantry', password: 'guess' });
    await expect(stranger.campaign(a)).rejects.toThrow('invalid user ID or password');
    await stranger.close();
    await etcd.ctl(['--user', 'root:root', 'auth', 'disable']);
  });
});

describe('leases in an etcd with TLS', () => {
  const own = new Certificate();
  let etcd: EtcdCluster;

  beforeAll(async () => {
    etcd = await EtcdCluster.start({ members: 1, tls: own.files });
  });
  afterAll(async () => {
    await etcd.stop();
    own.remove();
  });

  it('are for those who show a certificate', async () => {
    const ca = readFileSync(own.certificate, 'utf8');
    const key = readFileSync(own.key, 'utf8');
    const endpoints = etcd.endpoints.map((endpoint) => `tls://${endpoint}`);
    const api = connect(endpoints, 'tls', { tls: { ca, certificate: ca, key } });
    const held = await api.campaign(a);
    const { renewedMs } = held;
    await until('a renewal', LIMIT_MS, () => (held.renewedMs > renewedMs ? true : undefined));
    await held.release();
    await api.close();
    const stranger = connect(endpoints, 'tls', { tls: { ca } });
    await expect(stranger.campaign(a)).rejects.toThrow('etcd');
    await stranger.close();
  });
});
