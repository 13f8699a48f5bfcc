import { BrokerUnreachableError } from '../../../src/api/broker-unreachable';
import { Code, StatusError } from '../../../src/message/status';
import { firstBroker } from '../../../src/proxy/send';
import { ModelCluster } from '../../support/model-cluster';
import { message, PublicClient } from '../../support/public-client';
import { messageDraft } from '../../support/test-broker';

const COMMIT = 1 as const;
const ROLLBACK = 2 as const;
const half = { message_type: 4 } as const;

interface Scene {
  readonly cluster: ModelCluster;
  readonly client: PublicClient;
  end(id: string, resolution?: 0 | 1 | 2): Promise<{ code: number; message: string }>;
}

function scene(names: readonly string[] = ['broker-a']): Scene {
  const cluster = new ModelCluster({}, names);
  cluster.topic('t', 'TRANSACTION', 2);
  const client = new PublicClient(cluster);
  const end: Scene['end'] = (id, resolution = COMMIT) =>
    client.status('EndTransaction', {
      ...{ topic: { name: 't' }, message_id: id, transaction_id: id, resolution },
    });
  return { cluster, client, end };
}

describe('a message of a transaction', () => {
  it.each([['TRANSACTION'], ['MIXED']] as const)(
    'is prepared on a %s topic, and its id is the transaction’s',
    async (type) => {
      const { cluster, client } = scene();
      cluster.topic('t', type);
      const answer = await client.unary('SendMessage', { messages: [message('t', 'm', half)] });
      expect(answer.status?.code).toBe(Code.OK);
      expect(answer.entries).toMatchObject([{ message_id: 'm', transaction_id: 'm', offset: 0 }]);
      expect([...cluster.broker().pending.keys()]).toEqual(['m']);
      expect(cluster.broker().sends).toEqual([]);
    },
  );

  it.each([
    ['a delivery time', { delivery_timestamp: { seconds: 1_700_000_100 } }],
    ['a message group', { message_group: 'g' }],
  ])('cannot have %s', async (_what, system) => {
    const { cluster, client } = scene();
    cluster.topic('t', 'MIXED');
    const messages = [message('t', 'm', { ...half, ...system })];
    const status = await client.status('SendMessage', { messages });
    expect(status.code).toBe(Code.MESSAGE_PROPERTY_CONFLICT_WITH_TYPE);
    expect(status.message).toContain(Object.keys(system)[0]);
    expect(cluster.broker().pending.size).toBe(0);
  });
});

describe('EndTransaction', () => {
  it('commits and rolls back by the message’s id', async () => {
    const { cluster, client, end } = scene();
    const messages = ['a', 'b'].map((id) => message('t', id, half));
    await client.unary('SendMessage', { messages });
    expect(await end('a')).toEqual({ code: Code.OK, message: 'OK' });
    expect((await end('b', ROLLBACK)).code).toBe(Code.OK);
    expect([...cluster.broker().ended]).toEqual([
      ['a', 'commit'],
      ['b', 'rollback'],
    ]);
    expect((await end('a')).code).toBe(Code.OK);
    expect((await end('a', ROLLBACK)).code).toBe(Code.BAD_REQUEST);
  });

  it('of a producer that does not know yet changes nothing', async () => {
    const { cluster, client, end } = scene();
    await client.unary('SendMessage', { messages: [message('t', 'a', half)] });
    expect((await end('a', 0)).code).toBe(Code.OK);
    expect(cluster.broker().pending.size).toBe(1);
  });

  it('finds the transaction on whichever broker has it', async () => {
    const { cluster, client, end } = scene(['broker-a', 'broker-b', 'broker-c']);
    const ids = Array.from({ length: 12 }, (_, i) => `id-${i}`);
    // One after the other broker is away for a while, so that messages go past it.
    for (const id of ids) {
      const route = {
        name: 't',
        type: 'TRANSACTION',
        totalQueues: 6,
      } as const;
      const brokers = [...cluster.brokers.keys()].map((brokerName) => ({ brokerName, queues: 2 }));
      const first = cluster.broker(firstBroker({ ...route, brokers, writable: brokers }, id));
      first.failure = new BrokerUnreachableError(first.brokerName);
      const sent = await client.status('SendMessage', { messages: [message('t', id, half)] });
      expect(sent.code).toBe(Code.OK);
      first.failure = undefined;
      await cluster.sim.advance(10_000);
      expect(first.pending.has(id)).toBe(false);
    }
    for (const id of ids) expect((await end(id)).code).toBe(Code.OK);
    const ended = [...cluster.brokers.values()].flatMap((broker) => [...broker.ended.keys()]);
    expect(ended.toSorted()).toEqual(ids.toSorted());
  });

  it('says that a transaction is unknown only when all brokers do', async () => {
    const { cluster, end } = scene(['broker-a', 'broker-b']);
    expect((await end('a')).code).toBe(Code.INVALID_TRANSACTION_ID);
    cluster.broker('broker-b').failure = new StatusError(Code.PROXY_TIMEOUT, 'away');
    expect((await end('a')).code).toBe(Code.PROXY_TIMEOUT);
  });

  it('asks a broker as well that comes back while the others are asked', async () => {
    const { cluster, end } = scene(['broker-a', 'broker-b']);
    const [a, b] = [cluster.broker('broker-a'), cluster.broker('broker-b')];
    b.pending.set('id', { draft: messageDraft('t', 'id'), queueId: 0 });
    cluster.absent.add('broker-b');
    cluster.announce();
    jest.spyOn(a.transactions, 'endTransaction').mockImplementationOnce(() => {
      cluster.absent.clear();
      cluster.announce();
      return Promise.reject(new StatusError(Code.INVALID_TRANSACTION_ID, 'unknown'));
    });
    expect((await end('id')).code).toBe(Code.OK);
    expect(b.ended.has('id')).toBe(true);
  });

  it.each([
    ['no transaction id', { transaction_id: '' }, Code.INVALID_TRANSACTION_ID, 'cannot be empty'],
    ['the id of another message', { message_id: 'b' }, Code.INVALID_TRANSACTION_ID, 'message b'],
    ['no topic', { topic: null }, Code.ILLEGAL_TOPIC, 'is blank'],
    ['a topic that is not there', { topic: { name: 'x' } }, Code.TOPIC_NOT_FOUND, 'x'],
    ['a system topic', { topic: { name: 'TBW102' } }, Code.ILLEGAL_TOPIC, 'TBW102'],
  ])('is refused with %s', async (_what, wrong, code, text) => {
    const { client } = scene();
    const ids = { message_id: 'a', transaction_id: 'a' };
    const request = { topic: { name: 't' }, ...ids, resolution: COMMIT };
    const status = await client.status('EndTransaction', {
      ...request,
      ...wrong,
    });
    expect(status).toMatchObject({ code });
    expect(status.message).toContain(text);
  });
});
