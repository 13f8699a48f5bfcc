import pino from 'pino';
import type { ReplicationStatus } from '../../../src/api/cluster-view';
import type { BrokerConnection } from '../../../src/api/broker-dialer';
import { brokerDialer } from '../../../src/link/broker-dialer';
import { nodePlatform } from '../../../src/platform/node-platform';
import { letRun, until } from '../../support/until';
import { BROKERS, type BrokerNode, type FailoverCluster, GROUP } from './cluster';

/** A call that a broker answered as master; times by the checker's monotonic clock. */
interface MasterAnswer {
  readonly broker: BrokerNode;
  readonly epoch: number;
  /** Replicas in sync, the master counted. */
  readonly inSync: number;
  readonly askedMs: number;
  readonly answeredMs: number;
}

const ASK_MS = 20;
const LIMIT_MS = 60_000;
/** Calls to a broker that does not answer, at most: those of its last seconds. */
const UNANSWERED_MAX = 500;

/**
 * Asks all brokers of the group all the time, past the proxies, and notes who answers. Calls are made whether or not
 * those before them were answered, so that a master that stood still finds new ones when it goes on.
 */
export class MasterWatch {
  readonly answers: MasterAnswer[] = [];
  /** What a master said last. */
  latest: ReplicationStatus | undefined;
  private readonly links: readonly BrokerConnection[];
  private watching = true;
  private readonly running: Promise<unknown>;

  constructor(cluster: FailoverCluster) {
    const dial = brokerDialer({ platform: nodePlatform(), log: pino({ level: 'silent' }) });
    this.links = BROKERS.map((broker) =>
      dial({
        ...{ cluster: '', brokerName: GROUP, brokerId: 0, address: cluster.address(broker) },
        ...{ epoch: 0, version: 0, topics: [] },
      }),
    );
    this.running = Promise.all(
      BROKERS.map((broker, replica) => this.ask(broker, this.links[replica])),
    );
  }

  /** Waits for the answer of a master to a call made from now on, with at least so many replicas in sync. */
  async master(inSync = 1, limitMs = LIMIT_MS): Promise<BrokerNode> {
    const nowMs = performance.now();
    const { broker } = await until(`a master with ${inSync} replicas in sync`, limitMs, () =>
      this.answers.findLast((answer) => answer.askedMs >= nowMs && answer.inSync >= inSync),
    );
    return broker;
  }

  /** When each epoch but the first began to answer, by the checker's clock. */
  changesMs(): readonly number[] {
    const epochs = new Set<number>();
    const first = this.answers.filter(({ epoch }) => !epochs.has(epoch) && epochs.add(epoch));
    return first.slice(1).map(({ answeredMs }) => answeredMs);
  }

  async stop(): Promise<void> {
    this.watching = false;
    await Promise.all(this.links.map((link) => link.close()));
    await this.running;
  }

  private async ask(broker: BrokerNode, link: BrokerConnection | undefined): Promise<void> {
    let unanswered = 0;
    while (this.watching) {
      if (unanswered < UNANSWERED_MAX) {
        unanswered++;
        const askedMs = performance.now();
        link?.replicas.status().then(
          (status) => {
            unanswered--;
            const { epoch, inSync } = status;
            const times = { askedMs, answeredMs: performance.now() };
            this.answers.push({ broker, epoch, inSync: inSync.length, ...times });
            this.latest = status;
          },
          () => unanswered--, // it is away, or leads not
        );
      }
      await letRun(ASK_MS);
    }
  }
}

/**
 * Answers of a broker that was not the master any more, in words: one of a higher epoch, or another broker of the
 * same epoch, had answered before they were asked for.
 */
export function staleAnswers(answers: readonly MasterAnswer[]): readonly string[] {
  const found: string[] = [];
  for (const later of answers) {
    const before = answers.find(
      ({ broker, epoch, answeredMs }) =>
        answeredMs < later.askedMs &&
        (epoch > later.epoch || (epoch === later.epoch && broker !== later.broker)),
    );
    if (before === undefined) continue;
    const afterMs = Math.round(later.askedMs - before.answeredMs);
    found.push(
      `${later.broker} answered in epoch ${later.epoch} what was asked ${afterMs} ms after ${before.broker} had in epoch ${before.epoch}`,
    );
  }
  return found;
}

/** The longest time between two of these moments, ms; `fromMs` and `toMs` count as such. */
export function longestGapMs(moments: readonly number[], fromMs: number, toMs: number): number {
  const within = moments.filter((ms) => ms > fromMs && ms < toMs);
  const sorted = [fromMs, ...within, toMs].sort((a, b) => a - b);
  return Math.max(...sorted.slice(1).map((ms, i) => ms - (sorted[i] ?? ms)));
}
