import type { AdminApi } from '../api/admin-api';
import type { Clock } from '../platform/platform';
import { makeClient } from '../rpc/client';
import type { ClientTls } from '../rpc/client-credentials';
import { adminMethods, type AdminMethod } from './admin-methods';
import { adminDefinition } from './services';

/** How long a call may take: a change must reach every broker and every watcher, milliseconds. */
const CALL_MS = 30_000;

export interface AdminClient extends AdminApi {
  close(): void;
}

/**
 * The admin service of a proxy. Calls reject with the StatusError that the service has thrown, and with
 * PROXY_TIMEOUT when it was not reached or did not answer within 30 s.
 * @param address `host:port`
 * @param tls see `makeClient`
 */
export function adminClient(address: string, clock: Clock, tls?: ClientTls): AdminClient {
  const methods = adminMethods();
  const client = makeClient(adminDefinition(), address, { tls });
  const ask = <Q, A>(method: AdminMethod<Q, A>, request: Q): Promise<A> =>
    method.ask(client, request, clock.wallMs() + CALL_MS);
  return {
    putTopic: (topic, brokers = []) => ask(methods.PutTopic, { topic, brokers }),
    deleteTopic: (name) => ask(methods.DeleteTopic, name),
    listTopics: () => ask(methods.ListTopics, undefined),
    putGroup: (config) => ask(methods.PutGroup, config),
    deleteGroup: (name) => ask(methods.DeleteGroup, name),
    listGroups: () => ask(methods.ListGroups, undefined),
    filterFaults: () => ask(methods.ListFilterFaults, undefined),
    findMessages: (search) => ask(methods.FindMessages, search),
    listTransactions: (request) => ask(methods.ListTransactions, request),
    endTransaction: (request) => ask(methods.EndTransaction, request),
    listDelayed: (request) => ask(methods.ListDelayed, request),
    recallDelayed: (message) => ask(methods.RecallDelayed, message),
    topicStatus: (name) => ask(methods.DescribeTopic, name),
    groupLag: (request) => ask(methods.GroupLag, request),
    listClients: (request) => ask(methods.ListClients, request),
    proxyStats: () => ask(methods.ProxyStats, undefined),
    resetGroup: (request) => ask(methods.ResetGroup, request),
    cluster: () => ask(methods.DescribeCluster, undefined),
    proxies: () => ask(methods.ListProxies, undefined),
    handOver: (request) => ask(methods.HandOver, request),
    rebalance: (request) => ask(methods.Rebalance, request),
    drainBroker: (request) => ask(methods.DrainBroker, request),
    leaveBroker: (request) => ask(methods.LeaveBroker, request),
    forgetBroker: (request) => ask(methods.ForgetBroker, request),
    close: () => client.close(),
  };
}
