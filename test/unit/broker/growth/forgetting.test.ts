import type { TopicMove } from '../../../../src/api/membership-api';
import { Code } from '../../../../src/message/status';
import { GrowingScene, LETTERS, queuesOf } from '../../../support/growing-scene';
import { idsOf } from '../../../support/test-broker';

const OK = LETTERS.map(() => Code.OK);

describe('a broker that never comes back', () => {
  it('is given up: its message groups go elsewhere, and nobody waits for what it held', async () => {
    const scene = await GrowingScene.open();
    await scene.put(1, ['a', 'b']);
    await scene.send();
    await scene.put(2, ['a', 'b']);
    const onB = await scene.lettersOn('b');
    const { admin } = scene.proxy.proxy;
    const forget = (dryRun: boolean): Promise<readonly TopicMove[]> =>
      scene.drive(admin.forgetBroker({ broker: 'b', dryRun }));
    await expect(forget(false)).rejects.toMatchObject({ code: Code.BAD_REQUEST });
    await scene.cluster.kill('b');
    await scene.ack('a', await scene.pop('a'));
    expect(new Set(await scene.send())).toEqual(new Set([Code.OK, Code.PROXY_TIMEOUT]));
    const replica = { cluster: 'DefaultCluster', brokerName: 'b', brokerId: 1, address: 'b:2' };
    const lease = await scene.drive(
      scene.cluster.table.register({ ...replica, epoch: 1, version: 0, topics: [] }),
    );
    await expect(forget(false)).rejects.toMatchObject({
      message: 'broker b is there: let a replica lead, or stop all of them',
    });
    await scene.drive(lease.close());
    expect(queuesOf(await forget(true))).toEqual({ t: 'a 2>4 b 2>0' });
    expect(queuesOf(await forget(false))).toEqual({ t: 'a 2>4 b 2>0' });
    expect(await forget(false)).toEqual([]);
    await scene.cluster.sim.advance(100);
    expect(await scene.send()).toEqual(OK);
    const seen: string[] = [];
    for (let round = 0; round < 4; round++) {
      const result = await scene.poll('a');
      seen.push(...idsOf(result));
      await scene.ack('a', result);
    }
    expect(onB.length).toBeGreaterThan(0);
    expect(seen.filter((id) => id.endsWith('2')).toSorted()).toEqual(
      LETTERS.map((letter) => `${letter}2`),
    );
    await scene.cluster.close();
  });
});
