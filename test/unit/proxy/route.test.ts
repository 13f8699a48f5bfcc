import { Code } from '../../../src/message/status';
import { ModelCluster } from '../../support/model-cluster';
import { PublicClient } from '../../support/public-client';

const used = { scheme: 1, addresses: [{ host: '192.0.2.7', port: 18081 }] } as const;

describe('QueryRoute', () => {
  it('lists every queue of every broker, the brokers in turn', async () => {
    const cluster = new ModelCluster({}, ['broker-b', 'broker-a']);
    cluster.topic('orders', 'NORMAL', 2);
    const answer = await new PublicClient(cluster).unary('QueryRoute', {
      topic: { resource_namespace: 'shop', name: 'orders' },
      endpoints: { ...used, addresses: [...used.addresses] },
    });
    expect(answer.status).toEqual({ code: Code.OK, message: 'OK' });
    expect(answer.message_queues.map((queue) => [queue.broker?.name, queue.id])).toEqual([
      ['broker-a', 0],
      ['broker-b', 0],
      ['broker-a', 1],
      ['broker-b', 1],
    ]);
    for (const queue of answer.message_queues) {
      expect(queue.topic).toEqual({ resource_namespace: 'shop', name: 'orders' });
      expect(queue.permission).toBe(4);
      expect(queue.broker?.id).toBe(0);
      expect(queue.broker?.endpoints).toEqual(used);
      expect(queue.accept_message_types).toEqual([1]);
    }
  });

  it.each([
    ['NORMAL', [1]],
    ['FIFO', [2]],
    ['DELAY', [3]],
    ['TRANSACTION', [4]],
    ['LITE', [5]],
    ['PRIORITY', [6]],
    ['MIXED', [1, 2, 3, 4]],
  ] as const)('says what a %s topic accepts', async (type, accepted) => {
    const cluster = new ModelCluster();
    cluster.topic('t', type);
    const answer = await new PublicClient(cluster).unary('QueryRoute', { topic: { name: 't' } });
    expect(answer.message_queues[0]?.accept_message_types).toEqual(accepted);
  });

  it.each([
    ['broker.example:8081', 3, 'broker.example', 8081],
    ['192.0.2.1:9000', 1, '192.0.2.1', 9000],
    ['[2001:db8::1]:8081', 2, '2001:db8::1', 8081],
    ['broker.example', 3, 'broker.example', 80],
  ])(
    'answers the authority %s to a request without endpoints',
    async (authority, scheme, host, port) => {
      const cluster = new ModelCluster();
      cluster.topic('t');
      const client = new PublicClient(cluster, { authority });
      const answer = await client.unary('QueryRoute', { topic: { name: 't' } });
      expect(answer.message_queues[0]?.broker?.endpoints).toEqual({
        scheme,
        addresses: [{ host, port }],
      });
    },
  );

  it('answers the socket’s own address when there is no authority either', async () => {
    const cluster = new ModelCluster();
    cluster.topic('t');
    const client = new PublicClient(cluster, { authority: '', local: '192.0.2.9:8081' });
    const answer = await client.unary('QueryRoute', { topic: { name: 't' } });
    expect(answer.message_queues[0]?.broker?.endpoints).toEqual({
      scheme: 1,
      addresses: [{ host: '192.0.2.9', port: 8081 }],
    });
    const nowhere = new PublicClient(cluster, { authority: '' });
    expect((await nowhere.status('QueryRoute', { topic: { name: 't' } })).code).toBe(
      Code.ILLEGAL_ACCESS_POINT,
    );
  });

  it('answers the advertised address when one is set', async () => {
    const cluster = new ModelCluster({ advertise: ['10.0.0.1:80', '10.0.0.2:81'] });
    cluster.topic('t');
    const answer = await new PublicClient(cluster).unary('QueryRoute', {
      topic: { name: 't' },
      endpoints: { ...used, addresses: [...used.addresses] },
    });
    expect(answer.message_queues[0]?.broker?.endpoints).toEqual({
      scheme: 1,
      addresses: [
        { host: '10.0.0.1', port: 80 },
        { host: '10.0.0.2', port: 81 },
      ],
    });
  });

  it.each([
    [['a.example:80', 'b.example:80']],
    [['10.0.0.1:80', 'a.example:80']],
    [['a:b:c']],
    [['a:70000']],
  ])('refuses to start with the advertised addresses %j', (advertise) => {
    expect(() => new ModelCluster({ advertise })).toThrow(RangeError);
  });

  it.each([
    ['a scheme without addresses', { scheme: 1 }, 'no addresses'],
    [
      'a domain name with two addresses',
      {
        scheme: 3,
        addresses: [
          { host: 'a', port: 1 },
          { host: 'b', port: 1 },
        ],
      },
      'exactly 1',
    ],
    ['a port too large', { scheme: 1, addresses: [{ host: '10.0.0.1', port: 65536 }] }, '65536'],
    ['a negative port', { scheme: 1, addresses: [{ host: '10.0.0.1', port: -1 }] }, '-1'],
    ['an empty host', { scheme: 1, addresses: [{ host: '', port: 1 }] }, 'without a host'],
  ] as const)('refuses endpoints with %s', async (_name, { scheme, ...rest }, text) => {
    const cluster = new ModelCluster();
    cluster.topic('t');
    const addresses = 'addresses' in rest ? [...rest.addresses] : [];
    const status = await new PublicClient(cluster).status('QueryRoute', {
      topic: { name: 't' },
      endpoints: { scheme, addresses },
    });
    expect(status.code).toBe(Code.ILLEGAL_ACCESS_POINT);
    expect(status.message).toContain(text);
  });

  it.each([
    ['', Code.ILLEGAL_TOPIC],
    ['a b', Code.ILLEGAL_TOPIC],
    ['TBW102', Code.ILLEGAL_TOPIC],
    ['x'.repeat(128), Code.ILLEGAL_TOPIC],
    ['unknown', Code.TOPIC_NOT_FOUND],
  ])('refuses the topic %j', async (name, code) => {
    const status = await new PublicClient(new ModelCluster()).status('QueryRoute', {
      topic: { name },
    });
    expect(status.code).toBe(code);
  });
});

describe('topics made by their first use', () => {
  it('makes a NORMAL topic of 8 queues on every broker, once for many requests', async () => {
    const cluster = new ModelCluster({ autoCreateTopics: true }, ['broker-a', 'broker-b']);
    const client = new PublicClient(cluster);
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => client.unary('QueryRoute', { topic: { name: 'fresh' } })),
    );
    for (const answer of answers) {
      expect(answer.status?.code).toBe(Code.OK);
      expect(answer.message_queues).toHaveLength(16);
    }
    for (const broker of cluster.brokers.values()) {
      expect(broker.putTopics).toBe(1);
      expect(broker.topics.get('fresh')).toEqual({ name: 'fresh', type: 'NORMAL', queues: 8 });
    }
  });

  it.each(['%RETRY%group', '%DLQ%group'])('never makes %s', async (name) => {
    const cluster = new ModelCluster({ autoCreateTopics: true });
    const status = await new PublicClient(cluster).status('QueryRoute', { topic: { name } });
    expect(status.code).toBe(Code.TOPIC_NOT_FOUND);
    expect(cluster.broker().putTopics).toBe(0);
  });

  it('makes no system topic', async () => {
    const cluster = new ModelCluster({ autoCreateTopics: true });
    const status = await new PublicClient(cluster).status('QueryRoute', {
      topic: { name: 'rmq_sys_x' },
    });
    expect(status.code).toBe(Code.ILLEGAL_TOPIC);
    expect(cluster.broker().putTopics).toBe(0);
  });

  it('makes only so many a second', async () => {
    const cluster = new ModelCluster({ autoCreateTopics: true, autoCreatePerSecond: 2 });
    const client = new PublicClient(cluster);
    const make = async (name: string): Promise<number> =>
      (await client.status('QueryRoute', { topic: { name } })).code;
    expect([await make('t1'), await make('t2'), await make('t3')]).toEqual([
      Code.OK,
      Code.OK,
      Code.TOO_MANY_REQUESTS,
    ]);
    await cluster.sim.advance(500);
    expect(await make('t3')).toBe(Code.OK);
  });

  it('goes on with the brokers that can be reached', async () => {
    const cluster = new ModelCluster({ autoCreateTopics: true }, ['broker-a', 'broker-b']);
    cluster.broker('broker-b').failure = new Error('away');
    const answer = await new PublicClient(cluster).unary('QueryRoute', {
      topic: { name: 'fresh' },
    });
    expect(answer.status?.code).toBe(Code.OK);
    expect(new Set(answer.message_queues.map((queue) => queue.broker?.name))).toEqual(
      new Set(['broker-a']),
    );
  });

  it('gives up after a bounded wait when the route does not come', async () => {
    const cluster = new ModelCluster({ autoCreateTopics: true });
    const broker = cluster.broker();
    // The broker says it made the topic, but no name server ever tells.
    broker.putTopic = () => Promise.resolve();
    const answer = new PublicClient(cluster).status('QueryRoute', { topic: { name: 'fresh' } });
    await cluster.sim.advance(2000);
    expect((await answer).code).toBe(Code.TOPIC_NOT_FOUND);
  });

  it('does not change a topic that an operator makes at the same time', async () => {
    const cluster = new ModelCluster({ autoCreateTopics: true });
    const made = cluster.proxy.admin.putTopic({ name: 't', type: 'FIFO', queues: 4 });
    const answer = await new PublicClient(cluster).unary('QueryRoute', { topic: { name: 't' } });
    await made;
    expect(answer.message_queues).toHaveLength(4);
    expect(cluster.broker().topics.get('t')?.type).toBe('FIFO');
  });
});

describe('QueryAssignment', () => {
  it('gives an ordinary group one assignment a broker, for any of its queues', async () => {
    const cluster = new ModelCluster({}, ['broker-a', 'broker-b']);
    cluster.topic('t', 'NORMAL', 4);
    const answer = await new PublicClient(cluster).unary('QueryAssignment', {
      topic: { name: 't' },
      group: { name: 'g' },
    });
    expect(answer.status?.code).toBe(Code.OK);
    expect(
      answer.assignments.map(({ message_queue: queue }) => [queue?.broker?.name, queue?.id]),
    ).toEqual([
      ['broker-a', -1],
      ['broker-b', -1],
    ]);
    expect(answer.assignments[0]?.message_queue?.permission).toBe(4);
    expect(answer.assignments[0]?.message_queue?.broker?.endpoints?.addresses).toHaveLength(1);
  });

  it('gives a FIFO group one assignment a queue', async () => {
    const cluster = new ModelCluster();
    cluster.topic('t', 'FIFO', 3);
    const answer = await new PublicClient(cluster).unary('QueryAssignment', {
      topic: { name: 't' },
      group: { name: 'g' },
    });
    expect(answer.assignments.map(({ message_queue: queue }) => queue?.id)).toEqual([0, 1, 2]);
  });

  it.each([
    ['unknown', 'g', Code.TOPIC_NOT_FOUND],
    ['t', '', Code.ILLEGAL_CONSUMER_GROUP],
    ['t', 'CID_RMQ_SYS_x', Code.ILLEGAL_CONSUMER_GROUP],
    ['a b', 'g', Code.ILLEGAL_TOPIC],
  ])('refuses topic %j with group %j', async (topic, group, code) => {
    const cluster = new ModelCluster();
    cluster.topic('t');
    const answer = await new PublicClient(cluster).unary('QueryAssignment', {
      topic: { name: topic },
      group: { name: group },
    });
    expect(answer.status?.code).toBe(code);
    expect(answer.assignments).toEqual([]);
  });

  it('treats a group that does not exist as an ordinary one', async () => {
    const cluster = new ModelCluster();
    cluster.topic('t', 'FIFO', 3);
    cluster.broker().autoCreateGroups = false;
    const answer = await new PublicClient(cluster).unary('QueryAssignment', {
      topic: { name: 't' },
      group: { name: 'g' },
    });
    expect(answer.assignments.map(({ message_queue: queue }) => queue?.id)).toEqual([-1]);
  });

  it('answers an error and no emptiness while no broker can be asked', async () => {
    const cluster = new ModelCluster();
    cluster.topic('t');
    cluster.absent.add('broker-a');
    cluster.announce();
    await cluster.sim.advance(30_000);
    const answer = await new PublicClient(cluster).unary('QueryAssignment', {
      topic: { name: 't' },
      group: { name: 'g' },
    });
    expect(answer.status?.code).toBe(Code.PROXY_TIMEOUT);
  });
});
