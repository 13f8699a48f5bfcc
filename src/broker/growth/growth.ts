/**
 * Growing a topic that has message groups, on this broker or on others as well. A message group may lie in
 * another queue of the larger topic; so that its order holds, in this order, without stopping writes:
 *
 *  1. Each broker logs where its queues end, with the new generation of the topic, and from that turn on
 *     refuses messages whose queue was chosen in an older one: the proxy chooses again once it knows.
 *  2. A FIFO group of consumers sees the queues of a generation once it has finished, on all brokers, what
 *     the generations before it held when they ended.
 *
 * What lies on this broker follows from the ledgers; of the others ./peer-progress asks.
 */
import type { Logger } from 'pino';
import type { GroupProgress, ProgressRequest } from '../../api/broker-api';
import type { BrokerDialer } from '../../api/broker-dialer';
import type { RouteApi, RouteWatch } from '../../api/route-api';
import { hasMessageGroups, type TopicConfig } from '../../api/topic';
import {
  mostQueues,
  newestGeneration,
  queuesIn,
  sharedGenerations,
} from '../../api/topic-generations';
import { Code, StatusError } from '../../message/status';
import type { Platform } from '../../platform/platform';
import type { MessageStore } from '../../store/message-store';
import { noTopic } from '../config-checks';
import type { GenerationEnd, StoredTopic } from '../metadata';
import type { GroupTopic } from '../pop/group-topic';
import type { LedgerBook } from '../pop/ledger-book';
import type { LedgerLog } from '../pop/ledger-log';
import { extendedTopic } from './extended-topic';
import { PeerProgress } from './peer-progress';
import { Peers } from './peers';
import { ProgressWaits } from './progress-waits';
import { RouteFollower } from './route-follower';

export interface GrowthParts {
  readonly brokerName: string;
  readonly platform: Pick<Platform, 'clock' | 'timers'>;
  readonly logger: Logger;
  readonly store: MessageStore;
  readonly book: LedgerBook;
  readonly log: LedgerLog;
  readonly topics: ReadonlyMap<string, StoredTopic>;
  readonly isFifo: (group: string) => boolean;
  /** Makes the ways to other brokers; `undefined` for a broker that is alone. */
  readonly dial: BrokerDialer | undefined;
  /** Told when queues may have opened to a group. */
  readonly opened: (ledgers: GroupTopic) => void;
}

export class Growth {
  /** The generation that a topic is going to have, while that is being logged. */
  private readonly growing = new Map<string, number>();

  /** The change of each topic that is being logged. */
  private readonly changing = new Map<string, Promise<void>>();
  private readonly waits: ProgressWaits;
  private readonly peers: Peers;
  private readonly others: PeerProgress;
  private watch: RouteWatch | undefined;

  constructor(private readonly parts: GrowthParts) {
    this.waits = new ProgressWaits(parts.platform.timers);
    this.peers = new Peers(parts.dial);
    this.others = new PeerProgress({ ...parts, peers: this.peers });
  }

  /** Follows the growth of topics on other brokers from now on. */
  follow(routes: RouteApi, adopt: (config: TopicConfig) => Promise<void>): void {
    if (this.parts.dial === undefined) return;
    const follower = new RouteFollower({ ...this.parts, adopt });
    this.watch = routes.watch((brokers) => {
      this.peers.update(brokers);
      follower.update(brokers);
    });
  }

  unfollow(): void {
    this.watch?.close();
    this.watch = undefined;
  }

  async close(): Promise<void> {
    this.unfollow();
    this.others.close();
    this.waits.wakeAll();
    await this.peers.close();
  }

  /**
   * Makes or changes a topic, one change after the other. From the turn on that it begins, messages for
   * older generations of the topic are refused.
   * @param log brings the topic into force
   * @param adopted whether its generations are in force on other brokers, and go before those that it has
   * @throws StatusError FORBIDDEN (grown otherwise meanwhile, or too often), BAD_REQUEST (fewer queues)
   */
  async change(
    config: TopicConfig,
    log: (topic: StoredTopic) => Promise<void>,
    adopted = false,
  ): Promise<void> {
    const { name } = config;
    for (let before; (before = this.changeOf(name)) !== undefined;) await before;
    const change = this.changeNow(config, log, adopted).finally(() => this.changing.delete(name));
    this.changing.set(
      name,
      change.catch(() => undefined),
    );
    await change;
  }

  /** The change of a topic that is under way; it resolves however that ends. */
  changeOf(name: string): Promise<void> | undefined {
    return this.changing.get(name);
  }

  /**
   * Checks a message of a message group.
   * @param generation in which its queue was chosen; `undefined`: for no message group
   * @throws StatusError NOT_FOUND when the topic has a newer one, or not yet that one
   */
  check(topic: TopicConfig, queueId: number, generation: number | undefined): void {
    if (generation === undefined) return;
    const newest = this.growing.get(topic.name) ?? newestGeneration(topic);
    if (generation === newest && queueId < topic.queues) return;
    throw new StatusError(
      Code.NOT_FOUND,
      `queue ${queueId} was chosen in generation ${generation} of topic ${topic.name}, which has ${newest}`,
    );
  }

  /** How many queues of a topic are open to a group of consumers. Hot path. */
  openQueues(ledgers: GroupTopic, topic: StoredTopic | undefined): number {
    const { generations, queues } = topic ?? { queues: 0 };
    if (topic === undefined || generations === undefined || generations.length < 2) return queues;
    if (!this.parts.isFifo(ledgers.group)) return queues;
    const finished = this.others.finished(ledgers, topic, finishedHere(ledgers, topic));
    if (finished >= generations.length - 1) return queues;
    return mostQueues(generations.slice(0, finished + 1), this.parts.brokerName);
  }

  /** See `BrokerApi.groupProgress`. */
  async progress(request: ProgressRequest, signal: AbortSignal): Promise<GroupProgress> {
    const { log } = this.parts;
    const { clock } = this.parts.platform;
    const endMs = clock.monotonicMs() + request.pollMs;
    for (;;) {
      const progress = this.progressNow(request);
      const restMs = endMs - clock.monotonicMs();
      if (progress.finished >= request.generation || restMs <= 0 || signal.aborted) {
        // What another broker gives on the strength of this must not come again here.
        await log.durable();
        return progress;
      }
      await this.waits.next(request, restMs, signal);
    }
  }

  /** A group has finished something. */
  moved(ledgers: GroupTopic): void {
    this.waits.wake(ledgers);
  }

  /** A topic is gone. */
  dropped(topic: string): void {
    this.waits.wakeTopic(topic);
  }

  /** Since when a group that begins on a topic here now is on it, if that is before this broker; see ./peer-progress. */
  async sinceBefore(group: string, topic: string): Promise<number | undefined> {
    const config = this.parts.topics.get(topic);
    return config && this.others.sinceBefore(group, config);
  }

  /** Notes since which generation of its topic a group that begins here is on it. */
  began(ledgers: GroupTopic, since: number): void {
    ledgers.since = since;
    if (ledgers.since > 1) this.others.note(ledgers);
    this.waits.wake(ledgers);
  }

  private async changeNow(
    config: TopicConfig,
    log: (topic: StoredTopic) => Promise<void>,
    adopted: boolean,
  ): Promise<void> {
    const { name } = config;
    const stored = this.parts.topics.get(name);
    // It was deleted meanwhile.
    if (adopted && stored === undefined) throw noTopic(name);
    const known = adopted && stored ? upToShared(stored, config) : stored;
    const topic = extendedTopic(config, known, this.parts.brokerName);
    const ends = this.endsOf(topic, known);
    this.growing.set(name, newestGeneration(topic));
    try {
      await log(ends.length === 0 ? topic : { ...topic, ends });
    } finally {
      this.growing.delete(name);
      this.waits.wakeTopic(name);
      // Of a broker that is gone nobody waits for what it held.
      for (const ledgers of this.parts.book.ofTopic(name)) this.parts.opened(ledgers);
    }
  }

  /** Where the generations that a topic had end now, and earlier ones whose messages may still be there. */
  private endsOf(topic: TopicConfig, known: StoredTopic | undefined): readonly GenerationEnd[] {
    const { store, brokerName } = this.parts;
    const ends = (known?.ends ?? []).filter((end) => !this.isRemoved(topic.name, end));
    if (known === undefined || !hasMessageGroups(known.type)) return ends;
    const newest = newestGeneration(topic);
    for (let nth = Math.max(1, newestGeneration(known)); nth < newest; nth++) {
      const queues = queuesIn(topic.generations?.[nth - 1], brokerName);
      const offsets = Array.from({ length: queues }, (_, id) => store.nextOffset(topic.name, id));
      ends.push({ generation: nth, offsets });
    }
    return ends;
  }

  private progressNow({ group, topic: name }: ProgressRequest): GroupProgress {
    const topic = this.parts.topics.get(name);
    if (topic === undefined) throw noTopic(name);
    const ledgers = this.parts.book.find(group, name);
    if (ledgers === undefined) return { finished: 0, since: 0 };
    return { finished: finishedHere(ledgers, topic), since: ledgers.since };
  }

  /** Whether nothing is left of what a generation held. */
  private isRemoved(topic: string, { offsets }: GenerationEnd): boolean {
    return offsets.every((end, queueId) => this.parts.store.minOffset(topic, queueId) >= end);
  }
}

/** A topic without the generations that the other brokers do not know. */
function upToShared(stored: StoredTopic, { generations = [] }: TopicConfig): StoredTopic {
  if (stored.generations === undefined) return stored;
  const shared = sharedGenerations(stored.generations, generations);
  const ends = stored.ends?.filter(({ generation }) => generation < shared.length);
  return { ...stored, generations: shared, ...(ends && { ends }) };
}

/** The newest generation whose messages here a group has finished, up to where they ended. */
function finishedHere(ledgers: GroupTopic, topic: StoredTopic): number {
  const open = topic.ends?.find(({ offsets }) =>
    offsets.some((end, queueId) => (ledgers.queues.get(queueId)?.committed ?? 0) < end),
  );
  ledgers.gated = open !== undefined;
  return (open?.generation ?? newestGeneration(topic)) - 1;
}
