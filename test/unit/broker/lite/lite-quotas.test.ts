import { newGroup } from '../../../../src/api/topic';
import { Code } from '../../../../src/message/status';
import { LiteBench } from '../../../support/lite-bench';

const refused = (code: Code, text: string): object =>
  expect.objectContaining({ code, message: expect.stringContaining(text) as string }) as object;
const topicsFull = (text: string): object => refused(Code.LITE_TOPIC_QUOTA_EXCEEDED, text);
const full = (text: string): object => refused(Code.LITE_SUBSCRIPTION_QUOTA_EXCEEDED, text);

describe('quotas of lite topics', () => {
  it('refuse a lite topic beyond those of the broker, also after a kill', async () => {
    const bench = await LiteBench.ready({ settings: { maxLiteTopics: 2 } });
    await bench.sendLite('a-1', 'b-1');
    await bench.kill();
    const error = topicsFull('the broker has 2 lite topics, the limit is 2');
    await expect(bench.sendLite('c-1')).rejects.toEqual(error);
    await expect(bench.add('one', ['c'])).rejects.toEqual(error);
    await bench.sendLite('a-2');
  });

  it('refuse a lite topic beyond those of its parent, and leave other parents alone', async () => {
    const bench = await LiteBench.ready({ settings: { maxLitePerParent: 2 } });
    await bench.sendLite('a-1', 'b-1');
    const error = topicsFull('topic t has 2 lite topics, the limit is 2');
    await expect(bench.sendLite('c-1')).rejects.toEqual(error);
    await expect(bench.add('one', ['a', 'c'])).rejects.toEqual(error);
    await bench.drive(bench.broker.putTopic({ name: 't2', type: 'LITE', queues: 1 }));
    const asked = { group: 'g2', topic: 't2', clientId: 'two', change: 'add' as const };
    await bench.drive(bench.broker.syncLite({ ...asked, liteTopics: ['c'] }));
  });

  it('refuse a subscription beyond those of a client', async () => {
    const bench = await LiteBench.ready({ settings: { maxLitePerClient: 2 } });
    await bench.add('one', ['a', 'b']);
    await bench.add('one', ['a']);
    const error = full('client one would have 3 lite topics, the limit is 2');
    await expect(bench.add('one', ['c'])).rejects.toEqual(error);
    await expect(bench.sync('one', 'set', ['c', 'd', 'e'])).rejects.toEqual(error);
    await bench.sync('one', 'set', ['c', 'd']);
  });

  it('are for each client what its group says', async () => {
    const bench = await LiteBench.ready({ settings: { maxLitePerClient: 1 } });
    const group = (liteQuota: number) =>
      bench.drive(bench.broker.putGroup({ ...newGroup('g'), liteTopic: 't', liteQuota }));
    await group(3);
    await bench.kill();
    await bench.add('one', ['a', 'b', 'c']);
    await bench.add('two', ['a', 'b', 'c']);
    await group(2);
    await bench.sync('one', 'set', ['a', 'b', 'c']);
    await expect(bench.add('one', ['d'])).rejects.toEqual(full('client one would have 4'));
  });

  it('refuse a subscription beyond those of all clients of a group', async () => {
    const bench = await LiteBench.ready({ settings: { maxLitePerGroup: 3 } });
    await bench.add('one', ['a', 'b']);
    await bench.add('two', ['a']);
    const error = full('clients of group g would have 4 lite topics, the limit is 3');
    await expect(bench.add('two', ['b'])).rejects.toEqual(error);
    const other = { group: 'g2', topic: 't', clientId: 'three', change: 'add' as const };
    await bench.drive(bench.broker.syncLite({ ...other, liteTopics: ['a', 'b'] }));
    await bench.drive(bench.broker.clientGone('one'));
    await bench.add('two', ['b']);
  });

  it('refuse a subscription beyond those of all clients', async () => {
    const bench = await LiteBench.ready({ settings: { maxLiteSubscriptions: 3 } });
    await bench.add('one', ['a', 'b']);
    await bench.add('two', ['a']);
    const error = full('clients would have 4 lite topics, the limit is 3');
    await expect(bench.add('two', ['b'])).rejects.toEqual(error);
    await bench.sync('one', 'remove', ['b']);
    await bench.add('two', ['b']);
  });
});
