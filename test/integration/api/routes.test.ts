/**
 * QueryRoute and QueryAssignment (sections 3.2 and 3.3 of the API's reference; of section 8 the cases of
 * RouteActivity), over a real connection. Several brokers, topics made by use, an address that is advertised:
 * test/unit/proxy/route.test.ts.
 */
import { Code } from '../../../src/message/status';
import type { Endpoints } from '../../../src/rpc/generated/apache/rocketmq/v2/Endpoints';
import { type ApiServer, startApiServer } from '../../support/api-server';

let server: ApiServer;
beforeAll(async () => {
  server = await startApiServer({ 'topics.create': TOPICS.map((topic) => topic.join(':')).join() });
});
afterAll(() => server.stop());

const TOPICS = [
  ['wide', 'NORMAL', '5'],
  ...['NORMAL', 'FIFO', 'DELAY', 'TRANSACTION', 'PRIORITY', 'LITE', 'MIXED'].map((type) => [
    ...[type.toLowerCase(), type, '1'],
  ]),
];
const used = { scheme: 3 as const, addresses: [{ host: 'balancer.example', port: 443 }] };

describe('QueryRoute', () => {
  it('answers every queue: readable, writable, on the master, where the client itself went', async () => {
    const topic = { resource_namespace: 'ns', name: 'wide' };
    const { status, message_queues: queues } = await server.client.unary('QueryRoute', {
      topic,
      endpoints: used,
    });
    expect(status).toEqual({ code: Code.OK, message: 'OK' });
    expect(queues).toEqual(
      [0, 1, 2, 3, 4].map((id) => ({
        topic,
        id,
        permission: 4,
        broker: { name: 'broker-a', id: 0, endpoints: used },
        accept_message_types: [1],
      })),
    );
  });

  it.each([
    ['normal', [1]],
    ['fifo', [2]],
    ['delay', [3]],
    ['transaction', [4]],
    ['lite', [5]],
    ['priority', [6]],
    ['mixed', [1, 2, 3, 4]],
  ])('says which types %s takes', async (name, types) => {
    const answer = await server.client.unary('QueryRoute', { topic: { name } });
    expect(answer.message_queues[0]?.accept_message_types).toEqual(types);
  });

  it('without endpoints answers those of the connection', async () => {
    const answer = await server.client.unary('QueryRoute', { topic: { name: 'normal' } });
    const [host = '', port = ''] = server.client.endpoint.split(':');
    expect(answer.message_queues[0]?.broker?.endpoints).toEqual({
      scheme: 1,
      addresses: [{ host, port: Number(port) }],
    });
  });

  it('of a topic that is not there is TOPIC_NOT_FOUND', async () => {
    const answer = await server.client.unary('QueryRoute', { topic: { name: 'no' } });
    expect(answer.status?.code).toBe(Code.TOPIC_NOT_FOUND);
    expect(answer.status?.message).toContain('no');
    expect(answer.message_queues).toEqual([]);
  });
});

const address = { host: 'h', port: 1 };
describe.each(['QueryRoute', 'QueryAssignment'] as const)('endpoints of a %s', (name) => {
  it.each([
    ['a scheme without addresses', { scheme: 3, addresses: [] }, 'no addresses'],
    ['an empty host', { scheme: 3, addresses: [{ host: ' ', port: 1 }] }, 'without a host'],
    ['a port below 0', { scheme: 3, addresses: [{ host: 'h', port: -1 }] }, '-1'],
    ['a port above 65535', { scheme: 3, addresses: [{ host: 'h', port: 65536 }] }, '65535'],
    ['two names', { scheme: 3, addresses: [address, address] }, 'exactly 1'],
    ['too many', { scheme: 1, addresses: Array.from({ length: 257 }, () => address) }, '256'],
  ] as readonly (readonly [string, Endpoints, string])[])(
    '%s: ILLEGAL_ACCESS_POINT',
    async (_what, endpoints, text) => {
      const request = { topic: { name: 'normal' }, group: { name: 'g' }, endpoints };
      const status = await server.client.status(name, request);
      expect(status.code).toBe(Code.ILLEGAL_ACCESS_POINT);
      expect(status.message).toContain(text);
    },
  );
});

describe('QueryAssignment', () => {
  const assigned = (group: string, topic: string) =>
    server.client.unary('QueryAssignment', {
      ...{ topic: { name: topic }, group: { name: group }, endpoints: used },
    });

  it('gives an ordinary group, known or not, one for any queue of the broker', async () => {
    await server.subscribe('known', 'wide');
    for (const group of ['known', 'unknown']) {
      const { status, assignments } = await assigned(group, 'wide');
      expect(status?.code).toBe(Code.OK);
      expect(assignments.map(({ message_queue: queue }) => queue)).toEqual([
        {
          topic: { resource_namespace: '', name: 'wide' },
          id: -1,
          permission: 4,
          broker: { name: 'broker-a', id: 0, endpoints: used },
          accept_message_types: [],
        },
      ]);
    }
  });

  it('gives a FIFO group one for each queue', async () => {
    await server.subscribe('in-order', 'fifo');
    const { assignments } = await assigned('in-order', 'wide');
    expect(assignments.map(({ message_queue: queue }) => queue?.id)).toEqual([0, 1, 2, 3, 4]);
  });

  it('of a topic that is not there is TOPIC_NOT_FOUND, and no empty list', async () => {
    expect((await assigned('g', 'no')).status?.code).toBe(Code.TOPIC_NOT_FOUND);
  });
});
