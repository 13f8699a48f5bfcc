import { type Chance, seeded } from '../../support/seeded';
import { letRun, until } from '../../support/until';
import { BROKER, startCluster, Target } from '../target';
import type { History } from './history';
import { CHECKS, MixedLoad, type MixedResult } from './load';

export interface MixedOptions {
  /** Kills: broker, first proxy, second proxy, and from the start; some rounds kill two at once. */
  readonly rounds: number;
  readonly seed: number;
  /** From a start to the next kill, at least; up to 1 s is added. */
  readonly roundMs: number;
  readonly longestDelayMs: number;
  readonly drainMs: number;
}

const VICTIMS = [BROKER, 'proxy-1', 'proxy-2'] as const;
/** Rounds in which another one dies at the same moment. */
const TWO_AT_ONCE = 0.25;
/** From a restart to the first delivery, at most. */
const SERVED_MS = 30_000;

/**
 * Kills the broker and each of two proxies in turn under a load of all kinds of messages, drains what is left, and
 * answers what a checker outside of them saw. `seed` decides when what is killed, and what clients do.
 */
export async function killMixed(options: MixedOptions): Promise<MixedResult> {
  const { rounds, seed, longestDelayMs } = options;
  const chance = seeded(seed);
  let endpoints: readonly string[] = [];
  const target = await Target.start(async (made) => {
    ({ proxies: endpoints } = await startCluster(made, 2, CHECKS));
  });
  let load: MixedLoad | undefined;
  try {
    load = await MixedLoad.start({ endpoints, chance, longestDelayMs });
    await killInTurn(target, load.history, chance, options);
    const result = await load.finish(options.drainMs);
    const { broken, counts } = result;
    process.stdout.write(`mixed: ${JSON.stringify({ rounds, seed, ...counts, broken })}\n`);
    await target.stop();
    return result;
  } finally {
    await load?.stop();
    await target.remove();
  }
}

async function killInTurn(
  target: Target,
  history: History,
  chance: Chance,
  { rounds, roundMs }: MixedOptions,
): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    const fromMs = performance.now();
    await letRun(roundMs + chance.below(1000));
    await until(`a delivery in round ${round}`, SERVED_MS, () =>
      history.lastDeliveryMs > fromMs ? true : undefined,
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${target.output()}`, { cause: error });
    });
    const victims = victimsOf(round, chance.hits(TWO_AT_ONCE));
    if (victims.includes(BROKER)) history.brokersLostMs.push(performance.now());
    await target.killAndRestart(...victims);
  }
}

function victimsOf(round: number, two: boolean): readonly string[] {
  const victim = VICTIMS[round % VICTIMS.length] ?? BROKER;
  const other = VICTIMS[(round + 1) % VICTIMS.length] ?? BROKER;
  return two ? [victim, other] : [victim];
}
