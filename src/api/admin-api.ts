/** What the command line asks of a proxy: topics and groups of the whole cluster. */
import type { FilterFault } from './broker-api';
import type { ClientViews, ListClientsRequest, ProxyStats } from './client-view';
import type { ClusterView, HandOver } from './cluster-api';
import type { MembershipApi } from './membership-api';
import type { DelayedMessages, DelayedRef, ListDelayedRequest } from './delayed-api';
import type { LagRequest, TopicLag, TopicStatus } from './inspect-api';
import type { FoundMessages, MessageSearch } from './message-search';
import type { GroupReset, QueueReset } from './offset-api';
import type { ProxyInfo } from './proxies-api';
import type { GroupConfig, TopicConfig, TopicType } from './topic';
import type {
  EndTransactionRequest,
  ListTransactionsRequest,
  PendingTransactions,
} from './transaction-api';

export interface TopicView extends TopicConfig {
  /** Names of the brokers that hold it. */
  readonly brokers: readonly string[];
}

export interface FilterFaultView extends FilterFault {
  /** Name of the broker that found it. */
  readonly broker: string;
}

/** How full a topic is, on each broker that holds it. */
export interface TopicDetails {
  readonly name: string;
  readonly type: TopicType;
  readonly brokers: readonly TopicStatus[];
  /** Names of the groups that have begun on it. */
  readonly groups: readonly string[];
}

export interface AdminApi extends MembershipApi {
  /**
   * Creates or changes a topic; in force everywhere when it resolves.
   * @param brokers names of those that are to hold it, with those that do; default: all masters
   * @throws StatusError BAD_REQUEST (no such broker, fewer queues), FORBIDDEN (a limit)
   */
  putTopic(config: TopicConfig, brokers?: readonly string[]): Promise<void>;
  /** @throws StatusError TOPIC_NOT_FOUND */
  deleteTopic(name: string): Promise<void>;
  listTopics(): Promise<readonly TopicView[]>;
  /** Creates or changes a group on every master. */
  putGroup(config: GroupConfig): Promise<void>;
  /** @throws StatusError CONSUMER_GROUP_NOT_FOUND */
  deleteGroup(name: string): Promise<void>;
  listGroups(): Promise<readonly GroupConfig[]>;
  /** What filters could not evaluate, for each group, topic and broker. */
  filterFaults(): Promise<readonly FilterFaultView[]>;
  /** Looks for stored messages on all masters. @throws StatusError TOPIC_NOT_FOUND, BAD_REQUEST, UNSUPPORTED */
  findMessages(search: MessageSearch): Promise<FoundMessages>;
  /** Transactions that have not ended, on all masters, the oldest first. */
  listTransactions(request: ListTransactionsRequest): Promise<PendingTransactions>;
  /** @throws StatusError INVALID_TRANSACTION_ID, BAD_REQUEST (it ended the other way), TOPIC_NOT_FOUND */
  endTransaction(request: EndTransactionRequest): Promise<void>;
  /** Messages that wait for their delivery time, on all masters. @throws StatusError BAD_REQUEST, UNSUPPORTED */
  listDelayed(request: ListDelayedRequest): Promise<DelayedMessages>;
  /** Ends the wait of a message: it is not delivered. @throws StatusError MESSAGE_NOT_FOUND */
  recallDelayed(message: DelayedRef): Promise<void>;
  /**
   * Moves a group on a topic, or tells what that would do; nothing is moved when a broker refuses.
   * @throws StatusError TOPIC_NOT_FOUND, CONSUMER_GROUP_NOT_FOUND, OFFSET_NOT_FOUND (it has not begun there),
   *   ILLEGAL_OFFSET, BAD_REQUEST
   */
  resetGroup(request: GroupReset): Promise<readonly QueueReset[]>;
  /** @throws StatusError TOPIC_NOT_FOUND */
  topicStatus(name: string): Promise<TopicDetails>;
  /**
   * How far a group is with each topic on which it has begun, for each broker; sorted by topic and broker.
   * @throws StatusError CONSUMER_GROUP_NOT_FOUND, BAD_REQUEST (more than 1,000 topics)
   */
  groupLag(request: LagRequest): Promise<readonly TopicLag[]>;
  /** The clients that are known to the proxy that answers. @throws StatusError BAD_REQUEST */
  listClients(request: ListClientsRequest): Promise<ClientViews>;
  /** All brokers that the name servers know, and of each group what its master tells. */
  cluster(): Promise<ClusterView>;
  /** All proxies that the name servers know. @throws StatusError PROXY_TIMEOUT when none of those answers */
  proxies(): Promise<readonly ProxyInfo[]>;
  /**
   * Makes the master of a broker group hand over to another replica.
   * @throws StatusError NOT_FOUND (no such group, or nobody leads it), and as `ReplicasApi.handOver`
   */
  handOver(request: HandOver): Promise<void>;
  /** Of the proxy that answers. */
  proxyStats(): Promise<ProxyStats>;
}
