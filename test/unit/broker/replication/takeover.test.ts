/** What a replica that takes over from a master that was killed knows of FIFO receives and of recalls. */
import { StaticRoles } from '../../../../src/broker/replication/static-roles';
import { Property } from '../../../../src/message/properties';
import { Code } from '../../../../src/message/status';
import { follow } from '../../../support/follow';
import { groupConfig } from '../../../support/model-broker';
import { ReplicaGroup, sendRequest, type TestReplica } from '../../../support/replica-group';
import { idsOf, messageDraft } from '../../../support/test-broker';

interface Scene {
  readonly group: ReplicaGroup;
  readonly master: TestReplica;
  readonly replica: TestReplica;
  /** Kills the master and lets the replica lead. */
  takeOver(): Promise<void>;
}

const DUE_MS = 60_000;

async function scene(type: 'FIFO' | 'DELAY'): Promise<Scene> {
  const group = new ReplicaGroup({ settings: { ackTimeoutMs: 60_000, lagMs: 60_000 } });
  const [master, replica] = await group.masterAndReplica();
  await group.drive(master.broker.putTopic({ name: 't', type, queues: 1 }));
  const fifo = type === 'FIFO';
  await group.drive(master.broker.putGroup(groupConfig('g', { startFrom: 'beginning', fifo })));
  return {
    ...{ group, master, replica },
    takeOver: async () => {
      group.kill(0);
      await group.drive(replica.host.lead(2, [0, 1], 0));
    },
  };
}

async function send(
  { group, master }: Scene,
  id: string,
  properties: Readonly<Record<string, string>>,
): Promise<void> {
  const draft = messageDraft('t', id, '', properties);
  await group.drive(master.broker.send({ queueId: 0, draft }));
}

describe('FIFO receives', () => {
  async function sent(...ids: readonly string[]): Promise<Scene> {
    const at = await scene('FIFO');
    for (const id of ids) await send(at, id, { [Property.SHARDINGKEY]: id.slice(0, 1) });
    return at;
  }

  test('are answered when the replica knows of them', async () => {
    const { group, master, replica } = await sent('a1');
    replica.stall();
    const popped = follow(group.pop(master, 'g', 't'));
    await group.sim.advance(1000);
    expect(popped.done).toBe(false);
    replica.stall(false);
    await group.sim.advance(100);
    expect(idsOf(popped.value ?? [])).toEqual(['a1']);
  });

  test('hold their message groups over a takeover, and count their attempts', async () => {
    const at = await sent('a1', 'a2', 'b1');
    const { group, master, replica } = at;
    expect(idsOf(await group.pop(master, 'g', 't', { maxMessages: 1 }))).toEqual(['a1']);
    await at.takeOver();
    expect(idsOf(await group.pop(replica, 'g', 't'))).toEqual(['b1']);
    await group.sim.advance(10_000);
    const again = await group.pop(replica, 'g', 't', { maxMessages: 1 });
    expect([idsOf(again), again[0]?.attempt]).toEqual([['a1'], 2]);
  });

  test('are acknowledged at the next master, which gives what follows then', async () => {
    const at = await sent('a1', 'a2');
    const { group, master, replica } = at;
    const [first] = await group.pop(master, 'g', 't', { maxMessages: 1 });
    await at.takeOver();
    expect(idsOf(await group.pop(replica, 'g', 't'))).toEqual([]);
    const entries = [{ receiptHandle: first?.receiptHandle ?? '', messageId: 'a1' }];
    const acked = await group.drive(replica.broker.ack({ group: 'g', topic: 't', entries }));
    expect(acked).toMatchObject([{ code: Code.OK }]);
    expect(idsOf(await group.pop(replica, 'g', 't'))).toEqual(['a2']);
  });

  test('that are repeated at the next master get the answer of the first', async () => {
    const at = await sent('a1', 'a2');
    const { group, master, replica } = at;
    const repeated = { maxMessages: 1, attemptId: 'attempt-1' };
    expect(idsOf(await group.pop(master, 'g', 't', repeated))).toEqual(['a1']);
    await at.takeOver();
    const again = await group.pop(replica, 'g', 't', repeated);
    expect([idsOf(again), again[0]?.attempt]).toEqual([['a1'], 1]);
  });
});

describe('recalls', () => {
  async function delayed(): Promise<Scene & { readonly deliverMs: number }> {
    const at = await scene('DELAY');
    const deliverMs = at.group.sim.clock.wallMs() + DUE_MS;
    for (const id of ['m1', 'm2']) {
      await send(at, id, { [Property.TIMER_DELIVER_MS]: `${deliverMs}` });
    }
    return { ...at, deliverMs };
  }
  const recall = (of: TestReplica, messageId: string, deliverMs: number): Promise<unknown> =>
    of.broker.recall({ topic: 't', messageId, deliverMs });

  test('that were answered keep their messages from being delivered by the next master', async () => {
    const at = await delayed();
    const { group, master, replica, deliverMs } = at;
    await group.drive(recall(master, 'm1', deliverMs));
    await at.takeOver();
    await group.drive(recall(replica, 'm1', deliverMs));
    await group.sim.advance(DUE_MS);
    expect(idsOf(await group.pop(replica, 'g', 't'))).toEqual(['m2']);
  });

  test('of what the master before was given are taken by the next one, until it has delivered it', async () => {
    const at = await delayed();
    const { group, replica, deliverMs } = at;
    await at.takeOver();
    await group.drive(recall(replica, 'm1', deliverMs));
    await group.sim.advance(DUE_MS);
    expect(idsOf(await group.pop(replica, 'g', 't'))).toEqual(['m2']);
    await expect(group.drive(recall(replica, 'm2', deliverMs))).rejects.toMatchObject({
      code: Code.MESSAGE_NOT_FOUND,
    });
  });

  test('are answered when the replica knows of them', async () => {
    const { group, master, replica, deliverMs } = await delayed();
    replica.stall();
    const recalled = follow(recall(master, 'm1', deliverMs));
    await group.sim.advance(1000);
    expect(recalled.done).toBe(false);
    replica.stall(false);
    await group.sim.advance(100);
    expect([recalled.done, recalled.error]).toEqual([true, undefined]);
  });
});

describe('a master that was started again', () => {
  test('does not serve before its replicas have what was not answered', async () => {
    let setIsFixed = false;
    const changeInSync = (): Promise<void> =>
      setIsFixed ? Promise.reject(new Error('the lease service is away')) : Promise.resolve();
    const group = new ReplicaGroup({
      settings: { ackTimeoutMs: 60_000, lagMs: 60_000 },
      keeper: () =>
        Object.assign(new StaticRoles(false, { error: () => undefined }), { changeInSync }),
    });
    const [master, replica] = await group.masterAndReplica();
    await group.drive(master.broker.putTopic({ name: 't', type: 'NORMAL', queues: 1 }));
    await group.drive(master.broker.putGroup(groupConfig('g', { startFrom: 'beginning' })));
    replica.stall();
    const sent = follow(master.broker.send(sendRequest('t', 'm1')));
    await group.sim.advance(1000);
    expect(sent.done).toBe(false);

    setIsFixed = true;
    group.unreachable.add(1);
    group.kill(0);
    const again = await group.start(0);
    const leads = follow(again.host.lead(2, [0, 1]));
    await group.sim.advance(30_000);
    expect(again.host.leader()).toBeUndefined();

    setIsFixed = false;
    group.unreachable.clear();
    replica.stall(false);
    await group.until(() => leads.done);
    expect(idsOf(await group.pop(again, 'g', 't'))).toEqual(['m1']);
  });

  test('gives up waiting when another one leads', async () => {
    const group = new ReplicaGroup();
    const [master] = await group.masterAndReplica();
    await group.drive(master.broker.putTopic({ name: 't', type: 'NORMAL', queues: 1 }));
    group.kill(0);
    group.kill(1);
    const again = await group.start(0);
    const leads = follow(again.host.lead(2, [0, 1]));
    await group.sim.advance(100);
    await group.drive(again.host.follow({ replicaId: 1, address: 'host:1' }, 3));
    expect(String(leads.error)).toContain('the role of this replica changes');
    expect(again.host.status().role).toBe('replica');
  });
});
