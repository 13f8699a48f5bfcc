import { until } from '../../support/until';
import { Collector } from '../support/collector';
import { type OutgoingMessage } from '../support/driver';
import {
  accessPoint,
  base64,
  PUSH_CONSUMER,
  type Scenario,
  type ScenarioContext,
} from '../support/scenario';

const FIRST_MS = 30_000;
const MESSAGE_GROUPS = ['red', 'green', 'blue'];

/** Messages of all message groups in turn; each body is its group and its place there. */
function inGroups(topic: string, each: number): readonly OutgoingMessage[] {
  return Array.from({ length: each }, (_, place) =>
    MESSAGE_GROUPS.map((messageGroup) => {
      return { topic, body: base64(`${messageGroup} ${place}`), messageGroup };
    }),
  ).flat();
}

/** For each message group, the bodies in the order in which they came. */
function byGroup(bodies: readonly string[]): readonly (readonly string[])[] {
  const texts = bodies.map((body) => Buffer.from(body, 'base64').toString());
  return MESSAGE_GROUPS.map((group) => texts.filter((text) => text.startsWith(`${group} `)));
}

async function sendInOrder(
  context: ScenarioContext,
  messages: readonly OutgoingMessage[],
): Promise<void> {
  const producer = await context.driver.producer(accessPoint(context, 1), [context.topic]);
  for (const message of messages) await producer.send(message);
  await producer.close();
}

export const fifoScenarios: readonly Scenario[] = [
  {
    title: 'FIFO, simple consumers: each message group comes in order',
    topicType: 'FIFO',
    async run(context) {
      const { driver, topic, group, brokers } = context;
      const open = (index: number) =>
        driver.simple({
          endpoints: accessPoint(context, index),
          group,
          subscriptions: { [topic]: '*' },
          awaitMs: 3000,
        });
      const consumers = [await open(0), await open(1)];
      const messages = inGroups(topic, 12);
      await sendInOrder(context, messages);
      const collector = new Collector(consumers, { invisibleMs: 10_000, max: 2, lanes: brokers });
      await collector.untilSeen(messages.length, FIRST_MS);
      await collector.untilEmptyPolls(2 * brokers, FIRST_MS);
      collector.stop();
      const sent = byGroup(messages.map(({ body }) => body));
      expect(byGroup(collector.seen.map(({ message }) => message.body))).toEqual(sent);
      await Promise.all(consumers.map((client) => client.close()));
    },
  },
  {
    title: 'FIFO, simple consumer: what was not acknowledged comes again before what follows it',
    topicType: 'FIFO',
    async run(context) {
      const { driver, topic, group } = context;
      const consumer = await driver.simple({
        endpoints: accessPoint(context, 0),
        group,
        subscriptions: { [topic]: '*' },
        awaitMs: 2000,
      });
      const messages = ['first', 'second'].map((body) => {
        return { topic, body: base64(body), messageGroup: 'one' };
      });
      await sendInOrder(context, messages);
      const seen: (readonly [string, number])[] = [];
      const began = performance.now();
      // Python picks the queue of each receive at random: it may ask the other broker many times in a row.
      while (seen.length < 3 && performance.now() - began < 2 * FIRST_MS) {
        for (const message of (await consumer.receive(1, 2000)).messages) {
          seen.push([message.body, message.attempt]);
          // The first delivery stays without an acknowledgement.
          if (seen.length > 1) await consumer.ack(message);
        }
      }
      expect(seen).toEqual([
        [base64('first'), 1],
        [base64('first'), 2],
        [base64('second'), 1],
      ]);
      await consumer.close();
    },
  },
  {
    title:
      'FIFO, push consumer: a message whose listener failed is tried again before what follows it',
    topicType: 'FIFO',
    unsupported: PUSH_CONSUMER,
    async run(context) {
      const { driver, topic, group } = context;
      const consumer = await driver.push({
        endpoints: accessPoint(context, 0),
        group,
        subscriptions: { [topic]: '*' },
        failBelowAttempt: 2,
      });
      const messages = inGroups(topic, 3);
      await sendInOrder(context, messages);
      await consumer.untilPushed(2 * messages.length, 2 * FIRST_MS);
      const twice = messages.flatMap(({ body }) => [body, body]);
      expect(byGroup(consumer.pushed.map(({ message }) => message.body))).toEqual(byGroup(twice));
      await consumer.close();
    },
  },
  {
    title:
      'FIFO, push consumer: a message that fails for good goes to the dead letter queue, its group goes on',
    topicType: 'FIFO',
    unsupported: PUSH_CONSUMER,
    async run(context) {
      const { driver, topic, group } = context;
      await context.createGroup(group, ['--fifo', '--max-attempts', '1']);
      const reader = `${group}-letters`;
      await context.createGroup(reader, ['--from-beginning']);
      const consumer = await driver.push({
        endpoints: accessPoint(context, 0),
        group,
        subscriptions: { [topic]: '*' },
        failBelowAttempt: 2,
      });
      const messages = ['first', 'second'].map((body) => {
        return { topic, body: base64(body), messageGroup: 'one' };
      });
      await sendInOrder(context, messages);
      await consumer.untilPushed(2, FIRST_MS);
      expect(consumer.pushed.map(({ message }) => message.body)).toEqual([
        base64('first'),
        base64('second'),
      ]);
      const letters = `%DLQ%${group}`;
      await until('the dead letter topic', FIRST_MS, async () =>
        (await context.topics()).includes(letters) ? true : undefined,
      );
      const rest = await driver.simple({
        endpoints: accessPoint(context, 1),
        group: reader,
        subscriptions: { [letters]: '*' },
        awaitMs: 3000,
      });
      const collector = new Collector([rest], { invisibleMs: 10_000, lanes: 1 });
      await collector.untilSeen(2, FIRST_MS);
      collector.stop();
      expect(collector.seen.map(({ message }) => message.body)).toEqual([
        base64('first'),
        base64('second'),
      ]);
      await Promise.all([consumer.close(), rest.close()]);
    },
  },
];
