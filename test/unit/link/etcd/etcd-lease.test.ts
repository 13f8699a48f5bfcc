import type { LeaseApi } from '../../../../src/api/lease-api';
import { etcdLease } from '../../../../src/link/etcd/etcd-lease';
import type { EtcdOptions } from '../../../../src/link/etcd/etcd-client';
import { nodePlatform } from '../../../../src/platform/node-platform';
import { etcdLeaseSuite } from '../../../support/etcd-lease-suite';
import { ModelEtcd } from '../../../support/model-etcd';
import { freePort } from '../../../support/process';
import { until } from '../../../support/until';

const a = { member: '0/a', address: 'a:10911' };
const KEYS = '/gantry/C/';
const LIMIT_MS = 10_000;

const log = { debug: jest.fn(), info: jest.fn(), warn: jest.fn() };

function connect(
  endpoints: readonly string[],
  name: string,
  more?: Partial<EtcdOptions>,
): LeaseApi {
  const platform = nodePlatform();
  return etcdLease({
    ...{ endpoints, user: '', password: '', ...more },
    ...{ cluster: 'C', brokerName: name, leaseSeconds: 2, ownThread: false, platform, log },
  });
}

describe('leases in the model of etcd', () => {
  const etcd = new ModelEtcd();
  let endpoint = '';

  beforeAll(async () => (endpoint = await etcd.start()));
  afterAll(() => etcd.stop());

  etcdLeaseSuite((name) => connect([endpoint], name));

  it('goes on to another member when one does not answer', async () => {
    const api = connect([`127.0.0.1:${await freePort()}`, endpoint], 'failover');
    const held = await api.campaign(a);
    expect(etcd.value(`${KEYS}failover/leader`)).toBe(JSON.stringify(a));
    await held.release();
    await api.close();
  });

  it('takes no harm from answers that were lost', async () => {
    const api = connect([endpoint], 'lost');
    etcd.lostAnswers = 1;
    const held = await api.campaign(a);
    etcd.lostAnswers = 1;
    await held.setInSync([a.member, '1/b']);
    // Both tries of a call are lost, and the next change finds what they did.
    etcd.lostAnswers = 2;
    await expect(held.setInSync([a.member])).rejects.toThrow('the answer is lost');
    await held.setInSync([a.member, '2/c']);
    expect(etcd.value(`${KEYS}lost/in-sync`)).toBe(JSON.stringify([a.member, '2/c']));
    etcd.lostAnswers = 1;
    await held.release('2/c', true);
    expect(etcd.value(`${KEYS}lost/leader`)).toBeUndefined();
    const released = JSON.stringify({ epoch: held.epoch, to: '2/c', ends: true });
    expect(etcd.value(`${KEYS}lost/released`)).toBe(released);
    await api.close();
  });

  it('counts no renewal of an etcd leader that is one no longer', async () => {
    const api = connect([endpoint], 'terms');
    const held = await api.campaign(a);
    const { renewedMs } = held;
    etcd.renewalTerm = etcd.term - 1;
    await until('the lease to be over here', LIMIT_MS, () =>
      nodePlatform().clock.monotonicMs() > renewedMs + held.leaseMs ? true : undefined,
    );
    expect(held.renewedMs).toBe(renewedMs);
    etcd.renewalTerm = undefined;
    await until('a renewal', LIMIT_MS, () => (held.renewedMs > renewedMs ? true : undefined));
    await api.close();
  });

  it('lets the lease end when renewals arrive and their answers do not', async () => {
    const api = connect([endpoint], 'deaf');
    const held = await api.campaign(a);
    const { renewedMs } = held;
    etcd.unheard = true;
    await until('the end of the lease', LIMIT_MS, () =>
      etcd.value(`${KEYS}deaf/leader`) === undefined ? true : undefined,
    );
    etcd.unheard = false;
    const tookMs = nodePlatform().clock.monotonicMs() - renewedMs;
    expect(tookMs).toBeLessThan(2 * held.leaseMs);
    await api.close();
  });

  it('tells that the leadership is lost', async () => {
    const api = connect([endpoint], 'gone');
    const held = await api.campaign(a);
    const lost = new Promise<void>((resolve) => held.onLost(resolve));
    etcd.remove(`${KEYS}gone/leader`);
    await lost;
    await api.close();
  });
});

describe('leases in a model of etcd with users', () => {
  const etcd = new ModelEtcd({ name: 'gantry', password: 'secret' });
  let endpoint = '';

  beforeAll(async () => (endpoint = await etcd.start()));
  afterAll(() => etcd.stop());

  it('asks for a token, and for another when it has ended', async () => {
    const api = connect([endpoint], 'users', { user: 'gantry', password: 'secret' });
    const held = await api.campaign(a);
    etcd.forgetTokens();
    await held.setInSync([a.member, '1/b']);
    await held.release();
    await api.close();
  });

  it('says what is wrong with a password', async () => {
    const api = connect([endpoint], 'users', { user: 'gantry', password: 'wrong' });
    await expect(api.campaign(a)).rejects.toThrow('invalid user ID or password');
    await api.close();
  });
});
