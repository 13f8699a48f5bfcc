/** Faults one after the other, each after the cluster has recovered from the one before. */
import { isOk } from '../crash/mixed/history';
import { type Chance, seeded } from '../support/seeded';
import { letRun } from '../support/until';
import { BROKERS, ETCDS, NAMESRVS, type NodeName, PROXIES } from './support/cluster';
import { longestGapMs } from './support/master-watch';
import {
  type Scene,
  scenario,
  type ScenarioOptions,
  type ScenarioOutcome,
} from './support/scenario';

/** What one fault cost, ms. */
export interface FaultCost {
  readonly fault: string;
  /** Whether etcd had to find a leader as well: then it prolongs the lease of a master that has died. */
  readonly etcdElects: boolean;
  /** The longest time without the answer of a master. */
  readonly withoutMasterMs: number;
  /** The same without a send that was answered OK; `undefined` where clients wait for a proxy that was killed. */
  readonly withoutSendMs: number | undefined;
}

/** Longer than the lease of a master, ms; up to as much is added. */
const STILL_MS = 5_000;
/** Until what was killed is started again, ms: shorter than a lease, or longer. */
const DEAD_MS = { least: 500, more: 6_000 };

/** Who leads the broker group, and who leads etcd. */
interface Roles {
  readonly master: NodeName;
  readonly etcdLeader: NodeName;
}

interface Fault {
  readonly name: string;
  /** Who is killed, or stands still; by the name of the master. */
  readonly victims: (who: Roles, chance: Chance) => readonly NodeName[];
  /** SIGSTOP, and SIGCONT after more than a lease, instead of kill -9. */
  readonly standsStill?: boolean;
}

const one = (names: readonly NodeName[], chance: Chance): NodeName => {
  const name = names[chance.below(names.length)];
  if (name === undefined) throw new Error('nobody to choose');
  return name;
};
const replica = (master: NodeName, chance: Chance): NodeName =>
  one(
    BROKERS.filter((name) => name !== master),
    chance,
  );

const MASTER_AND_ETCD: Fault = {
  name: 'kill -9 of the master and the leader of etcd',
  victims: ({ master, etcdLeader }) => [master, etcdLeader],
};

const FAULTS: readonly Fault[] = [
  { name: 'kill -9 of the master', victims: ({ master }) => [master] },
  { name: 'SIGSTOP of the master', victims: ({ master }) => [master], standsStill: true },
  { name: 'kill -9 of a replica', victims: ({ master }, chance) => [replica(master, chance)] },
  { name: 'kill -9 of a member of etcd', victims: (_who, chance) => [one(ETCDS, chance)] },
  { name: 'kill -9 of the leader of etcd', victims: ({ etcdLeader }) => [etcdLeader] },
  { name: 'kill -9 of a proxy', victims: (_who, chance) => [one(PROXIES, chance)] },
  { name: 'kill -9 of a name server', victims: (_who, chance) => [one(NAMESRVS, chance)] },
  {
    name: 'kill -9 of the master and another process',
    victims: ({ master }, chance) => [master, one([...ETCDS, ...NAMESRVS, ...PROXIES], chance)],
  },
  MASTER_AND_ETCD,
];

export interface FaultsOutcome {
  readonly outcome: ScenarioOutcome;
  readonly faults: readonly FaultCost[];
}

/** @param seed decides who, when, and what clients do */
export function faultsInTurn(count: number, seed: number): Promise<FaultsOutcome> {
  return suffered(FAULTS, count, { seed });
}

/** The master and the leader of etcd are killed at once, again and again; see `EtcdClusterOptions`. */
export function mastersWithEtcd(
  count: number,
  options: Pick<ScenarioOptions, 'seed' | 'electionMs'>,
): Promise<FaultsOutcome> {
  return suffered([MASTER_AND_ETCD], count, options);
}

async function suffered(
  kinds: readonly Fault[],
  count: number,
  options: ScenarioOptions,
): Promise<FaultsOutcome> {
  const chance = seeded(options.seed ?? 1);
  const faults: FaultCost[] = [];
  const name = `${count} faults, ${JSON.stringify(options)}`;
  const outcome = await scenario(name, options, async (scene) => {
    for (let turn = 0; turn < count; turn++) {
      const fault = kinds[turn % kinds.length];
      if (fault === undefined) throw new Error('no fault');
      const cost = await suffer(scene, fault, chance);
      process.stdout.write(`fault: ${JSON.stringify(cost)}\n`);
      faults.push(cost);
    }
  });
  return { outcome, faults };
}

async function suffer(scene: Scene, fault: Fault, chance: Chance): Promise<FaultCost> {
  const { cluster, watch, load } = scene;
  const etcdLeader = await cluster.etcdLeader();
  const victims = fault.victims({ etcdLeader, master: await watch.master(BROKERS.length) }, chance);
  const fromMs = performance.now();
  load.history.brokersLostMs.push(fromMs);
  if (fault.standsStill === true) {
    for (const name of victims) cluster.signal(name, 'SIGSTOP');
    await letRun(STILL_MS + chance.below(STILL_MS));
    for (const name of victims) cluster.signal(name, 'SIGCONT');
  } else {
    await cluster.kill(...victims);
    await letRun(DEAD_MS.least + chance.below(DEAD_MS.more));
    await cluster.restart(...victims);
  }
  await watch.master(BROKERS.length);
  const toMs = performance.now();
  const reached = !PROXIES.some((proxy) => victims.includes(proxy));
  const answered = watch.answers.map(({ answeredMs }) => answeredMs);
  const sent = [...load.history.stories.values()].flatMap(({ sends }) =>
    sends.filter((send) => isOk([send])).map(({ endedMs }) => endedMs),
  );
  return {
    fault: `${fault.name}: ${victims.join(' and ')}`,
    etcdElects: victims.includes(etcdLeader),
    withoutMasterMs: Math.round(longestGapMs(answered, fromMs, toMs)),
    withoutSendMs: reached ? Math.round(longestGapMs(sent, fromMs, toMs)) : undefined,
  };
}
