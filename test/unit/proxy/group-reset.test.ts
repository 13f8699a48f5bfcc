import type { GroupReset, QueueReset } from '../../../src/api/offset-api';
import { Code, StatusError } from '../../../src/message/status';
import { ModelCluster } from '../../support/model-cluster';

const one: QueueReset = {
  ...{ broker: 'broker-a', queueId: 0, from: 1, to: 0, again: 1, skipped: 0, cancelled: 0 },
};

describe('a reset on several brokers', () => {
  let cluster: ModelCluster;

  beforeEach(() => {
    cluster = new ModelCluster({}, ['broker-a', 'broker-b']);
    cluster.topic('t');
    cluster.broker('broker-a').offsets.resets = [one];
    cluster.broker('broker-b').offsets.resets = [{ ...one, broker: 'broker-b' }];
  });

  const reset = (changes: Partial<GroupReset> = {}): Promise<readonly QueueReset[]> =>
    cluster.proxy.admin.resetGroup({
      ...{ group: 'g', topic: 't', broker: '', queueId: undefined, dryRun: false },
      to: { at: 'beginning' },
      ...changes,
    });
  const moved = (name: string): readonly unknown[] =>
    cluster.broker(name).offsets.asked.filter((asked) => 'dryRun' in asked && !asked.dryRun);

  it('moves all, and tells of all', async () => {
    expect((await reset({ dryRun: true })).map(({ broker }) => broker)).toEqual([
      'broker-a',
      'broker-b',
    ]);
    expect([...moved('broker-a'), ...moved('broker-b')]).toEqual([]);
    expect(await reset()).toHaveLength(2);
    expect([moved('broker-a').length, moved('broker-b').length]).toEqual([1, 1]);
  });

  it('moves one where it is named', async () => {
    expect(await reset({ broker: 'broker-b' })).toMatchObject([{ broker: 'broker-b' }]);
    expect(moved('broker-a')).toEqual([]);
    await expect(reset({ broker: 'broker-c' })).rejects.toMatchObject({
      ...{ code: Code.BAD_REQUEST },
      message: 'topic t is on broker-a, broker-b, not on broker broker-c',
    });
  });

  it('moves nothing when one refuses', async () => {
    cluster.broker('broker-b').failure = new StatusError(Code.ILLEGAL_OFFSET, 'no such offset');
    await expect(reset()).rejects.toMatchObject({ code: Code.ILLEGAL_OFFSET });
    expect(moved('broker-a')).toEqual([]);
  });

  it('leaves brokers out on which the group has not begun, but not all', async () => {
    const absent = new StatusError(Code.OFFSET_NOT_FOUND, 'it has not begun there');
    cluster.broker('broker-a').failure = absent;
    expect(await reset()).toMatchObject([{ broker: 'broker-b' }]);
    cluster.broker('broker-b').failure = absent;
    await expect(reset()).rejects.toMatchObject({ code: Code.OFFSET_NOT_FOUND });
  });

  it('to an offset needs the broker', async () => {
    const to = { at: 'offset', offset: 1 } as const;
    await expect(reset({ to, queueId: 0 })).rejects.toMatchObject({
      code: Code.BAD_REQUEST,
      message: "an offset is of one broker's queue: say which, topic t is on broker-a, broker-b",
    });
    expect(await reset({ to, queueId: 0, broker: 'broker-a' })).toHaveLength(1);
    await expect(reset({ topic: 'none' })).rejects.toMatchObject({ code: Code.TOPIC_NOT_FOUND });
  });
});
