/** One seed: a cluster is set up, loaded, harmed, healed, drained and judged. */
import { newGroup } from '../../src/api/topic';
import { deadLetterTopic } from '../../src/message/dead-letter';
import type { Kind, Story, Terms } from '../crash/mixed/history';
import { isDrained, judge } from '../crash/mixed/rules';
import { chanceOf } from './chance';
import type { ClientParts } from './clients/client';
import { ClusterHistory } from './clients/cluster-history';
import { Consumer, type Subscription } from './clients/consumer';
import { Producer } from './clients/producer';
import { Cluster } from './cluster';
import { behind, differences, notInSync } from './convergence';
import { CLOCK_JUMP_MS, type Fault, heal, inflict, planFaults } from './faults';
import { CLIENTS, PROXIES, SERVERS } from './machines';
import { EPOCH_MS } from './world/machine';
import { Channel } from './world/rpc';

export interface Outcome {
  readonly seed: number;
  /** What broke which promise; empty when all held. */
  readonly broken: Readonly<Partial<Record<string, readonly string[]>>>;
  /** Of all that happened: the same in every run of a seed. */
  readonly digest: string;
  readonly faults: readonly Fault[];
  readonly counts: Readonly<Record<string, number>>;
  readonly log: readonly string[];
  /** What happened to each message, by its id. */
  readonly stories: ReadonlyMap<string, Story>;
}

const TERMS: Terms = { maxAttempts: 4, invisibleMs: 2000 };
const TOPICS: Readonly<Record<Kind, string>> = {
  ...{ normal: 'sim-normal', fifo: 'sim-fifo', delay: 'sim-delay' },
  transaction: 'sim-transaction',
};
const KINDS = Object.keys(TOPICS) as readonly Kind[];
const UNDERTAKERS = 'undertakers';
const QUEUES = 2;
/** Two machines of producers, two of consumers. */
const PRODUCERS = CLIENTS.slice(0, 2);
const CONSUMERS = CLIENTS.slice(2);
/** The cluster must serve within this, or come back after all faults, ms. */
const UP_MS = 60_000;
/** Faults happen in a window of this length, ms. */
const LOAD_MS = 12_000;
const FAULTS_MAX = 10;
/** After the last fault has ended all that is owed must have come within this, ms. */
const DRAIN_MS = 180_000;
const LONGEST_DELAY_MS = 5000;
/** Nothing must come for so long before the judge is asked, ms. */
const QUIET_MS = LONGEST_DELAY_MS + 2 * TERMS.invisibleMs;
/** Between two sends of one sender, at most: of a seed with much load, and how many times as long with little. */
const PAUSE_MS = 600;
const PAUSES = 4;
const STEP_MS = 250;
/** What a server may hold when all is done: receives wait, and little else. */
const TIMERS_MAX = 60;
const STREAMS_MAX = 40;
/** How much faster or slower a monotonic clock goes, at most: as most do, and as a few do. */
const SMALL_DRIFT = 0.0002;
const DRIFT = 0.04;

/** Runs a seed to its end. */
export async function simulate(seed: number): Promise<Outcome> {
  const run = new Run(seed);
  const rejected = (reason: unknown): void => run.crashed(reason);
  process.on('unhandledRejection', rejected);
  try {
    await run.toTheEnd();
  } finally {
    process.off('unhandledRejection', rejected);
  }
  return run.outcome();
}

class Run {
  private readonly cluster: Cluster;
  private readonly history = new ClusterHistory(TERMS, EPOCH_MS);
  private readonly faults: readonly Fault[];
  private readonly producers: Producer[] = [];
  private readonly skewMs: number;
  private readonly pauseMs: number;
  private receives = 0;
  private failure: string | undefined;
  private different: readonly string[] = [];

  constructor(private readonly seed: number) {
    const chance = chanceOf(seed, 'shape');
    this.skewMs = chance.hits(0.5) ? chance.below(CLOCK_JUMP_MS) : 0;
    const drift = chance.hits(0.3) ? DRIFT : SMALL_DRIFT;
    const minInSync = chance.hits(0.5) ? 2 : 1;
    this.pauseMs = PAUSE_MS * (1 + chance.below(PAUSES));
    this.cluster = new Cluster({ seed, skewMs: this.skewMs, drift, minInSync });
    this.faults = planFaults(this.cluster.chance('faults'), {
      fromMs: 2000,
      toMs: 2000 + LOAD_MS,
      countMax: FAULTS_MAX,
    });
  }

  /** Notes what would have ended a process, and nobody handled. */
  crashed(reason: unknown): void {
    this.cluster.broken.push(`not handled: ${String(reason)}`);
  }

  async toTheEnd(): Promise<void> {
    const { cluster, faults, history } = this;
    const { scheduler } = cluster;
    for (const name of SERVERS) cluster.start(name);
    const whole = (): boolean => this.allUp() && notInSync(cluster).length === 0;
    if (!(await this.until('the cluster serves', UP_MS, whole))) return;
    if (!(await this.makeTopics())) return;
    this.startClients();
    const startMs = scheduler.nowMs;
    for (const fault of faults) {
      scheduler.after(fault.atMs, undefined, () => inflict(cluster, fault));
    }
    await scheduler.run(startMs + 2000 + LOAD_MS);
    for (const producer of this.producers) producer.stop();
    heal(cluster);
    cluster.note('all faults end');
    await this.until('all serve again', UP_MS, whole);
    const fromMs = scheduler.nowMs;
    await this.until('all has come', DRAIN_MS, () => {
      const quietMs = scheduler.nowMs - Math.max(fromMs, history.lastDeliveryMs);
      const idle = this.producers.every(({ isIdle }) => isIdle);
      return idle && quietMs > QUIET_MS && isDrained(history);
    });
    await this.until('all replicas have all', UP_MS, () => behind(cluster).length === 0);
    this.different = await differences(cluster);
  }

  outcome(): Outcome {
    const { cluster, history, failure, seed, faults } = this;
    const { masters, linksLostMs, cuts } = cluster;
    history.masterChangesMs.push(...masters.changesMs);
    history.brokersLostMs.push(...linksLostMs);
    history.cuts.push(...cuts);
    const broken: Partial<Record<string, readonly string[]>> = { ...judge(history) };
    if (masters.broken.length > 0) broken['two masters'] = masters.broken;
    if (this.different.length > 0) broken['replicas differ'] = this.different;
    if (cluster.broken.length > 0) broken['crashed'] = cluster.broken;
    if (failure !== undefined) broken['waited too long'] = [failure];
    const heaped = cluster.holdings().filter(({ timers, streams }) => {
      return timers > TIMERS_MAX || streams > STREAMS_MAX;
    });
    if (heaped.length > 0) broken['left behind'] = heaped.map((one) => JSON.stringify(one));
    const { scheduler, network, log } = cluster;
    const counts = {
      ...history.counts(),
      events: scheduler.count,
      messages: network.messages,
      'changes of masters': masters.changesMs.length,
      'simulated ms': Math.round(scheduler.nowMs),
    };
    const { stories } = history;
    return { seed, broken, digest: scheduler.digest, faults, counts, log, stories };
  }

  private allUp(): boolean {
    return SERVERS.every((name) => this.cluster.isUp(name));
  }

  /** Lets the time go on until something is so. */
  private async until(what: string, limitMs: number, isSo: () => boolean): Promise<boolean> {
    const { scheduler } = this.cluster;
    const endMs = scheduler.nowMs + limitMs;
    while (!isSo()) {
      if (scheduler.nowMs >= endMs) {
        const why = [...notInSync(this.cluster), ...behind(this.cluster)].join('; ');
        this.failure ??= `not within ${limitMs} ms: ${what} (${why})`;
        return false;
      }
      await scheduler.run(scheduler.nowMs + STEP_MS);
    }
    return true;
  }

  private async makeTopics(): Promise<boolean> {
    const admin = this.cluster.proxy()?.admin;
    if (admin === undefined) throw new Error('no proxy');
    let made = false;
    const make = async (): Promise<void> => {
      await admin.putGroup({ ...newGroup(UNDERTAKERS), startFrom: 'beginning' });
      for (const kind of KINDS) {
        const type = kind.toUpperCase() as Uppercase<Kind>;
        await admin.putTopic({ name: TOPICS[kind], type, queues: QUEUES });
        const group = newGroup(groupOf(kind), kind === 'fifo');
        await admin.putGroup({ ...group, maxAttempts: TERMS.maxAttempts, startFrom: 'beginning' });
      }
      made = true;
    };
    make().catch((error: unknown) => (this.failure = `topics: ${String(error)}`));
    return this.until('topics are made', UP_MS, () => made);
  }

  private startClients(): void {
    const { cluster, history } = this;
    const chance = cluster.chance('clients');
    for (const name of PRODUCERS) {
      const producer = new Producer(
        this.client(name),
        { name, topics: TOPICS, longestDelayMs: LONGEST_DELAY_MS, pauseMs: this.pauseMs },
        history,
      );
      this.producers.push(producer);
      producer.start();
    }
    const truth = {
      brokerWallMs: () => cluster.brokerWallMs() + this.clockErrorMs(),
      skewMs: this.clockErrorMs(),
    };
    for (const kind of KINDS) {
      for (const subscription of subscriptionsOf(kind, chance.hits(0.5))) {
        for (const name of subscription.dead ? CONSUMERS.slice(0, 1) : CONSUMERS) {
          const parts = this.client(name);
          new Consumer(parts, subscription, history, truth, () => this.receives++).start();
        }
      }
    }
  }

  private client(name: string): ClientParts {
    const { cluster } = this;
    const { scheduler, network } = cluster;
    const process = cluster.machine(name).process ?? cluster.startClient(name);
    const chance = cluster.chance(`${name} ${process.timers}`);
    const channels = PROXIES.map((proxy) => new Channel(network, process, proxy, name));
    return { process, scheduler, chance, channels, spread: chance.hits(0.5) };
  }

  /** How far clocks may be off from what they say now, by jumps of the plan. */
  private clockErrorMs(): number {
    const jumps = this.faults.filter(({ kind }) => kind === 'clock').length;
    return this.skewMs + jumps * CLOCK_JUMP_MS;
  }
}

function groupOf(kind: Kind): string {
  return `${TOPICS[kind]}-readers`;
}

function subscriptionsOf(kind: Kind, push: boolean): readonly Subscription[] {
  const group = groupOf(kind);
  return [
    { kind, topic: TOPICS[kind], group, dead: false, push },
    { kind, topic: deadLetterTopic(group), group: UNDERTAKERS, dead: true, push: false },
  ];
}
