import { Code } from '../../../../src/message/status';
import { never } from '../../../support/broker-bench';
import { GrowingScene } from '../../../support/growing-scene';
import { groupConfig } from '../../../support/model-broker';
import { idsOf, popRequest } from '../../../support/test-broker';

describe('a topic without message groups that goes to another broker', () => {
  it('has its groups begin there with the first message, whenever they come', async () => {
    const scene = await GrowingScene.open();
    const { admin } = scene.proxy.proxy;
    const topic = { name: 'n', type: 'NORMAL', queues: 1 } as const;
    await scene.drive(admin.putTopic(topic, ['a']));
    await scene.drive(admin.putGroup(groupConfig('h')));
    await scene.drive(admin.putGroup(groupConfig('new')));
    await scene.cluster.bench('a').subscribe('h', 'n');
    await scene.drive(admin.rebalance({ topics: ['n'], brokers: [], dryRun: false }));
    const ids = ['m1', 'm2', 'm3', 'm4', 'm5', 'm6'];
    for (const id of ids) expect(await scene.sendTo('n', id)).toBe(Code.OK);
    // As after a crash: that they have begun is not forgotten.
    await scene.cluster.kill('b');
    await scene.cluster.start('b');
    const received = async (name: string, group: string): Promise<readonly string[]> => {
      const { broker } = scene.cluster.bench(name);
      return idsOf(await scene.drive(broker.pop(popRequest(group, 'n'), never)));
    };
    const onB = await received('b', 'h');
    expect(onB.length).toBeGreaterThan(0);
    expect([...onB, ...(await received('a', 'h'))].toSorted()).toEqual(ids);
    // One that comes new begins where the topic ends.
    expect(await received('b', 'new')).toEqual([]);
    await scene.cluster.close();
  });
});
