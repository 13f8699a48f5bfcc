/** What goes wrong, and when: a plan that follows from the seed alone. */
import type { Chance } from '../support/seeded';
import type { Cluster } from './cluster';
import { BROKERS, GROUPS, NETWORK, PROXIES, replicasOf, SERVERS } from './machines';
import { ETCD } from './world/etcd';

/** Kinds of faults; a seed has some of them. */
const KINDS = [
  ...['kill', 'power', 'stop', 'pause', 'cut', 'isolate', 'cut-one-way'],
  ...['slow-network', 'reset', 'slow-disk', 'clock', 'lose-disk', 'etcd-away', 'hand-over'],
  ...['slow-group', 'cut-off'],
] as const;
type Kind = (typeof KINDS)[number];

export interface Fault {
  readonly kind: Kind;
  readonly atMs: number;
  /** How long it lasts. */
  readonly forMs: number;
  /** A machine, or the name of a broker group: the one that leads it then. */
  readonly on: string;
  /** The other side, of what happens between two. */
  readonly other: string;
  /** How bad it is, 0 .. 1. */
  readonly strength: number;
}

export interface FaultOptions {
  readonly fromMs: number;
  readonly toMs: number;
  readonly countMax: number;
}

const LONGEST_MS: Readonly<Record<Kind, number>> = {
  ...{ kill: 6000, power: 6000, stop: 3000, pause: 8000, cut: 12_000, isolate: 12_000 },
  ...{ 'cut-one-way': 12_000, 'slow-network': 8000, reset: 0, 'slow-disk': 6000, clock: 0 },
  ...{ 'lose-disk': 5000, 'etcd-away': 12_000, 'hand-over': 0, 'slow-group': 8000 },
  // From its group and etcd, and not from the proxies.
  'cut-off': 8000,
};
const OF_BROKERS: ReadonlySet<Kind> = new Set([
  ...(['power', 'slow-disk', 'lose-disk', 'hand-over', 'slow-group', 'cut-off'] as const),
]);
const SLOW_NETWORK_MS = 800;
const SLOW_DISK_MS = 250;
export const CLOCK_JUMP_MS = 400;
const KIND_KEPT = 0.5;
const TOGETHER = 0.4;

/** The plan of a seed. */
export function planFaults(
  chance: Chance,
  { fromMs, toMs, countMax }: FaultOptions,
): readonly Fault[] {
  const kinds = KINDS.filter(() => chance.hits(KIND_KEPT));
  if (kinds.length === 0) return [];
  const count = 1 + chance.below(countMax);
  let before: Fault | undefined;
  const faults = Array.from({ length: count }, (): Fault => {
    const kind = pick(chance, kinds);
    // Some come while another one lasts, to the same broker.
    const together = before?.on.startsWith('broker') === true && chance.hits(TOGETHER);
    const first = together ? before : undefined;
    const on = first?.on ?? targetOf(kind, chance);
    const laterMs =
      first === undefined ? chance.below(toMs - fromMs) : chance.below(first.forMs + 1);
    before = {
      kind,
      atMs: Math.min(toMs, (first?.atMs ?? fromMs) + laterMs),
      forMs: 50 + chance.below(LONGEST_MS[kind] + 1),
      on,
      other: otherThan(on, chance),
      strength: chance.next(),
    };
    return before;
  });
  return faults.sort((a, b) => a.atMs - b.atMs);
}

function targetOf(kind: Kind, chance: Chance): string {
  if (kind === 'etcd-away') return ETCD;
  // What holds messages, and what is between it and the clients, is where most can go wrong.
  if (OF_BROKERS.has(kind) || chance.hits(0.6)) {
    return chance.hits(0.5) ? pick(chance, GROUPS) : pick(chance, BROKERS);
  }
  if (kind === 'slow-network' && chance.hits(0.2)) return ETCD;
  return chance.hits(0.5) ? pick(chance, PROXIES) : pick(chance, SERVERS);
}

/** The other side: of a broker often one of its group, or etcd. */
function otherThan(on: string, chance: Chance): string {
  const group = GROUPS.find((name) => on.startsWith(name));
  const near = group !== undefined && chance.hits(0.6) ? [...replicasOf(group), ETCD] : NETWORK;
  return pick(
    chance,
    near.filter((name) => name !== on),
  );
}

function pick<T>(chance: Chance, from: readonly T[]): T {
  const one = from[chance.below(from.length)];
  if (one === undefined) throw new Error('nothing to pick from');
  return one;
}

/** Makes a fault happen, and ends it in its time. */
export function inflict(cluster: Cluster, fault: Fault): void {
  const { kind, other, forMs, strength } = fault;
  const on = cluster.machineOf(fault.on);
  if (on === other) return;
  const { network, scheduler } = cluster;
  const then = (end: () => void): void => void scheduler.after(forMs, undefined, end);
  cluster.note(`fault: ${kind} ${on} ${other} for ${forMs} ms, strength ${strength.toFixed(2)}`);
  switch (kind) {
    case 'kill':
      cluster.kill(on);
      then(() => cluster.start(on));
      return;
    case 'power':
      cluster.losePower(on);
      then(() => cluster.start(on));
      return;
    case 'lose-disk':
      if (!cluster.mayLoseDisk(on)) return;
      cluster.loseDisk(on);
      then(() => cluster.start(on));
      return;
    case 'etcd-away':
      cluster.etcd.stop();
      then(() => cluster.etcd.goOn());
      return;
    case 'hand-over':
      cluster.handOver(on);
      return;
    case 'stop':
      cluster.stop(on);
      // Started again as soon as it is down, not before.
      then(() => startWhenDown(cluster, on));
      return;
    case 'pause':
      cluster.pause(on, forMs);
      return;
    case 'cut':
    case 'cut-one-way': {
      const ways = [[on, other], ...(kind === 'cut' ? [[other, on]] : [])] as [string, string][];
      for (const [from, to] of ways) network.cut(from, to);
      cluster.noteCut(ways, forMs);
      then(() => {
        for (const [from, to] of ways) network.mend(from, to);
      });
      return;
    }
    case 'cut-off':
    case 'isolate': {
      const from = kind === 'isolate' ? NETWORK : [...groupOf(on), ETCD];
      const all = from.filter((name) => name !== on);
      for (const name of all) cutBoth(cluster, on, name);
      cluster.noteCut(
        all.map((name) => [on, name] as const),
        forMs,
      );
      then(() => {
        for (const name of all) mendBoth(cluster, on, name);
      });
      return;
    }
    case 'slow-network':
      for (const name of NETWORK) {
        network.slow(on, name, strength * SLOW_NETWORK_MS);
        network.slow(name, on, strength * SLOW_NETWORK_MS);
      }
      then(() => calm(cluster, on));
      return;
    case 'slow-group':
      slowGroup(cluster, on, strength * SLOW_NETWORK_MS);
      then(() => slowGroup(cluster, on, 0));
      return;
    case 'reset':
      network.reset(on, other);
      return;
    case 'slow-disk':
      cluster.machine(on).diskSlowMs = strength * SLOW_DISK_MS;
      then(() => (cluster.machine(on).diskSlowMs = 0));
      return;
    case 'clock':
      cluster.machine(on).jumpClock((strength - 0.5) * 2 * CLOCK_JUMP_MS);
      return;
  }
}

/** Ends all faults that last, and starts what does not run. */
export function heal(cluster: Cluster): void {
  for (const a of NETWORK) {
    for (const b of NETWORK) cluster.network.mend(a, b);
    calm(cluster, a);
  }
  cluster.etcd.goOn();
  for (const name of SERVERS) {
    cluster.machine(name).diskSlowMs = 0;
    startWhenDown(cluster, name);
  }
}

function startWhenDown(cluster: Cluster, name: string): void {
  const { process } = cluster.machine(name);
  if (process === undefined) cluster.start(name);
  else if (!cluster.isUp(name)) {
    cluster.scheduler.after(100, undefined, () => startWhenDown(cluster, name));
  }
}

/** The machines of a replica's group. */
function groupOf(on: string): readonly string[] {
  return GROUPS.map(replicasOf).find((group) => group.includes(on)) ?? [];
}

/** Slows a replica's ways to and from the others of its group. */
function slowGroup(cluster: Cluster, on: string, slowMs: number): void {
  for (const name of groupOf(on)) {
    cluster.network.slow(on, name, slowMs);
    cluster.network.slow(name, on, slowMs);
  }
}

function calm(cluster: Cluster, on: string): void {
  for (const name of NETWORK) {
    cluster.network.slow(on, name, 0);
    cluster.network.slow(name, on, 0);
  }
}

function cutBoth(cluster: Cluster, a: string, b: string): void {
  cluster.network.cut(a, b);
  cluster.network.cut(b, a);
}

function mendBoth(cluster: Cluster, a: string, b: string): void {
  cluster.network.mend(a, b);
  cluster.network.mend(b, a);
}
