import { expectAllKept, FREQUENT } from '../crash/mixed/load';
import { letRun } from '../support/until';
import { BROKERS, ETCDS, type NodeName, others } from './support/cluster';
import type { Way } from './support/network';
import { type Scene, scenario } from './support/scenario';

/** Longer than a lease, and than a replica may be behind and in sync. */
const CUT_MS = 12_000;
/** The longest time without a master, and without a send that is answered OK, ms. */
const VACANT_MS = 5000;

async function cutOff(
  { cluster, master }: Scene,
  away: readonly NodeName[],
  way: Way,
): Promise<void> {
  await cluster.cut(master, away, way);
  await letRun(CUT_MS);
  await cluster.heal();
}

const replicas = (master: NodeName): readonly NodeName[] =>
  BROKERS.filter((name) => name !== master);

/** From what the master is cut off, and whether another one has to lead. */
const cuts: readonly (readonly [
  name: string,
  away: (master: NodeName) => readonly NodeName[],
  way: Way,
  moves: boolean,
])[] = [
  ['from everything', (master) => others(master), 'both', true],
  ['from etcd', () => ETCDS, 'both', false],
  ['from its replicas', replicas, 'both', false],
  ['so that nothing leaves it', (master) => others(master), 'out', true],
  ['so that nothing reaches it', (master) => others(master), 'in', true],
  ['so that nothing of etcd reaches it', () => ETCDS, 'in', false],
  ['so that nothing of it reaches its replicas', replicas, 'out', false],
];

describe('a master that is cut off', () => {
  it.each(cuts)(
    '%s: nothing answered is lost, two never answer, and soon one does',
    async (name, away, way, moves) => {
      const outcome = await scenario(`cut off ${name}`, { network: true }, (scene) =>
        cutOff(scene, away(scene.master), way),
      );
      expectAllKept(outcome, FREQUENT);
      expect(outcome.stale).toEqual([]);
      expect(Math.max(outcome.withoutMasterMs, outcome.withoutSendMs)).toBeLessThan(VACANT_MS);
      if (moves) expect(new Set(outcome.masters.map((term) => term.split(' ')[0])).size).toBe(2);
    },
  );
});
