/**
 * Keeps the generations of this broker's topics up to those of the other brokers: one that was away while a
 * topic grew takes the new generation over. Once all brokers of a topic have its newest one, that is noted:
 * then a message group has a place also while the broker is away that held it before.
 */
import type { Logger } from 'pino';
import type { BrokerRegistration } from '../../api/route-api';
import type { TopicConfig, TopicGeneration } from '../../api/topic';
import {
  allGone,
  brokersSince,
  continues,
  decidingBroker,
  isGone,
  leftAfter,
  newestGeneration,
  queuesIn,
  sharedGenerations,
} from '../../api/topic-generations';

export interface FollowerParts {
  readonly brokerName: string;
  readonly logger: Logger;
  readonly topics: ReadonlyMap<string, TopicConfig>;
  /** Makes a topic what other brokers say that it is. */
  readonly adopt: (config: TopicConfig) => Promise<void>;
}

export class RouteFollower {
  private brokers: readonly BrokerRegistration[] = [];
  private readonly seen = new WeakSet<BrokerRegistration>();
  /** Topics that have grown, until all brokers have. */
  private readonly unsettled = new Set<string>();
  /** Topics that are being changed. */
  private readonly busy = new Set<string>();

  constructor(private readonly parts: FollowerParts) {}

  update(registrations: readonly BrokerRegistration[]): void {
    this.brokers = registrations.filter(({ brokerId }) => brokerId === 0);
    for (const broker of this.brokers) {
      if (this.seen.has(broker)) continue;
      this.seen.add(broker);
      for (const topic of broker.topics) {
        if (newestGeneration(topic) > 1 && this.parts.topics.has(topic.name)) {
          this.unsettled.add(topic.name);
        }
      }
    }
    for (const name of this.unsettled) this.follow(name);
  }

  private follow(name: string): void {
    const own = this.parts.topics.get(name);
    if (own === undefined) this.unsettled.delete(name);
    if (own === undefined || this.busy.has(name)) return;
    const newest = newestGeneration(own);
    const theirs = this.brokers.flatMap(({ topics }) =>
      topics.filter((topic) => topic.name === name),
    );
    const deciding = decidingBroker(own);
    const decided = this.topicOn(deciding ?? '', name)?.generations;
    if (decided !== undefined && this.isOvertaken(own.generations ?? [], decided)) {
      this.put(own, { generations: decided });
      return;
    }
    const ahead = theirs.find(
      (topic) =>
        newestGeneration(topic) > newest &&
        continues(topic.generations ?? [], own.generations ?? []) &&
        this.isPrepared(topic, newest),
    );
    const gone = theirs
      .filter(({ generations = [] }) => continues(own.generations ?? [], generations))
      .reduce((all, topic) => allGone(all, topic.gone), own.gone ?? []);
    if (ahead !== undefined) {
      this.put(own, { generations: ahead.generations ?? [], gone: allGone(gone, ahead.gone) });
    } else if (gone.some((part) => !isGone(own, part.brokerName, part.generation))) {
      this.put(own, { gone });
    } else if (this.isEverywhere(own)) {
      if ((own.settled ?? 1) < newest) this.put(own, { settled: newest });
      else this.unsettled.delete(name);
    }
  }

  /**
   * Whether the topic's first broker has let somebody else grow it than the one who made this broker a part of
   * it: then nothing of that was ever used.
   */
  private isOvertaken(
    own: readonly TopicGeneration[],
    decided: readonly TopicGeneration[],
  ): boolean {
    const shared = sharedGenerations(own, decided);
    const diverged = shared.length < Math.min(own.length, decided.length);
    return diverged && queuesIn(shared.at(-1), this.parts.brokerName) === 0;
  }

  /** Whether the brokers that are new after a generation hold the topic: from then on their queues are needed. */
  private isPrepared({ name, generations = [] }: TopicConfig, after: number): boolean {
    const before = generations[after - 1];
    return (generations.at(-1) ?? []).every(
      ({ brokerName }) =>
        queuesIn(before, brokerName) > 0 ||
        brokerName === this.parts.brokerName ||
        this.topicOn(brokerName, name) !== undefined,
    );
  }

  private topicOn(brokerName: string, name: string): TopicConfig | undefined {
    const broker = this.brokers.find((one) => one.brokerName === brokerName);
    return broker?.topics.find((topic) => topic.name === name);
  }

  /** Whether each broker that may take messages for an older generation has the newest one. */
  private isEverywhere(own: TopicConfig): boolean {
    const newest = newestGeneration(own);
    return brokersSince(own, own.settled ?? 1).every((brokerName) => {
      if (brokerName === this.parts.brokerName) return true;
      const theirs = this.topicOn(brokerName, own.name);
      if (theirs !== undefined) return newestGeneration(theirs) >= newest;
      // One that has left is not waited for, unless it has come back since.
      return isGone(own, brokerName, leftAfter(own, brokerName));
    });
  }

  private put(own: TopicConfig, change: Partial<TopicConfig>): void {
    const { name, type, queues, generations, settled, gone } = own;
    const config = {
      ...{ name, type, queues },
      ...(generations && { generations }),
      ...(settled && { settled }),
      ...(gone && { gone }),
      ...change,
    };
    this.busy.add(name);
    this.parts
      .adopt(config)
      .then(
        () => true,
        (err: unknown) => {
          this.parts.logger.warn({ err, topic: name }, 'a topic that has grown is not followed');
          return false;
        },
      )
      .then((done) => {
        this.busy.delete(name);
        if (done) this.follow(name);
      })
      .catch(() => undefined);
  }
}
