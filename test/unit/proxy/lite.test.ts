import { Code } from '../../../src/message/status';
import { ModelCluster } from '../../support/model-cluster';
import { PublicClient } from '../../support/public-client';
import { consumer, open } from './support/clients';

const [LITE_PUSH_CONSUMER, LITE_SIMPLE_CONSUMER] = [5, 6] as const;
const request = {
  ...{ topic: { name: 't' }, group: { name: 'g' } },
  ...{ action: 2 as const, lite_topic_set: ['a', 'b'] },
};

describe('SyncLiteSubscription', () => {
  it.each([
    ['a push consumer of lite topics', LITE_PUSH_CONSUMER, ['b']],
    ['a simple consumer of lite topics', LITE_SIMPLE_CONSUMER, ['b']],
    ['another consumer, which may crash', 2, []],
  ] as const)('tells of a removed lite topic: %s', async (_what, client_type, told) => {
    const cluster = new ModelCluster();
    cluster.topic('t', 'LITE');
    const stream = await open(cluster, { ...consumer, client_type });
    cluster.broker().removedLite.push('b');
    expect((await new PublicClient(cluster).status('SyncLiteSubscription', request)).code).toBe(
      Code.OK,
    );
    const commands = stream.commands.flatMap(({ notify_unsubscribe_lite_command: command }) =>
      command ? [command.lite_topic] : [],
    );
    expect(commands).toEqual(told);
  });

  it('goes to all brokers of the parent, and does without those that are away', async () => {
    const cluster = new ModelCluster({}, ['broker-a', 'broker-b']);
    cluster.topic('t', 'LITE');
    const client = new PublicClient(cluster);
    expect((await client.status('SyncLiteSubscription', request)).code).toBe(Code.OK);
    for (const { synced } of cluster.brokers.values()) {
      expect(synced).toMatchObject([
        { clientId: 'client-1', change: 'set', liteTopics: ['a', 'b'] },
      ]);
    }
    cluster.broker('broker-a').failure = new Error('away');
    expect((await client.status('SyncLiteSubscription', request)).code).toBe(Code.OK);
    cluster.broker('broker-b').failure = new Error('away');
    const { code } = await client.status('SyncLiteSubscription', request);
    expect(code).toBe(Code.INTERNAL_SERVER_ERROR);
  });
});
