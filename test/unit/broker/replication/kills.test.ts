import { follow } from '../../../support/follow';
import { groupConfig } from '../../../support/model-broker';
import { ReplicaGroup, sendRequest, type TestReplica } from '../../../support/replica-group';
import { seeded } from '../../../support/seeded';
import { type DiskPace, SimulatedDisk } from '../../../support/simulated-disk';
import { idsOf } from '../../../support/test-broker';

const STEPS = 30;
/** A sync of a disk takes less. */
const SYNC_MS = 20;
const SEEDS = Array.from({ length: 6 }, (_, i) => i + 1);

type Fault = 'killed' | 'without power';

/**
 * A master and a replica under sends, each or both killed, or without power, and started again at any moment: between two turns of the
 * event loop, with writes, log bytes and acknowledgements under way. Now and then they change roles.
 */
async function ordeal(fault: Fault, seed: number): Promise<void> {
  const chance = seeded(seed);
  const group = new ReplicaGroup({ settings: { minInSync: 2, ackTimeoutMs: 500 } });
  const slowSync: DiskPace = {
    wait: (what) =>
      what === 'sync'
        ? new Promise((resolve) => group.sim.timers.after(chance.below(SYNC_MS), resolve))
        : Promise.resolve(),
    stall: () => undefined,
  };
  const disks = [new SimulatedDisk(chance, slowSync), new SimulatedDisk(chance, slowSync)];
  disks.forEach((disk, id) => group.files.set(id, disk));
  const down = (id: number): void => {
    group.kill(id);
    const disk = disks[id];
    if (fault === 'killed' || disk === undefined) return;
    disks[id] = disk.afterPowerLoss();
    group.files.set(id, disks[id]);
  };
  let pair: TestReplica[] = [...(await group.masterAndReplica())];
  let leads = 0;
  let epoch = 1;
  const at = (id: number): TestReplica => {
    const replica = pair[id];
    if (replica === undefined) throw new RangeError(`no replica ${id}`);
    return replica;
  };
  const followMaster = (id: number): Promise<void> =>
    group.drive(at(id).host.follow({ replicaId: leads, address: `host:${leads}` }, 0));
  const start = async (id: number): Promise<void> => {
    pair = pair.with(id, await group.start(id));
    if (id === leads) await group.drive(at(id).host.lead(++epoch, [0, 1]));
    else await followMaster(id);
  };
  await group.drive(at(0).broker.putTopic({ name: 't', type: 'NORMAL', queues: 1 }));
  await group.drive(at(0).broker.putGroup(groupConfig('g', { startFrom: 'beginning' })));

  const answered = new Set<string>();
  for (let step = 0; step < STEPS; step++) {
    const id = `m${step}`;
    const sent = follow(at(leads).broker.send(sendRequest('t', id)));
    for (let turns = chance.below(12); turns > 0; turns--) await group.sim.turn();
    if (chance.hits(0.5)) await group.sim.advance(chance.below(2 * SYNC_MS));
    if (chance.hits(0.3)) {
      const victim = chance.below(2);
      const both = chance.hits(0.2);
      down(victim);
      if (both) down(1 - victim);
      if (sent.done && sent.error === undefined) answered.add(id);
      await group.sim.advance(chance.below(1500));
      if (both) {
        // Either has all that was answered.
        leads = chance.below(2);
        pair = [await group.start(0), await group.start(1)];
        const leading = follow(at(leads).host.lead(++epoch, [0, 1]));
        await followMaster(1 - leads);
        await group.until(() => leading.done);
      } else if (victim === leads && chance.hits(0.5)) {
        // The other one was in sync: it has all that was answered.
        leads = 1 - victim;
        await group.drive(at(leads).host.rest());
        const promoted = follow(at(leads).host.lead(++epoch, [0, 1]));
        await start(victim);
        await group.until(() => promoted.done);
      } else {
        await start(victim);
      }
      await group.inSync(at(leads), 2);
    } else {
      await group.sim.advance(chance.below(300));
    }
    if (sent.done && sent.error === undefined) answered.add(id);
  }

  const lines = (id: number): string => JSON.stringify(at(id).replica.epochs);
  await group.until(() => at(0).endPosition === at(1).endPosition && lines(0) === lines(1));
  down(leads);
  leads = 1 - leads;
  await group.drive(at(leads).host.lead(++epoch, [leads]));
  const found: string[] = [];
  for (let got = ['']; got.length > 0; found.push(...got)) {
    got = idsOf(await group.pop(at(leads), 'g', 't'));
  }
  expect(found).toEqual([...new Set(found)]);
  expect(found).toEqual(expect.arrayContaining([...answered]));
  expect(answered.size).toBeGreaterThan(STEPS / 4);
}

test.each(SEEDS)('nothing answered OK is lost, whoever is killed when (seed %i)', (seed) =>
  ordeal('killed', seed),
);

test.each(SEEDS)('nothing answered OK is lost, whoever loses power when (seed %i)', (seed) =>
  ordeal('without power', seed),
);
