import { isOk } from '../../crash/mixed/history';
import { MixedLoad, type MixedResult } from '../../crash/mixed/load';
import { seeded } from '../../support/seeded';
import { letRun } from '../../support/until';
import { BROKERS, type BrokerNode, FailoverCluster, type FailoverOptions } from './cluster';
import { longestGapMs, MasterWatch, staleAnswers } from './master-watch';

/** A cluster under load, with all replicas in sync. */
export interface Scene {
  readonly cluster: FailoverCluster;
  readonly watch: MasterWatch;
  readonly load: MixedLoad;
  /** Who leads when the disturbance begins. */
  readonly master: BrokerNode;
}

export interface ScenarioOutcome extends MixedResult {
  /** Answers of a master that was none any more. */
  readonly stale: readonly string[];
  /** The longest time in which no broker answered as master, ms. */
  readonly withoutMasterMs: number;
  /** The longest time in which no send was answered OK, ms. */
  readonly withoutSendMs: number;
  /** Who led, one after the other. */
  readonly masters: readonly string[];
}

export interface ScenarioOptions extends FailoverOptions {
  /** Decides what clients do. */
  readonly seed?: number;
}

const LONGEST_DELAY_MS = 4000;
const DRAIN_MS = 90_000;
/** Load before the disturbance and after it. */
const CALM_MS = 2000;

/**
 * Starts a cluster and a load of all kinds of messages, lets `disturb` do its work, waits until all replicas are in
 * sync again, drains what is left, and answers what a checker outside of the cluster saw.
 */
export async function scenario(
  name: string,
  options: ScenarioOptions,
  disturb: (scene: Scene) => Promise<void>,
): Promise<ScenarioOutcome> {
  const cluster = await FailoverCluster.start(options);
  const watch = new MasterWatch(cluster);
  let load: MixedLoad | undefined;
  try {
    await watch.master(BROKERS.length);
    const chance = seeded(options.seed ?? 1);
    const endpoints = cluster.proxies;
    load = await MixedLoad.start({ endpoints, chance, longestDelayMs: LONGEST_DELAY_MS });
    await letRun(CALM_MS);
    const fromMs = performance.now();
    await disturb({ cluster, watch, load, master: await watch.master() });
    await watch.master(BROKERS.length);
    await letRun(CALM_MS);
    const toMs = performance.now();
    load.history.masterChangesMs.push(...watch.changesMs());
    const result = await load.finish(DRAIN_MS);
    const outcome = { ...result, ...seen(watch, load, fromMs, toMs) };
    process.stdout.write(`failover: ${JSON.stringify({ name, ...outcome })}\n`);
    return outcome;
  } catch (error) {
    const latest = `the master said last: ${JSON.stringify(watch.latest)}`;
    throw new Error(`${String(error)}\n${latest}\n${cluster.output()}`, { cause: error });
  } finally {
    await watch.stop();
    await load?.stop();
    await cluster.remove();
  }
}

function seen(
  { answers }: MasterWatch,
  { history }: MixedLoad,
  fromMs: number,
  toMs: number,
): Omit<ScenarioOutcome, keyof MixedResult> {
  const sent = [...history.stories.values()].flatMap(({ sends }) =>
    sends.filter((send) => isOk([send])).map(({ endedMs }) => endedMs),
  );
  const answered = answers.map(({ answeredMs }) => answeredMs);
  const terms = answers.map(({ broker, epoch }) => `${broker} in epoch ${epoch}`);
  return {
    stale: staleAnswers(answers),
    withoutMasterMs: Math.round(longestGapMs(answered, fromMs, toMs)),
    withoutSendMs: Math.round(longestGapMs(sent, fromMs, toMs)),
    masters: [...new Set(terms)],
  };
}
