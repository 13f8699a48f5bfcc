/** Another process comes to lead a broker name while clients are at work: they do not notice. */
import { BrokerUnreachableError } from '../../../src/api/broker-unreachable';
import { formatRecallHandle } from '../../../src/api/recall-handle';
import { NotMasterError } from '../../../src/api/not-master';
import type { TopicType } from '../../../src/api/topic';
import { Code } from '../../../src/message/status';
import type { ProxySettings } from '../../../src/proxy/settings';
import { follow } from '../../support/follow';
import { ModelCluster } from '../../support/model-cluster';
import { message, PublicClient, type Receive, receiveRequest } from '../../support/public-client';
import { consumer } from './support/clients';

const topic = { name: 't' };
const group = { name: 'g' };
const notMaster = new NotMasterError('broker broker-a does not lead its group here');

class Scene {
  readonly cluster: ModelCluster;
  readonly client: PublicClient;

  constructor(type: TopicType = 'NORMAL', settings: Partial<ProxySettings> = {}) {
    this.cluster = new ModelCluster(settings);
    this.cluster.topic('t', type, 1);
    this.client = new PublicClient(this.cluster, { timeoutMs: 3000 });
  }

  get sim(): ModelCluster['sim'] {
    return this.cluster.sim;
  }

  send(id: string, properties = {}): Promise<number> {
    return this.client
      .status('SendMessage', { messages: [message('t', id, properties)] })
      .then(({ code }) => code);
  }

  /** A receive that waits, up to 20 s. */
  async receive(): Promise<Receive> {
    const request = receiveRequest('g', 't', { long_polling_timeout: { seconds: 20 } });
    const receive = this.client.receive(request, { timeoutMs: 30_000 });
    await this.sim.settle();
    return receive;
  }
}

describe('a send', () => {
  it('that was lost with its broker is stored by the next master', async () => {
    const scene = new Scene();
    scene.cluster.broker().sendGate = new Promise(() => undefined);
    const sent = follow(scene.send('m'));
    await scene.sim.settle();
    scene.cluster.kill('broker-a');
    await scene.sim.advance(2000);
    expect(sent.done).toBe(false);
    const next = scene.cluster.succeed('broker-a');
    await scene.sim.settle();
    expect(sent.value).toBe(Code.OK);
    expect(next.sends).toHaveLength(1);
  });

  it.each([
    ['does not lead', notMaster],
    ['is not reachable', new BrokerUnreachableError('broker-a')],
  ])('to a broker that %s waits for one that does', async (_what, failure) => {
    const scene = new Scene('FIFO');
    scene.cluster.broker().failure = failure;
    const sent = follow(scene.send('m', { message_group: 'g' }));
    await scene.sim.advance(2000);
    expect(sent.done).toBe(false);
    scene.cluster.succeed('broker-a');
    await scene.sim.settle();
    expect(sent.value).toBe(Code.OK);
  });

  it('goes on when the same broker answers again, which is asked by one probe for all', async () => {
    const scene = new Scene();
    const broker = scene.cluster.broker();
    broker.failure = new BrokerUnreachableError('broker-a');
    const sends = Array.from({ length: 50 }, (_, i) => follow(scene.send(`m${i}`)));
    await scene.sim.advance(1000);
    // At once, then each 200 ms; and one of those that look whether the broker may be chosen again.
    expect(broker.probes).toBeLessThanOrEqual(7);
    broker.failure = undefined;
    await scene.sim.advance(200);
    expect(sends.map(({ value }) => value)).toEqual(sends.map(() => Code.OK));
  });

  it('is refused in time when no master comes', async () => {
    const scene = new Scene();
    scene.cluster.broker().failure = notMaster;
    const sent = follow(scene.client.status('SendMessage', { messages: [message('t', 'm')] }));
    await scene.sim.advance(2799);
    expect(sent.done).toBe(false);
    await scene.sim.advance(1);
    expect(sent.value).toEqual({ code: Code.HA_NOT_AVAILABLE, message: notMaster.message });
  });

  it('waits no longer than the settings say, and not for a broker that was given up', async () => {
    const scene = new Scene('NORMAL', { masterWaitMs: 500, brokerLingerMs: 100 });
    scene.cluster.broker().failure = notMaster;
    const first = follow(scene.send('m1'));
    await scene.sim.advance(500);
    expect(first.value).toBe(Code.HA_NOT_AVAILABLE);
    const second = follow(scene.send('m2'));
    scene.cluster.kill('broker-a');
    await scene.sim.advance(100);
    expect(second.value).toBe(Code.PROXY_TIMEOUT);
  });
});

describe('a receive that waits', () => {
  it('goes on at the next master, for what is left of its time', async () => {
    const scene = new Scene();
    const receive = await scene.receive();
    await scene.sim.advance(5000);
    scene.cluster.kill('broker-a');
    await scene.sim.advance(2000);
    const next = scene.cluster.succeed('broker-a');
    await scene.sim.settle();
    expect(receive.code).toBeUndefined();
    expect(next.pops).toMatchObject([{ pollMs: 13_000 }]);
    expect(next.subscribed).toMatchObject([{ group: 'g' }]);
    expect(await scene.send('m')).toBe(Code.OK);
    await scene.sim.settle();
    expect(receive.code).toBe(Code.OK);
    expect(receive.messages).toHaveLength(1);
  });

  it('is answered by a master that comes after its end, and before its client’s deadline', async () => {
    const scene = new Scene();
    const receive = await scene.receive();
    scene.cluster.kill('broker-a');
    await scene.sim.advance(25_000);
    expect(receive.code).toBeUndefined();
    const next = scene.cluster.succeed('broker-a');
    await scene.sim.settle();
    expect(next.pops).toMatchObject([{ pollMs: 0 }]);
    next.endPolls();
    await scene.sim.settle();
    expect(receive.code).toBe(Code.MESSAGE_NOT_FOUND);
  });

  it('is answered empty at its end when it moved', async () => {
    const scene = new Scene();
    const receive = await scene.receive();
    scene.cluster.kill('broker-a');
    const next = scene.cluster.succeed('broker-a');
    await scene.sim.settle();
    next.endPolls();
    await scene.sim.settle();
    expect(receive.code).toBe(Code.MESSAGE_NOT_FOUND);
  });

  it('ends with its client while no master is known', async () => {
    const scene = new Scene();
    const receive = await scene.receive();
    scene.cluster.kill('broker-a');
    await scene.sim.advance(1000);
    receive.call.cancel();
    const next = scene.cluster.succeed('broker-a');
    await scene.sim.advance(1000);
    expect(next.pops).toEqual([]);
  });
});

describe('what names a message or a transaction', () => {
  const entry = { message_id: 'm', receipt_handle: 'broker-a~token0' };
  const delayed = { topic: 't', brokerName: 'broker-a', messageId: 'm', deliverMs: 1 };
  const queue = { topic, id: 0, broker: { name: 'broker-a' } };
  type Call = (client: PublicClient) => Promise<{ readonly code: number }>;

  it.each<[string, TopicType, Call]>([
    ['AckMessage', 'NORMAL', (c) => c.status('AckMessage', { topic, group, entries: [entry] })],
    [
      'ChangeInvisibleDuration',
      'NORMAL',
      (c) =>
        c.status('ChangeInvisibleDuration', {
          ...{ topic, group, ...entry, invisible_duration: { seconds: 30, nanos: 0 } },
        }),
    ],
    [
      'ForwardMessageToDeadLetterQueue',
      'NORMAL',
      (c) => c.status('ForwardMessageToDeadLetterQueue', { topic, group, ...entry }),
    ],
    [
      'RecallMessage',
      'DELAY',
      (c) => c.status('RecallMessage', { topic, recall_handle: formatRecallHandle(delayed) }),
    ],
    [
      'EndTransaction',
      'TRANSACTION',
      (c) =>
        c.status('EndTransaction', {
          ...{ topic, message_id: 'm', transaction_id: 'm', resolution: 'COMMIT' },
        }),
    ],
    ['QueryOffset', 'NORMAL', (c) => c.status('QueryOffset', { message_queue: queue })],
  ])('%s is asked again of the next master', async (_rpc, type, call) => {
    const scene = new Scene(type);
    scene.cluster.kill('broker-a');
    const answer = follow(call(scene.client));
    await scene.sim.advance(2000);
    expect(answer.done).toBe(false);
    scene.cluster.succeed('broker-a');
    await scene.sim.settle();
    // The model knows neither handle nor transaction: it was asked, and says so.
    expect([Code.OK, Code.INVALID_RECEIPT_HANDLE, Code.INVALID_TRANSACTION_ID]).toContain(
      answer.value?.code,
    );
  });
});

describe('a new master', () => {
  it('is told of the consumers at once', async () => {
    const scene = new Scene();
    const telemetry = scene.client.telemetry();
    telemetry.sendSettings(consumer);
    await scene.sim.settle();
    const next = scene.cluster.succeed('broker-a');
    await scene.sim.settle();
    expect(next.seen).toEqual(['client-1']);
  });

  it('is waited for by a consumer that starts', async () => {
    const scene = new Scene();
    scene.cluster.kill('broker-a');
    const telemetry = scene.client.telemetry();
    telemetry.sendSettings(consumer);
    await scene.sim.advance(1500);
    expect(telemetry.commands).toEqual([]);
    const next = scene.cluster.succeed('broker-a');
    await scene.sim.settle();
    expect(next.subscribed).toHaveLength(1);
    expect(telemetry.commands).toMatchObject([{ status: { code: Code.OK } }]);
  });
});
