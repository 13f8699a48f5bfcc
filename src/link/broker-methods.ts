// long: one entry for each method of the interface.
/**
 * The methods of `BrokerApi` as calls on a link: their names and messages are those of the service
 * GantryBroker, so that its definition gives the codecs.
 */
import type {
  AckRequest,
  ChangeInvisibleRequest,
  EntryStatus,
  FilterFault,
  ForwardRequest,
  GroupProgress,
  PopRequest,
  PopResult,
  ProgressRequest,
  SendRequest,
  SendResult,
  SubscribeRequest,
} from '../api/broker-api';
import type { DelayedMessages, ListDelayedRequest, RecallRequest } from '../api/delayed-api';
import type { SyncLiteRequest } from '../api/lite-api';
import { removedForms, syncLiteForms } from './codec/lite';
import type { FoundMessages, MessageSearch } from '../api/message-search';
import type {
  CheckOutcome,
  EndTransactionRequest,
  ListTransactionsRequest,
  PendingTransactions,
  TakeChecksRequest,
  TransactionCheck,
} from '../api/transaction-api';
import type { GroupConfig, TopicConfig } from '../api/topic';
import { uniqueKeyOf } from '../message/record';
import type { GantryBrokerDefinition } from '../rpc/generated/gantry/v1/GantryBroker';
import * as ack from './codec/ack';
import { acknowledges, sendsHandles } from './codec/ack-call';
import { delayedForms, listDelayedForms } from './codec/delayed';
import { faultFromWire, faultToWire } from './codec/filter-fault';
import { groupFromWire, groupToWire } from './codec/group';
import { foundFromWire, foundToWire, searchFromWire, searchToWire } from './codec/message-search';
import { sendsRecord, takesRecords } from './codec/hot-calls';
import { progressForms, progressRequestForms } from './codec/progress';
import * as send from './codec/send';
import { subscribeFromWire, subscribeToWire } from './codec/subscribe';
import { topicFromWire, topicToWire } from './codec/topic';
import * as transaction from './codec/transaction';
import {
  CONFIG_PATIENCE_MS,
  method,
  POP_PATIENCE_MS,
  SEARCH_PATIENCE_MS,
  type BrokerMethod,
  type GivenBackTo,
  type ServedMethod,
} from './broker-method';
import { asItIs, byName, nothing, type Forms } from './forms';
import { inspectMethods, type InspectMethods } from './inspect-methods';
import { offsetMethods, type OffsetMethods } from './offset-methods';
import { replicasMethods, type ReplicasMethods } from './replicas-methods';
import { brokerDefinition } from './services';

interface PutTopic {
  readonly topic: TopicConfig;
  readonly groups: readonly string[];
}

export interface BrokerMethods extends OffsetMethods, InspectMethods, ReplicasMethods {
  readonly send: BrokerMethod<SendRequest, SendResult>;
  readonly recall: BrokerMethod<RecallRequest, void>;
  readonly pop: BrokerMethod<PopRequest, PopResult>;
  readonly ack: BrokerMethod<AckRequest, readonly EntryStatus[]>;
  readonly changeInvisible: BrokerMethod<ChangeInvisibleRequest, string>;
  readonly forwardToDeadLetterQueue: BrokerMethod<ForwardRequest, void>;
  readonly release: BrokerMethod<AckRequest, void>;
  readonly subscribe: BrokerMethod<SubscribeRequest, GroupConfig>;
  readonly syncLite: BrokerMethod<SyncLiteRequest, readonly string[]>;
  readonly groupProgress: BrokerMethod<ProgressRequest, GroupProgress>;
  readonly clientSeen: BrokerMethod<string, void>;
  readonly clientGone: BrokerMethod<string, void>;
  readonly probe: BrokerMethod<void, void>;
  readonly putTopic: BrokerMethod<PutTopic, void>;
  readonly deleteTopic: BrokerMethod<string, void>;
  readonly listTopics: BrokerMethod<void, readonly TopicConfig[]>;
  readonly setDraining: BrokerMethod<boolean, void>;
  readonly putGroup: BrokerMethod<GroupConfig, void>;
  readonly deleteGroup: BrokerMethod<string, void>;
  readonly listGroups: BrokerMethod<void, readonly GroupConfig[]>;
  readonly filterFaults: BrokerMethod<void, readonly FilterFault[]>;
  readonly findMessages: BrokerMethod<MessageSearch, FoundMessages>;
  readonly listDelayed: BrokerMethod<ListDelayedRequest, DelayedMessages>;
  readonly prepare: BrokerMethod<SendRequest, SendResult>;
  readonly endTransaction: BrokerMethod<EndTransactionRequest, void>;
  readonly takeChecks: BrokerMethod<TakeChecksRequest, readonly TransactionCheck[]>;
  readonly reportChecks: BrokerMethod<readonly CheckOutcome[], void>;
  readonly listTransactions: BrokerMethod<ListTransactionsRequest, PendingTransactions>;
}

let methods: BrokerMethods | undefined;

export function brokerMethods(): BrokerMethods {
  methods ??= defineMethods(brokerDefinition());
  return methods;
}

/** By the name that frames carry. */
export function servedMethods(): ReadonlyMap<string, ServedMethod> {
  return new Map(
    Object.values(brokerMethods()).map((method: ServedMethod & { parking?: unknown }) => [
      method.name,
      { name: method.name, serve: method.serve, parks: method.parking !== undefined },
    ]),
  );
}

function defineMethods(service: GantryBrokerDefinition): BrokerMethods {
  return {
    send: method('Send', sendsRecord, {
      request: asItIs(),
      answer: asItIs(),
      call: (api, request) => api.send(request),
    }),
    recall: method('Recall', service.Recall, {
      request: [send.recallToWire, send.recallFromWire],
      answer: nothing,
      call: (api, request) => api.recall(request),
    }),
    pop: method('Pop', takesRecords, {
      request: asItIs(),
      answer: asItIs(),
      call: (api, request, signal) => api.pop(request, signal),
      patienceMs: POP_PATIENCE_MS,
      parking: {
        stopped: [],
        isNothing: (messages) => messages.length === 0,
        giveBack: releaseAll,
      },
    }),
    ack: method('Ack', acknowledges, {
      request: asItIs(),
      answer: asItIs(),
      call: (api, request) => api.ack(request),
    }),
    changeInvisible: method('ChangeInvisible', service.ChangeInvisible, {
      request: [ack.changeInvisibleToWire, ack.changeInvisibleFromWire],
      answer: [(handle) => ({ receipt_handle: handle }), (wire) => wire.receipt_handle],
      call: (api, request) => api.changeInvisible(request),
    }),
    forwardToDeadLetterQueue: method('ForwardToDeadLetterQueue', service.ForwardToDeadLetterQueue, {
      request: [ack.forwardToWire, ack.forwardFromWire],
      answer: nothing,
      call: (api, request) => api.forwardToDeadLetterQueue(request),
      patienceMs: CONFIG_PATIENCE_MS,
    }),
    release: method('Release', sendsHandles(service.Release), {
      request: asItIs(),
      answer: nothing,
      call: (api, request) => api.release(request),
    }),
    subscribe: method('Subscribe', service.Subscribe, {
      request: [subscribeToWire, subscribeFromWire],
      answer: [groupToWire, groupFromWire],
      call: (api, request) => api.subscribe(request),
    }),
    syncLite: method('SyncLite', service.SyncLite, {
      request: syncLiteForms,
      answer: removedForms,
      call: (api, request) => api.syncLite(request),
    }),
    groupProgress: method('AskProgress', service.AskProgress, {
      request: progressRequestForms,
      answer: progressForms,
      call: (api, request, signal) => api.groupProgress(request, signal),
      parking: {
        stopped: { finished: 0, since: 0 },
        isNothing: () => false,
        giveBack: () => Promise.resolve(),
      },
    }),
    clientSeen: method('ClientSeen', service.ClientSeen, {
      request: clientId,
      answer: nothing,
      call: (api, id) => api.clientSeen(id),
    }),
    clientGone: method('ClientGone', service.ClientGone, {
      request: clientId,
      answer: nothing,
      call: (api, id) => api.clientGone(id),
    }),
    probe: method('Probe', service.Probe, {
      request: nothing,
      answer: nothing,
      call: (api) => api.probe(),
    }),
    putTopic: method('PutTopic', service.PutTopic, {
      request: [
        ({ topic, groups }) => ({ topic: topicToWire(topic), groups: [...groups] }),
        ({ topic, groups }) => ({ topic: topicFromWire(topic), groups }),
      ],
      answer: nothing,
      call: (api, { topic, groups }) => api.putTopic(topic, groups),
      patienceMs: CONFIG_PATIENCE_MS,
    }),
    deleteTopic: method('DeleteTopic', service.DeleteTopic, {
      request: byName,
      answer: nothing,
      call: (api, name) => api.deleteTopic(name),
      patienceMs: CONFIG_PATIENCE_MS,
    }),
    listTopics: method('ListTopics', service.ListTopics, {
      request: nothing,
      answer: [
        (topics) => ({ topics: topics.map(topicToWire) }),
        ({ topics }) => topics.map(topicFromWire),
      ],
      call: (api) => api.listTopics(),
    }),
    setDraining: method('SetDraining', service.SetDraining, {
      request: [(draining) => ({ draining }), ({ draining }) => draining],
      answer: nothing,
      call: (api, draining) => api.setDraining(draining),
      patienceMs: CONFIG_PATIENCE_MS,
    }),
    putGroup: method('PutGroup', service.PutGroup, {
      request: [(group) => ({ group: groupToWire(group) }), ({ group }) => groupFromWire(group)],
      answer: nothing,
      call: (api, group) => api.putGroup(group),
      patienceMs: CONFIG_PATIENCE_MS,
    }),
    deleteGroup: method('DeleteGroup', service.DeleteGroup, {
      request: byName,
      answer: nothing,
      call: (api, name) => api.deleteGroup(name),
      patienceMs: CONFIG_PATIENCE_MS,
    }),
    listGroups: method('ListGroups', service.ListGroups, {
      request: nothing,
      answer: [
        (groups) => ({ groups: groups.map(groupToWire) }),
        ({ groups }) => groups.map(groupFromWire),
      ],
      call: (api) => api.listGroups(),
    }),
    filterFaults: method('ListFilterFaults', service.ListFilterFaults, {
      request: nothing,
      answer: [
        (faults) => ({ faults: faults.map(faultToWire) }),
        ({ faults }) => faults.map(faultFromWire),
      ],
      call: (api) => api.filterFaults(),
    }),
    findMessages: method('FindMessages', service.FindMessages, {
      request: [searchToWire, searchFromWire],
      answer: [foundToWire, foundFromWire],
      call: (api, search) => api.findMessages(search),
      patienceMs: SEARCH_PATIENCE_MS,
    }),
    listDelayed: method('ListDelayed', service.ListDelayed, {
      request: listDelayedForms,
      answer: delayedForms,
      call: (api, request) => api.listDelayed(request),
      patienceMs: SEARCH_PATIENCE_MS,
    }),
    ...transactionMethods(service),
    ...offsetMethods(service),
    ...inspectMethods(service),
    ...replicasMethods(service),
  };
}

type TransactionMethods = Pick<
  BrokerMethods,
  'prepare' | 'endTransaction' | 'takeChecks' | 'reportChecks' | 'listTransactions'
>;

function transactionMethods(service: GantryBrokerDefinition): TransactionMethods {
  return {
    prepare: method('PrepareTransaction', sendsRecord, {
      request: asItIs(),
      answer: asItIs(),
      call: ({ transactions }, request) => transactions.prepare(request),
    }),
    endTransaction: method('EndTransaction', service.EndTransaction, {
      request: transaction.endForms,
      answer: nothing,
      call: ({ transactions }, request) => transactions.endTransaction(request),
      // How an old one ended is searched for.
      patienceMs: SEARCH_PATIENCE_MS,
    }),
    takeChecks: method('TakeChecks', service.TakeChecks, {
      request: transaction.takeForms,
      answer: transaction.checksForms,
      call: ({ transactions }, request, signal) => transactions.takeChecks(request, signal),
      patienceMs: POP_PATIENCE_MS,
      parking: {
        stopped: [],
        isNothing: (checks) => checks.length === 0,
        giveBack: ({ transactions }, _request, checks) =>
          transactions.reportChecks(checks.map((check) => ({ ...check, reached: false }))),
      },
    }),
    reportChecks: method('ReportChecks', service.ReportChecks, {
      request: transaction.outcomesForms,
      answer: nothing,
      call: ({ transactions }, outcomes) => transactions.reportChecks(outcomes),
    }),
    listTransactions: method('ListTransactions', service.ListTransactions, {
      request: transaction.listForms,
      answer: transaction.pendingForms,
      call: ({ transactions }, request) => transactions.listTransactions(request),
    }),
  };
}

const clientId: Forms<string, { client_id: string }, { client_id: string }> = [
  (id) => ({ client_id: id }),
  ({ client_id: id }) => id,
];

async function releaseAll(
  api: GivenBackTo,
  { group, topic }: PopRequest,
  messages: PopResult,
): Promise<void> {
  if (messages.length === 0) return;
  const entries = messages.map(({ record, receiptHandle }) => ({
    receiptHandle,
    messageId: uniqueKeyOf(record),
  }));
  await api.release({ group, topic, entries });
}
