import { Property } from '../../../../src/message/properties';
import { Code } from '../../../../src/message/status';
import { DEFAULT_RETENTION } from '../../../../src/store/retention';
import { groupConfig } from '../../../support/model-broker';
import { ReplicaGroup, sendRequest, type TestReplica } from '../../../support/replica-group';
import { idsOf, messageDraft } from '../../../support/test-broker';

async function withTopic(group: ReplicaGroup, master: TestReplica): Promise<void> {
  await group.drive(master.broker.putTopic({ name: 't', type: 'NORMAL', queues: 1 }));
  await group.drive(master.broker.putGroup(groupConfig('g', { startFrom: 'beginning' })));
  const filter = { type: 'TAG' as const, expression: '*' };
  const subscriptions = [{ topic: 't', filter }];
  await group.drive(
    master.broker.subscribe({
      ...{ group: 'g', clientId: 'client-1', subscriptions, fifoIfNew: false },
    }),
  );
}

async function promote(group: ReplicaGroup, replica: TestReplica, epoch: number): Promise<void> {
  await group.drive(replica.host.lead(epoch, [1]));
}

test('a send is answered when the replica has it on stable storage', async () => {
  const group = new ReplicaGroup();
  const [master, replica] = await group.masterAndReplica();
  await withTopic(group, master);
  await group.send(master, 't', 'm1');
  expect(replica.replica.log.syncedPosition).toBe(master.endPosition);
});

test('a promoted replica has all: topics, groups, what is in flight, delayed, or in a transaction, and repeats', async () => {
  const group = new ReplicaGroup();
  const [master, replica] = await group.masterAndReplica();
  await withTopic(group, master);
  await group.drive(master.broker.putTopic({ name: 'tx', type: 'TRANSACTION', queues: 1 }));
  for (const id of ['m1', 'm2', 'm3']) await group.send(master, 't', id);
  const held = await group.pop(master, 'g', 't', { maxMessages: 2 });
  const entry = (at: number): { receiptHandle: string; messageId: string } => {
    return { receiptHandle: held[at]?.receiptHandle ?? '', messageId: '' };
  };
  const ack = (to: TestReplica, at: number): Promise<unknown> =>
    group.drive(to.broker.ack({ group: 'g', topic: 't', entries: [entry(at)] }));
  await ack(master, 0);
  const deliverMs = group.sim.clock.wallMs() + 60_000;
  const delayed = messageDraft('t', 'late', '', { [Property.TIMER_DELIVER_MS]: `${deliverMs}` });
  await group.drive(master.broker.send({ queueId: 0, draft: delayed }));
  const half = { queueId: 0, draft: messageDraft('tx', 'half') };
  await group.drive(master.broker.transactions.prepare(half));
  const first = await group.drive(master.broker.send(sendRequest('t', 'm3')));
  group.kill(0);

  await promote(group, replica, 2);
  const { broker } = replica;
  expect((await broker.listTopics()).map(({ name }) => name)).toEqual(
    expect.arrayContaining(['t', 'tx']),
  );
  expect((await broker.listGroups()).map(({ name }) => name)).toEqual(['g']);
  expect(await group.drive(broker.send(sendRequest('t', 'm3')))).toEqual(first);
  expect(idsOf(await group.pop(replica, 'g', 't'))).toEqual(['m3']);
  expect(await ack(replica, 1)).toMatchObject([{ code: Code.OK }]);
  const query = { topic: '', transactionId: '', maxCount: 10 };
  const { transactions } = await group.drive(broker.transactions.listTransactions(query));
  expect(transactions.map(({ transactionId }) => transactionId)).toEqual(['half']);
  await group.sim.advance(60_500);
  expect(idsOf(await group.pop(replica, 'g', 't'))).toEqual(expect.arrayContaining(['late']));
});

test('the old master comes back as a replica and cuts what nobody else has', async () => {
  const group = new ReplicaGroup();
  const [master, replica] = await group.masterAndReplica();
  await withTopic(group, master);
  await group.send(master, 't', 'm1');
  group.unreachable.add(1);
  replica.cutStreams();
  const lost = master.broker.send(sendRequest('t', 'lost'));
  lost.catch(() => undefined);
  await group.sim.settle();
  expect(master.endPosition).toBeGreaterThan(replica.endPosition);
  group.kill(0);
  group.unreachable.clear();
  await promote(group, replica, 2);
  await group.send(replica, 't', 'm2');

  const back = await group.start(0);
  await group.drive(back.host.follow({ replicaId: 1, address: 'host:1' }, 0));
  await group.inSync(replica, 2);
  expect(back.endPosition).toBe(replica.endPosition);
  expect(back.replica.epochs).toEqual(replica.replica.epochs);
  group.kill(1);
  await group.drive(back.host.lead(3, [0]));
  expect(idsOf(await group.pop(back, 'g', 't'))).toEqual(['m1', 'm2']);
});

test('a new master waits a second for members of its set, and not for the one whose leadership has ended', async () => {
  const waitMs = async (lost?: number): Promise<number> => {
    const group = new ReplicaGroup();
    const [master, replica] = await group.masterAndReplica();
    await withTopic(group, master);
    await group.send(master, 't', 'of which the replica does not know yet that it is confirmed');
    group.kill(0);
    const fromMs = group.sim.clock.monotonicMs();
    await group.drive(replica.host.lead(2, [0, 1], lost));
    return group.sim.clock.monotonicMs() - fromMs;
  };
  expect(await waitMs()).toBeGreaterThanOrEqual(1000);
  expect(await waitMs(0)).toBeLessThan(500);
});

test('a master that is told to follow hands over all it has', async () => {
  const group = new ReplicaGroup();
  const [master, replica] = await group.masterAndReplica();
  await withTopic(group, master);
  await group.send(master, 't', 'm1');
  await group.drive(master.host.follow({ replicaId: 1, address: 'host:1' }, 0));
  expect(master.host.leader()).toBeUndefined();
  expect(replica.endPosition).toBe(master.endPosition);
  await promote(group, replica, 2);
  await group.inSync(replica, 2);
  expect(idsOf(await group.pop(replica, 'g', 't'))).toEqual(['m1']);
});

test('answers that wait for a replica come once it is out of the set', async () => {
  const group = new ReplicaGroup({ settings: { ackTimeoutMs: 20_000 } });
  const [master] = await group.masterAndReplica();
  await withTopic(group, master);
  group.kill(1);
  await group.send(master, 't', 'm1');
  expect(master.host.status().inSync).toEqual([0]);
});

test('async answers wait for nobody', async () => {
  const group = new ReplicaGroup({ settings: { ack: 'async', lagMs: 60_000 } });
  const [master, replica] = await group.masterAndReplica();
  await withTopic(group, master);
  group.unreachable.add(1);
  replica.cutStreams();
  const { wallMs } = group.sim.clock;
  const before = wallMs();
  await group.send(master, 't', 'm1');
  expect(wallMs() - before).toBeLessThan(1000);
});

test('a replica without anything in the log that is left begins anew, with what was removed', async () => {
  const retention = { ...DEFAULT_RETENTION, keepMs: 1000, warnPercent: -1 };
  const group = new ReplicaGroup({ store: { retention } });
  const master = await group.start(0);
  await group.drive(master.host.lead(1, [0]));
  await withTopic(group, master);
  for (let i = 0; i < 300; i++) {
    await group.drive(
      master.broker.send({
        queueId: 0,
        draft: messageDraft('t', `m${i}`, '', { pad: 'x'.repeat(900) }),
      }),
    );
  }
  await group.until(() => master.replica.log.minPosition > 0, 300_000);
  const replica = await group.start(1);
  const { storeId } = replica.replica;
  await group.drive(replica.host.follow({ replicaId: 0, address: 'host:0' }, 0));
  await group.inSync(master, 2);
  expect(replica.replica.log.minPosition).toBe(master.replica.log.minPosition);
  expect(replica.replica.storeId).not.toBe(storeId);
  await group.until(() => replica.replica.store.visible === master.endPosition);
  const offsets = (of: TestReplica): readonly number[] => {
    const { store } = of.replica;
    return [store.minOffset('t', 0), store.maxOffset('t', 0)];
  };
  expect(offsets(replica)).toEqual(offsets(master));
  group.kill(0);
  await promote(group, replica, 2);
  expect((await replica.broker.listTopics()).map(({ name }) => name)).toContain('t');
});

test('a store with a log of its own is not thrown away', async () => {
  const group = new ReplicaGroup();
  const [one, other] = [await group.start(0), await group.start(1)];
  await group.drive(one.host.lead(1, [0]));
  await group.drive(other.host.lead(2, [1]));
  await withTopic(group, one);
  await withTopic(group, other);
  const { endPosition } = one;
  await group.drive(one.host.follow({ replicaId: 1, address: 'host:1' }, 0));
  await group.sim.advance(3000);
  expect(one.endPosition).toBeGreaterThanOrEqual(endPosition);
  expect(other.host.status().inSync).toEqual([1]);
});

test('a replica tells what it is', async () => {
  const group = new ReplicaGroup();
  const [master, replica] = await group.masterAndReplica();
  await group.sim.advance(2000);
  expect(master.host.status()).toMatchObject({
    role: 'master',
    epoch: 1,
    inSync: [0, 1],
    followers: [{ replicaId: 1, address: 'host:1', connected: true, inSync: true, lagBytes: 0 }],
  });
  expect(replica.host.status()).toMatchObject({ role: 'replica', epoch: 1, inSync: [0, 1] });
});

test('a master rests before it opens its store anew: whoever leads next does not wait for that', async () => {
  const group = new ReplicaGroup();
  const [master, replica] = await group.masterAndReplica();
  await withTopic(group, master);
  const reopen = jest.spyOn(master.replica, 'reopen');
  await group.drive(master.host.rest());
  expect(reopen).not.toHaveBeenCalled();
  await promote(group, replica, 2);
  await group.drive(master.host.follow({ replicaId: 1, address: 'host:1' }, 2));
  expect(reopen).toHaveBeenCalledTimes(1);
  await group.inSync(replica, 2);
});

test.each([
  ['hands over makes nothing ready for Apache RocketMQ: others wait for it', true],
  ['ends with its group does', false],
])('a master that %s', async (_, handsOver) => {
  const group = new ReplicaGroup();
  const [master] = await group.masterAndReplica();
  await withTopic(group, master);
  const deliverMs = `${group.sim.clock.wallMs() + 60_000}`;
  const late = messageDraft('t', 'late', '', { [Property.TIMER_DELIVER_MS]: deliverMs });
  await group.drive(master.broker.send({ queueId: 0, draft: late }));
  await group.drive(master.host.rest(handsOver));
  const made = await group.files.get(0)?.stat('/broker/config/timercheck');
  expect(made === undefined).toBe(handsOver);
});

test('a master that hands over tells where its last snapshot begins', async () => {
  const group = new ReplicaGroup();
  const [master, replica] = await group.masterAndReplica();
  await withTopic(group, master);
  await group.send(master, 't', 'm1');
  const note = async (id: number): Promise<string> =>
    String(await group.files.get(id)?.readFile('/broker/gantry/views.json'));
  await group.drive(master.host.rest(true));
  const last = await note(0);
  await group.drive(replica.replica.viewsNoted);
  expect(await note(1)).toEqual(last);
});
