import { newGroup } from '../../../src/api/topic';
import { withAdmin } from '../../../src/cli/admin-access';
import { deadLetterTopic } from '../../../src/message/dead-letter';
import type { Chance } from '../../support/seeded';
import { until } from '../../support/until';
import { Consumers, type Subscription } from './consumers';
import { History, type Kind, type Terms } from './history';
import { Producers } from './producers';
import { isDrained, judge } from './rules';

export interface MixedLoadOptions {
  /** Of the proxies. */
  readonly endpoints: readonly string[];
  readonly chance: Chance;
  readonly longestDelayMs: number;
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

/** Flags of brokers, so that producers of transactions are asked soon. */
export const CHECKS = [
  ...['--transactions-first-check', '1s', '--transactions-check-interval', '1s'],
  ...['--transactions-checks', '1000'],
];

/** Messages of all kinds, sent and consumed through all proxies, with a checker outside of Gantry. */
export class MixedLoad {
  readonly history = new History(TERMS);
  private readonly producers: Producers;
  private readonly consumers: Consumers;

  private constructor(private readonly options: MixedLoadOptions) {
    const { endpoints, chance, longestDelayMs } = options;
    const { history } = this;
    const subscriptions = KINDS.flatMap(subscriptionsOf);
    this.producers = new Producers({ endpoints, topics: TOPICS, chance, longestDelayMs }, history);
    this.consumers = new Consumers({ endpoints, chance, subscriptions }, history);
  }

  /** Makes topics and groups, and begins to send and to consume. */
  static async start(options: MixedLoadOptions): Promise<MixedLoad> {
    await makeTopics(options.endpoints[0] ?? '');
    const load = new MixedLoad(options);
    load.consumers.start();
    load.producers.start();
    return load;
  }

  /** Sends no more, waits up to `drainMs` until all that is owed has come, and judges what was seen. */
  async finish(drainMs: number): Promise<MixedResult> {
    await this.producers.stopSending();
    await this.drain(drainMs);
    await this.stop();
    return { broken: judge(this.history), counts: this.history.counts() };
  }

  async stop(): Promise<void> {
    await this.producers.stop();
    await this.consumers.stop();
  }

  /** Drained when nothing is owed and nothing has come for longer than anything may take to come. */
  private async drain(drainMs: number): Promise<void> {
    const { history } = this;
    const quietMs = this.options.longestDelayMs + 2 * TERMS.invisibleMs;
    const fromMs = performance.now();
    await until('all that is owed to come', drainMs, () => {
      const quietSinceMs = Math.max(fromMs, history.lastDeliveryMs);
      const isQuiet = performance.now() - quietSinceMs > quietMs;
      return isQuiet && isDrained(history) ? true : undefined;
    }).catch(() => undefined); // what is still owed is for the rules to tell
  }
}

/** What takes place in any load of some seconds, and what takes longer. */
export const FREQUENT = [...KINDS.map((kind) => `${kind} sent`), 'acknowledged', 'committed'];
const RARE = ['redelivered', 'dead letters', 'recalled', 'checks', 'rolled back'];

/** Asserts that no rule was broken, and that what the rules are about took place. */
export function expectAllKept(
  { broken, counts }: MixedResult,
  happened: readonly string[] = [...FREQUENT, ...RARE],
): void {
  expect(broken).toEqual({});
  for (const name of happened) expect({ [name]: counts[name] ?? 0 }).not.toEqual({ [name]: 0 });
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
  await withAdmin({ address: endpoint }, async (admin) => {
    await admin.putGroup({ ...newGroup(UNDERTAKERS), startFrom: 'beginning' });
    for (const kind of KINDS) {
      const type = kind.toUpperCase() as Uppercase<Kind>;
      await admin.putTopic({ name: TOPICS[kind], type, queues: 4 });
      const group = newGroup(groupOf(kind), kind === 'fifo');
      await admin.putGroup({ ...group, maxAttempts, startFrom: 'beginning' });
    }
  });
}
