import type { LeaveReport, TopicMove } from '../../../../src/api/membership-api';
import { Code } from '../../../../src/message/status';
import { Permission } from '../../../../src/rpc/generated/apache/rocketmq/v2/Permission';
import { never } from '../../../support/broker-bench';
import { GrowingScene, LETTERS, queuesOf } from '../../../support/growing-scene';
import { groupConfig } from '../../../support/model-broker';
import { idsOf, popRequest } from '../../../support/test-broker';

const OK = LETTERS.map(() => Code.OK);

function drain(
  scene: GrowingScene,
  broker: string,
  more: { undo?: boolean; dryRun?: boolean } = {},
): Promise<readonly TopicMove[]> {
  const request = { broker, undo: false, dryRun: false, ...more };
  return scene.drive(scene.proxy.proxy.admin.drainBroker(request));
}

function leave(
  scene: GrowingScene,
  broker: string,
  more: { force?: boolean; dryRun?: boolean } = {},
): Promise<LeaveReport> {
  const request = { broker, force: false, dryRun: false, ...more };
  return scene.drive(scene.proxy.proxy.admin.leaveBroker(request));
}

describe('a broker that is drained and leaves', () => {
  it('gets no new messages, and goes when the old ones are finished, each message group in order', async () => {
    const scene = await GrowingScene.open();
    await scene.put(1, ['a', 'b']);
    expect(await scene.send()).toEqual(OK);
    await scene.ack('a', await scene.pop('a'));
    const onB = await scene.lettersOn('b');
    expect(onB.length).toBeGreaterThan(0);
    expect(queuesOf(await drain(scene, 'b', { dryRun: true }))).toEqual({ t: 'a 1>2 b 1>0' });
    expect(await leave(scene, 'b').catch((error: unknown) => error)).toMatchObject({
      code: Code.FORBIDDEN,
    });
    expect(queuesOf(await drain(scene, 'b'))).toEqual({ t: 'a 1>2 b 1>0' });
    expect(await scene.send()).toEqual(OK);
    expect(await scene.lettersOn('b')).toEqual(onB);
    // What has moved waits for what came before it.
    const first = await scene.pop('a');
    const stayed = LETTERS.filter((letter) => !onB.includes(letter)).map((letter) => `${letter}1`);
    expect(idsOf(first).toSorted()).toEqual(stayed);
    await scene.ack('a', first);
    const waiting = { topic: 't', group: 'g', kind: 'ready', messages: onB.length };
    expect(await leave(scene, 'b')).toEqual({ left: false, unfinished: [waiting] });
    const old = await scene.poll('b');
    expect(idsOf(old).toSorted()).toEqual(onB.map((letter) => `${letter}0`).toSorted());
    const held = { ...waiting, kind: 'in-flight' };
    expect(await leave(scene, 'b')).toEqual({ left: false, unfinished: [held] });
    await scene.ack('b', old);
    expect(await leave(scene, 'b', { dryRun: true })).toEqual({ left: false, unfinished: [] });
    expect(await leave(scene, 'b')).toEqual({ left: true, unfinished: [] });
    expect(await scene.cluster.bench('b').broker.listTopics()).toEqual([]);
    await scene.cluster.kill('b');
    const moved = await scene.poll('a');
    expect(idsOf(moved).toSorted()).toEqual(onB.map((letter) => `${letter}1`).toSorted());
    await scene.ack('a', moved);
    // Nobody asks it any more, whoever begins when.
    await scene.drive(scene.proxy.proxy.admin.putGroup(groupConfig('late', { fifo: true })));
    expect(await scene.pop('a', 'late')).toEqual([]);
    expect(await scene.send()).toEqual(OK);
    expect(await scene.pop('a', 'late')).toHaveLength(LETTERS.length);
    await scene.cluster.close();
  });

  it('gives its topics to others where it alone holds them, and serves them for reading only', async () => {
    const scene = await GrowingScene.open();
    const { admin } = scene.proxy.proxy;
    await scene.drive(admin.putTopic({ name: 'n', type: 'NORMAL', queues: 2 }, ['b']));
    await scene.drive(admin.putTopic({ name: 'both', type: 'NORMAL', queues: 3 }));
    await scene.drive(admin.putGroup(groupConfig('h')));
    await scene.cluster.bench('b').subscribe('h', 'n');
    expect(await scene.sendTo('n', 'before')).toBe(Code.OK);
    const stale = scene.cluster.proxy();
    stale.routes.hold();
    expect(queuesOf(await drain(scene, 'b'))).toEqual({ n: 'a 0>2 b 2>0', both: 'a 3>3 b 3>0' });
    expect(await drain(scene, 'b')).toEqual([]);
    const late = scene.sendTo('n', 'late', {}, stale);
    await scene.cluster.sim.advance(500);
    stale.routes.release();
    expect(await late).toBe(Code.OK);
    for (const id of ['m1', 'm2', 'm3']) expect(await scene.sendTo('n', id)).toBe(Code.OK);
    const status = await scene.drive(admin.topicStatus('n'));
    expect(
      status.brokers.map(({ broker, queues }) => [
        broker,
        queues.reduce((sum, { maxOffset }) => sum + maxOffset, 0),
      ]),
    ).toEqual([
      ['a', 4],
      ['b', 1],
    ]);
    const route = await scene.drive(
      scene.proxy.client.unary('QueryRoute', {
        topic: { name: 'n' },
        endpoints: { scheme: 'IPv4', addresses: [{ host: '127.0.0.1', port: 8081 }] },
      }),
    );
    const permissions = new Map(
      route.message_queues.map(({ broker, permission }) => [broker?.name, permission]),
    );
    expect(permissions).toEqual(
      new Map([
        ['a', Permission.READ_WRITE],
        ['b', Permission.READ],
      ]),
    );
    // Topics that are made now are made elsewhere; and it drains after a restart, too.
    await scene.cluster.stop('b');
    await scene.cluster.start('b');
    await scene.drive(admin.putTopic({ name: 'new', type: 'FIFO', queues: 1 }));
    await expect(
      scene.drive(admin.putTopic({ name: 'new', type: 'FIFO', queues: 1 }, ['b'])),
    ).rejects.toMatchObject({ code: Code.FORBIDDEN });
    const views = await scene.drive(admin.listTopics());
    expect(views.find(({ name }) => name === 'new')?.brokers).toEqual(['a']);
    expect(await leave(scene, 'b')).toEqual({
      left: false,
      unfinished: [{ topic: 'n', group: 'h', kind: 'ready', messages: 1 }],
    });
    expect(await leave(scene, 'b', { force: true })).toMatchObject({ left: true });
    expect(await scene.sendTo('n', 'after')).toBe(Code.OK);
    await scene.cluster.close();
  });

  it('waits for its delayed messages, its transactions, and messages that nobody has read', async () => {
    const scene = await GrowingScene.open();
    const { admin } = scene.proxy.proxy;
    const { sim } = scene.cluster;
    await scene.drive(admin.putTopic({ name: 'm', type: 'MIXED', queues: 1 }, ['b']));
    const dueMs = sim.clock.wallMs() + 60_000;
    const delivery_timestamp = { seconds: Math.floor(dueMs / 1000), nanos: 0 };
    expect(await scene.sendTo('m', 'later', { delivery_timestamp, message_type: 3 })).toBe(Code.OK);
    expect(await scene.sendTo('m', 'half', { message_type: 4 })).toBe(Code.OK);
    await drain(scene, 'b');
    const kinds = async (): Promise<readonly (readonly [string, number])[]> =>
      (await leave(scene, 'b')).unfinished.map(({ kind, messages }) => [kind, messages]);
    expect(await kinds()).toEqual([
      ['delayed', 1],
      ['transactions', 1],
    ]);
    const end = { topic: 'm', transactionId: 'half', resolution: 'commit' } as const;
    await scene.drive(admin.endTransaction(end));
    expect(await kinds()).toEqual([
      ['unread', 1],
      ['delayed', 1],
    ]);
    await sim.advance(61_000);
    expect(await kinds()).toEqual([['unread', 2]]);
    await scene.drive(admin.putGroup(groupConfig('h', { startFrom: 'beginning' })));
    // A group that is on the topic elsewhere has not come to what lies here.
    await scene.cluster.bench('a').subscribe('h', 'm');
    expect(await leave(scene, 'b')).toMatchObject({
      unfinished: [{ group: 'h', kind: 'ready', messages: 2 }],
    });
    const { broker } = scene.cluster.bench('b');
    const got = await scene.drive(broker.pop(popRequest('h', 'm'), never));
    expect(idsOf(got).toSorted()).toEqual(['half', 'later']);
    const entries = got.map(({ receiptHandle }) => ({ receiptHandle, messageId: '' }));
    await scene.drive(broker.ack({ group: 'h', topic: 'm', entries }));
    expect(await leave(scene, 'b')).toEqual({ left: true, unfinished: [] });
    await scene.cluster.close();
  });

  it('takes messages again when its draining is undone, in new queues', async () => {
    const scene = await GrowingScene.open();
    await scene.put(1, ['a', 'b']);
    await scene.send();
    await drain(scene, 'b');
    await scene.send();
    expect(await drain(scene, 'b', { undo: true })).toEqual([]);
    const { admin } = scene.proxy.proxy;
    const all = { topics: [], brokers: [], dryRun: false };
    const dry = await scene.drive(admin.rebalance({ ...all, dryRun: true }));
    expect(queuesOf(dry)).toEqual({ t: 'a 2>2 b 0>2' });
    expect(await scene.drive(admin.rebalance(all))).toEqual(dry);
    expect(await scene.drive(admin.rebalance(all))).toEqual([]);
    expect(await scene.send()).toEqual(OK);
    const seen: string[] = [];
    for (let round = 0; round < 6; round++) {
      for (const name of scene.cluster.up) {
        const result = await scene.poll(name);
        seen.push(...idsOf(result));
        await scene.ack(name, result);
      }
    }
    for (const letter of LETTERS) {
      const own = seen.filter((id) => id.startsWith(letter));
      expect(own).toEqual([0, 1, 2].map((nth) => `${letter}${nth}`));
    }
    await scene.cluster.close();
  });

  it('is refused where nothing else takes messages, or no such broker is there', async () => {
    const scene = await GrowingScene.open();
    await drain(scene, 'b');
    await expect(drain(scene, 'a')).rejects.toMatchObject({ code: Code.FORBIDDEN });
    await expect(drain(scene, 'x')).rejects.toMatchObject({
      code: Code.BAD_REQUEST,
      message: expect.stringContaining('those that are: a, b') as string,
    });
    await expect(leave(scene, 'x')).rejects.toMatchObject({ code: Code.BAD_REQUEST });
    await scene.cluster.close();
  });
});
