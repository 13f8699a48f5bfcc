// long: a method of the service after the other, and the model that answers.
import type { AdminApi } from '../../../src/api/admin-api';
import type {
  ClientView,
  ClientViews,
  ListClientsRequest,
  ProxyStats,
} from '../../../src/api/client-view';
import type { ClusterView } from '../../../src/api/cluster-api';
import type { LagRequest, TopicLag } from '../../../src/api/inspect-api';
import type { DelayedMessages, DelayedRef, ListDelayedRequest } from '../../../src/api/delayed-api';
import type { MessageSearch } from '../../../src/api/message-search';
import type {
  EndTransactionRequest,
  ListTransactionsRequest,
  PendingTransactionView,
} from '../../../src/api/transaction-api';
import type {
  DrainRequest,
  ForgetRequest,
  LeaveReport,
  LeaveRequest,
  RebalanceRequest,
  TopicMove,
} from '../../../src/api/membership-api';
import type { GroupReset, QueueReset } from '../../../src/api/offset-api';
import type { GroupConfig, TopicConfig } from '../../../src/api/topic';
import { adminClient, type AdminClient } from '../../../src/link/admin-client';
import { adminService, isLoopback } from '../../../src/link/admin-service';
import { Code, StatusError } from '../../../src/message/status';
import { nodePlatform } from '../../../src/platform/node-platform';
import { clusterSample } from '../../support/cluster-sample';
import { filterFault, groupConfig } from '../../support/model-broker';
import { serveOnLoopback, type ServedAddress } from '../../support/rpc-pair';

class ModelAdmin implements AdminApi {
  readonly topics = new Map<string, TopicConfig>();
  readonly groups = new Map<string, GroupConfig>();
  transactions: PendingTransactionView[] = [];
  readonly ended: EndTransactionRequest[] = [];
  readonly recalled: DelayedRef[] = [];
  readonly moved: GroupReset[] = [];
  resets: readonly QueueReset[] = [];
  moves: readonly TopicMove[] = [];
  unfinished: LeaveReport['unfinished'] = [];
  readonly changes: unknown[] = [];

  async rebalance(request: RebalanceRequest): Promise<readonly TopicMove[]> {
    this.changes.push(request);
    return this.moves;
  }

  async drainBroker(request: DrainRequest): Promise<readonly TopicMove[]> {
    this.changes.push(request);
    return this.moves;
  }

  async leaveBroker(request: LeaveRequest): Promise<LeaveReport> {
    this.changes.push(request);
    return { left: !request.force, unfinished: this.unfinished };
  }

  async forgetBroker(request: ForgetRequest): Promise<readonly TopicMove[]> {
    this.changes.push(request);
    return this.moves;
  }

  async putTopic(config: TopicConfig): Promise<void> {
    this.topics.set(config.name, config);
  }

  async deleteTopic(name: string): Promise<void> {
    if (!this.topics.delete(name)) {
      throw new StatusError(Code.TOPIC_NOT_FOUND, `topic ${name} – “not here”`);
    }
  }

  async listTopics(): ReturnType<AdminApi['listTopics']> {
    return [...this.topics.values()].map((topic) => ({ ...topic, brokers: ['a', 'b'] }));
  }

  async putGroup(config: GroupConfig): Promise<void> {
    this.groups.set(config.name, config);
  }

  async deleteGroup(name: string): Promise<void> {
    if (!this.groups.delete(name)) throw new Error('disk on fire');
  }

  async listTransactions(
    request: ListTransactionsRequest,
  ): ReturnType<AdminApi['listTransactions']> {
    const transactions = this.transactions.filter(
      ({ topic, transactionId }) =>
        (request.topic === '' || topic === request.topic) &&
        (request.transactionId === '' || transactionId === request.transactionId),
    );
    return { transactions: transactions.slice(0, request.maxCount), total: transactions.length };
  }

  async endTransaction(request: EndTransactionRequest): Promise<void> {
    this.ended.push(request);
  }

  async listDelayed(request: ListDelayedRequest): Promise<DelayedMessages> {
    const { topic, messageId, maxMessages } = request;
    const view = { broker: 'a', topic, messageId, dueMs: 2 ** 52, sentMs: 1 };
    const counts = [{ topic, hourMs: 2 ** 52, messages: 2 ** 40 }];
    return { messages: [view], counts, total: maxMessages };
  }

  async recallDelayed(message: DelayedRef): Promise<void> {
    this.recalled.push(message);
  }

  async resetGroup(request: GroupReset): Promise<readonly QueueReset[]> {
    this.moved.push(request);
    return this.resets;
  }

  async topicStatus(name: string): ReturnType<AdminApi['topicStatus']> {
    const queue = {
      queueId: 3,
      minOffset: 1,
      maxOffset: 2 ** 52,
      firstStoredMs: 0,
      lastStoredMs: 7,
    };
    const brokers = [{ broker: 'a', queues: [queue], delayed: 5 }];
    return { name, type: 'FIFO', brokers, groups: ['g'] };
  }

  async groupLag(request: LagRequest): Promise<readonly TopicLag[]> {
    const queue = { queueId: 3, committed: 1, maxOffset: 9, ready: 6, inFlight: 2 };
    const queues = [{ ...queue, readyStoredMs: 2 ** 41, finishedStoredMs: 7 }];
    return request.topics.map((topic) => ({ broker: request.group, topic, queues, delayed: 1 }));
  }

  async listClients({ clientId, group, maxClients }: ListClientsRequest): Promise<ClientViews> {
    const client: ClientView = {
      ...{ clientId, group, type: 'PUSH_CONSUMER', language: 'JAVA', version: '5.0.7' },
      ...{ host: 'h', address: '::1', properties: { region: 'eu' }, publishes: ['p'] },
      subscriptions: [{ topic: 't', filter: { type: 'SQL', expression: 'a > 1' } }],
      ...{ connected: true, heardMs: 2 ** 41 },
    };
    return { clients: [client], total: maxClients };
  }

  async proxyStats(): Promise<ProxyStats> {
    return {
      ...{ name: 'n', version: 'v', inPerSecond: 0.5, outPerSecond: 12.3 },
      ...{ connections: 1, producers: 2, consumers: 3 },
    };
  }

  async cluster(): Promise<ClusterView> {
    return clusterSample;
  }

  async proxies(): ReturnType<AdminApi['proxies']> {
    return [];
  }

  async handOver(): Promise<void> {
    return Promise.reject(new StatusError(Code.UNSUPPORTED, 'nobody to hand over to'));
  }

  async listGroups(): ReturnType<AdminApi['listGroups']> {
    return [...this.groups.values()];
  }

  async findMessages(search: MessageSearch): ReturnType<AdminApi['findMessages']> {
    const record = Buffer.from(JSON.stringify(search));
    return { messages: [{ broker: 'a', record }], complete: search.by !== 'time' };
  }

  async filterFaults(): ReturnType<AdminApi['filterFaults']> {
    return [{ broker: 'a', ...filterFault }];
  }
}

describe('the admin service', () => {
  let model: ModelAdmin;
  let served: ServedAddress;
  let client: AdminClient;

  beforeEach(async () => {
    model = new ModelAdmin();
    served = await serveOnLoopback([adminService(model, { listen: 'loopback' })]);
    client = adminClient(served.address, nodePlatform().clock);
  });

  afterEach(async () => {
    client.close();
    await served.stop();
  });

  it('lists what filters could not evaluate', async () => {
    expect(await client.filterFaults()).toEqual([{ broker: 'a', ...filterFault }]);
  });

  it('creates, lists and deletes topics', async () => {
    const topic: TopicConfig = { name: 'orders', type: 'FIFO', queues: 3 };
    await client.putTopic(topic);
    expect(await client.listTopics()).toEqual([{ ...topic, brokers: ['a', 'b'] }]);
    await client.deleteTopic('orders');
    expect(await client.listTopics()).toEqual([]);
  });

  it('carries a group unchanged, whatever its backoff', async () => {
    const groups = [
      groupConfig('plain'),
      groupConfig('fifo', { fifo: true, maxAttempts: 3, startFrom: 'beginning', liteTopic: 'p' }),
      groupConfig('exponential', {
        backoff: { kind: 'exponential', initialMs: 10, maxMs: 36_000_000, multiplier: 1.5 },
      }),
    ];
    for (const group of groups) await client.putGroup(group);
    expect(await client.listGroups()).toEqual(groups);
  });

  it('carries what waits for its time, and what is recalled', async () => {
    const request = { topic: 'ünï', messageId: 'm', maxMessages: 7 };
    expect(await client.listDelayed(request)).toEqual(await model.listDelayed(request));
    const message = { broker: 'b', topic: 't', messageId: 'm', deliverMs: 2 ** 52 };
    await client.recallDelayed(message);
    expect(model.recalled).toEqual([message]);
  });

  it('carries how a group is moved, and what that does', async () => {
    const one = {
      broker: 'a',
      queueId: 3,
      from: 2 ** 40,
      to: 1,
      again: 5,
      skipped: 0,
      cancelled: 2,
    };
    model.resets = [one, { ...one, queueId: 4 }];
    const request = { group: 'g', topic: 't', broker: 'a', queueId: undefined, dryRun: true };
    const requests: readonly GroupReset[] = [
      { ...request, to: { at: 'end' } },
      { ...request, broker: '', to: { at: 'beginning' }, dryRun: false },
      { ...request, queueId: 0, to: { at: 'offset', offset: 2 ** 52 } },
      { ...request, to: { at: 'time', timeMs: 0 } },
    ];
    for (const each of requests) expect(await client.resetGroup(each)).toEqual(model.resets);
    expect(model.moved).toEqual(requests);
  });

  it('carries how brokers join and leave, and what that changes', async () => {
    const brokers = [{ broker: 'a', before: 0, after: 1024 }];
    model.moves = [{ topic: 'ünï', type: 'FIFO', brokers }];
    const rebalance = { topics: ['t'], brokers: ['a', 'b'], dryRun: true };
    const drain = { broker: 'a', undo: true, dryRun: false };
    const forget = { broker: 'b', dryRun: true };
    expect(await client.rebalance(rebalance)).toEqual(model.moves);
    expect(await client.drainBroker(drain)).toEqual(model.moves);
    expect(await client.forgetBroker(forget)).toEqual(model.moves);
    const kinds = ['ready', 'in-flight', 'unread', 'delayed', 'transactions'] as const;
    model.unfinished = kinds.map((kind) => ({ topic: 't', group: 'g', kind, messages: 2 ** 52 }));
    const leave = { broker: 'a', force: true, dryRun: false };
    expect(await client.leaveBroker(leave)).toEqual({ left: false, unfinished: model.unfinished });
    expect(model.changes).toEqual([rebalance, drain, forget, leave]);
  });

  it('carries what operators ask of topics, groups, clients and the proxy', async () => {
    expect(await client.topicStatus('t')).toEqual(await model.topicStatus('t'));
    const lag = { group: 'g', topics: ['t', 'u'] };
    expect(await client.groupLag(lag)).toEqual(await model.groupLag(lag));
    const clients = { clientId: 'c', group: 'g', maxClients: 7 };
    expect(await client.listClients(clients)).toEqual(await model.listClients(clients));
    expect(await client.proxyStats()).toEqual(await model.proxyStats());
  });

  it('carries a search for messages and what was found', async () => {
    for (const by of ['id', 'key', 'time'] as const) {
      const search = { topic: 't', by, key: 'ünï', maxMessages: 64, beginMs: 0, endMs: 2 ** 52 };
      const { messages, complete } = await client.findMessages(search);
      expect(messages.map(({ broker, record }) => [broker, String(record)])).toEqual([
        ['a', JSON.stringify(search)],
      ]);
      expect(complete).toBe(by !== 'time');
    }
  });

  it('gives the error of the service with its code and exact text', async () => {
    await expect(client.deleteTopic('none')).rejects.toMatchObject({
      name: 'StatusError',
      code: Code.TOPIC_NOT_FOUND,
      message: 'topic none – “not here”',
    });
    await expect(client.deleteGroup('none')).rejects.toMatchObject({
      code: Code.INTERNAL_SERVER_ERROR,
      message: 'disk on fire',
    });
  });

  it('says PROXY_TIMEOUT when nothing answers', async () => {
    await served.stop();
    await expect(client.listTopics()).rejects.toMatchObject({ code: Code.PROXY_TIMEOUT });
  });
});

describe('who may use the admin service', () => {
  const ask = (peer: string, listen: 'loopback' | 'any'): Promise<unknown> =>
    new Promise((resolve) => {
      const { implementation } = adminService(new ModelAdmin(), { listen });
      const handler = implementation['ListTopics'] as unknown as (
        call: object,
        answer: (error: unknown, value: unknown) => void,
      ) => void;
      handler({ getPeer: () => peer, request: {} }, (error, value) => resolve(error ?? value));
    });

  it('refuses other machines, and names the setting', async () => {
    expect(await ask('10.1.2.3:999', 'loopback')).toMatchObject({
      code: 7,
      details:
        'the admin service answers only to this machine, not to 10.1.2.3: set admin.listen to any to open it',
    });
  });

  it('answers any machine when it is told to', async () => {
    expect(await ask('10.1.2.3:999', 'any')).toEqual({ topics: [] });
  });

  it.each([
    ['127.0.0.1', true],
    ['127.8.7.6', true],
    ['::1', true],
    ['::ffff:127.0.0.1', true],
    ['10.0.0.1', false],
    ['::ffff:10.0.0.1', false],
    ['127.0.0.1.example', false],
    ['::', false],
  ])('takes %s for this machine: %s', (ip, own) => {
    expect(isLoopback(ip)).toBe(own);
  });
});
