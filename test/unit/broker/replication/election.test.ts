import { ElectionScene, LEASE_MS } from '../../../support/election-scene';

const MINUTE = 60_000;

describe('the election of a broker group', () => {
  it('makes one of the first replicas master and takes the others into the in-sync set', async () => {
    const scene = await ElectionScene.settled(3);
    expect(scene.master).toBeDefined();
    expect(scene.service.state.inSync).toHaveLength(3);
    await scene.run(MINUTE);
    expect(scene.longestVacancyMs).toBe(0);
  });

  it('has a new master within five seconds of the death of the one before', async () => {
    for (let seed = 1; seed <= 5; seed++) {
      const scene = await ElectionScene.settled(3, seed);
      const before = scene.master?.id ?? -1;
      scene.kill(before);
      await scene.run(8_000);
      expect(scene.master?.id).not.toBe(before);
      expect(scene.longestVacancyMs).toBeLessThan(5_000);
    }
  });

  it('has a new master as soon when the one before is heard by all, and hears nobody', async () => {
    for (let seed = 1; seed <= 5; seed++) {
      const scene = await ElectionScene.settled(3, seed);
      const before = scene.replica(scene.master?.id ?? -1);
      for (const id of ['etcd', 0, 1, 2] as const) if (id !== before.id) scene.cut(id, before.id);
      await scene.run(8_000);
      expect(scene.master?.id).not.toBe(before.id);
      expect(scene.longestVacancyMs).toBeLessThan(LEASE_MS);
      scene.heal();
      await scene.run(MINUTE);
      expect(before.role.kind).toBe('follow');
    }
  });

  it('a follower does not wait for a master that has lost the lease service and another follower', async () => {
    const scene = await ElectionScene.settled(3);
    const before = scene.replica(scene.master?.id ?? -1);
    scene.cutBoth(before.id, 'etcd');
    scene.cutBoth(before.id, (before.id + 1) % 3);
    scene.kill((before.id + 1) % 3);
    await scene.run(8_000);
    expect(scene.master?.id).toBe((before.id + 2) % 3);
    expect(scene.longestVacancyMs).toBeLessThan(LEASE_MS);
  });

  it('hands over when a master stops, in less than half a second', async () => {
    const scene = await ElectionScene.settled(3);
    const before = scene.replica(scene.master?.id ?? -1);
    const stopped = before.election.stop();
    await scene.run(2_000);
    await stopped;
    expect(scene.master?.id).not.toBe(before.id);
    expect(scene.master?.role).toMatchObject({ lost: before.id });
    expect(scene.longestVacancyMs).toBeLessThan(500);
  });

  it('hands over to the replica that is named, and the one before follows', async () => {
    const scene = await ElectionScene.settled(3);
    const before = scene.replica(scene.master?.id ?? -1);
    const to = (before.id + 1) % 3;
    const handed = before.election.handOver(to);
    await scene.run(2_000);
    await handed;
    expect(scene.master?.id).toBe(to);
    expect(scene.master?.role).toMatchObject({ lost: undefined });
    expect(before.role).toMatchObject({ kind: 'follow', master: to });
    await scene.run(MINUTE);
    expect(scene.master?.id).toBe(to);
  });

  it('does not hand over to a replica that is not in sync', async () => {
    const scene = await ElectionScene.settled(3);
    const master = scene.replica(scene.master?.id ?? -1);
    const away = (master.id + 1) % 3;
    scene.kill(away);
    await scene.run(10_000);
    await expect(master.election.handOver(away)).rejects.toThrow(`replica ${away} is in sync`);
    expect(scene.master?.id).toBe(master.id);
  });

  it('goes on under the same master while the lease service is away', async () => {
    const scene = await ElectionScene.settled(3);
    const before = scene.master?.role;
    for (const id of [0, 1, 2]) scene.cutBoth(id, 'etcd');
    await scene.run(5 * MINUTE);
    expect(scene.master?.role).toEqual(before);
    scene.heal();
    await scene.run(MINUTE);
    expect(scene.longestVacancyMs).toBe(0);
    expect(scene.master).toBeDefined();
  });

  it('goes on by promises when the master alone cannot reach the lease service, under a new epoch once it can', async () => {
    const scene = await ElectionScene.settled(3);
    const before = scene.replica(scene.master?.id ?? -1);
    const { role } = before;
    scene.cutBoth(before.id, 'etcd');
    await scene.run(MINUTE);
    expect(scene.service.state.leader).toBeUndefined();
    expect(scene.master?.role).toEqual(role);
    scene.heal();
    await scene.run(10_000);
    expect(scene.longestVacancyMs).toBeLessThan(100);
    expect(scene.master?.id).toBe(before.id);
    expect(scene.master?.role).not.toEqual(role);
  });

  it('refuses to work when neither the lease nor all promises hold', async () => {
    const scene = await ElectionScene.settled(3);
    const before = scene.replica(scene.master?.id ?? -1);
    scene.cutBoth(before.id, 'etcd');
    scene.cut((before.id + 1) % 3, before.id);
    await scene.run(LEASE_MS + 500);
    expect(before.answers()).toBe(false);
    await scene.run(MINUTE);
    expect(scene.master?.id).not.toBe(before.id);
    expect(scene.longestVacancyMs).toBeLessThan(6_000);
  });

  it('a set of one goes on without the lease service', async () => {
    const scene = await ElectionScene.settled(1);
    scene.cutBoth(0, 'etcd');
    await scene.run(MINUTE);
    expect(scene.longestVacancyMs).toBe(0);
  });

  it('a master that was stopped for longer than its lease does not answer when it runs again', async () => {
    const scene = await ElectionScene.settled(3);
    const before = scene.replica(scene.master?.id ?? -1);
    before.time.stop();
    await scene.run(20_000);
    expect(before.answers()).toBe(false);
    expect(scene.master?.id).not.toBe(before.id);
    before.time.resume();
    await scene.run(20_000);
    expect(before.role).toMatchObject({ kind: 'follow', master: scene.master?.id });
  });

  it('a replica promises nothing while it campaigns', async () => {
    const scene = await ElectionScene.settled(2);
    const master = scene.replica(scene.master?.id ?? -1);
    const other = scene.replica(1 - master.id);
    expect(other.election.promise(1_000, LEASE_MS)).toBe(LEASE_MS);
    const campaign = jest.spyOn(other.lease, 'campaign');
    scene.kill(master.id);
    for (let ms = 0; ms < 3 * LEASE_MS && campaign.mock.calls.length === 0; ms++) {
      await scene.sim.advance(1);
    }
    expect(campaign).toHaveBeenCalledTimes(1);
    expect(other.answers()).toBe(false);
    expect(other.election.promise(1_000, LEASE_MS)).toBe(0);
  });

  it('a restarted replica does not break the promise of its life before', async () => {
    const scene = await ElectionScene.settled(2);
    const master = scene.replica(scene.master?.id ?? -1);
    const other = 1 - master.id;
    // By its promise alone: the key is gone, and the other may campaign as soon as it is free.
    scene.cutBoth(master.id, 'etcd');
    await scene.run(MINUTE);
    scene.kill(other);
    scene.start(other);
    await scene.run(2_000);
    expect(scene.replica(other).answers()).toBe(false);
    await scene.run(10_000);
    expect(scene.master?.id).toBe(other);
  });

  it('a replica that lost its disk does not lead, though the in-sync set lists its id', async () => {
    const scene = await ElectionScene.settled(2);
    const master = scene.replica(scene.master?.id ?? -1);
    const other = 1 - master.id;
    scene.kill(other);
    scene.kill(master.id);
    scene.start(other, 'new');
    await scene.run(MINUTE);
    expect(scene.master).toBeUndefined();
    scene.start(master.id);
    await scene.run(MINUTE);
    expect(scene.master?.id).toBe(master.id);
    expect(scene.service.state.inSync).toEqual([`${master.id}/store${master.id}`, `${other}/new`]);
  });

  it('a replica that cannot lead leaves it to the others', async () => {
    const scene = await ElectionScene.settled(3);
    const before = scene.replica(scene.master?.id ?? -1);
    const broken = scene.replica((before.id + 1) % 3);
    broken.failLead = true;
    const handed = before.election.handOver(broken.id);
    await scene.run(MINUTE);
    await handed;
    expect(broken.log.error).toHaveBeenCalled();
    expect(scene.master?.id).not.toBe(broken.id);
    expect(scene.master).toBeDefined();
  });

  it('leads no more once a message spoke of a higher epoch', async () => {
    const scene = await ElectionScene.settled(1);
    const only = scene.replica(0);
    only.election.newerEpoch(1_000_000);
    await scene.run(100);
    expect(only.answers()).toBe(false);
    await scene.run(MINUTE);
    // Nor is an epoch taken that is lower than one in use.
    expect(only.answers()).toBe(false);
    expect(only.log.error).toHaveBeenCalledWith(
      expect.anything(),
      expect.stringContaining('restored from a copy'),
    );
  });
});

describe('wall clocks in an election', () => {
  it('one that is more than 500 ms off the others does not lead, and says so', async () => {
    const scene = new ElectionScene();
    scene.start(0);
    scene.start(1);
    await scene.run(10_000);
    scene.start(2, 'store2', { aheadMs: 700 });
    await scene.run(10_000);
    const late = scene.replica(2);
    expect(late.log.warn).toHaveBeenCalledWith(
      expect.objectContaining({ limitMs: 500 }),
      expect.stringContaining('clock'),
    );
    scene.kill(0);
    scene.kill(1);
    await scene.run(25_000);
    expect(scene.master).toBeUndefined();
    scene.start(1);
    await scene.run(MINUTE);
    expect(scene.master?.id).toBe(1);
  });

  it('one that nobody has judged for 30 s leads where nobody else does, until another is there', async () => {
    const scene = await ElectionScene.settled(2);
    scene.start(2, 'store2', { aheadMs: 700 });
    await scene.run(10_000);
    scene.kill(0);
    scene.kill(1);
    await scene.run(35_000);
    expect(scene.master?.id).toBe(2);
    scene.start(0);
    scene.start(1);
    await scene.run(MINUTE);
    expect(scene.master?.id).not.toBe(2);
    expect(scene.master).toBeDefined();
  });

  it('a master whose clock is off hands over to one whose clock is right', async () => {
    const scene = new ElectionScene();
    scene.start(0, 'store0', { aheadMs: -900 });
    await scene.run(10_000);
    expect(scene.master?.id).toBe(0);
    scene.start(1);
    scene.start(2);
    await scene.run(MINUTE);
    expect(scene.master?.id).not.toBe(0);
    expect(scene.replica(0).log.warn).toHaveBeenCalled();
  });
});
