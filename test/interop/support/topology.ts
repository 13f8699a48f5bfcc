import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type GantryProcess, type Role, runGantry, startGantry } from '../../support/process';

export type TopicType = 'NORMAL' | 'FIFO' | 'DELAY' | 'TRANSACTION' | 'PRIORITY' | 'LITE';

/** A running Gantry, as clients see it. */
export interface Topology {
  /** One access point a proxy. */
  readonly endpoints: readonly [string, ...string[]];
  /** Access points of all proxies as one endpoints text. */
  readonly allEndpoints: string;
  /** How many brokers hold each topic. */
  readonly brokers: number;
  /** Makes a topic; it is in force everywhere once this resolves. */
  createTopic(name: string, type: TopicType): Promise<void>;
  /** Makes a group, with the options of `gantry group create`. */
  createGroup(name: string, options: readonly string[]): Promise<void>;
  /** Names of all topics. */
  topics(): Promise<readonly string[]>;
  /** Runs a command of `gantry` with `-o json`; answers what it printed. */
  gantry(...args: readonly string[]): Promise<unknown>;
  /** Ends all processes; throws when one did not stop cleanly. */
  stop(): Promise<void>;
}

/** Apache's durations are 10 s to invisibility's end and polls of 5 to 20 s; the scenarios have no time for that. */
export const SHORT_DURATIONS = [
  ...['--receive-min-invisible', '1s'],
  ...['--receive-min-polling', '1s', '--receive-max-polling', '5s'],
];
/** How producers are asked about their transactions: soon, and not often. */
export const TRANSACTION_CHECKS = { firstMs: 3000, intervalMs: 3000, count: 3 } as const;
const SHORT_CHECKS = [
  ...['--transactions-first-check', `${TRANSACTION_CHECKS.firstMs}ms`],
  ...['--transactions-check-interval', `${TRANSACTION_CHECKS.intervalMs}ms`],
  ...['--transactions-checks', String(TRANSACTION_CHECKS.count)],
];
const QUIET = ['--log-level', 'warn'];

function topology(
  endpoints: readonly [string, ...string[]],
  brokers: number,
  processes: readonly GantryProcess[],
  folder: string,
): Topology {
  const at = ['--endpoint', endpoints[0]];
  const gantry = async (...args: readonly string[]): Promise<unknown> =>
    JSON.parse(await runGantry([...args, '-o', 'json', ...at]));
  return {
    endpoints,
    allEndpoints: endpoints.join(';'),
    brokers,
    gantry,
    createTopic: async (name, type) => {
      await runGantry(['topic', 'create', name, '--type', type, ...at]);
    },
    createGroup: async (name, options) => {
      await runGantry(['group', 'create', name, ...options, ...at]);
    },
    topics: async () => {
      const topics = (await gantry('topic', 'list')) as readonly { readonly name: string }[];
      return topics.map(({ name }) => name);
    },
    stop: async () => {
      const codes: (number | null)[] = [];
      for (const running of processes) codes.push(await running.stop());
      rmSync(folder, { recursive: true, force: true });
      if (codes.some((code) => code !== 0)) throw new Error(`exit codes ${codes.join(', ')}`);
    },
  };
}

/** `gantry start`: everything in one process. */
export async function startOneProcess(): Promise<Topology> {
  const folder = mkdtempSync(join(tmpdir(), 'gantry-interop-'));
  const all = await startGantry('start', {
    args: ['--data-dir', folder, '--no-auto-create', ...SHORT_DURATIONS, ...SHORT_CHECKS, ...QUIET],
  });
  return topology([all.endpoint], 1, [all], folder);
}

/** A topology of several processes. */
export interface Cluster extends Topology {
  readonly proxies: readonly GantryProcess[];
  /** What a proxy is started with. */
  readonly proxyFlags: readonly string[];
  /** Ends all processes at once. */
  kill(): Promise<void>;
}

/**
 * One name server, two brokers and two proxies, a process each.
 * @param proxyFlags for both proxies
 */
export async function startCluster(proxyFlags: readonly string[] = []): Promise<Cluster> {
  const folder = mkdtempSync(join(tmpdir(), 'gantry-interop-'));
  const started: GantryProcess[] = [];
  const kill = async (): Promise<void> => {
    for (const running of started) await running.kill();
    rmSync(folder, { recursive: true, force: true });
  };
  const start = async (role: Role, args: readonly string[]): Promise<GantryProcess> => {
    const running = await startGantry(role, { args: [...args, ...QUIET] });
    // The last one started is the first one to stop.
    started.unshift(running);
    return running;
  };
  try {
    const joins = ['--namesrv', (await start('namesrv', [])).endpoint];
    const broker = (name: string): Promise<GantryProcess> => {
      const kept = ['--data-dir', join(folder, name), '--broker-name', name];
      return start('broker', [...kept, ...SHORT_CHECKS, ...joins]);
    };
    const brokers = await both(broker('broker-a'), broker('broker-b'));
    const flags = [...SHORT_DURATIONS, ...joins, ...proxyFlags];
    const proxies = await both(start('proxy', flags), start('proxy', flags));
    const [one, other] = proxies;
    const seen = topology([one.endpoint, other.endpoint], brokers.length, started, folder);
    return { ...seen, proxies, proxyFlags: flags, kill };
  } catch (error) {
    await kill();
    throw error;
  }
}

/** Both outcomes; when one fails, the other is waited for all the same, so that it can be ended. */
async function both<T>(one: Promise<T>, other: Promise<T>): Promise<[T, T]> {
  await Promise.allSettled([one, other]);
  return [await one, await other];
}
