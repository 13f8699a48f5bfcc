import { Property } from '../../../../src/message/properties';
import { Code } from '../../../../src/message/status';
import { ReplicaWaits } from '../../../../src/broker/replication/replica-waits';
import { follow } from '../../../support/follow';
import { groupConfig } from '../../../support/model-broker';
import { ReplicaGroup, sendRequest, type TestReplica } from '../../../support/replica-group';
import { SimClock } from '../../../support/sim-clock';
import { idsOf, messageDraft } from '../../../support/test-broker';

const LATE_MS = 1000;

interface Scene {
  readonly group: ReplicaGroup;
  readonly sim: ReplicaGroup['sim'];
  readonly master: TestReplica;
  readonly replica: TestReplica;
  /** Of the message that is held. */
  readonly receiptHandle: string;
}

/** A master with one in-sync replica, topics of each kind, a group that holds `held`, and an open transaction `half`. */
async function ready(minInSync = 1, ackTimeoutMs = LATE_MS): Promise<Scene> {
  const group = new ReplicaGroup({ settings: { lagMs: 60_000, ackTimeoutMs, minInSync } });
  const [master, replica] = await group.masterAndReplica();
  await group.drive(master.broker.putTopic({ name: 't', type: 'NORMAL', queues: 1 }));
  await group.drive(master.broker.putTopic({ name: 'tx', type: 'TRANSACTION', queues: 1 }));
  await group.drive(master.broker.putGroup(groupConfig('g', { startFrom: 'beginning' })));
  const subscriptions = [{ topic: 't', filter: { type: 'TAG' as const, expression: '*' } }];
  const subscribe = { group: 'g', clientId: 'client-1', subscriptions, fifoIfNew: false };
  await group.drive(master.broker.subscribe(subscribe));
  await group.send(master, 't', 'held');
  const [held] = await group.pop(master, 'g', 't');
  const half = { queueId: 0, draft: messageDraft('tx', 'half') };
  await group.drive(master.broker.transactions.prepare(half));
  return { group, sim: group.sim, master, replica, receiptHandle: held?.receiptHandle ?? '' };
}

type Write = (master: TestReplica, scene: Scene) => Promise<unknown>;

const messages: readonly [string, Write][] = [
  ['a message', ({ broker }) => broker.send(sendRequest('t', 'm1'))],
  [
    'a delayed message',
    ({ broker }, { sim }) => {
      const due = { [Property.TIMER_DELIVER_MS]: `${sim.clock.wallMs() + 60_000}` };
      return broker.send({ queueId: 0, draft: messageDraft('t', 'late', '', due) });
    },
  ],
  [
    'a message of a group',
    ({ broker }) =>
      broker.send({
        queueId: 0,
        draft: messageDraft('t', 'f1', '', { [Property.SHARDINGKEY]: 'one' }),
      }),
  ],
  [
    'a half message',
    ({ broker }) =>
      broker.transactions.prepare({ queueId: 0, draft: messageDraft('tx', 'another') }),
  ],
  [
    'a commit',
    ({ broker }) =>
      broker.transactions.endTransaction({
        ...{ topic: 'tx', transactionId: 'half', resolution: 'commit' },
      }),
  ],
];

const changes: readonly [string, Write][] = [
  [
    'an acknowledgement',
    ({ broker }, { receiptHandle }) =>
      broker.ack({ group: 'g', topic: 't', entries: [{ receiptHandle, messageId: '' }] }),
  ],
  [
    'a change of the invisible duration',
    ({ broker }, { receiptHandle }) =>
      broker.changeInvisible({
        ...{ group: 'g', topic: 't', receiptHandle, messageId: '' },
        ...{ invisibleMs: 60_000, suspend: false },
      }),
  ],
  [
    'an offset',
    ({ broker }) =>
      broker.offsets.update({
        ...{ group: 'g', topic: 't', queueId: 0, offset: 1, clientId: 'client-1' },
      }),
  ],
];

test.each([...messages, ...changes])(
  'is not answered OK before the replica has it: %s',
  async (_, write) => {
    const scene = await ready();
    const { group, master, replica } = scene;
    const { endPosition } = replica;
    await group.drive(write(master, scene));
    expect(replica.replica.log.syncedPosition).toBe(master.endPosition);
    expect(replica.replica.log.syncedPosition).toBeGreaterThan(endPosition);
  },
);

test.each([...messages, ...changes])(
  'is stored, and late, when the replica does not take it: %s',
  async (_, write) => {
    const scene = await ready();
    const { group, master, replica } = scene;
    replica.stall();
    const { endPosition } = master;
    const answer = follow(write(master, scene));
    await group.sim.advance(LATE_MS - 10);
    expect(answer.done).toBe(false);
    await group.sim.advance(20);
    expect(answer.error).toMatchObject({
      code: Code.SLAVE_PERSISTENCE_TIMEOUT,
      message: 'stored, but not all replicas in sync have it after 1000 ms',
    });
    expect(master.endPosition).toBeGreaterThan(endPosition);
  },
);

test.each(messages)(
  'is refused before it is stored while too few are in sync: %s',
  async (_, write) => {
    const scene = await ready(2);
    const { group, master } = scene;
    group.kill(1);
    await group.inSync(master, 1);
    const { endPosition } = master;
    await expect(group.drive(write(master, scene))).rejects.toMatchObject({
      code: Code.INTERNAL_SERVER_ERROR,
      message:
        'the message was not stored: 1 replica is in sync, the master counted, replication.minInSync is 2',
    });
    expect(master.endPosition).toBe(endPosition);
  },
);

test.each(changes)('goes on while too few are in sync: %s', async (_, write) => {
  const scene = await ready(2);
  const { group, master } = scene;
  group.kill(1);
  await group.inSync(master, 1);
  await group.drive(write(master, scene));
});

test('a send is not answered OK when its replica leaves the set and too few are left', async () => {
  const { group, master } = await ready(2, 3 * LATE_MS);
  group.kill(1);
  const answer = follow(master.broker.send(sendRequest('t', 'm1')));
  await group.inSync(master, 1);
  expect(answer.error).toMatchObject({
    code: Code.HA_NOT_AVAILABLE,
    message: 'stored, but 1 replica is in sync, the master counted, replication.minInSync is 2',
  });
});

test('a repeated send waits as the first one did, and is stored once', async () => {
  const { group, master, replica } = await ready();
  replica.stall();
  const first = follow(master.broker.send(sendRequest('t', 'm1')));
  await group.sim.advance(LATE_MS);
  const { endPosition } = master;
  const again = follow(master.broker.send(sendRequest('t', 'm1')));
  await group.sim.advance(LATE_MS - 10);
  expect(again.done).toBe(false);
  await group.sim.advance(20);
  const code = Code.SLAVE_PERSISTENCE_TIMEOUT;
  expect([first.error, again.error]).toMatchObject([{ code }, { code }]);
  expect(master.endPosition).toBe(endPosition);
});

test('consumers see a message when all in sync have it, not before', async () => {
  const { group, master, replica } = await ready();
  replica.stall();
  follow(master.broker.send(sendRequest('t', 'm1')));
  const poll = follow(group.pop(master, 'g', 't', { pollMs: 20_000 }));
  await group.sim.advance(1500);
  expect(poll.done).toBe(false);
  replica.stall(false);
  await group.sim.advance(100);
  expect(idsOf(poll.value ?? [])).toEqual(['m1']);
});

test('what waits for replicas is bounded: beyond it messages are refused, until they have caught up', async () => {
  const bytes = 10_000;
  const group = new ReplicaGroup({
    settings: { lagMs: 60_000 },
    store: { maxUnwrittenBytes: bytes },
  });
  const [master, replica] = await group.masterAndReplica();
  await group.drive(master.broker.putTopic({ name: 't', type: 'NORMAL', queues: 1 }));
  replica.stall();
  const sends = Array.from({ length: 100 }, (_, i) =>
    follow(master.broker.send(sendRequest('t', `m${i}`))),
  );
  await group.sim.settle();
  const refused = sends.filter(({ done }) => done);
  expect(refused.length).toBeGreaterThan(0);
  expect(sends.at(-1)?.error).toMatchObject({
    code: Code.TOO_MANY_REQUESTS,
    message: expect.stringMatching(
      /^\d+ bytes wait for the disk or for replicas, the limit is 10000$/,
    ) as string,
  });
  expect(master.endPosition - replica.endPosition).toBeLessThan(bytes + 1000);
  replica.stall(false);
  await group.sim.advance(100);
  expect(sends.filter(({ error }) => error === undefined)).toHaveLength(100 - refused.length);
  await group.send(master, 't', 'another');
});

test('a disk of the master that is late is named', async () => {
  const sim = new SimClock();
  const never = new Promise<void>(() => undefined);
  const replicated = { writtenPosition: 200, syncedPosition: 100 };
  const waits = new ReplicaWaits(
    { members: [0, 1], membersThere: 1 },
    { durable: () => never, replicated },
    {
      ...{ brokerName: 'a', replicaId: 0, address: 'host:0', ack: 'sync', minInSync: 1 },
      ...{ ackTimeoutMs: LATE_MS, lagMs: 5000, windowBytes: 1024, syncedAcks: true },
    },
    sim,
  );
  const answer = follow(waits.durable(200));
  await sim.advance(LATE_MS);
  expect(answer.error).toMatchObject({
    code: Code.MASTER_PERSISTENCE_TIMEOUT,
    message: "stored, but the master's disk does not have it after 1000 ms",
  });
});

test('no replica that is there is told from one that is slow', async () => {
  const group = new ReplicaGroup({ settings: { ackTimeoutMs: 500 } });
  const [master] = await group.masterAndReplica();
  await group.drive(master.broker.putTopic({ name: 't', type: 'NORMAL', queues: 1 }));
  group.kill(1);
  const answer = follow(master.broker.send(sendRequest('t', 'm1')));
  await group.sim.advance(510);
  expect(answer.error).toMatchObject({
    code: Code.HA_NOT_AVAILABLE,
    message: 'stored, but no replica is there after 500 ms',
  });
});
