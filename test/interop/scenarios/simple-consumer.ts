import { Collector } from '../support/collector';
import { type DriverSimple } from '../support/driver-clients';
import {
  accessPoint,
  base64,
  numbered,
  type Scenario,
  type ScenarioContext,
} from '../support/scenario';

const AWAIT_MS = 3000;
const EMPTY_POLL_MS = 5000;
/**
 * How late a due message may come: timers and a busy machine, and polls on brokers that it is not on, which last
 * as long as the shortest poll that a proxy grants.
 */
const lateMs = ({ brokers }: ScenarioContext): number => 3000 + (brokers - 1) * EMPTY_POLL_MS;

async function openSimple(
  context: ScenarioContext,
  index: number,
  awaitMs = AWAIT_MS,
): Promise<DriverSimple> {
  const { driver, topic, group } = context;
  return driver.simple({
    endpoints: accessPoint(context, index),
    group,
    subscriptions: { [topic]: '*' },
    awaitMs,
  });
}

export const simpleConsumerScenarios: readonly Scenario[] = [
  {
    title: 'simple consumer: messages come, and do not come again once acknowledged',
    async run(context) {
      const { driver, topic, brokers } = context;
      const consumer = await openSimple(context, 0);
      const producer = await driver.producer(accessPoint(context, 1), [topic]);
      const messages = numbered(topic, 12);
      await Promise.all(messages.map((message) => producer.send(message)));
      const collector = new Collector([consumer], { invisibleMs: 2000, lanes: brokers });
      await collector.untilSeen(messages.length, 30_000);
      // An empty long poll is longer than the invisible duration.
      await collector.untilEmptyPolls(2 * brokers, 60_000);
      collector.stop();
      const bodies = collector.seen.map(({ message }) => message.body).sort();
      expect(bodies).toEqual(messages.map(({ body }) => body).sort());
      await Promise.all([consumer.close(), producer.close()]);
    },
  },
  {
    title: 'simple consumers of one group share the messages, each comes once',
    async run(context) {
      const { driver, topic, brokers } = context;
      const consumers = [await openSimple(context, 0), await openSimple(context, 1)];
      const producer = await driver.producer(accessPoint(context, 1), [topic]);
      const collector = new Collector(consumers, { invisibleMs: 10_000, max: 2, lanes: brokers });
      const messages = numbered(topic, 60);
      for (const message of messages) await producer.send(message);
      await collector.untilSeen(messages.length, 30_000);
      await collector.untilEmptyPolls(2 * brokers, 30_000);
      collector.stop();
      const bodies = collector.seen.map(({ message }) => message.body).sort();
      expect(bodies).toEqual(messages.map(({ body }) => body).sort());
      expect(new Set(collector.seen.map(({ consumer }) => consumer))).toEqual(new Set([0, 1]));
      await Promise.all([...consumers, producer].map((client) => client.close()));
    },
  },
  {
    title: 'an unacknowledged message comes again after the invisible duration, with attempt 2',
    async run(context) {
      const { driver, topic, brokers } = context;
      const invisibleMs = 2000;
      const consumer = await openSimple(context, 0);
      const producer = await driver.producer(accessPoint(context, 1), [topic]);
      const id = await producer.send({ topic, body: base64('again') });
      const collector = new Collector([consumer], { invisibleMs, lanes: brokers, ack: false });
      const [first, second] = await collector.untilSeen(2, 30_000);
      collector.stop();
      if (first === undefined || second === undefined) throw new Error('no two deliveries');
      expect([first.message.messageId, second.message.messageId]).toEqual([id, id]);
      expect([first.message.attempt, second.message.attempt]).toEqual([1, 2]);
      expect(second.gotMs - first.askedMs).toBeGreaterThanOrEqual(invisibleMs);
      expect(second.gotMs - first.gotMs).toBeLessThan(invisibleMs + lateMs(context));
      await consumer.ack(second.message);
      await Promise.all([consumer.close(), producer.close()]);
    },
  },
  {
    title: 'a changed invisible duration holds, and the message can be acknowledged after it',
    unsupported: { rust: 'The crate cannot change an invisible duration.' },
    async run(context) {
      const { driver, topic, brokers } = context;
      const changedMs = 6000;
      const consumer = await openSimple(context, 0);
      const producer = await driver.producer(accessPoint(context, 1), [topic]);
      await producer.send({ topic, body: base64('later') });
      const collector = new Collector([consumer], {
        invisibleMs: 2000,
        lanes: brokers,
        ack: false,
      });
      const [first] = await collector.untilSeen(1, 30_000);
      if (first === undefined) throw new Error('no delivery');
      const changeAskedMs = performance.now();
      await consumer.change(first.message, changedMs);
      const [, second] = await collector.untilSeen(2, 30_000);
      if (second === undefined) throw new Error('no second delivery');
      expect(second.message.attempt).toBe(2);
      expect(second.gotMs - changeAskedMs).toBeGreaterThanOrEqual(changedMs);
      expect(second.gotMs - changeAskedMs).toBeLessThan(changedMs + lateMs(context));
      await consumer.change(second.message, changedMs);
      await consumer.ack(second.message);
      await collector.untilEmptyPolls(2 * brokers, 30_000);
      collector.stop();
      expect(collector.seen).toHaveLength(2);
      await Promise.all([consumer.close(), producer.close()]);
    },
  },
  {
    title: 'an empty long poll ends on time',
    async run(context) {
      const consumer = await openSimple(context, 0, EMPTY_POLL_MS);
      const { messages, elapsedMs } = await consumer.receive(8, 10_000);
      expect(messages).toEqual([]);
      expect(elapsedMs).toBeGreaterThanOrEqual(EMPTY_POLL_MS - 50);
      expect(elapsedMs).toBeLessThan(EMPTY_POLL_MS + 1500);
      await consumer.close();
    },
  },
];
