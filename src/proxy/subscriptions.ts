/** Which groups the brokers know to be subscribed, so that they are told once and not at each receive. */
import type { Logger } from 'pino';
import type { Subscription } from '../api/broker-api';
import type { GroupConfig } from '../api/topic';
import { Code, StatusError, toStatusError } from '../message/status';
import type { Platform } from '../platform/platform';
import { BoundedMap } from './bounded-map';
import type { BrokerPool, PooledBroker } from './broker-pool';
import type { Failover } from './failover';
import type { RouteTable } from './route-table';
import type { ProxySettings } from './settings';

interface SubscriptionParts {
  readonly platform: Pick<Platform, 'clock' | 'timers'>;
  readonly log: Logger;
  readonly settings: ProxySettings;
  readonly routes: RouteTable;
  readonly pool: BrokerPool;
  readonly failover: Failover;
}

export interface Subscriber {
  readonly group: string;
  readonly clientId: string;
  readonly subscriptions: readonly Subscription[];
}

/** A group's subscription of one topic, as far as brokers have confirmed it. */
interface Known {
  /** With the epoch of the master that knows it: the next one may not. */
  readonly brokers: Map<string, number>;
  /** Brokers being told, and when those that failed may be told again. */
  readonly asking: Map<string, Promise<void>>;
  readonly againAtMs: Map<string, number>;
}

/** A broker that could not be told is told again after this. */
const RETRY_MS = 5000;

export class Subscriptions {
  private readonly known: BoundedMap<string, Known>;
  private readonly groups: BoundedMap<string, GroupConfig>;

  constructor(private readonly parts: SubscriptionParts) {
    this.known = new BoundedMap(parts.settings.maxKnownSubscriptions);
    this.groups = new BoundedMap(parts.settings.maxKnownSubscriptions);
  }

  /**
   * Tells every master; the group is made where it may be.
   * @returns the group as the first broker has it
   * @throws StatusError CONSUMER_GROUP_NOT_FOUND, PROXY_TIMEOUT (no broker answered)
   */
  async subscribe(subscriber: Subscriber): Promise<GroupConfig> {
    const { pool, failover, platform, settings } = this.parts;
    const masters = pool.masters().map(({ brokerName }) => brokerName);
    // While there is none, a broker that was there a moment ago may come back, or be followed by another one.
    const names = masters.length > 0 ? masters : pool.names();
    if (names.length === 0) {
      throw new StatusError(
        Code.PROXY_TIMEOUT,
        `no broker is known that could hold consumer group ${subscriber.group}`,
      );
    }
    const fifoIfNew = this.allFifo(subscriber.subscriptions);
    const answers: (GroupConfig | StatusError)[] = [];
    const endMs = platform.clock.monotonicMs() + settings.subscribeWaitMs;
    const calls = names.map(async (brokerName, index) => {
      try {
        answers[index] = await failover.call(brokerName, endMs, (broker) =>
          this.tell({ brokerName, broker }, subscriber, fifoIfNew),
        );
      } catch (error) {
        answers[index] = toStatusError(error);
      }
    });
    await this.waitFor(Promise.all(calls));
    return this.judge(subscriber.group, Object.values(answers));
  }

  /** What is known of a group, from its latest subscription through this proxy. */
  group(name: string): GroupConfig | undefined {
    return this.groups.get(name);
  }

  /** Takes note of a group's configuration, or that it is gone. */
  changed(name: string, config: GroupConfig | undefined): void {
    if (config === undefined) this.groups.delete(name);
    else this.groups.set(name, config);
  }

  /**
   * Makes sure that `brokerName` knows a group's subscription, and tells the topic's other brokers
   * meanwhile, so that the group starts on all of them as of now. Nothing to wait for when they know.
   */
  ensure(subscriber: Subscriber, topic: string, brokerName: string): Promise<void> | undefined {
    const { routes, pool } = this.parts;
    const known = this.knownOf(subscriber.group, topic);
    let wanted: Promise<void> | undefined;
    for (const queues of routes.find(topic)?.brokers ?? []) {
      if (known.brokers.get(queues.brokerName) === pool.epochOf(queues.brokerName)) continue;
      const mandatory = queues.brokerName === brokerName;
      const asking = this.ask(known, subscriber, queues.brokerName, mandatory);
      if (mandatory) wanted = asking;
    }
    return wanted;
  }

  /** A broker says that it does not know the group: it must be told again. */
  forget(group: string, topic: string): void {
    this.known.delete(keyOf(group, topic));
  }

  private ask(
    known: Known,
    subscriber: Subscriber,
    brokerName: string,
    mandatory: boolean,
  ): Promise<void> | undefined {
    const running = known.asking.get(brokerName);
    if (running !== undefined) return running;
    const now = this.parts.platform.clock.monotonicMs();
    if (!mandatory && (known.againAtMs.get(brokerName) ?? 0) > now) return undefined;
    const broker = this.parts.pool.find(brokerName);
    if (broker === undefined) return undefined;
    const epoch = this.parts.pool.epochOf(brokerName);
    const asking = this.tell(
      { brokerName, broker },
      subscriber,
      this.allFifo(subscriber.subscriptions),
    )
      .then(() => void known.brokers.set(brokerName, epoch))
      .finally(() => known.asking.delete(brokerName));
    known.asking.set(brokerName, asking);
    asking.catch((err: unknown) => {
      known.againAtMs.set(brokerName, this.parts.platform.clock.monotonicMs() + RETRY_MS);
      this.parts.log.debug({ err, brokerName, group: subscriber.group }, 'broker not subscribed');
    });
    return asking;
  }

  private async tell(
    { brokerName, broker }: PooledBroker,
    subscriber: Subscriber,
    fifoIfNew: boolean,
  ): Promise<GroupConfig> {
    const epoch = this.parts.pool.epochOf(brokerName);
    const config = await broker.subscribe({ ...subscriber, fifoIfNew });
    this.groups.set(config.name, config);
    for (const { topic } of subscriber.subscriptions) {
      const route = this.parts.routes.find(topic);
      if (route?.brokers.some((queues) => queues.brokerName === brokerName) !== true) continue;
      this.knownOf(subscriber.group, topic).brokers.set(brokerName, epoch);
    }
    return config;
  }

  /** The first configuration; a broker's refusal goes before it, a broker that is away does not. */
  private judge(group: string, answers: readonly (GroupConfig | StatusError)[]): GroupConfig {
    const errors = answers.filter((answer) => answer instanceof StatusError);
    const refusal = errors.find(({ code }) => code < Code.INTERNAL_SERVER_ERROR);
    if (refusal !== undefined) throw refusal;
    for (const answer of answers) {
      if (answer instanceof StatusError) continue;
      if (errors.length > 0) {
        this.parts.log.warn({ group, err: errors[0] }, 'group not subscribed on all brokers');
      }
      return answer;
    }
    throw (
      errors[0] ??
      new StatusError(
        Code.PROXY_TIMEOUT,
        `no broker confirmed consumer group ${group} within ${this.parts.settings.subscribeWaitMs} ms`,
      )
    );
  }

  /** Waits for `work`, but not longer than the settings say. */
  private waitFor(work: Promise<unknown>): Promise<void> {
    return new Promise((resolve) => {
      const { subscribeWaitMs } = this.parts.settings;
      const timer = this.parts.platform.timers.after(subscribeWaitMs, resolve);
      void work.finally(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  private allFifo(subscriptions: readonly Subscription[]): boolean {
    return (
      subscriptions.length > 0 &&
      subscriptions.every(({ topic }) => this.parts.routes.find(topic)?.type === 'FIFO')
    );
  }

  private knownOf(group: string, topic: string): Known {
    const key = keyOf(group, topic);
    let known = this.known.get(key);
    if (known === undefined) {
      known = { brokers: new Map(), asking: new Map(), againAtMs: new Map() };
      this.known.set(key, known);
    }
    return known;
  }
}

function keyOf(group: string, topic: string): string {
  return `${group} ${topic}`;
}
