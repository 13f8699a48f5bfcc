/**
 * Asks producers what became of their transactions. Brokers cannot call proxies: for each broker one call
 * waits there for checks of the topics whose producers have their Telemetry streams here. What comes goes
 * down such a stream, and the broker is told whether it did; the producer answers with EndTransaction.
 */
import type { Logger } from 'pino';
import type { TopicType } from '../api/topic';
import type { CheckOutcome, TransactionCheck } from '../api/transaction-api';
import type { Platform } from '../platform/platform';
import { BoundedMap } from './bounded-map';
import type { BrokerPool } from './broker-pool';
import { recoverCommand } from './codec/recover-command';
import { LiveProducers } from './live-producers';

export interface CheckerParts {
  readonly platform: Platform;
  readonly log: Logger;
  readonly pool: Pick<BrokerPool, 'find' | 'masters'>;
  /** As routes say; `undefined` for a topic without one. */
  readonly typeOf: (topic: string) => TopicType | undefined;
}

/** Topics of one wait; a broker takes no more. */
const MAX_TOPICS = 10_000;
/** One wait at a broker. */
const POLL_MS = 30_000;
/** Before a broker that could not be asked is asked again. */
const RETRY_MS = 1000;
/** Transactions of which it is remembered who was asked last. */
const MAX_ASKED = 10_000;

export class TransactionChecks {
  readonly producers = new LiveProducers(() => this.refresh());
  /** The wait at each broker. */
  private readonly waits = new Map<string, AbortController>();
  private readonly asked = new BoundedMap<string, string>(MAX_ASKED);
  private topics: readonly string[] = [];
  private proxyId: string | undefined;
  private scheduled = false;
  private closed = false;

  constructor(private readonly parts: CheckerParts) {}

  /** Routes or producers may have changed. */
  refresh(): void {
    if (this.scheduled || this.closed) return;
    this.scheduled = true;
    this.parts.platform.timers.nextTurn(() => {
      this.scheduled = false;
      this.follow();
    });
  }

  close(): void {
    this.closed = true;
    for (const wait of this.waits.values()) wait.abort();
  }

  private follow(): void {
    if (this.closed) return;
    const topics = this.topicsWanted();
    const same = topics.join(' ') === this.topics.join(' ');
    this.topics = topics;
    // A wait that ends goes on with the topics as they are then.
    if (!same) for (const wait of this.waits.values()) wait.abort();
    if (topics.length === 0) return;
    for (const { brokerName } of this.parts.pool.masters()) {
      if (!this.waits.has(brokerName)) void this.serve(brokerName);
    }
  }

  private topicsWanted(): string[] {
    const topics: string[] = [];
    for (const topic of this.producers.topics) {
      const type = this.parts.typeOf(topic);
      if (type === 'TRANSACTION' || type === 'MIXED') topics.push(topic);
      if (topics.length >= MAX_TOPICS) break;
    }
    return topics;
  }

  /** Waits at a broker, again and again, while there are producers and the broker is in the routes. */
  private async serve(brokerName: string): Promise<void> {
    const { pool, platform, log } = this.parts;
    this.proxyId ??= platform.random.uint32().toString(16) + platform.random.uint32().toString(16);
    for (let broker = pool.find(brokerName); broker; broker = pool.find(brokerName)) {
      const gone = !pool.masters().some((master) => master.brokerName === brokerName);
      if (this.closed || this.topics.length === 0 || gone) break;
      const wait = new AbortController();
      this.waits.set(brokerName, wait);
      const request = { proxyId: this.proxyId, topics: this.topics, pollMs: POLL_MS };
      try {
        const checks = await broker.transactions.takeChecks(request, wait.signal);
        const outcomes = checks.map((check) => this.ask(check));
        if (outcomes.length > 0) await broker.transactions.reportChecks(outcomes);
      } catch (err) {
        log.debug({ err, brokerName }, 'no checks of transactions from the broker');
        await this.pause(wait.signal);
      }
    }
    this.waits.delete(brokerName);
  }

  private ask({ topic, transactionId, record }: TransactionCheck): CheckOutcome {
    const key = `${topic} ${transactionId}`;
    let clientId: string | undefined;
    try {
      const command = recoverCommand(record, topic, transactionId);
      clientId = this.producers.ask(topic, this.asked.get(key), command);
    } catch (err) {
      this.parts.log.error({ err, topic, transactionId }, 'half message not readable');
    }
    if (clientId !== undefined) this.asked.set(key, clientId);
    this.parts.log.debug({ topic, transactionId, clientId }, 'producer asked about a transaction');
    return { topic, transactionId, reached: clientId !== undefined };
  }

  private pause(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        timer.cancel();
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = this.parts.platform.timers.after(RETRY_MS, done);
      signal.addEventListener('abort', done);
    });
  }
}
