import { Code, StatusError } from '../../../src/message/status';
import { groupConfig } from '../../support/model-broker';
import { ModelCluster } from '../../support/model-cluster';
import { message, PublicClient } from '../../support/public-client';
import { messageDraft } from '../../support/test-broker';

const topic = { name: 't', type: 'FIFO', queues: 4 } as const;

describe('the admin interface', () => {
  it('makes topics and groups on every master', async () => {
    const cluster = new ModelCluster({}, ['broker-b', 'broker-a']);
    const { admin } = cluster.proxy;
    await admin.putTopic(topic);
    await admin.putGroup(groupConfig('g', { maxAttempts: 3 }));
    for (const broker of cluster.brokers.values()) {
      const generation = [
        { brokerName: 'broker-a', queues: 4 },
        { brokerName: 'broker-b', queues: 4 },
      ];
      expect(broker.topics.get('t')).toEqual({ ...topic, generations: [generation] });
      expect(broker.groups.get('g')?.maxAttempts).toBe(3);
    }
    expect(await admin.listTopics()).toMatchObject([
      { ...topic, brokers: ['broker-a', 'broker-b'] },
    ]);
    expect(await admin.listGroups()).toEqual([groupConfig('g', { maxAttempts: 3 })]);
    const answer = await new PublicClient(cluster).unary('QueryRoute', { topic: { name: 't' } });
    expect(answer.message_queues).toHaveLength(8);
  });

  it.each(['NORMAL', 'FIFO'] as const)(
    'makes a %s topic on the brokers that are named, and keeps those that have it',
    async (type) => {
      const cluster = new ModelCluster({}, ['broker-a', 'broker-b', 'broker-c']);
      const { admin } = cluster.proxy;
      await admin.putTopic({ ...topic, type }, ['broker-b']);
      expect(await admin.listTopics()).toMatchObject([{ type, brokers: ['broker-b'] }]);
      await admin.putTopic({ ...topic, type }, ['broker-c']);
      expect(await admin.listTopics()).toMatchObject([{ brokers: ['broker-b', 'broker-c'] }]);
      await admin.putTopic({ ...topic, type, queues: 5 });
      expect(await admin.listTopics()).toMatchObject([
        { queues: 5, brokers: ['broker-a', 'broker-b', 'broker-c'] },
      ]);
    },
  );

  it('names the brokers that are there when another one is to hold a topic', async () => {
    const cluster = new ModelCluster({}, ['broker-a', 'broker-b']);
    const put = cluster.proxy.admin.putTopic(topic, ['broker-a', 'broker-x']);
    await expect(put).rejects.toMatchObject({
      code: Code.BAD_REQUEST,
      message: 'broker broker-x is not there; those that are: broker-a, broker-b',
    });
    expect(cluster.broker('broker-a').topics.size).toBe(0);
  });

  it('changes nothing on the brokers of a topic when a new one does not take it', async () => {
    const cluster = new ModelCluster({}, ['broker-a', 'broker-b']);
    const { admin } = cluster.proxy;
    await admin.putTopic(topic, ['broker-a']);
    cluster.broker('broker-b').failure = new StatusError(Code.FORBIDDEN, 'too many topics');
    await expect(admin.putTopic(topic)).rejects.toMatchObject({ code: Code.FORBIDDEN });
    expect(cluster.broker('broker-a').topics.get('t')?.generations).toHaveLength(1);
  });

  it('brings the consumer groups along to a broker that is new to a topic', async () => {
    const cluster = new ModelCluster({}, ['broker-a', 'broker-b']);
    const { admin } = cluster.proxy;
    await admin.putTopic(topic, ['broker-a']);
    const group = groupConfig('g', { fifo: true, maxAttempts: 3 });
    cluster.broker('broker-a').groups.set('g', group);
    await admin.putTopic(topic);
    expect(cluster.broker('broker-b').groups.get('g')).toEqual(group);
  });

  it('says on which brokers a change failed, and why', async () => {
    const cluster = new ModelCluster({}, ['broker-a', 'broker-b', 'broker-c']);
    cluster.broker('broker-b').failure = new StatusError(Code.FORBIDDEN, 'too many topics');
    const put = cluster.proxy.admin.putTopic(topic);
    await expect(put).rejects.toMatchObject({
      code: Code.FORBIDDEN,
      message: 'topic t failed on 1 of 3 brokers: broker-b: too many topics',
    });
  });

  it('adds what is missing when a change that failed on one broker is made again', async () => {
    const cluster = new ModelCluster({}, ['broker-a', 'broker-b', 'broker-c']);
    cluster.broker('broker-b').failure = new StatusError(Code.FORBIDDEN, 'too many topics');
    await expect(cluster.proxy.admin.putTopic(topic)).rejects.toMatchObject({
      code: Code.FORBIDDEN,
    });
    cluster.broker('broker-b').failure = undefined;
    await cluster.proxy.admin.putTopic(topic);
    for (const name of ['broker-a', 'broker-b', 'broker-c']) {
      expect(await cluster.broker(name).listTopics()).toMatchObject([topic]);
    }
  });

  it('passes on a single broker’s own words', async () => {
    const cluster = new ModelCluster();
    cluster.broker().failure = new StatusError(Code.BAD_REQUEST, 'fewer queues');
    await expect(cluster.proxy.admin.putTopic(topic)).rejects.toMatchObject({
      code: Code.BAD_REQUEST,
      message: 'fewer queues',
    });
  });

  it('looks for messages on every master that has the topic', async () => {
    const cluster = new ModelCluster({}, ['broker-a', 'broker-b', 'broker-c']);
    const { admin } = cluster.proxy;
    await admin.putTopic(topic);
    for (const name of ['broker-a', 'broker-b']) {
      await cluster.broker(name).send({ queueId: 0, draft: messageDraft('t', `of-${name}`) });
    }
    const absent = new StatusError(Code.TOPIC_NOT_FOUND, 'topic t is not here');
    cluster.broker('broker-c').failure = absent;
    const search = { topic: 't', by: 'key', key: 'of-', beginMs: 0, endMs: 2 ** 52 } as const;
    const all = await admin.findMessages({ ...search, maxMessages: 2 });
    expect(all.messages.map(({ broker }) => broker).toSorted()).toEqual(['broker-a', 'broker-b']);
    expect(all.complete).toBe(true);
    const one = await admin.findMessages({ ...search, maxMessages: 1 });
    expect([one.messages.length, one.complete]).toEqual([1, false]);
    for (const broker of cluster.brokers.values()) broker.failure = absent;
    await expect(admin.findMessages({ ...search, maxMessages: 1 })).rejects.toBe(absent);
  });

  it('merges what brokers hold, sorted by name, without the system’s own topics', async () => {
    const cluster = new ModelCluster({}, ['broker-a', 'broker-b']);
    const put = (broker: string, name: string): unknown =>
      cluster.broker(broker).topics.set(name, { ...topic, name });
    put('broker-b', 'z');
    put('broker-b', 'a');
    put('broker-a', 'm');
    put('broker-a', 'a');
    put('broker-a', 'rmq_sys_POP_LEDGER');
    expect(
      (await cluster.proxy.admin.listTopics()).map(({ name, brokers }) => [name, brokers]),
    ).toEqual([
      ['a', ['broker-a', 'broker-b']],
      ['m', ['broker-a']],
      ['z', ['broker-b']],
    ]);
  });

  it('deletes what some brokers have, and says when none has it', async () => {
    const cluster = new ModelCluster({}, ['broker-a', 'broker-b']);
    const { admin } = cluster.proxy;
    cluster.broker('broker-b').topics.set('t', topic);
    cluster.broker('broker-b').groups.set('g', groupConfig('g'));
    await admin.deleteTopic('t');
    await admin.deleteGroup('g');
    expect(cluster.broker('broker-b').topics.size + cluster.broker('broker-b').groups.size).toBe(0);
    await expect(admin.deleteTopic('t')).rejects.toMatchObject({ code: Code.TOPIC_NOT_FOUND });
    await expect(admin.deleteGroup('g')).rejects.toMatchObject({
      code: Code.CONSUMER_GROUP_NOT_FOUND,
    });
  });

  it('does not pass off a part for the whole', async () => {
    const cluster = new ModelCluster({}, ['broker-a', 'broker-b']);
    cluster.broker('broker-b').failure = new StatusError(Code.PROXY_TIMEOUT, 'no answer');
    await expect(cluster.proxy.admin.listTopics()).rejects.toMatchObject({
      code: Code.PROXY_TIMEOUT,
    });
  });

  it('has nothing to ask while no broker is known', async () => {
    const cluster = new ModelCluster({}, []);
    await expect(cluster.proxy.admin.putTopic(topic)).rejects.toMatchObject({
      code: Code.PROXY_TIMEOUT,
    });
  });

  it('changes what settings are answered', async () => {
    const cluster = new ModelCluster();
    cluster.topic('t');
    await cluster.proxy.admin.putGroup(groupConfig('g', { fifo: true }));
    const answer = await new PublicClient(cluster).unary('QueryAssignment', {
      topic: { name: 't' },
      group: { name: 'g' },
    });
    expect(answer.assignments).toHaveLength(8);
  });
});

describe('a proxy', () => {
  it('is ready when a broker is known', async () => {
    const cluster = new ModelCluster();
    cluster.absent.add('broker-a');
    cluster.announce();
    await expect(cluster.proxy.ready()).resolves.toBeUndefined();
  });

  it('is not ready before', async () => {
    const cluster = new ModelCluster({}, []);
    let ready = false;
    const waiting = cluster.proxy.ready().then(() => (ready = true));
    await cluster.sim.settle();
    expect(ready).toBe(false);
    cluster.brokers.set('late', new ModelCluster({}, ['late']).broker('late'));
    cluster.announce();
    await waiting;
    expect(ready).toBe(true);
  });

  it('keeps one way to a broker through changes of its topics and short absences', async () => {
    const cluster = new ModelCluster();
    cluster.topic('t');
    cluster.topic('u');
    cluster.absent.add('broker-a');
    cluster.announce();
    await cluster.sim.advance(29_999);
    cluster.absent.clear();
    cluster.announce();
    await cluster.sim.advance(60_000);
    expect(cluster.dials).toBe(1);
    expect(cluster.broker().closed).toBe(false);
    const status = await new PublicClient(cluster).status('SendMessage', {
      messages: [message('t', 'm')],
    });
    expect(status.code).toBe(Code.OK);
  });

  it('ends the ways to its brokers when it closes, and leaves no timer behind', async () => {
    const cluster = new ModelCluster({}, ['broker-a', 'broker-b']);
    cluster.topic('t');
    const client = new PublicClient(cluster);
    client.telemetry().sendSettings({ client_type: 1, publishing: {} });
    await client.unary('SendMessage', { messages: [message('t', 'm')] });
    await cluster.sim.settle();
    expect(cluster.sim.pending).toBeGreaterThan(0);
    await cluster.proxy.drain();
    await cluster.proxy.close();
    for (const broker of cluster.brokers.values()) expect(broker.closed).toBe(true);
    expect(cluster.sim.pending).toBe(0);
  });
});
