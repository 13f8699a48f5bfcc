/** Topics and groups of the whole cluster: each change goes to every master. */
import type { AdminApi, FilterFaultView, TopicDetails, TopicView } from '../api/admin-api';
import type { ClientViews, ListClientsRequest, ProxyStats } from '../api/client-view';
import type { ClusterView, HandOver } from '../api/cluster-api';
import type {
  DrainRequest,
  ForgetRequest,
  LeaveReport,
  LeaveRequest,
  RebalanceRequest,
  TopicMove,
} from '../api/membership-api';
import type {
  DelayedCount,
  DelayedMessages,
  DelayedRef,
  ListDelayedRequest,
} from '../api/delayed-api';
import type { LagRequest, TopicLag } from '../api/inspect-api';
import type { FoundMessages, MessageSearch } from '../api/message-search';
import type {
  EndTransactionRequest,
  ListTransactionsRequest,
  PendingTransactions,
} from '../api/transaction-api';
import type { GroupReset, QueueReset } from '../api/offset-api';
import type { ProxyInfo } from '../api/proxies-api';
import type { GroupConfig, TopicConfig } from '../api/topic';
import { isSystemTopic } from '../message/names';
import { storeTimestampOf } from '../message/record-property';
import { Code, StatusError } from '../message/status';
import type { PooledBroker } from './broker-pool';
import type { ProxyParts } from './parts';
import { ClusterInspect } from './cluster-inspect';
import { clusterView, handOver } from './cluster-view';
import { NO_WAIT } from './failover';
import { listClients } from './client-views';
import { resetOn } from './group-reset';
import { askHolders, askMasters, mastersOf, tellAll } from './masters';
import { Membership } from './membership';
import { proxyStats } from './proxy-stats';
import { TopicChanges } from './topic-changes';
import { planTopic } from './topic-plan';
import { recallFrom } from './recall';
import { decide } from './transaction';

/** @returns an AdminApi over all masters that the routes know */
export function clusterAdmin(parts: ProxyParts): AdminApi {
  return new ClusterAdmin(parts);
}

class ClusterAdmin implements AdminApi {
  private readonly inspect: ClusterInspect;
  private readonly topics: TopicChanges;
  private readonly membership: Membership;

  constructor(private readonly parts: ProxyParts) {
    this.inspect = new ClusterInspect(parts);
    this.topics = new TopicChanges({ ...parts, inspect: this.inspect });
    this.membership = new Membership(parts, this.topics, this.inspect);
  }

  putTopic(config: TopicConfig, brokers: readonly string[] = []): Promise<void> {
    return this.topics.change(config.name, (route, cluster) =>
      planTopic(config, brokers, route, cluster),
    );
  }

  deleteTopic(name: string): Promise<void> {
    return this.parts.creation.exclusive(name, () =>
      tellAll(
        mastersOf(this.parts.pool),
        `topic ${name}`,
        (broker) => broker.deleteTopic(name),
        Code.TOPIC_NOT_FOUND,
      ),
    );
  }

  rebalance(request: RebalanceRequest): Promise<readonly TopicMove[]> {
    return this.membership.rebalance(request);
  }

  drainBroker(request: DrainRequest): Promise<readonly TopicMove[]> {
    return this.membership.drain(request);
  }

  leaveBroker(request: LeaveRequest): Promise<LeaveReport> {
    return this.membership.leave(request);
  }

  forgetBroker(request: ForgetRequest): Promise<readonly TopicMove[]> {
    return this.membership.forget(request);
  }

  /** Sorted by name; the first broker's configuration where they differ. */
  async listTopics(): Promise<readonly TopicView[]> {
    const views = new Map<string, { config: TopicConfig; brokers: string[] }>();
    for (const [brokerName, topics] of await askMasters(this.parts.pool, (broker) =>
      broker.listTopics(),
    )) {
      for (const config of topics) {
        if (isSystemTopic(config.name)) continue;
        const view = views.get(config.name);
        if (view === undefined) views.set(config.name, { config, brokers: [brokerName] });
        else view.brokers.push(brokerName);
      }
    }
    return [...views.values()]
      .map(({ config, brokers }) => ({ ...config, brokers }))
      .toSorted(byName);
  }

  async putGroup(config: GroupConfig): Promise<void> {
    const masters = mastersOf(this.parts.pool);
    await tellAll(masters, `consumer group ${config.name}`, (broker) => broker.putGroup(config));
    this.parts.subscriptions.changed(config.name, config);
  }

  async deleteGroup(name: string): Promise<void> {
    await tellAll(
      mastersOf(this.parts.pool),
      `consumer group ${name}`,
      (broker) => broker.deleteGroup(name),
      Code.CONSUMER_GROUP_NOT_FOUND,
    );
    this.parts.subscriptions.changed(name, undefined);
  }

  async listGroups(): Promise<readonly GroupConfig[]> {
    const groups = new Map<string, GroupConfig>();
    for (const [, configs] of await askMasters(this.parts.pool, (broker) => broker.listGroups())) {
      for (const config of configs) if (!groups.has(config.name)) groups.set(config.name, config);
    }
    return [...groups.values()].toSorted(byName);
  }

  async filterFaults(): Promise<readonly FilterFaultView[]> {
    const answers = await askMasters(this.parts.pool, (broker) => broker.filterFaults());
    return answers.flatMap(([broker, faults]) => faults.map((fault) => ({ broker, ...fault })));
  }

  /** What all masters have found, as one answer; a topic that only some hold is searched there. */
  async findMessages(search: MessageSearch): Promise<FoundMessages> {
    const found = await askHolders(this.parts.pool, Code.TOPIC_NOT_FOUND, (broker) =>
      broker.findMessages(search),
    );
    const sign = search.by === 'time' ? 1 : -1;
    const messages = found
      .flatMap((answer) => answer.messages)
      .map((message) => ({ message, storedMs: storeTimestampOf(message.record) }))
      .toSorted((a, b) => sign * (a.storedMs - b.storedMs))
      .map(({ message }) => message);
    const complete =
      messages.length <= search.maxMessages && found.every((answer) => answer.complete);
    return { messages: messages.slice(0, search.maxMessages), complete };
  }

  async listTransactions(request: ListTransactionsRequest): Promise<PendingTransactions> {
    const answers = await askMasters(this.parts.pool, (broker) =>
      broker.transactions.listTransactions(request),
    );
    const transactions = answers
      .flatMap(([, answer]) => answer.transactions)
      .toSorted((a, b) => a.storedMs - b.storedMs)
      .slice(0, request.maxCount);
    return { transactions, total: answers.reduce((sum, [, { total }]) => sum + total, 0) };
  }

  endTransaction(request: EndTransactionRequest): Promise<void> {
    return decide(this.parts, request, NO_WAIT);
  }

  async listDelayed(request: ListDelayedRequest): Promise<DelayedMessages> {
    const answers = (
      await askMasters(this.parts.pool, (broker) => broker.listDelayed(request))
    ).map(([, own]) => own);
    const messages = answers
      .flatMap((answer) => answer.messages)
      .toSorted((a, b) => a.dueMs - b.dueMs)
      .slice(0, request.maxMessages);
    const counts = new Map<string, DelayedCount>();
    for (const count of answers.flatMap((answer) => answer.counts)) {
      const key = `${count.topic} ${count.hourMs}`;
      const known = counts.get(key)?.messages ?? 0;
      counts.set(key, { ...count, messages: count.messages + known });
    }
    const total = answers.reduce((sum, answer) => sum + answer.total, 0);
    return { messages, counts: [...counts.values()].toSorted(byTopicAndHour), total };
  }

  recallDelayed({ broker, ...message }: DelayedRef): Promise<void> {
    return recallFrom(this.parts, broker, message, NO_WAIT);
  }

  async resetGroup({ broker, ...request }: GroupReset): Promise<readonly QueueReset[]> {
    return resetOn(this.holding(request.topic, broker), request);
  }

  topicStatus(name: string): Promise<TopicDetails> {
    return this.inspect.topicStatus(name);
  }

  groupLag(request: LagRequest): Promise<readonly TopicLag[]> {
    return this.inspect.groupLag(request);
  }

  async listClients(request: ListClientsRequest): Promise<ClientViews> {
    return Promise.resolve(listClients(this.parts, request));
  }

  cluster(): Promise<ClusterView> {
    return clusterView(this.parts);
  }

  proxies(): Promise<readonly ProxyInfo[]> {
    return this.parts.process.proxies();
  }

  handOver(request: HandOver): Promise<void> {
    return handOver(this.parts, request);
  }

  proxyStats(): Promise<ProxyStats> {
    return Promise.resolve(proxyStats(this.parts));
  }

  /**
   * The masters that hold a topic, or that one of them.
   * @throws StatusError TOPIC_NOT_FOUND, BAD_REQUEST
   */
  private holding(topic: string, broker: string): readonly PooledBroker[] {
    const { brokers } = this.parts.routes.get(topic);
    const names = new Set(brokers.map(({ brokerName }) => brokerName));
    const holding = mastersOf(this.parts.pool).filter(({ brokerName }) => names.has(brokerName));
    const chosen = holding.filter(({ brokerName }) => broker === '' || brokerName === broker);
    if (chosen.length > 0) return chosen;
    const where = [...names].toSorted().join(', ');
    throw new StatusError(
      Code.BAD_REQUEST,
      `topic ${topic} is on ${where}, not on broker ${broker}`,
    );
  }
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : 1;
}

function byTopicAndHour(a: DelayedCount, b: DelayedCount): number {
  if (a.topic !== b.topic) return a.topic < b.topic ? -1 : 1;
  return a.hourMs - b.hourMs;
}
