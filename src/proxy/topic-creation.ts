/** Topics made by their first use, where settings allow it. */
import type { Logger } from 'pino';
import { checkTopicName, isDerivedTopic } from '../message/names';
import { Code, StatusError } from '../message/status';
import type { Platform } from '../platform/platform';
import type { BrokerPool } from './broker-pool';
import { mayHold, type RouteTable, type TopicRoute } from './route-table';
import type { ProxySettings } from './settings';

interface CreationParts {
  readonly platform: Pick<Platform, 'clock'>;
  readonly log: Logger;
  readonly settings: ProxySettings;
  readonly routes: RouteTable;
  readonly pool: BrokerPool;
}

/** Topics being made or changed, at most; beyond: TOO_MANY_REQUESTS. */
const MAX_BUSY = 10_000;

export class TopicCreation {
  /** What is being done to a topic now. */
  private readonly busy = new Map<string, Promise<unknown>>();
  private readonly made = new Map<string, Promise<TopicRoute>>();
  private tokens: number;
  private tokensAtMs: number;

  constructor(private readonly parts: CreationParts) {
    this.tokens = parts.settings.autoCreatePerSecond;
    this.tokensAtMs = parts.platform.clock.monotonicMs();
  }

  /**
   * The route of a topic; makes the topic where that is allowed. Concurrent requests share one creation.
   * @throws StatusError as `RouteTable.get`, ILLEGAL_TOPIC, TOO_MANY_REQUESTS (too many new topics a second)
   */
  async routeOf(topic: string): Promise<TopicRoute> {
    const { routes, settings } = this.parts;
    const route = routes.find(topic);
    if (route !== undefined) return route;
    checkTopicName(topic);
    if (!settings.autoCreateTopics || isDerivedTopic(topic)) return routes.get(topic);
    let making = this.made.get(topic);
    if (making === undefined) {
      making = this.exclusive(topic, () => this.make(topic));
      this.made.set(topic, making);
      const forget = (): void => void this.made.delete(topic);
      making.then(forget, forget);
    }
    return making;
  }

  /** Runs `work` when nothing else is done to that topic through this proxy. */
  exclusive<T>(topic: string, work: () => Promise<T>): Promise<T> {
    const before = this.busy.get(topic);
    if (before === undefined && this.busy.size >= MAX_BUSY) {
      return Promise.reject(
        new StatusError(Code.TOO_MANY_REQUESTS, `flow limit: ${MAX_BUSY} topics are being changed`),
      );
    }
    const run = before === undefined ? work() : before.then(work, work);
    this.busy.set(topic, run);
    const forget = (): void => {
      if (this.busy.get(topic) === run) this.busy.delete(topic);
    };
    run.then(forget, forget);
    return run;
  }

  private async make(topic: string): Promise<TopicRoute> {
    const { routes, pool, settings, log } = this.parts;
    // An operator may have made it with another type while this waited.
    const route = routes.find(topic);
    if (route !== undefined) return route;
    const away = routes.leaderless();
    if (away.length > 0) throw mayHold(away, topic);
    const masters = pool.masters().filter(({ brokerName }) => !routes.isReadOnly(brokerName));
    if (masters.length === 0) {
      throw new StatusError(
        Code.PROXY_TIMEOUT,
        `no broker is known that could hold topic ${topic}`,
      );
    }
    this.takeToken(topic);
    const config = { name: topic, type: 'NORMAL', queues: settings.autoCreateQueues } as const;
    const outcomes = await Promise.allSettled(masters.map(({ broker }) => broker.putTopic(config)));
    const failed = outcomes.filter((outcome) => outcome.status === 'rejected');
    // One broker that is away must not stop a new topic: the others can hold it.
    if (failed.length === masters.length) throw failed[0]?.reason;
    if (failed.length > 0)
      log.warn({ topic, err: failed[0]?.reason as unknown }, 'topic not on all');
    log.info(
      { topic, queues: config.queues, brokers: masters.length },
      'topic made by its first use',
    );
    return routes.waitFor(topic, settings.routeWaitMs);
  }

  private takeToken(topic: string): void {
    const { clock } = this.parts.platform;
    const perSecond = this.parts.settings.autoCreatePerSecond;
    const now = clock.monotonicMs();
    this.tokens = Math.min(perSecond, this.tokens + ((now - this.tokensAtMs) * perSecond) / 1000);
    this.tokensAtMs = now;
    if (this.tokens < 1) {
      throw new StatusError(
        Code.TOO_MANY_REQUESTS,
        `flow limit: topic ${topic} is not made, the limit is ${perSecond} new topics a second`,
      );
    }
    this.tokens--;
  }
}
