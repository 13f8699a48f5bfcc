import { CHECKPOINT, parseCheckpoint } from '../../../../src/broker/timer/timer-checkpoint';
import { Property } from '../../../../src/message/properties';
import { ReplicaGroup, sendRequest, type TestReplica } from '../../../support/replica-group';
import { messageDraft } from '../../../support/test-broker';

const STEP_BYTES = 4096;

async function withTopics(group: ReplicaGroup, master: TestReplica): Promise<void> {
  for (const name of ['t', 'busy']) {
    await group.drive(master.broker.putTopic({ name, type: 'NORMAL', queues: 1 }));
  }
}

async function sendLate(
  group: ReplicaGroup,
  to: TestReplica,
  id: string,
  inMs: number,
): Promise<void> {
  const deliverMs = `${group.sim.clock.wallMs() + inMs}`;
  const draft = messageDraft('t', id, '', { [Property.TIMER_DELIVER_MS]: deliverMs });
  await group.drive(to.broker.send({ queueId: 0, draft }));
}

async function sendMany(
  group: ReplicaGroup,
  to: TestReplica,
  from: number,
  count: number,
): Promise<void> {
  const sends = Array.from({ length: count }, (_, i) => sendRequest('busy', `b${from + i}`));
  await group.drive(Promise.all(sends.map((send) => to.broker.send(send))));
}

/** Up to where the replica's index of delayed messages tells all. */
async function indexedTo(group: ReplicaGroup, id: number): Promise<number> {
  const path = `/broker/gantry/timer/${CHECKPOINT}`;
  return parseCheckpoint(await group.files.get(id)?.readFile(path))?.position ?? 0;
}

/** Bytes of the log that a replica reads in order to lead. */
async function readToLead(group: ReplicaGroup, replica: TestReplica): Promise<number> {
  const { store } = replica.replica;
  let bytes = 0;
  const replay = store.replay.bind(store);
  jest.spyOn(store, 'replay').mockImplementation((topics, from, visit, to) => {
    const counted = (record: Buffer): void => {
      bytes += record.length;
      visit(record);
    };
    return replay(topics, from, counted, to);
  });
  await group.drive(replica.host.lead(2, [1]));
  return bytes;
}

test('a replica that has followed reads little of a long log to lead', async () => {
  const group = new ReplicaGroup();
  const [master, replica] = await group.masterAndReplica();
  await withTopics(group, master);
  await sendLate(group, master, 'late', 600_000);
  for (let i = 0; i < 10; i++) {
    await sendMany(group, master, i * 50, 50);
    await sendLate(group, master, `late-${i}`, 600_000);
    await group.sim.advance(1500);
  }
  expect(replica.endPosition).toBeGreaterThan(15 * STEP_BYTES);
  expect(await indexedTo(group, 1)).toBeGreaterThan(replica.endPosition - 3 * STEP_BYTES);
  group.kill(0);
  expect(await readToLead(group, replica)).toBeLessThan(8 * STEP_BYTES);
});

test('it knows what is delayed and what was sent, delivers and stores nothing twice', async () => {
  const group = new ReplicaGroup();
  const [master, replica] = await group.masterAndReplica();
  await withTopics(group, master);
  await sendLate(group, master, 'early', 2_000);
  await sendLate(group, master, 'late', 60_000);
  for (let i = 0; i < 4; i++) {
    await sendMany(group, master, i * 50, 50);
    await group.sim.advance(1500);
  }
  expect(await indexedTo(group, 1)).toBeGreaterThan(2 * STEP_BYTES);
  group.kill(0);
  await group.drive(replica.host.lead(2, [1]));
  await sendMany(group, replica, 0, 200);
  await sendLate(group, replica, 'late', 54_000);
  expect(replica.replica.store.maxOffset('busy', 0)).toBe(200);
  await group.sim.advance(61_000);
  expect(replica.replica.store.maxOffset('t', 0)).toBe(2);
});

test('what was sent before it followed is known as well', async () => {
  const group = new ReplicaGroup();
  const [master] = await group.masterAndReplica();
  await withTopics(group, master);
  await sendMany(group, master, 0, 10);
  group.kill(1);
  const again = await group.start(1);
  await group.drive(again.host.follow({ replicaId: 0, address: 'host:0' }, 0));
  await group.inSync(master, 2);
  await sendMany(group, master, 10, 10);
  group.kill(0);
  await group.drive(again.host.lead(2, [1]));
  await sendMany(group, again, 0, 20);
  expect(again.replica.store.maxOffset('busy', 0)).toBe(20);
});

test('with a log that was cut it begins anew', async () => {
  const group = new ReplicaGroup({ settings: { ack: 'async' } });
  const [master, replica] = await group.masterAndReplica();
  await withTopics(group, master);
  await sendMany(group, master, 0, 100);
  await group.sim.advance(1500);
  group.unreachable.add(1);
  replica.cutStreams();
  await sendMany(group, master, 100, 100);
  await sendLate(group, master, 'lost', 2_000);
  group.kill(0);
  group.unreachable.clear();
  await group.drive(replica.host.lead(2, [1]));
  await sendMany(group, replica, 200, 10);

  const back = await group.start(0);
  await group.drive(back.host.follow({ replicaId: 1, address: 'host:1' }, 0));
  await group.inSync(replica, 2);
  for (let i = 0; i < 4; i++) {
    await sendMany(group, replica, 210 + i * 50, 50);
    await group.sim.advance(1500);
  }
  expect(await indexedTo(group, 0)).toBeGreaterThan(back.endPosition - 3 * STEP_BYTES);
  group.kill(1);
  await group.drive(back.host.lead(3, [0]));
  await sendMany(group, back, 0, 410);
  // The hundred that were cut off are stored now, all others are known.
  expect(back.replica.store.maxOffset('busy', 0)).toBe(410);
  expect(back.replica.store.maxOffset('t', 0)).toBe(0);
});

test('without a duplicate window nothing is learnt for it', async () => {
  const group = new ReplicaGroup({ broker: { dedupWindowMs: 0 } });
  const [master, replica] = await group.masterAndReplica();
  await withTopics(group, master);
  await sendMany(group, master, 0, 10);
  expect(replica.replica.warmViews.sends).toBeUndefined();
  group.kill(0);
  await group.drive(replica.host.lead(2, [1]));
  await sendMany(group, replica, 0, 10);
  expect(replica.replica.store.maxOffset('busy', 0)).toBe(20);
});
