import { Code } from '../../../src/message/status';
import { ModelCluster } from '../../support/model-cluster';
import { PublicClient, receiveRequest, type UnaryName } from '../../support/public-client';

const served: readonly UnaryName[] = [
  'QueryRoute',
  'QueryAssignment',
  'SendMessage',
  'AckMessage',
  'ChangeInvisibleDuration',
  'ForwardMessageToDeadLetterQueue',
  'Heartbeat',
  'NotifyClientTermination',
  'RecallMessage',
  'UpdateOffset',
  'GetOffset',
  'QueryOffset',
  'SyncLiteSubscription',
];

describe('the client id', () => {
  it.each(served)('is required by %s', async (name) => {
    for (const clientId of ['', '  ']) {
      const status = await new PublicClient(new ModelCluster(), { clientId }).status(name, {});
      expect(status.code).toBe(Code.CLIENT_ID_REQUIRED);
      expect(status.message).toContain('client id cannot be empty');
    }
  });

  it('is required by ReceiveMessage, PullMessage and Telemetry', () => {
    const client = new PublicClient(new ModelCluster(), { clientId: '' });
    const receive = client.receive(receiveRequest('g', 't'));
    expect(receive.contents).toEqual(['status']);
    expect(receive.code).toBe(Code.CLIENT_ID_REQUIRED);
    expect(receive.call.ended).toBe(true);
    expect(client.pull({}).status?.code).toBe(Code.CLIENT_ID_REQUIRED);
    const telemetry = client.telemetry();
    expect(telemetry.commands).toMatchObject([{ status: { code: Code.CLIENT_ID_REQUIRED } }]);
    expect(telemetry.call.ended).toBe(true);
  });

  it('is the last one of a repeated header', async () => {
    const cluster = new ModelCluster();
    cluster.topic('t');
    const headers = [
      ['x-mq-client-id', 'first'],
      ['x-mq-client-id', 'last'],
    ] as const;
    new PublicClient(cluster, { clientId: '', headers }).receive(receiveRequest('g', 't'));
    await cluster.sim.settle();
    expect(cluster.broker().pops.map(({ clientId }) => clientId)).toEqual(['last']);
  });
});

describe('limits on calls', () => {
  it('are one for each family, so that a flood of sends leaves routes alone', async () => {
    const cluster = new ModelCluster({ maxCalls: 1 });
    cluster.topic('t');
    cluster.broker().sendGate = new Promise(() => undefined);
    const client = new PublicClient(cluster);
    const messages = [
      { topic: { name: 't' }, body: Buffer.from('x'), system_properties: { message_id: 'm' } },
    ];
    void client.unary('SendMessage', { messages });
    const second = await client.status('SendMessage', { messages });
    expect(second.code).toBe(Code.TOO_MANY_REQUESTS);
    expect(second.message).toContain('flow limit');
    expect((await client.status('QueryRoute', { topic: { name: 't' } })).code).toBe(Code.OK);
  });
});
