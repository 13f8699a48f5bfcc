/** Replicas that serve reads while the master of their name is away. */
import { Code } from '../../../src/message/status';
import type { TopicType } from '../../../src/api/topic';
import { Permission } from '../../../src/rpc/generated/apache/rocketmq/v2/Permission';
import { follow } from '../../support/follow';
import { ModelCluster } from '../../support/model-cluster';
import { groupConfig } from '../../support/model-broker';
import { message, PublicClient, receiveRequest } from '../../support/public-client';

const topics = [{ name: 't', type: 'NORMAL', queues: 2 }] as const;
const topic = { name: 't' };
const send = { messages: [message('t', 'm')] };

function standingIn(confirmedPosition: number) {
  return { topics, standIn: { confirmedPosition }, epoch: 1 };
}

function scene(names: readonly string[] = ['broker-a'], type: TopicType = 'NORMAL') {
  const cluster = new ModelCluster({ autoCreateTopics: true }, names);
  cluster.topic('t', type, 2);
  cluster.dialled.length = 0;
  return { cluster, client: new PublicClient(cluster) };
}

/** Which address of `broker-a` calls go to. */
function asked({ dialled }: ModelCluster): string | undefined {
  return dialled.findLast((address) => address.startsWith('broker-a'));
}

describe('a stand-in', () => {
  it('is asked while there is no master, and not a moment longer', () => {
    const { cluster } = scene();
    cluster.follower('broker-a', 2, standingIn(10));
    cluster.announce();
    expect(cluster.dialled).toEqual([]);
    cluster.absent.add('broker-a');
    cluster.announce();
    expect(asked(cluster)).toBe('broker-a-2:10911');
    cluster.absent.delete('broker-a');
    cluster.announce();
    expect(asked(cluster)).toBe('broker-a:10911');
  });

  it('of several is the one with the most of the log, then the one with the lowest id', () => {
    const { cluster } = scene();
    cluster.absent.add('broker-a');
    cluster.follower('broker-a', 4, standingIn(20));
    cluster.follower('broker-a', 3, standingIn(20));
    cluster.follower('broker-a', 2, standingIn(10));
    cluster.announce();
    expect(cluster.dialled).toEqual(['broker-a-3:10911']);
  });

  it('that comes to lead at the same address is another broker', () => {
    const { cluster } = scene();
    const address = 'broker-a:10911';
    cluster.absent.add('broker-a');
    cluster.follower('broker-a', 2, { ...standingIn(10), address });
    cluster.announce();
    cluster.absent.delete('broker-a');
    cluster.announce();
    expect(cluster.dialled).toEqual([address, address]);
  });

  it('is in routes to receive from, and receives go there', async () => {
    const { cluster, client } = scene();
    cluster.absent.add('broker-a');
    cluster.follower('broker-a', 2, standingIn(10));
    cluster.announce();
    const { message_queues: queues } = await client.unary('QueryRoute', { topic });
    expect(queues.map(({ permission }) => permission)).toEqual([Permission.READ, Permission.READ]);
    cluster.broker().groups.set('g', groupConfig('g'));
    client.receive(receiveRequest('g', 't'));
    await cluster.sim.settle();
    expect(cluster.broker().pops).toMatchObject([{ group: 'g', topic: 't' }]);
  });

  it('lets sends go to other brokers', async () => {
    const { cluster, client } = scene(['broker-a', 'broker-b']);
    cluster.absent.add('broker-a');
    cluster.follower('broker-a', 2, standingIn(10));
    cluster.announce();
    const [away, there] = ['broker-a', 'broker-b'].map((name) =>
      jest.spyOn(cluster.broker(name), 'send'),
    );
    for (let i = 0; i < 20; i++) {
      const one = { messages: [message('t', `m${i}`)] };
      expect(await client.status('SendMessage', one)).toMatchObject({ code: Code.OK });
    }
    expect(away).not.toHaveBeenCalled();
    expect(there).toHaveBeenCalledTimes(20);
  });

  it('has sends refused, with the reason, where no other broker holds the topic', async () => {
    const { cluster, client } = scene();
    cluster.absent.add('broker-a');
    cluster.follower('broker-a', 2, standingIn(10));
    cluster.announce();
    const status = follow(client.status('SendMessage', send));
    await cluster.sim.settle();
    expect(status.value).toMatchObject({
      code: Code.HA_NOT_AVAILABLE,
      message: expect.stringContaining('the master of broker-a is away') as string,
    });
    expect((await client.status('QueryRoute', { topic: { name: 'new' } })).code).toBe(
      Code.PROXY_TIMEOUT,
    );
    expect(cluster.broker().putTopics).toBe(0);
  });

  it('is told of by the view of the cluster', async () => {
    const { cluster } = scene();
    cluster.absent.add('broker-a');
    cluster.follower('broker-a', 2, standingIn(10));
    cluster.announce();
    const { brokers } = await cluster.proxy.admin.cluster();
    expect(brokers).toMatchObject([{ brokerId: 2, standsIn: true, topics: 1 }]);
  });
});
