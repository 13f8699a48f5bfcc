/** What a proxy tells of topics, of its clients and of itself, on the wire. */
import type { TopicDetails } from '../../api/admin-api';
import type {
  ClientView,
  ClientViews,
  ListClientsRequest,
  ProxyStats,
} from '../../api/client-view';
import type {
  ClientView as WireClient,
  ClientView__Output,
} from '../../rpc/generated/gantry/v1/ClientView';
import type {
  ClientViews as WireClients,
  ClientViews__Output,
} from '../../rpc/generated/gantry/v1/ClientViews';
import type {
  ListClientsRequest as WireList,
  ListClientsRequest__Output,
} from '../../rpc/generated/gantry/v1/ListClientsRequest';
import type {
  ProxyStatsView as WireStats,
  ProxyStatsView__Output,
} from '../../rpc/generated/gantry/v1/ProxyStatsView';
import type {
  TopicDetails as WireDetails,
  TopicDetails__Output,
} from '../../rpc/generated/gantry/v1/TopicDetails';
import type { Forms } from '../forms';
import { topicStatusForms } from './inspect';
import { typeFromWire, typeToWire } from './topic';

export const topicDetailsForms: Forms<TopicDetails, WireDetails, TopicDetails__Output> = [
  ({ name, type, brokers, groups }) => ({
    ...{ name, type: typeToWire(type), groups: [...groups] },
    brokers: brokers.map(topicStatusForms[0]),
  }),
  (wire) => ({
    ...{ name: wire.name, type: typeFromWire(wire), groups: wire.groups },
    brokers: wire.brokers.map(topicStatusForms[1]),
  }),
];

export const listClientsForms: Forms<ListClientsRequest, WireList, ListClientsRequest__Output> = [
  ({ clientId, group, maxClients }) => ({ client_id: clientId, group, max_clients: maxClients }),
  (wire) => ({ clientId: wire.client_id, group: wire.group, maxClients: wire.max_clients }),
];

export const clientViewsForms: Forms<ClientViews, WireClients, ClientViews__Output> = [
  ({ clients, total }) => ({ clients: clients.map(clientToWire), total }),
  ({ clients, total }) => ({ clients: clients.map(clientFromWire), total }),
];

export const proxyStatsForms: Forms<ProxyStats, WireStats, ProxyStatsView__Output> = [
  ({ inPerSecond, outPerSecond, ...rest }) => ({
    ...{ ...rest, in_per_second: inPerSecond, out_per_second: outPerSecond },
  }),
  ({ in_per_second: inPerSecond, out_per_second: outPerSecond, ...rest }) => ({
    ...{ ...rest, inPerSecond, outPerSecond },
  }),
];

function clientToWire(view: ClientView): WireClient {
  const { clientId, heardMs, subscriptions, publishes, ...rest } = view;
  return {
    ...rest,
    ...{ client_id: clientId, heard_ms: heardMs, publishes: [...publishes] },
    subscriptions: subscriptions.map(({ topic, filter: { type, expression } }) => ({
      ...{ topic, filter_type: type, expression },
    })),
  };
}

function clientFromWire(wire: ClientView__Output): ClientView {
  const { client_id: clientId, heard_ms: heardMs, subscriptions, ...rest } = wire;
  return {
    ...{ ...rest, clientId, heardMs },
    subscriptions: subscriptions.map(({ topic, filter_type: type, expression }) => ({
      topic,
      filter: { type: type === 'SQL' ? 'SQL' : 'TAG', expression },
    })),
  };
}
