import { NotMasterError } from '../../../../src/api/not-master';
import { Code } from '../../../../src/message/status';
import { groupConfig } from '../../../support/model-broker';
import { sendRequest } from '../../../support/replica-group';
import { STAND_IN_MS, StandInScene } from '../../../support/stand-in-scene';
import { messageDraft, popRequest } from '../../../support/test-broker';

const FILTER = { type: 'TAG', expression: '*' } as const;
const signal = new AbortController().signal;

describe('a replica whose master is away', () => {
  it('stands in after the time that is set, and tells what it serves', async () => {
    const scene = await StandInScene.start();
    await scene.send('m1');
    await scene.group.sim.advance(1500);
    scene.group.kill(0);
    await scene.group.sim.advance(STAND_IN_MS - 100);
    expect(scene.replica.host.standIn).toBeUndefined();
    await scene.group.sim.advance(200);
    await scene.standsIn();
    const { topics, confirmedPosition } = scene.group.standIns.get(1) ?? {};
    expect(topics?.map(({ name }) => name)).toEqual(['t']);
    expect(confirmedPosition).toBe(scene.replica.endPosition);
    expect(scene.replica.host.status()).toMatchObject({ role: 'stand-in', replicaId: 1 });
  });

  it('delivers what nobody has finished, takes acknowledgements, and adds nothing to the log', async () => {
    const scene = await StandInScene.start();
    await scene.send('m1', 'm2', 'm3', 'm4');
    const before = await scene.receive(scene.master.broker, { maxMessages: 2 });
    await scene.ack(scene.master.broker, before.slice(0, 1));
    const standIn = await scene.loseMaster();
    const end = scene.replica.endPosition;
    // Delivered by the master, acknowledged here.
    expect(await scene.ack(standIn, before)).toMatchObject([{ code: Code.OK }, { code: Code.OK }]);
    const rest = await scene.receive(standIn);
    expect(rest).toHaveLength(2);
    expect(await scene.ack(standIn, rest)).toMatchObject([{ code: Code.OK }, { code: Code.OK }]);
    await scene.group.sim.advance(30_000);
    expect(await scene.received(standIn)).toEqual([]);
    expect(scene.replica.endPosition).toBe(end);
  });

  it('delivers again what is not acknowledged in time, or given back', async () => {
    const scene = await StandInScene.start();
    await scene.send('m1', 'm2');
    const standIn = await scene.loseMaster();
    const [first, second] = await scene.receive(standIn, { invisibleMs: 10_000 });
    const entry = { group: 'g', topic: 't', messageId: '' };
    const later = { ...entry, receiptHandle: second?.receiptHandle ?? '', suspend: false };
    const handle = await scene.group.drive(
      standIn.changeInvisible({ ...later, invisibleMs: 60_000 }),
    );
    await scene.group.sim.advance(10_500);
    const again = await scene.receive(standIn);
    expect(again.map(({ attempt }) => attempt)).toEqual([2]);
    expect(again[0]?.record).toEqual(first?.record);
    expect(await scene.ack(standIn, [...(second ? [second] : [])])).toMatchObject([
      { code: Code.INVALID_RECEIPT_HANDLE },
    ]);
    const renewed = await scene.group.drive(
      standIn.ack({ group: 'g', topic: 't', entries: [{ receiptHandle: handle, messageId: '' }] }),
    );
    expect(renewed).toMatchObject([{ code: Code.OK }]);
  });

  it('holds a message whose last attempt is over until the master is back', async () => {
    const scene = await StandInScene.start();
    await scene.consumers(groupConfig('g', { startFrom: 'beginning', maxAttempts: 1 }), 't');
    await scene.send('m1');
    const standIn = await scene.loseMaster();
    expect(await scene.received(standIn, { invisibleMs: 10_000 })).toEqual(['m1']);
    await scene.group.sim.advance(120_000);
    expect(await scene.received(standIn)).toEqual([]);
    await scene.returnMaster();
    expect(await scene.received(scene.master.broker)).toEqual(['m1']);
  });

  it.each([
    ['a FIFO group', 'fifo'],
    ['a group that has not begun', 'new'],
  ])('lets %s wait for the master', async (_what, name) => {
    const scene = await StandInScene.start();
    await scene.consumers(groupConfig('fifo', { startFrom: 'beginning', fifo: true }), 't');
    await scene.send('m1');
    const standIn = await scene.loseMaster();
    const subscriptions = [{ topic: 't', filter: FILTER }];
    const client = { clientId: 'client-1', fifoIfNew: false };
    expect(await standIn.subscribe({ group: name, subscriptions, ...client })).toMatchObject({
      name,
      fifo: name === 'fifo',
    });
    const beganMs = scene.group.sim.clock.monotonicMs();
    expect(await scene.received(standIn, { group: name, pollMs: 3000 })).toEqual([]);
    expect(scene.group.sim.clock.monotonicMs() - beganMs).toBeGreaterThanOrEqual(3000);
    expect((await standIn.listGroups()).map((group) => group.name)).toEqual(['g', 'fifo']);
  });

  it('lets clients of lite topics wait for the master', async () => {
    const scene = await StandInScene.start();
    await scene.topic({ name: 'l', type: 'LITE', queues: 1 });
    await scene.consumers(groupConfig('lite', { liteTopic: 'l' }), 'l');
    const standIn = await scene.loseMaster();
    expect(await scene.received(standIn, { group: 'lite', topic: 'l', pollMs: 100 })).toEqual([]);
  });

  it('answers a receive of a topic that is not there', async () => {
    const scene = await StandInScene.start();
    const standIn = await scene.loseMaster();
    await expect(scene.receive(standIn, { topic: 'other' })).rejects.toMatchObject({
      code: Code.TOPIC_NOT_FOUND,
    });
  });

  it('reads queues, and keeps offsets that go forward', async () => {
    const scene = await StandInScene.start();
    await scene.send('m1', 'm2', 'm3');
    const { offsets } = await scene.loseMaster();
    const queue = { group: 'g', topic: 't', queueId: 0 };
    const pull = { clientId: 'c', filter: FILTER, maxMessages: 32, pollMs: 0 };
    const pulled = await scene.group.drive(offsets.pull({ ...queue, ...pull, offset: 1 }, signal));
    expect(pulled).toMatchObject({ nextOffset: 3 });
    await scene.group.drive(offsets.update({ ...queue, offset: 2, clientId: 'c' }));
    expect(await offsets.get(queue)).toBe(2);
    expect(await offsets.query({ ...queue, policy: { at: 'end' } })).toBe(3);
    const back = offsets.update({ ...queue, offset: 1, clientId: 'c' });
    await expect(back).rejects.toMatchObject({ code: Code.HA_NOT_AVAILABLE });
    const unknown = offsets.update({ ...queue, group: 'new', offset: 1, clientId: 'c' });
    await expect(unknown).rejects.toMatchObject({ code: Code.HA_NOT_AVAILABLE });
    await scene.returnMaster();
    expect(await scene.master.broker.offsets.get(queue)).toBe(2);
  });

  it('refuses what needs the log, and says that the master is away', async () => {
    const scene = await StandInScene.start();
    await scene.send('m1');
    const api = await scene.loseMaster();
    const held = await scene.receive(api);
    const handle = { messageId: '', receiptHandle: held[0]?.receiptHandle ?? '' };
    const of = { group: 'g', topic: 't' };
    const refused: readonly Promise<unknown>[] = [
      api.send(sendRequest('t', 'm2')),
      api.recall({ topic: 't', messageId: 'm', deliverMs: 1 }),
      api.listDelayed({ topic: 't', messageId: '', maxMessages: 1 }),
      api.forwardToDeadLetterQueue({ ...of, ...handle }),
      api.syncLite({ ...of, clientId: 'c', change: 'set', liteTopics: [] }),
      api.groupProgress({ ...of, generation: 1, pollMs: 0 }, signal),
      api.putTopic({ name: 'n', type: 'NORMAL', queues: 1 }),
      api.deleteTopic('t'),
      api.setDraining(true),
      api.putGroup(groupConfig('n')),
      api.deleteGroup('g'),
      api.transactions.prepare({ queueId: 0, draft: messageDraft('t', 'half') }),
      api.transactions.endTransaction({ topic: 't', transactionId: 'x', resolution: 'commit' }),
      api.transactions.takeChecks({ proxyId: 'p', topics: [], pollMs: 0 }, signal),
      api.transactions.reportChecks([]),
      api.transactions.listTransactions({ topic: '', transactionId: '', maxCount: 1 }),
      api.offsets.reset({ ...of, queueId: 0, to: { at: 'beginning' }, dryRun: false }),
      api.inspect.forget(of),
      api.inspect.holdings(),
    ];
    for (const [i, outcome] of (await Promise.allSettled(refused)).entries()) {
      expect([i, outcome.status]).toEqual([i, 'rejected']);
      if (outcome.status === 'fulfilled') continue;
      expect(outcome.reason).toMatchObject({ code: Code.HA_NOT_AVAILABLE });
      expect(outcome.reason).not.toBeInstanceOf(NotMasterError);
      expect(String(outcome.reason)).toContain('master of broker a is away');
    }
  });

  it('tells operators how far groups are', async () => {
    const scene = await StandInScene.start();
    await scene.send('m1', 'm2');
    const api = await scene.loseMaster();
    await scene.ack(api, await scene.receive(api, { maxMessages: 1 }));
    const [lag] = await scene.group.drive(api.inspect.groupLag({ group: 'g', topics: [] }));
    expect(lag?.queues).toMatchObject([{ committed: 1, maxOffset: 2, ready: 1 }]);
    expect(await api.inspect.begun({ group: 'g', topic: '' })).toEqual([
      { group: 'g', topic: 't' },
    ]);
    expect((await scene.group.drive(api.inspect.topicStatus('t'))).queues).toMatchObject([
      { queueId: 0, maxOffset: 2 },
    ]);
    await api.probe();
  });

  it('goes on after a restart where its journal ends', async () => {
    const scene = await StandInScene.start({ settings: { ack: 'async' } });
    await scene.send('m1', 'm2', 'm3');
    const standIn = await scene.loseMaster();
    const [first] = await scene.receive(standIn, { maxMessages: 2, invisibleMs: 60_000 });
    await scene.ack(standIn, first === undefined ? [] : [first]);
    await scene.restartReplica();
    await scene.standsIn();
    const again = scene.replica.standIn;
    expect(await scene.received(again)).toEqual(['m3']);
    await scene.group.sim.advance(60_000);
    expect(await scene.received(again)).toEqual(expect.arrayContaining(['m2']));
    await scene.returnMaster();
    expect(await scene.received(scene.master.broker)).toEqual(['m2', 'm3']);
  });

  it('does not stand in where only the master knows what is confirmed', async () => {
    const scene = await StandInScene.start({ settings: { ack: 'sync' } });
    await scene.send('m1');
    scene.group.kill(0);
    await scene.restartReplica();
    await scene.group.sim.advance(60_000);
    expect(scene.group.standIns.size).toBe(0);
    expect(scene.replica.host.standIn).toBeUndefined();
  });

  it('does not show what is not confirmed', async () => {
    const scene = await StandInScene.start();
    await scene.send('m1');
    await scene.group.sim.advance(1500);
    // Another replica that does not answer keeps what comes from being confirmed.
    const sent = scene.master.broker.send(sendRequest('t', 'unconfirmed'));
    sent.catch(() => undefined);
    await scene.group.until(() => scene.replica.endPosition === scene.master.endPosition);
    const { visible } = scene.replica.replica.store;
    scene.group.kill(0);
    await scene.standsIn();
    expect(visible).toBeLessThan(scene.replica.endPosition);
    expect(await scene.received(scene.replica.standIn)).toEqual(['m1']);
  });

  it('ends receives that wait as soon as the master is there, for proxies to ask that', async () => {
    const scene = await StandInScene.start();
    const standIn = await scene.loseMaster();
    const waiting = standIn.pop(popRequest('g', 't', { pollMs: 600_000 }), signal);
    const ended = expect(waiting).rejects.toBeInstanceOf(NotMasterError);
    await scene.startMaster();
    await scene.group.until(() => scene.replica.host.standIn === undefined);
    await scene.group.sim.settle();
    await ended;
    await expect(standIn.probe()).rejects.toBeInstanceOf(NotMasterError);
  });
});
