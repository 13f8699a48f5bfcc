import type { AdminApi, FilterFaultView, TopicDetails, TopicView } from '../../src/api/admin-api';
import type {
  ClientView,
  ClientViews,
  ListClientsRequest,
  ProxyStats,
} from '../../src/api/client-view';
import type { ClusterView, HandOver } from '../../src/api/cluster-api';
import type {
  DrainRequest,
  ForgetRequest,
  LeaveReport,
  LeaveRequest,
  RebalanceRequest,
  TopicMove,
} from '../../src/api/membership-api';
import type { LagRequest, TopicLag } from '../../src/api/inspect-api';
import type { DelayedMessages, DelayedRef, ListDelayedRequest } from '../../src/api/delayed-api';
import type { FoundMessages, MessageSearch } from '../../src/api/message-search';
import type {
  EndTransactionRequest,
  ListTransactionsRequest,
  PendingTransactionView,
} from '../../src/api/transaction-api';
import type { ProxyInfo } from '../../src/api/proxies-api';
import type { GroupReset, QueueReset } from '../../src/api/offset-api';
import type { GroupConfig } from '../../src/api/topic';
import { adminService } from '../../src/link/admin-service';
import { Code, StatusError } from '../../src/message/status';
import { testServer } from './transport';

/** A proxy of which only the admin service is there, over topics and groups in memory. */
export class AdminServer implements AdminApi {
  readonly topics = new Map<string, TopicView>();
  readonly groups = new Map<string, GroupConfig>();
  transactions: PendingTransactionView[] = [];
  readonly ended: EndTransactionRequest[] = [];
  delayed: DelayedMessages = { messages: [], counts: [], total: 0 };
  readonly recalled: DelayedRef[] = [];
  resets: readonly QueueReset[] = [];
  readonly moved: GroupReset[] = [];
  faults: readonly FilterFaultView[] = [];
  readonly searches: MessageSearch[] = [];
  found: FoundMessages | StatusError = { messages: [], complete: true };
  details: TopicDetails | undefined;
  lags: readonly TopicLag[] = [];
  readonly asked: LagRequest[] = [];
  clients: readonly ClientView[] = [];
  stats: ProxyStats | undefined;
  view: ClusterView = { brokers: [], groups: [] };
  readonly handedOver: HandOver[] = [];
  known: readonly ProxyInfo[] = [];
  moves: readonly TopicMove[] = [];
  leaving: LeaveReport = { left: true, unfinished: [] };
  /** What was asked of brokers that join and leave. */
  readonly changes: unknown[] = [];
  /** Thrown by every call, when set. */
  failure: Error | undefined;
  endpoint = '';
  private readonly server = testServer();

  static async start(): Promise<AdminServer> {
    const made = new AdminServer();
    const { definition, implementation } = adminService(made, { listen: 'loopback' });
    made.server.addService(definition, implementation);
    made.endpoint = `127.0.0.1:${await made.server.listen('127.0.0.1', 0)}`;
    return made;
  }

  async rebalance(request: RebalanceRequest): Promise<readonly TopicMove[]> {
    this.check();
    this.changes.push(request);
    return this.moves;
  }

  async drainBroker(request: DrainRequest): Promise<readonly TopicMove[]> {
    this.check();
    this.changes.push(request);
    return this.moves;
  }

  async leaveBroker(request: LeaveRequest): Promise<LeaveReport> {
    this.check();
    this.changes.push(request);
    return this.leaving;
  }

  async forgetBroker(request: ForgetRequest): Promise<readonly TopicMove[]> {
    this.check();
    this.changes.push(request);
    return this.moves;
  }

  stop(): Promise<void> {
    return this.server.drain(0);
  }

  async putTopic(
    config: Omit<TopicView, 'brokers'>,
    brokers: readonly string[] = [],
  ): Promise<void> {
    this.check();
    const held = brokers.length === 0 ? ['broker-a', 'broker-b'] : brokers;
    this.topics.set(config.name, { ...config, brokers: held });
  }

  async deleteTopic(name: string): Promise<void> {
    this.check();
    if (this.topics.delete(name)) return;
    throw new StatusError(Code.TOPIC_NOT_FOUND, `topic ${name} is on no broker`);
  }

  async listTopics(): Promise<readonly TopicView[]> {
    this.check();
    return [...this.topics.values()];
  }

  async putGroup(config: GroupConfig): Promise<void> {
    this.check();
    this.groups.set(config.name, config);
  }

  async deleteGroup(name: string): Promise<void> {
    this.check();
    if (this.groups.delete(name)) return;
    throw new StatusError(Code.CONSUMER_GROUP_NOT_FOUND, `group ${name} is on no broker`);
  }

  async listTransactions(
    request: ListTransactionsRequest,
  ): ReturnType<AdminApi['listTransactions']> {
    this.check();
    const transactions = this.transactions.filter(
      ({ topic, transactionId }) =>
        (request.topic === '' || topic === request.topic) &&
        (request.transactionId === '' || transactionId === request.transactionId),
    );
    return { transactions: transactions.slice(0, request.maxCount), total: transactions.length };
  }

  async endTransaction(request: EndTransactionRequest): Promise<void> {
    this.check();
    this.ended.push(request);
  }

  async listDelayed(request: ListDelayedRequest): Promise<DelayedMessages> {
    this.check();
    const asked = ({ topic }: { readonly topic: string }): boolean =>
      request.topic === '' || topic === request.topic;
    const messages = this.delayed.messages
      .filter((one) => asked(one) && [one.messageId, ''].includes(request.messageId))
      .slice(0, request.maxMessages);
    return { ...this.delayed, messages, counts: this.delayed.counts.filter(asked) };
  }

  async recallDelayed(message: DelayedRef): Promise<void> {
    this.check();
    this.recalled.push(message);
  }

  async resetGroup(request: GroupReset): Promise<readonly QueueReset[]> {
    this.check();
    this.moved.push(request);
    return this.resets;
  }

  async listGroups(): Promise<readonly GroupConfig[]> {
    this.check();
    return [...this.groups.values()];
  }

  async filterFaults(): Promise<readonly FilterFaultView[]> {
    this.check();
    return this.faults;
  }

  async findMessages(search: MessageSearch): Promise<FoundMessages> {
    this.check();
    this.searches.push(search);
    if (this.found instanceof StatusError) throw this.found;
    return this.found;
  }

  async topicStatus(name: string): Promise<TopicDetails> {
    this.check();
    if (this.details?.name === name) return this.details;
    throw new StatusError(Code.TOPIC_NOT_FOUND, `topic ${name} is on no broker`);
  }

  async groupLag(request: LagRequest): Promise<readonly TopicLag[]> {
    this.check();
    this.asked.push(request);
    const { topics } = request;
    return this.lags.filter(({ topic }) => topics.length === 0 || topics.includes(topic));
  }

  async listClients(request: ListClientsRequest): Promise<ClientViews> {
    this.check();
    const asked = this.clients.filter(
      ({ clientId, group }) =>
        [clientId, ''].includes(request.clientId) && [group, ''].includes(request.group),
    );
    return { clients: asked.slice(0, request.maxClients), total: asked.length };
  }

  async cluster(): Promise<ClusterView> {
    this.check();
    return this.view;
  }

  async proxies(): Promise<readonly ProxyInfo[]> {
    this.check();
    return this.known;
  }

  async handOver(request: HandOver): Promise<void> {
    this.check();
    this.handedOver.push(request);
  }

  async proxyStats(): Promise<ProxyStats> {
    this.check();
    if (this.stats === undefined) throw new Error('no stats');
    return this.stats;
  }

  private check(): void {
    if (this.failure !== undefined) throw this.failure;
  }
}
