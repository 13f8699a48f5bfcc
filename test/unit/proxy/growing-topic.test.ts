import { Code, StatusError } from '../../../src/message/status';
import { ModelCluster } from '../../support/model-cluster';
import { message, PublicClient } from '../../support/public-client';

describe('a message group of a topic that grows', () => {
  it('is sent again where it belongs once the route tells, and other messages do not wait', async () => {
    const cluster = new ModelCluster();
    const { admin } = cluster.proxy;
    await admin.putTopic({ name: 't', type: 'FIFO', queues: 1 });
    const broker = cluster.broker();
    const send = broker.send.bind(broker);
    const generations: (number | undefined)[] = [];
    broker.send = (request) => {
      generations.push(request.generation);
      if (request.generation === 1) throw new StatusError(Code.NOT_FOUND, 'the topic has grown');
      return send(request);
    };
    const client = new PublicClient(cluster);
    const sent = client.status('SendMessage', {
      messages: [message('t', 'm', { message_group: 'a' })],
    });
    await cluster.sim.settle();
    expect(broker.sends).toEqual([]);
    await admin.putTopic({ name: 't', type: 'FIFO', queues: 4 });
    expect((await sent).code).toBe(Code.OK);
    expect(generations).toEqual([1, 2]);
    expect(broker.sends).toHaveLength(1);
  });

  it('is answered within the limit when no route tells of the growth', async () => {
    const cluster = new ModelCluster();
    cluster.topic('t', 'FIFO', 1);
    const broker = cluster.broker();
    broker.send = () => Promise.reject(new StatusError(Code.NOT_FOUND, 'the topic has grown'));
    const sent = new PublicClient(cluster).status('SendMessage', {
      messages: [message('t', 'm', { message_group: 'a' })],
    });
    await cluster.sim.advance(60_000);
    expect((await sent).code).not.toBe(Code.OK);
  });
});
