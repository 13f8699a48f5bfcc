/** The methods of `AdminApi` as unary calls: a line here and one in the proto make a new one. */
import {
  Metadata,
  type Client,
  type handleUnaryCall,
  type sendUnaryData,
  type ServerUnaryCall,
} from '@grpc/grpc-js';
import type { MethodDefinition } from '@grpc/proto-loader';
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
import type { DelayedMessages, DelayedRef, ListDelayedRequest } from '../api/delayed-api';
import type { LagRequest, TopicLag } from '../api/inspect-api';
import type { FoundMessages, MessageSearch } from '../api/message-search';
import type { GroupReset, QueueReset } from '../api/offset-api';
import type { ProxyInfo } from '../api/proxies-api';
import type { GroupConfig, TopicConfig } from '../api/topic';
import type {
  EndTransactionRequest,
  ListTransactionsRequest,
  PendingTransactions,
} from '../api/transaction-api';
import type { GantryAdminDefinition } from '../rpc/generated/gantry/v1/GantryAdmin';
import { adminRefusal, refusalOf } from './admin-status';
import {
  clientViewsForms,
  listClientsForms,
  proxyStatsForms,
  topicDetailsForms,
} from './codec/client-view';
import { clusterForms, handOverForms } from './codec/cluster';
import {
  drainForms,
  forgetForms,
  leaveForms,
  leftForms,
  movesForms,
  rebalanceForms,
} from './codec/membership';
import { delayedForms, delayedRefForms, listDelayedForms } from './codec/delayed';
import { groupFromWire, groupToWire } from './codec/group';
import { lagRequestForms, topicLagsForms } from './codec/inspect';
import { foundFromWire, foundToWire, searchFromWire, searchToWire } from './codec/message-search';
import { groupResetForms, queueResetsForms } from './codec/offset';
import { topicFromWire, topicToWire } from './codec/topic';
import { endForms, listForms, pendingForms } from './codec/transaction';
import { faultViewFromWire, faultViewToWire, viewFromWire, viewToWire } from './codec/view';
import { byName, nothing, type Forms } from './forms';
import { adminDefinition } from './services';

export interface AdminMethod<Q, A> {
  /**
   * A handler that calls `api`.
   * @param check throws what the caller is refused with
   */
  handler(api: AdminApi, check: (peer: string) => void): handleUnaryCall<unknown, unknown>;
  /** Makes the call. @param deadlineMs wall clock, milliseconds */
  ask(client: Client, request: Q, deadlineMs: number): Promise<A>;
}

interface PutTopic {
  readonly topic: TopicConfig;
  /** None: all. */
  readonly brokers: readonly string[];
}

export interface AdminMethods {
  readonly PutTopic: AdminMethod<PutTopic, void>;
  readonly DeleteTopic: AdminMethod<string, void>;
  readonly ListTopics: AdminMethod<void, readonly TopicView[]>;
  readonly PutGroup: AdminMethod<GroupConfig, void>;
  readonly DeleteGroup: AdminMethod<string, void>;
  readonly ListGroups: AdminMethod<void, readonly GroupConfig[]>;
  readonly ListFilterFaults: AdminMethod<void, readonly FilterFaultView[]>;
  readonly FindMessages: AdminMethod<MessageSearch, FoundMessages>;
  readonly ListTransactions: AdminMethod<ListTransactionsRequest, PendingTransactions>;
  readonly EndTransaction: AdminMethod<EndTransactionRequest, void>;
  readonly ListDelayed: AdminMethod<ListDelayedRequest, DelayedMessages>;
  readonly RecallDelayed: AdminMethod<DelayedRef, void>;
  readonly DescribeTopic: AdminMethod<string, TopicDetails>;
  readonly GroupLag: AdminMethod<LagRequest, readonly TopicLag[]>;
  readonly ListClients: AdminMethod<ListClientsRequest, ClientViews>;
  readonly ProxyStats: AdminMethod<void, ProxyStats>;
  readonly ResetGroup: AdminMethod<GroupReset, readonly QueueReset[]>;
  readonly DescribeCluster: AdminMethod<void, ClusterView>;
  readonly ListProxies: AdminMethod<void, readonly ProxyInfo[]>;
  readonly HandOver: AdminMethod<HandOver, void>;
  readonly Rebalance: AdminMethod<RebalanceRequest, readonly TopicMove[]>;
  readonly DrainBroker: AdminMethod<DrainRequest, readonly TopicMove[]>;
  readonly LeaveBroker: AdminMethod<LeaveRequest, LeaveReport>;
  readonly ForgetBroker: AdminMethod<ForgetRequest, readonly TopicMove[]>;
}

export function adminMethods(): AdminMethods {
  return defineMethods(adminDefinition());
}

function defineMethods(service: GantryAdminDefinition): AdminMethods {
  return {
    PutTopic: method(service.PutTopic, {
      request: [
        ({ topic, brokers }) => ({ topic: topicToWire(topic), brokers: [...brokers] }),
        ({ topic, brokers }) => ({ topic: topicFromWire(topic), brokers }),
      ],
      answer: nothing,
      call: (api, { topic, brokers }) => api.putTopic(topic, brokers),
    }),
    DeleteTopic: method(service.DeleteTopic, {
      request: byName,
      answer: nothing,
      call: (api, name) => api.deleteTopic(name),
    }),
    ListTopics: method(service.ListTopics, {
      request: nothing,
      answer: [
        (views) => ({ topics: views.map(viewToWire) }),
        ({ topics }) => topics.map(viewFromWire),
      ],
      call: (api) => api.listTopics(),
    }),
    PutGroup: method(service.PutGroup, {
      request: [(group) => ({ group: groupToWire(group) }), ({ group }) => groupFromWire(group)],
      answer: nothing,
      call: (api, group) => api.putGroup(group),
    }),
    DeleteGroup: method(service.DeleteGroup, {
      request: byName,
      answer: nothing,
      call: (api, name) => api.deleteGroup(name),
    }),
    ListGroups: method(service.ListGroups, {
      request: nothing,
      answer: [
        (groups) => ({ groups: groups.map(groupToWire) }),
        ({ groups }) => groups.map(groupFromWire),
      ],
      call: (api) => api.listGroups(),
    }),
    ListFilterFaults: method(service.ListFilterFaults, {
      request: nothing,
      answer: [
        (views) => ({ faults: views.map(faultViewToWire) }),
        ({ faults }) => faults.map(faultViewFromWire),
      ],
      call: (api) => api.filterFaults(),
    }),
    FindMessages: method(service.FindMessages, {
      request: [searchToWire, searchFromWire],
      answer: [foundToWire, foundFromWire],
      call: (api, search) => api.findMessages(search),
    }),
    ListTransactions: method(service.ListTransactions, {
      request: listForms,
      answer: pendingForms,
      call: (api, request) => api.listTransactions(request),
    }),
    EndTransaction: method(service.EndTransaction, {
      request: endForms,
      answer: nothing,
      call: (api, request) => api.endTransaction(request),
    }),
    ListDelayed: method(service.ListDelayed, {
      request: listDelayedForms,
      answer: delayedForms,
      call: (api, request) => api.listDelayed(request),
    }),
    RecallDelayed: method(service.RecallDelayed, {
      request: delayedRefForms,
      answer: nothing,
      call: (api, message) => api.recallDelayed(message),
    }),
    DescribeTopic: method(service.DescribeTopic, {
      request: byName,
      answer: topicDetailsForms,
      call: (api, name) => api.topicStatus(name),
    }),
    GroupLag: method(service.GroupLag, {
      request: lagRequestForms,
      answer: topicLagsForms,
      call: (api, request) => api.groupLag(request),
    }),
    ListClients: method(service.ListClients, {
      request: listClientsForms,
      answer: clientViewsForms,
      call: (api, request) => api.listClients(request),
    }),
    ProxyStats: method(service.ProxyStats, {
      request: nothing,
      answer: proxyStatsForms,
      call: (api) => api.proxyStats(),
    }),
    ResetGroup: method(service.ResetGroup, {
      request: groupResetForms,
      answer: queueResetsForms,
      call: (api, request) => api.resetGroup(request),
    }),
    DescribeCluster: method(service.DescribeCluster, {
      request: nothing,
      answer: clusterForms,
      call: (api) => api.cluster(),
    }),
    ListProxies: method(service.ListProxies, {
      request: nothing,
      answer: [(proxies) => ({ proxies: [...proxies] }), ({ proxies }) => proxies],
      call: (api) => api.proxies(),
    }),
    HandOver: method(service.HandOver, {
      request: handOverForms,
      answer: nothing,
      call: (api, request) => api.handOver(request),
    }),
    Rebalance: method(service.Rebalance, {
      request: rebalanceForms,
      answer: movesForms,
      call: (api, request) => api.rebalance(request),
    }),
    DrainBroker: method(service.DrainBroker, {
      request: drainForms,
      answer: movesForms,
      call: (api, request) => api.drainBroker(request),
    }),
    LeaveBroker: method(service.LeaveBroker, {
      request: leaveForms,
      answer: leftForms,
      call: (api, request) => api.leaveBroker(request),
    }),
    ForgetBroker: method(service.ForgetBroker, {
      request: forgetForms,
      answer: movesForms,
      call: (api, request) => api.forgetBroker(request),
    }),
  };
}

function method<Q, A, WQ extends object, WA extends object, WQO, WAO>(
  definition: MethodDefinition<WQ, WA, WQO, WAO>,
  how: {
    readonly request: Forms<Q, WQ, WQO>;
    readonly answer: Forms<A, WA, WAO>;
    readonly call: (api: AdminApi, request: Q) => Promise<A>;
  },
): AdminMethod<Q, A> {
  const [requestToWire, requestFromWire] = how.request;
  const [answerToWire, answerFromWire] = how.answer;
  const serve = async (api: AdminApi, request: WQO): Promise<WA> =>
    answerToWire(await how.call(api, requestFromWire(request)));
  return {
    handler: (api, check) => {
      const handle = (call: ServerUnaryCall<WQO, WA>, answer: sendUnaryData<WA>): void => {
        try {
          check(call.getPeer());
        } catch (error) {
          answer(refusalOf(error));
          return;
        }
        serve(api, call.request).then(
          (value) => answer(null, value),
          (error: unknown) => answer(refusalOf(error)),
        );
      };
      return handle as handleUnaryCall<unknown, unknown>;
    },
    ask: (client, request, deadlineMs) =>
      new Promise((resolve, reject) => {
        client.makeUnaryRequest(
          definition.path,
          definition.requestSerialize,
          definition.responseDeserialize,
          requestToWire(request),
          new Metadata(),
          { deadline: deadlineMs },
          (error, answer) => {
            if (error !== null) reject(adminRefusal(error));
            else if (answer === undefined) reject(new Error(`${definition.path} answered nothing`));
            else resolve(answerFromWire(answer));
          },
        );
      }),
  };
}
