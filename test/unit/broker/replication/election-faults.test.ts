import { ElectionScene, LEASE_MS } from '../../../support/election-scene';
import { seeded, type Chance } from '../../../support/seeded';

/** Runs, each of its own seed; `ELECTION_RUNS` in the environment asks for more. */
const RUNS = Number(process.env['ELECTION_RUNS'] ?? 20);
const LIMIT_MS = 20_000 + RUNS * 1000;
const REPLICAS = 3;
const FAULTS = 25;
/** Clocks run up to this much faster or slower. */
const DRIFT = 0.03;
/** From the last fault on. */
const RECOVERY_MS = 30_000;

type Fault = (scene: ElectionScene, chance: Chance) => void;

const faults: readonly Fault[] = [
  (scene, chance) => scene.cut(chance.below(REPLICAS), 'etcd'),
  (scene, chance) => scene.cut('etcd', chance.below(REPLICAS)),
  (scene, chance) => scene.cutBoth(chance.below(REPLICAS), 'etcd'),
  (scene) => [0, 1, 2].forEach((id) => scene.cutBoth(id, 'etcd')),
  (scene, chance) => scene.cut(chance.below(REPLICAS), chance.below(REPLICAS)),
  (scene, chance) => scene.cutBoth(chance.below(REPLICAS), chance.below(REPLICAS)),
  (scene) => scene.heal(),
  (scene) => scene.heal(),
  (scene, chance) => scene.replica(chance.below(REPLICAS)).time.stop(),
  (scene) => scene.replicas.forEach(({ time }) => time.resume()),
  (scene) => scene.replicas.forEach(({ time }) => time.resume()),
  (scene, chance) => restart(scene, chance),
  (scene, chance) => restart(scene, chance),
  (scene) => void scene.master?.election.handOver().catch(() => undefined),
  // The master of the service loses its key while it is cut off: what a one-way partition leads to.
  (scene) => {
    const { master } = scene;
    if (master !== undefined) scene.cutBoth(master.id, 'etcd');
  },
];

function restart(scene: ElectionScene, chance: Chance): void {
  const id = chance.below(REPLICAS);
  scene.kill(id);
  scene.start(id, `store${id}`, { rate: 1 + DRIFT * (chance.next() * 2 - 1) });
}

/** @throws Error two masters, or two of one epoch, at any moment: `run` looks */
async function ordeal(seed: number): Promise<ElectionScene> {
  const chance = seeded(seed);
  const scene = new ElectionScene(seed);
  for (let id = 0; id < REPLICAS; id++) {
    scene.start(id, `store${id}`, { rate: 1 + DRIFT * (chance.next() * 2 - 1) });
  }
  await scene.run(8_000);
  for (let count = 0; count < FAULTS; count++) {
    faults[chance.below(faults.length)]?.(scene, chance);
    await scene.run(chance.below(2 * LEASE_MS));
  }
  scene.heal();
  for (const { time } of scene.replicas) time.resume();
  await scene.run(RECOVERY_MS);
  return scene;
}

describe('the election of a broker group under faults', () => {
  it(
    'never has two masters, and has one again when the faults are over',
    async () => {
      for (let seed = 1; seed <= RUNS; seed++) {
        try {
          const scene = await ordeal(seed);
          expect(scene.master).toBeDefined();
          expect(scene.service.state.inSync).toHaveLength(REPLICAS);
        } catch (error) {
          throw new Error(`seed ${seed}`, { cause: error });
        }
      }
    },
    LIMIT_MS,
  );
});
