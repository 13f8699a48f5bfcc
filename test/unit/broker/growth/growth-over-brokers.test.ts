import type { TopicConfig } from '../../../../src/api/topic';
import { Code } from '../../../../src/message/status';
import { DEFAULT_PROXY_SETTINGS } from '../../../../src/proxy/settings';
import { never } from '../../../support/broker-bench';
import type { ClusterProxy } from '../../../support/growing-cluster';
import { GrowingScene, LETTERS } from '../../../support/growing-scene';
import { groupConfig } from '../../../support/model-broker';
import { idsOf, popRequest } from '../../../support/test-broker';

const OK = LETTERS.map(() => Code.OK);

describe('a FIFO topic that is extended to another broker', () => {
  it('gives the new queues once a group has finished the old ones on the other broker', async () => {
    const scene = await GrowingScene.open();
    expect(await scene.send()).toEqual(OK);
    await scene.put(1, ['a', 'b']);
    expect(await scene.send()).toEqual(OK);
    // What lay on b began after the group did: none of it is left out.
    expect(await scene.pop('b')).toEqual([]);
    const old = await scene.pop('a');
    expect(idsOf(old).filter((id) => id.endsWith('0'))).toHaveLength(8);
    const waiting = scene.cluster
      .bench('b')
      .broker.pop(popRequest('g', 't', { pollMs: 20_000 }), never);
    await scene.cluster.sim.advance(1000);
    await scene.ack('a', old);
    const moved = idsOf(await scene.drive(waiting));
    expect(moved.length).toBeGreaterThan(0);
    const stayed = idsOf(old).filter((id) => id.endsWith('1'));
    expect([...stayed, ...moved].toSorted()).toEqual(LETTERS.map((letter) => `${letter}1`));
    await scene.cluster.close();
  });

  it('sends messages that were placed before where they belong, unseen by the client', async () => {
    const scene = await GrowingScene.open();
    const stale = scene.cluster.proxy();
    await scene.send();
    stale.routes.hold();
    await scene.put(1, ['a', 'b']);
    const late = scene.send(LETTERS, stale);
    await scene.cluster.sim.advance(500);
    stale.routes.release();
    expect(await late).toEqual(OK);
    await scene.ack('a', await scene.pop('a'));
    expect((await scene.poll('b')).length).toBeGreaterThan(0);
    await scene.cluster.close();
  });

  it('says that it timed out, and not that the topic is gone, through a proxy that does not hear of it', async () => {
    const scene = await GrowingScene.open();
    const stale = scene.cluster.proxy();
    stale.routes.hold();
    await scene.put(1, ['a', 'b']);
    const late = scene.send(['a'], stale);
    await scene.cluster.sim.advance(DEFAULT_PROXY_SETTINGS.sendTimeoutMs);
    expect(await late).toEqual([Code.PROXY_TIMEOUT]);
    await scene.cluster.close();
  });

  it('is followed by a broker that was away while it grew, and keeps what lies there in order', async () => {
    const scene = await GrowingScene.open();
    await scene.put(1, ['a', 'b']);
    await scene.cluster.kill('b');
    const codes = await scene.send();
    expect(new Set(codes)).toEqual(new Set([Code.OK, Code.PROXY_TIMEOUT]));
    await scene.cluster.start('c');
    await scene.put(2, ['a', 'c']);
    // Message groups of b wait for it, all others go on.
    const during = await scene.send();
    expect(during.filter((code) => code === Code.OK).length).toBeGreaterThanOrEqual(
      codes.filter((code) => code === Code.OK).length,
    );
    await scene.ack('a', await scene.pop('a'));
    expect(await scene.pop('c')).toEqual([]);
    await scene.cluster.start('b');
    await scene.cluster.sim.advance(2000);
    expect((await scene.drive(scene.cluster.bench('b').broker.listTopics()))[0]).toMatchObject({
      generations: [{}, {}, {}],
      settled: 3,
    });
    expect(await scene.send()).toEqual(OK);
    await scene.ack('b', await scene.pop('b'));
    expect((await scene.poll('c')).length).toBeGreaterThan(0);
    await scene.cluster.close();
  });

  it('leaves a message group where it is until the broker that holds it knows', async () => {
    const scene = await GrowingScene.open();
    await scene.put(1, ['a', 'b']);
    await scene.cluster.start('c');
    const stale = scene.cluster.proxy();
    expect(await scene.send()).toEqual(OK);
    stale.routes.hold();
    scene.cluster.setDeaf('b', true);
    await expect(scene.put(4, ['a', 'b', 'c'])).rejects.toMatchObject({ code: Code.PROXY_TIMEOUT });
    const onB = await scene.lettersOn('b');
    const letters = LETTERS.filter((letter) => onB.includes(letter));
    expect(await scene.send(letters)).toEqual(letters.map(() => Code.OK));
    expect(await scene.send(letters, stale)).toEqual(letters.map(() => Code.OK));
    scene.cluster.setDeaf('b', false);
    await scene.cluster.sim.advance(100);
    expect(await scene.send()).toEqual(OK);
    const seen: string[] = [];
    for (let round = 0; round < 4; round++) {
      for (const name of scene.cluster.up) {
        const result = await scene.poll(name);
        seen.push(...idsOf(result));
        await scene.ack(name, result);
      }
    }
    for (const letter of LETTERS) {
      const nths = seen.filter((id) => id.startsWith(letter)).map((id) => Number(id.slice(1)));
      expect([letter, ...nths]).toEqual([
        letter,
        ...(onB.includes(letter) ? [0, 1, 2, 3] : [0, 3]),
      ]);
    }
    await scene.cluster.close();
  });

  it('has its new queues open while the old broker is away, when a group had finished there', async () => {
    const scene = await GrowingScene.open();
    await scene.send();
    await scene.put(1, ['a', 'b']);
    await scene.send();
    await scene.ack('a', await scene.pop('a'));
    expect((await scene.poll('b')).length).toBeGreaterThan(0);
    for (const name of ['a', 'b']) await scene.cluster.kill(name);
    const { sim } = await scene.cluster.start('b');
    await sim.advance(11_000);
    expect(idsOf(await scene.pop('b'))).not.toEqual([]);
    // A message group that has moved has its place, also while nobody can ask the broker that it left.
    const fresh = scene.cluster.proxy();
    expect(await scene.send(LETTERS, fresh)).toContain(Code.OK);
  });

  it('gives a group that begins later only what comes from then on', async () => {
    const scene = await GrowingScene.open();
    await scene.put(1, ['a', 'b']);
    await scene.send();
    await scene.drive(scene.proxy.proxy.admin.putGroup(groupConfig('late', { fifo: true })));
    for (const name of ['a', 'b']) expect(await scene.pop(name, 'late')).toEqual([]);
    await scene.send();
    await scene.cluster.sim.advance(100);
    const got = [...(await scene.pop('a', 'late')), ...(await scene.pop('b', 'late'))];
    expect(idsOf(got).toSorted()).toEqual(LETTERS.map((letter) => `${letter}1`));
    await scene.cluster.close();
  });

  it('is extended to nobody with fewer queues than it has, also where the growth so far is half done', async () => {
    const scene = await GrowingScene.open();
    await scene.cluster.start('c');
    const topicsOn = (name: string): Promise<readonly TopicConfig[]> =>
      scene.drive(scene.cluster.bench(name).broker.listTopics());
    scene.cluster.setDeaf('a', true);
    await expect(scene.put(2, ['a', 'b'])).rejects.toMatchObject({ code: Code.PROXY_TIMEOUT });
    await expect(scene.put(1, ['a', 'b', 'c'])).rejects.toMatchObject({ code: Code.BAD_REQUEST });
    expect(await topicsOn('c')).toEqual([]);
    scene.cluster.setDeaf('a', false);
    await scene.cluster.sim.advance(100);
    expect((await topicsOn('a'))[0]).toMatchObject({ queues: 2, settled: 2 });
    await expect(scene.put(1, ['a', 'c'])).rejects.toMatchObject({ code: Code.BAD_REQUEST });
    expect(await topicsOn('c')).toEqual([]);
    expect(await scene.send()).toEqual(OK);
    await scene.put(2, ['a', 'b', 'c']);
    expect(await scene.send()).toEqual(OK);
    await scene.cluster.close();
  });

  it('lets one of two operators through who grow it at once', async () => {
    const scene = await GrowingScene.open();
    const other = scene.cluster.proxy();
    await scene.cluster.start('c');
    const put = (by: ClusterProxy, queues: number, broker: string): Promise<void> =>
      by.proxy.admin.putTopic({ name: 't', type: 'FIFO', queues }, ['a', broker]);
    const outcomes = await scene.drive(
      Promise.allSettled([put(scene.proxy, 2, 'b'), put(other, 3, 'c')]),
    );
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    const refused = outcomes.find((outcome) => outcome.status === 'rejected');
    expect(refused?.reason).toMatchObject({ code: Code.FORBIDDEN });
    expect(await scene.send()).toEqual(OK);
    // Whose broker was refused can have a part in it later, with fewer queues than it was made with.
    await scene.cluster.sim.advance(100);
    await scene.put(3, ['a', 'b', 'c']);
    expect(await scene.send()).toEqual(OK);
    await scene.cluster.close();
  });
});
