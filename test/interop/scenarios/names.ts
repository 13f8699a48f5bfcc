import { Collector } from '../support/collector';
import { ClientError } from '../support/driver';
import { accessPoint, base64, type Scenario } from '../support/scenario';

const TOPIC_NOT_FOUND = 40402;
const AWAIT_MS = 3000;

export const nameScenarios: readonly Scenario[] = [
  {
    title: 'without auto-creation, sending to an unknown topic fails with TOPIC_NOT_FOUND',
    async run(context) {
      const { driver, topic } = context;
      const unknown = `${topic}-nobody-made`;
      const producer = await driver.producer(accessPoint(context, 0), [topic]);
      const failure = await producer.send({ topic: unknown, body: base64('x') }).then(
        () => undefined,
        (error: unknown) => error,
      );
      if (!(failure instanceof ClientError)) throw new Error('the send did not fail');
      // The Python client hides the code behind its own words.
      if (driver.client === 'python') expect(failure.message).toMatch(/failed to fetch topic/);
      else expect(failure.code).toBe(TOPIC_NOT_FOUND);
      await producer.close();
    },
  },
  {
    title: 'an unknown group is made on first use, and starts at the end',
    async run(context) {
      const { driver, topic, group, brokers } = context;
      const producer = await driver.producer(accessPoint(context, 1), [topic]);
      await producer.send({ topic, body: base64('before the group') });
      const consumer = await driver.simple({
        endpoints: accessPoint(context, 0),
        group,
        subscriptions: { [topic]: '*' },
        awaitMs: AWAIT_MS,
      });
      await producer.send({ topic, body: base64('after the group') });
      const collector = new Collector([consumer], { invisibleMs: 10_000, lanes: brokers });
      await collector.untilSeen(1, 30_000);
      await collector.untilEmptyPolls(brokers, 30_000);
      collector.stop();
      expect(collector.seen.map(({ message }) => message.body)).toEqual([
        base64('after the group'),
      ]);
      await Promise.all([consumer.close(), producer.close()]);
    },
  },
  {
    title: 'clients that know the access points of all proxies',
    unsupported: {
      node: 'Several addresses are dialled as one name: the client can be given one access point only.',
    },
    async run(context) {
      const { driver, topic, group, brokers, allEndpoints } = context;
      const consumer = await driver.simple({
        endpoints: allEndpoints,
        group,
        subscriptions: { [topic]: '*' },
        awaitMs: AWAIT_MS,
      });
      const producer = await driver.producer(allEndpoints, [topic]);
      const sent = Array.from({ length: 10 }, (_, index) => base64(`number ${index}`));
      for (const body of sent) await producer.send({ topic, body });
      const collector = new Collector([consumer], { invisibleMs: 10_000, lanes: brokers });
      await collector.untilSeen(sent.length, 30_000);
      collector.stop();
      const bodies = collector.seen.map(({ message }) => message.body).sort();
      expect(bodies).toEqual([...sent].sort());
      await Promise.all([consumer.close(), producer.close()]);
    },
  },
];
