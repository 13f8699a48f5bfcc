/** All roles in one process (`gantry start`). */
import type { BrokerConnection } from '../api/broker-dialer';
import type { TopicConfig } from '../api/topic';
import type { Broker } from '../broker/broker';
import { RouteTable } from '../namesrv/route-table';
import { Readiness } from '../observe/http';
import { openBroker, type BrokerPartOptions } from './open-broker';
import { openProxy, type ProxyPartOptions } from './open-proxy';
import { starting, type RunningRole, type Surroundings } from './role';

export interface StandaloneOptions
  extends BrokerPartOptions, Omit<ProxyPartOptions, 'topics' | 'lite'> {
  readonly topics: { readonly autoCreate: boolean; readonly create: readonly TopicConfig[] };
}

/** Starts everything; resolves when it serves. */
export function startStandalone(
  options: StandaloneOptions,
  surroundings: Surroundings,
): Promise<RunningRole> {
  return starting(surroundings, async (shutdown) => {
    const readiness = new Readiness();
    readiness.set('serving', false);
    const routes = new RouteTable(surroundings.platform);
    const broker = await openBroker(options, options, surroundings, readiness, shutdown);
    await broker.register(routes, '');
    for (const topic of options.topics.create) await createTopic(broker, topic);
    const dial = (): BrokerConnection => connectionOf(broker);
    const proxy = await openProxy(options, routes, dial, surroundings, readiness, shutdown);
    proxy.announceReady();
    return proxy.endpoints;
  });
}

/** Makes a topic that was asked for at start; one that exists with as many queues stays as it is. */
async function createTopic(broker: Broker, topic: TopicConfig): Promise<void> {
  const known = (await broker.listTopics()).find(({ name }) => name === topic.name);
  if (known?.type === topic.type && known.queues >= topic.queues) return;
  await broker.putTopic(topic);
}

/** The broker itself as the way to it; it ends with the process, not with the proxy. */
export function connectionOf(broker: Broker): BrokerConnection {
  return {
    transactions: broker.transactions,
    offsets: broker.offsets,
    inspect: broker.inspect,
    replicas: broker.replicas,
    send: (request) => broker.send(request),
    recall: (request) => broker.recall(request),
    listDelayed: (request) => broker.listDelayed(request),
    pop: (request, signal) => broker.pop(request, signal),
    ack: (request) => broker.ack(request),
    changeInvisible: (request) => broker.changeInvisible(request),
    forwardToDeadLetterQueue: (request) => broker.forwardToDeadLetterQueue(request),
    release: (request) => broker.release(request),
    subscribe: (request) => broker.subscribe(request),
    syncLite: (request) => broker.syncLite(request),
    groupProgress: (request, signal) => broker.groupProgress(request, signal),
    clientSeen: (clientId) => broker.clientSeen(clientId),
    clientGone: (clientId) => broker.clientGone(clientId),
    probe: () => broker.probe(),
    putTopic: (config, groups) => broker.putTopic(config, groups),
    deleteTopic: (name) => broker.deleteTopic(name),
    listTopics: () => broker.listTopics(),
    setDraining: (draining) => broker.setDraining(draining),
    putGroup: (config) => broker.putGroup(config),
    deleteGroup: (name) => broker.deleteGroup(name),
    listGroups: () => broker.listGroups(),
    filterFaults: () => broker.filterFaults(),
    findMessages: (search) => broker.findMessages(search),
    close: () => Promise.resolve(),
  };
}
