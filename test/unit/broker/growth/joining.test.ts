import { Code } from '../../../../src/message/status';
import { never } from '../../../support/broker-bench';
import { GrowingScene, LETTERS } from '../../../support/growing-scene';
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

describe('a FIFO topic that has gone from broker to broker', () => {
  const generations = [
    [{ brokerName: 'a', queues: 1 }],
    [{ brokerName: 'b', queues: 1 }],
    [
      { brokerName: 'b', queues: 1 },
      { brokerName: 'c', queues: 1 },
    ],
  ];

  /** Nothing is left on a; what is on the last broker comes to a group that began on a. */
  async function expectAllOnC(scene: GrowingScene): Promise<void> {
    expect(await scene.send()).toEqual(LETTERS.map(() => Code.OK));
    const onC = await scene.lettersOn('c');
    expect(onC.length).toBeGreaterThan(0);
    // It begins on c first; what b held before it has then nothing to wait for.
    const received = [await scene.poll('c'), await scene.poll('b'), await scene.poll('c')]
      .filter((_, nth) => nth !== 1)
      .flat();
    expect(idsOf(received).map((id) => id.slice(0, 1))).toEqual(onC);
    await scene.cluster.close();
  }

  it('has its groups begin on the last one with the first message, whichever they come to first', async () => {
    const scene = await GrowingScene.open();
    await scene.cluster.start('c');
    const { admin } = scene.proxy.proxy;
    await scene.drive(admin.drainBroker({ broker: 'c', undo: false, dryRun: false }));
    await scene.drive(admin.drainBroker({ broker: 'a', undo: false, dryRun: false }));
    await scene.drive(admin.drainBroker({ broker: 'c', undo: true, dryRun: false }));
    await scene.drive(admin.rebalance({ topics: ['t'], brokers: [], dryRun: false }));
    const [topic] = await scene.cluster.bench('c').broker.listTopics();
    expect(topic?.generations).toEqual(generations);
    await expectAllOnC(scene);
  });

  it('has them begin there also when a broker was told nothing of them', async () => {
    const scene = await GrowingScene.open();
    await scene.cluster.start('c');
    for (const nth of [2, 3]) {
      const known = generations.slice(0, nth);
      for (const { brokerName } of new Set(known.flat())) {
        const { broker } = scene.cluster.bench(brokerName);
        const topic = { name: 't', type: 'FIFO', queues: 1, generations: known } as const;
        await scene.drive(broker.putTopic(topic));
      }
    }
    await scene.cluster.sim.advance(1000);
    await expectAllOnC(scene);
  });
});
