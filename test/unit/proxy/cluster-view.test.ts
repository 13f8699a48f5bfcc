import { BrokerLostError } from '../../../src/api/broker-lost';
import { NotMasterError } from '../../../src/api/not-master';
import { Code, StatusError } from '../../../src/message/status';
import { follow } from '../../support/follow';
import { ModelCluster } from '../../support/model-cluster';

const names = ['broker-b', 'broker-a'];

describe('the view of a cluster', () => {
  it('holds the brokers of the routes, and what each master tells of its group', async () => {
    const cluster = new ModelCluster({}, names);
    cluster.topic('t');
    const { brokers, groups } = await cluster.proxy.admin.cluster();
    expect(brokers).toMatchObject([
      { brokerName: 'broker-a', brokerId: 0, topics: 1 },
      { brokerName: 'broker-b', brokerId: 0, topics: 1 },
    ]);
    expect(groups).toMatchObject([
      { brokerName: 'broker-a', status: { brokerName: 'broker-a', role: 'alone' }, reason: '' },
      { brokerName: 'broker-b', status: { brokerName: 'broker-b', role: 'alone' }, reason: '' },
    ]);
  });

  it('says of a master that does not answer why, and tells of the others', async () => {
    const cluster = new ModelCluster({}, names);
    cluster.topic('t');
    cluster.broker('broker-a').failure = new StatusError(Code.PROXY_TIMEOUT, 'it is slow');
    const { groups } = await cluster.proxy.admin.cluster();
    expect(groups).toMatchObject([
      { brokerName: 'broker-a', reason: 'it is slow' },
      { brokerName: 'broker-b', reason: '' },
    ]);
    expect(groups[0]?.status).toBeUndefined();
  });

  it('says of a group that only followers are left of that nobody leads it', async () => {
    const cluster = new ModelCluster({}, names);
    cluster.follower('broker-a', 2);
    cluster.absent.add('broker-a');
    cluster.announce();
    const { brokers, groups } = await cluster.proxy.admin.cluster();
    expect(brokers).toMatchObject([
      { brokerName: 'broker-a', brokerId: 2 },
      { brokerName: 'broker-b', brokerId: 0 },
    ]);
    expect(groups[0]).toEqual({
      ...{ brokerName: 'broker-a', status: undefined, reason: 'nobody leads it' },
    });
  });
});

describe('the proxies of a cluster', () => {
  it('are those that the process hears of', async () => {
    const cluster = new ModelCluster();
    cluster.process.known = [{ address: '10.0.0.8:8081', version: '0.1.0' }];
    expect(await cluster.proxy.admin.proxies()).toEqual(cluster.process.known);
  });
});

describe('a hand-over', () => {
  it('is asked of the master of the group', async () => {
    const cluster = new ModelCluster({}, names);
    cluster.topic('t');
    const { admin } = cluster.proxy;
    await admin.handOver({ brokerName: 'broker-a', to: 2 });
    await admin.handOver({ brokerName: 'broker-a', to: undefined });
    expect(cluster.broker('broker-a').handedOver).toEqual([2, undefined]);
    expect(cluster.broker('broker-b').handedOver).toEqual([]);
  });

  it.each([
    ['has happened when another one leads', true],
    ['may not have happened when the same one goes on', false],
  ])('whose answer was lost %s', async (_what, happened) => {
    const cluster = new ModelCluster({}, ['broker-a']);
    cluster.topic('t');
    const master = cluster.broker('broker-a');
    master.replicas.handOver = () => Promise.reject(new BrokerLostError('the link broke'));
    const handed = follow(cluster.proxy.admin.handOver({ brokerName: 'broker-a', to: 2 }));
    if (happened) {
      master.failure = new NotMasterError('not here');
      await cluster.sim.advance(1000);
      expect(handed.done).toBe(false);
      cluster.succeed('broker-a');
    }
    await cluster.sim.settle();
    expect(handed).toMatchObject({ done: true });
    expect(handed.error).toEqual(happened ? undefined : new BrokerLostError('the link broke'));
  });

  it('of a group that nobody leads is refused, with those that are led', async () => {
    const cluster = new ModelCluster({}, names);
    cluster.topic('t');
    await expect(
      cluster.proxy.admin.handOver({ brokerName: 'broker-c', to: undefined }),
    ).rejects.toMatchObject({
      code: Code.NOT_FOUND,
      message: 'nobody leads a broker group broker-c; those that are led: broker-a, broker-b',
    });
  });
});
