import { until } from '../../support/until';
import { type DriverPush } from '../support/driver-clients';
import {
  accessPoint,
  base64,
  numbered,
  PUSH_CONSUMER,
  type Scenario,
  type ScenarioContext,
} from '../support/scenario';

/** Push consumers look for their queues every 5 s, the first time after 1 s. */
const FIRST_MS = 30_000;

async function openPush(
  context: ScenarioContext,
  index: number,
  failBelowAttempt = 0,
): Promise<DriverPush> {
  const { driver, topic, group } = context;
  return driver.push({
    endpoints: accessPoint(context, index),
    group,
    subscriptions: { [topic]: '*' },
    failBelowAttempt,
  });
}

/** That nothing is left to do for the group: a simple consumer of it waits in vain on every broker. */
async function expectNothingLeft(context: ScenarioContext): Promise<void> {
  const { driver, topic, group, brokers } = context;
  const rest = await driver.simple({
    endpoints: accessPoint(context, 0),
    group,
    subscriptions: { [topic]: '*' },
    awaitMs: 3000,
  });
  const polls = Array.from({ length: 2 * brokers }, () => rest.receive(16, 10_000));
  for (const { messages } of await Promise.all(polls)) expect(messages).toEqual([]);
  await rest.close();
}

export const pushConsumerScenarios: readonly Scenario[] = [
  {
    title: 'push consumer: every message comes once, and is acknowledged',
    unsupported: PUSH_CONSUMER,
    async run(context) {
      const { driver, topic } = context;
      const consumer = await openPush(context, 0);
      const producer = await driver.producer(accessPoint(context, 1), [topic]);
      const messages = numbered(topic, 30);
      await Promise.all(messages.map((message) => producer.send(message)));
      await consumer.untilPushed(messages.length, FIRST_MS);
      await expectNothingLeft(context);
      const bodies = consumer.pushed.map(({ message }) => message.body).sort();
      expect(bodies).toEqual(messages.map(({ body }) => body).sort());
      expect(new Set(consumer.pushed.map(({ message }) => message.attempt))).toEqual(new Set([1]));
      await Promise.all([consumer.close(), producer.close()]);
    },
  },
  {
    title: 'push consumers of one group share the messages, each comes once',
    unsupported: PUSH_CONSUMER,
    async run(context) {
      const { driver, topic } = context;
      const consumers = [await openPush(context, 0), await openPush(context, 1)];
      const producer = await driver.producer(accessPoint(context, 1), [topic]);
      const pushed = (): string[] =>
        consumers.flatMap((consumer) => consumer.pushed.map(({ message }) => message.body));
      // A consumer takes part from its first poll on: one message at a time, until both have had some.
      const sent: string[] = [];
      await until('a message for each consumer', FIRST_MS, async () => {
        const body = base64(`message ${sent.length}`);
        sent.push(body);
        await producer.send({ topic, body });
        await until('the message', FIRST_MS, () =>
          pushed().length >= sent.length ? true : undefined,
        );
        return consumers.every((consumer) => consumer.pushed.length > 0) ? true : undefined;
      });
      await expectNothingLeft(context);
      expect(pushed().sort()).toEqual(sent.sort());
      await Promise.all([...consumers, producer].map((client) => client.close()));
    },
  },
  {
    title: 'push consumer: a message whose listener failed comes again, with attempt 2',
    unsupported: PUSH_CONSUMER,
    async run(context) {
      const { driver, topic } = context;
      const consumer = await openPush(context, 0, 2);
      const producer = await driver.producer(accessPoint(context, 1), [topic]);
      const id = await producer.send({ topic, body: base64('fails once') });
      await consumer.untilPushed(2, FIRST_MS + 20_000);
      await expectNothingLeft(context);
      const deliveries = consumer.pushed.map(({ message }) => [message.messageId, message.attempt]);
      expect(deliveries).toEqual([
        [id, 1],
        [id, 2],
      ]);
      await Promise.all([consumer.close(), producer.close()]);
    },
  },
];
