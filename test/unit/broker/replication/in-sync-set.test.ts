import pino from 'pino';
import { InSyncSet, type Candidate } from '../../../../src/broker/replication/in-sync-set';
import type { ReplicationSettings } from '../../../../src/broker/replication/replication-settings';
import { StaticRoles } from '../../../../src/broker/replication/static-roles';
import { follow } from '../../../support/follow';
import { groupConfig } from '../../../support/model-broker';
import { ReplicaGroup, sendRequest, type TestReplica } from '../../../support/replica-group';
import { idsOf } from '../../../support/test-broker';

const SILENT = pino({ level: 'silent' });
const MIB = 1024 * 1024;
const END = 100 * MIB;

function candidate(changes: Partial<Candidate> = {}): Candidate {
  return {
    ...{ replicaId: 1, acknowledged: END, feeding: true, lagMs: 0, awayMs: 0, ...changes },
  };
}

/** A set of replica 0 and `members`; each change is agreed when the test says so. */
function scene(...members: number[]): {
  readonly set: InSyncSet;
  readonly asked: (readonly number[])[];
  readonly agree: (error?: Error) => Promise<void>;
} {
  const asked: (readonly number[])[] = [];
  let settle: ((error?: Error) => void) | undefined;
  const set = new InSyncSet(0, members, {
    ...{ log: SILENT, lagMs: 5000, changed: () => undefined },
    agree: (next) =>
      new Promise((resolve, reject) => {
        asked.push(next);
        settle = (error) => (error === undefined ? resolve() : reject(error));
      }),
  });
  return {
    ...{ set, asked },
    agree: async (error) => {
      settle?.(error);
      await new Promise(setImmediate);
    },
  };
}

describe('a change of the set that is not answered', () => {
  const gone = candidate({ feeding: false, awayMs: 5000 });
  const noAnswer = new Error('no answer');

  it('may be in force: one that was to join is waited for until a set without it is agreed', async () => {
    const { set, asked, agree } = scene();
    set.review([candidate()], END, END);
    set.review([gone], END, END);
    expect(set.waitedFor).toEqual([1]);
    await agree(noAnswer);
    set.review([gone], END, END);
    expect([set.waitedFor, asked]).toEqual([[1], [[0, 1], [0]]]);
    await agree();
    expect(set.waitedFor).toEqual([]);
  });

  it('is asked again as it is to be then: one that was to leave, and is back, stays', async () => {
    const { set, asked, agree } = scene(1);
    set.review([gone], END, END);
    await agree(noAnswer);
    set.review([candidate()], END, END);
    await agree();
    set.review([candidate()], END, END);
    expect([set.waitedFor, asked]).toEqual([[1], [[0], [0, 1]]]);
  });
});

describe('a set of replicas in sync', () => {
  it('waits for one that joins before it is agreed upon, and agrees when it has what is confirmed', async () => {
    const { set, asked, agree } = scene();
    set.review([candidate({ acknowledged: END - MIB })], END, END);
    expect([set.waitedFor, asked]).toEqual([[1], []]);
    set.review([candidate()], END, END);
    expect([asked, [...set.members]]).toEqual([[[0, 1]], [0]]);
    await agree();
    expect([...set.members]).toEqual([0, 1]);
  });

  it('does not wait for one that is far behind, nor for one that was lost while it joined', () => {
    const { set } = scene();
    set.review([candidate({ acknowledged: 0 })], END, END);
    expect(set.waitedFor).toEqual([]);
    set.review([candidate({ acknowledged: END - MIB })], END, END);
    set.review([candidate({ acknowledged: END - MIB, feeding: false })], END, END);
    expect(set.waitedFor).toEqual([]);
  });

  it.each([
    ['behind for as long as replication.lag', { lagMs: 5000 }, { lagMs: 4999 }],
    [
      'without a stream for a second',
      { feeding: false, awayMs: 1000 },
      { feeding: false, awayMs: 999 },
    ],
  ])('takes out one that is %s, and waits for it until that is agreed', async (_, out, still) => {
    const { set, asked, agree } = scene(1);
    set.review([candidate({ acknowledged: 0, ...still })], END, 0);
    expect(asked).toEqual([]);
    set.review([candidate({ acknowledged: 0, ...out })], END, 0);
    expect([asked, set.waitedFor]).toEqual([[[0]], [1]]);
    await agree();
    expect(set.waitedFor).toEqual([]);
  });

  it('asks again for a change that was not agreed, and waits for both sets until then', async () => {
    const { set, asked, agree } = scene(1);
    const gone = candidate({ feeding: false, awayMs: 1000 });
    set.review([gone], END, 0);
    await agree(new Error('away'));
    expect(set.waitedFor).toEqual([1]);
    set.review([gone], END, 0);
    expect(asked).toEqual([[0], [0]]);
    await agree();
    expect([...set.members]).toEqual([0]);
  });

  it('takes out at once one that came back with less than it had', async () => {
    const { set, asked, agree } = scene(1, 2);
    const out = follow(set.expel(1));
    await new Promise(setImmediate);
    expect(asked).toEqual([[0, 2]]);
    expect(out.done).toBe(false);
    await agree();
    expect([out.done, [...set.members]]).toEqual([true, [0, 2]]);
  });

  it('does not welcome it while it cannot be taken out', async () => {
    const { set, agree } = scene(1);
    const out = follow(set.expel(1));
    await new Promise(setImmediate);
    await agree(new Error('away'));
    expect(out.error).toMatchObject({ message: 'replica 1 is not out of the set yet' });
  });
});

async function three(settings: Partial<ReplicationSettings>): Promise<{
  readonly group: ReplicaGroup;
  readonly master: TestReplica;
  readonly one: TestReplica;
  readonly two: TestReplica;
}> {
  const group = new ReplicaGroup({ settings: { ackTimeoutMs: 60_000, ...settings } });
  const [master, one] = await group.masterAndReplica();
  const two = await group.start(2);
  await group.drive(two.host.follow({ replicaId: 0, address: 'host:0' }, 0));
  await group.inSync(master, 3);
  await group.drive(master.broker.putTopic({ name: 't', type: 'NORMAL', queues: 1 }));
  await group.drive(master.broker.putGroup(groupConfig('g', { startFrom: 'beginning' })));
  return { group, master, one, two };
}

test('sends wait for a slow replica until it leaves the set; it is in again when it has caught up', async () => {
  const { group, master, two } = await three({ lagMs: 2000 });
  await group.sim.advance(1000);
  two.stall();
  const sent = follow(master.broker.send(sendRequest('t', 'm1')));
  await group.sim.advance(1500);
  expect(sent.done).toBe(false);
  await group.inSync(master, 2);
  expect([sent.error, sent.done]).toEqual([undefined, true]);
  await group.send(master, 't', 'm2');
  two.stall(false);
  await group.inSync(master, 3);
  expect(two.endPosition).toBe(master.endPosition);
});

test('one that does not answer leaves the set before sends give up, however far behind it may be', async () => {
  const { group, master, two } = await three({ lagMs: 60_000, ackTimeoutMs: 3000 });
  await group.sim.advance(1000);
  two.stall();
  await group.send(master, 't', 'm1');
  expect(master.host.status().inSync).toEqual([0, 1]);
  two.stall(false);
  await group.inSync(master, 3);
  expect(two.endPosition).toBe(master.endPosition);
});

test('a replica that takes over shows what its own set has, and nothing before', async () => {
  const { group, master, one, two } = await three({ lagMs: 60_000 });
  two.stall();
  const unconfirmed = follow(master.broker.send(sendRequest('t', 'm1')));
  await group.until(() => one.endPosition === master.endPosition);
  expect([unconfirmed.done, two.endPosition < one.endPosition]).toEqual([false, true]);
  group.kill(0);
  const leads = follow(one.host.lead(2, [1, 2]));
  await group.sim.advance(500);
  expect([leads.done, one.host.leader()]).toEqual([false, undefined]);
  await group.drive(two.host.follow({ replicaId: 1, address: 'host:1' }, 2));
  await group.until(() => leads.done);
  expect([leads.error, two.endPosition]).toEqual([undefined, one.endPosition]);
  expect(idsOf(await group.pop(one, 'g', 't'))).toEqual(['m1']);
});

test('a master that cannot change the set waits for all who may be in it', async () => {
  class Away extends StaticRoles {
    override changeInSync(): Promise<void> {
      return away ? Promise.reject(new Error('the lease service is away')) : Promise.resolve();
    }
  }
  let away = false;
  const keeper = new Away(false, SILENT);
  const group = new ReplicaGroup({ settings: { ackTimeoutMs: 60_000 }, keeper: () => keeper });
  const [master] = await group.masterAndReplica();
  await group.drive(master.broker.putTopic({ name: 't', type: 'NORMAL', queues: 1 }));
  away = true;
  group.kill(1);
  const sent = follow(master.broker.send(sendRequest('t', 'm1')));
  await group.sim.advance(20_000);
  expect([sent.done, master.host.status().inSync]).toEqual([false, [0, 1]]);
  away = false;
  await group.inSync(master, 1);
  expect([sent.done, sent.error]).toEqual([true, undefined]);
});
