import { newGroup } from '../../../src/api/topic';
import { withAdmin } from '../../../src/cli/admin-access';
import { deadLetterTopic } from '../../../src/message/dead-letter';
import { type Chance, seeded } from '../../support/seeded';
import { letRun, until } from '../../support/until';
import { BROKER, startCluster, Target } from '../target';
import { Consumers, type Subscription } from './consumers';
import { History, type Kind, type Terms } from './history';
import { Producers } from './producers';
import { isDrained, judge } from './rules';

export interface MixedOptions {
  /** Kills: broker, first proxy, second proxy, and from the start; some rounds kill two at once. */
  readonly rounds: number;
  readonly seed: number;
  /** From a start to the next kill, at least; up to 1 s is added. */
  readonly roundMs: number;
  readonly longestDelayMs: number;
  readonly drainMs: number;
}

export interface MixedResult {
  readonly broken: ReturnType<typeof judge>;
  readonly counts: Readonly<Record<string, number>>;
}

const TERMS: Terms = { maxAttempts: 3, invisibleMs: 2000 };
const TOPICS: Readonly<Record<Kind, string>> = {
  normal: 'mixed-normal',
  fifo: 'mixed-fifo',
  delay: 'mixed-delay',
  transaction: 'mixed-transaction',
};
const KINDS = Object.keys(TOPICS) as readonly Kind[];
const UNDERTAKERS = 'undertakers';
const VICTIMS = [BROKER, 'proxy-1', 'proxy-2'] as const;
/** Rounds in which another one dies at the same moment. */
const TWO_AT_ONCE = 0.25;
/** From a restart to the first delivery, at most. */
const SERVED_MS = 30_000;
const CHECKS = [
  ...['--transactions-first-check', '1s', '--transactions-check-interval', '1s'],
  ...['--transactions-checks', '1000'],
];

/**
 * Kills the broker and each of two proxies in turn under a load of all kinds of messages, drains what is left, and
 * answers what a checker outside of them saw. `seed` decides when what is killed, and what clients do.
 */
export async function killMixed(options: MixedOptions): Promise<MixedResult> {
  const { rounds, seed, longestDelayMs } = options;
  const history = new History(TERMS);
  const chance = seeded(seed);
  let endpoints: readonly string[] = [];
  const target = await Target.start(async (made) => {
    ({ proxies: endpoints } = await startCluster(made, 2, CHECKS));
    await makeTopics(endpoints[0] ?? '');
  });
  const subscriptions = KINDS.flatMap(subscriptionsOf);
  const producers = new Producers({ endpoints, topics: TOPICS, chance, longestDelayMs }, history);
  const consumers = new Consumers({ endpoints, chance, subscriptions }, history);
  try {
    consumers.start();
    producers.start();
    await killInTurn(target, history, chance, options);
    await producers.stopSending();
    await drain(history, options);
    await producers.stop();
    await consumers.stop();
    const broken = judge(history);
    const counts = history.counts();
    process.stdout.write(`mixed: ${JSON.stringify({ rounds, seed, ...counts, broken })}\n`);
    await target.stop();
    return { broken, counts };
  } finally {
    await producers.stop();
    await consumers.stop();
    await target.remove();
  }
}

/** Asserts that no rule was broken, and that what the rules are about took place. */
export function expectAllKept({ broken, counts }: MixedResult): void {
  expect(broken).toEqual({});
  const happened = [
    ...KINDS.map((kind) => `${kind} sent`),
    ...['redelivered', 'acknowledged', 'dead letters'],
    ...['recalled', 'checks', 'committed', 'rolled back'],
  ];
  for (const name of happened) expect({ [name]: counts[name] ?? 0 }).not.toEqual({ [name]: 0 });
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
    await target.killAndRestart(...victimsOf(round, chance.hits(TWO_AT_ONCE)));
  }
}

function victimsOf(round: number, two: boolean): readonly string[] {
  const victim = VICTIMS[round % VICTIMS.length] ?? BROKER;
  const other = VICTIMS[(round + 1) % VICTIMS.length] ?? BROKER;
  return two ? [victim, other] : [victim];
}

/** Drained when nothing is owed and nothing has come for longer than anything may take to come. */
async function drain(history: History, { drainMs, longestDelayMs }: MixedOptions): Promise<void> {
  const quietMs = longestDelayMs + 2 * TERMS.invisibleMs;
  const fromMs = performance.now();
  await until('all that is owed to come', drainMs, () => {
    const quietSinceMs = Math.max(fromMs, history.lastDeliveryMs);
    const isQuiet = performance.now() - quietSinceMs > quietMs;
    return isQuiet && isDrained(history) ? true : undefined;
  }).catch(() => undefined); // what is still owed is for the rules to tell
}

function groupOf(kind: Kind): string {
  return `${TOPICS[kind]}-readers`;
}

function subscriptionsOf(kind: Kind): readonly Subscription[] {
  const group = groupOf(kind);
  const dead = deadLetterTopic(group);
  return [
    { kind, topic: TOPICS[kind], group, receivers: 3, dead: false },
    { kind, topic: dead, group: UNDERTAKERS, receivers: 1, dead: true },
  ];
}

async function makeTopics(endpoint: string): Promise<void> {
  const { maxAttempts } = TERMS;
  await withAdmin(endpoint, async (admin) => {
    await admin.putGroup({ ...newGroup(UNDERTAKERS), startFrom: 'beginning' });
    for (const kind of KINDS) {
      const type = kind.toUpperCase() as Uppercase<Kind>;
      await admin.putTopic({ name: TOPICS[kind], type, queues: 4 });
      const group = newGroup(groupOf(kind), kind === 'fifo');
      await admin.putGroup({ ...group, maxAttempts, startFrom: 'beginning' });
    }
  });
}
