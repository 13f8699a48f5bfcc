import { Code } from '../../../src/message/status';
import { ModelCluster } from '../../support/model-cluster';
import { groupConfig } from '../../support/model-broker';
import { PublicClient, receiveRequest } from '../../support/public-client';
import { cluster, consumer, open, producer } from './support/clients';

describe('a registration', () => {
  const heartbeat = async (made: ModelCluster, clientId = 'client-1'): Promise<number> =>
    (await new PublicClient(made, { clientId }).status('Heartbeat', { group: { name: 'g' } })).code;

  it('lives on by heartbeats after its stream has broken', async () => {
    const made = cluster();
    const stream = await open(made, consumer);
    stream.call.cancel();
    for (let minute = 0; minute < 10; minute++) {
      await made.sim.advance(60_000);
      expect(await heartbeat(made)).toBe(Code.OK);
    }
    await made.sim.advance(150_000);
    expect(await heartbeat(made)).toBe(Code.UNRECOGNIZED_CLIENT_TYPE);
  });

  it('lives as long as its stream', async () => {
    const made = cluster();
    await open(made, consumer);
    await made.sim.advance(3_600_000);
    expect(await heartbeat(made)).toBe(Code.OK);
  });

  it('belongs to the newer of two streams', async () => {
    const made = cluster();
    const older = await open(made, consumer);
    await open(made, consumer);
    older.call.cancel();
    await made.sim.advance(3_600_000);
    expect(await heartbeat(made)).toBe(Code.OK);
  });

  it('is refused to new clients when there are too many, until old ones expire', async () => {
    const made = new ModelCluster({ maxClients: 1 });
    const first = await open(made, producer, 'a');
    expect((await open(made, producer, 'b')).call.error?.message).toContain('limit is 1');
    first.call.halfClose();
    await made.sim.advance(130_000);
    expect((await open(made, producer, 'c')).commands).toHaveLength(1);
  });
});

describe('Heartbeat', () => {
  it('does not know a client without settings', async () => {
    const made = cluster();
    const status = await new PublicClient(made).status('Heartbeat', { client_type: 1 });
    expect(status).toEqual({
      code: Code.UNRECOGNIZED_CLIENT_TYPE,
      message: 'cannot find client settings for this client',
    });
  });

  it('keeps the messages of a consumer whose settings went through another proxy', async () => {
    const made = cluster();
    await new PublicClient(made).status('Heartbeat', { group: { name: 'g' }, client_type: 2 });
    expect(made.broker().seen).toEqual(['client-1']);
  });

  it('is not for a PULL_CONSUMER', async () => {
    const made = cluster();
    await open(made, { ...consumer, client_type: 4 });
    const status = await new PublicClient(made).status('Heartbeat', { group: { name: 'g' } });
    expect(status).toEqual({ code: Code.UNRECOGNIZED_CLIENT_TYPE, message: 'PULL_CONSUMER' });
  });

  it('tells all brokers that a consumer lives, at most every 5 s', async () => {
    const made = new ModelCluster({}, ['broker-a', 'broker-b']);
    made.topic('t');
    await open(made, consumer);
    const client = new PublicClient(made);
    for (let second = 0; second < 10; second++) {
      expect((await client.status('Heartbeat', { group: { name: 'g' } })).code).toBe(Code.OK);
      await made.sim.advance(1000);
    }
    for (const broker of made.brokers.values())
      expect(broker.seen).toEqual(['client-1', 'client-1']);
  });

  it('does not trouble brokers with producers', async () => {
    const made = cluster();
    await open(made, producer);
    const status = await new PublicClient(made).status('Heartbeat', { client_type: 1 });
    expect(status).toEqual({ code: Code.OK, message: 'OK' });
    expect(made.broker().seen).toEqual([]);
  });

  it('subscribes the group on a broker that came later', async () => {
    const made = new ModelCluster({}, ['broker-a', 'broker-b']);
    made.absent.add('broker-b');
    made.topic('t');
    await open(made, consumer);
    made.absent.clear();
    made.announce();
    expect(made.broker('broker-b').subscribed).toEqual([]);
    await new PublicClient(made).status('Heartbeat', { group: { name: 'g' } });
    expect(made.broker('broker-b').subscribed).toHaveLength(1);
    expect(made.broker('broker-a').subscribed).toHaveLength(1);
  });

  it('refuses an illegal group', async () => {
    const made = cluster();
    await open(made, consumer);
    const status = await new PublicClient(made).status('Heartbeat', { group: { name: ' ' } });
    expect(status.code).toBe(Code.ILLEGAL_CONSUMER_GROUP);
  });
});

describe('NotifyClientTermination', () => {
  it('ends a registration and gives the messages of a consumer to others', async () => {
    const made = cluster();
    await open(made, consumer);
    const client = new PublicClient(made);
    const status = await client.status('NotifyClientTermination', { group: { name: 'g' } });
    expect(status).toEqual({ code: Code.OK, message: 'OK' });
    expect(made.broker().gone).toEqual(['client-1']);
    expect((await client.status('Heartbeat', { group: { name: 'g' } })).code).toBe(
      Code.UNRECOGNIZED_CLIENT_TYPE,
    );
  });

  it('ends the receives of that client, also one that has not reached a broker yet', async () => {
    const made = cluster();
    let subscribed: () => void = () => undefined;
    const config = groupConfig('g');
    made.broker().subscribe = () => new Promise((resolve) => (subscribed = () => resolve(config)));
    const client = new PublicClient(made);
    const receive = client.receive(receiveRequest('g', 't'));
    await client.status('NotifyClientTermination', { group: { name: 'g' } });
    subscribed();
    await made.sim.settle();
    expect(receive.contents).toEqual(['status', 'delivery_timestamp']);
    expect(receive.code).toBe(Code.MESSAGE_NOT_FOUND);
    expect(made.broker().pops).toEqual([]);
  });

  it('takes an empty group from a producer', async () => {
    const made = cluster();
    await open(made, producer);
    const status = await new PublicClient(made).status('NotifyClientTermination', {
      group: { name: '' },
    });
    expect(status.code).toBe(Code.OK);
    expect(made.broker().gone).toEqual([]);
  });

  it('does not know a client without settings, but passes its goodbye on', async () => {
    const made = cluster();
    const status = await new PublicClient(made).status('NotifyClientTermination', {
      group: { name: 'g' },
    });
    expect(status.code).toBe(Code.UNRECOGNIZED_CLIENT_TYPE);
    expect(made.broker().gone).toEqual(['client-1']);
  });
});
