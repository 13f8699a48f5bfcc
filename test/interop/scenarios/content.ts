import { createHash } from 'node:crypto';
import { Collector } from '../support/collector';
import { type OutgoingMessage } from '../support/driver';
import { accessPoint, base64, contentOf, PUSH_CONSUMER, type Scenario } from '../support/scenario';

const AWAIT_MS = 3000;
const LARGE_BODY_BYTES = Math.floor(3.9 * 1024 * 1024);

/** Messages whose parts are easy to damage on the way. */
export function awkwardMessages(topic: string): readonly OutgoingMessage[] {
  const everyByte = Buffer.from(Array.from({ length: 1024 }, (_, index) => index % 256));
  return [
    {
      topic,
      body: base64('plain'),
      tag: 'tag-a',
      keys: ['key-1', 'key-2'],
      properties: { colour: 'blue', 'with space': 'a b', empty_looking: '0' },
    },
    {
      topic,
      body: base64('Grüße, 世界, 🚚 — до свидания'),
      tag: 'étiquette',
      keys: ['ключ', '鍵'],
      properties: { überschrift: 'größer als', emoji: '🚚📦' },
    },
    { topic, body: everyByte.toString('base64'), keys: ['binary'] },
    { topic, body: Buffer.from([0]).toString('base64') },
  ];
}

/** Incompressible and the same every time. */
function largeBody(): Buffer {
  const blocks: Buffer[] = [];
  for (let block = 0; block * 32 < LARGE_BODY_BYTES; block++) {
    blocks.push(createHash('sha256').update(`block ${block}`).digest());
  }
  return Buffer.concat(blocks).subarray(0, LARGE_BODY_BYTES);
}

const SQL = "price BETWEEN 5 AND 9 AND (TAGS IN ('red', 'green') OR urgent = TRUE)";

/** Messages that the filter above lets through or not, as their bodies say. */
function priced(topic: string): readonly OutgoingMessage[] {
  return [
    { topic, body: base64('yes 1'), tag: 'red', properties: { price: '5' } },
    { topic, body: base64('no, too cheap'), tag: 'red', properties: { price: '4.5' } },
    { topic, body: base64('yes 2'), tag: 'blue', properties: { price: '7.25', urgent: 'TRUE' } },
    { topic, body: base64('no, blue'), tag: 'blue', properties: { price: '7' } },
    { topic, body: base64('no, without a price'), tag: 'green' },
    { topic, body: base64('no, not a number'), tag: 'red', properties: { price: 'six' } },
    { topic, body: base64('yes 3'), tag: 'green', properties: { price: '9' } },
  ];
}

function last(topic: string): OutgoingMessage {
  return { topic, body: base64('last'), tag: 'red', properties: { price: '6' } };
}

const sorted = (contents: readonly object[]): string[] =>
  contents.map((content) => JSON.stringify(content)).sort();

export const contentScenarios: readonly Scenario[] = [
  {
    title: 'body, keys, tag and properties arrive as they were sent, also Unicode and binary',
    async run(context) {
      const { driver, topic, group, brokers } = context;
      const consumer = await driver.simple({
        endpoints: accessPoint(context, 0),
        group,
        subscriptions: { [topic]: '*' },
        awaitMs: AWAIT_MS,
      });
      const producer = await driver.producer(accessPoint(context, 1), [topic]);
      const sent = awkwardMessages(topic);
      const ids: string[] = [];
      for (const message of sent) ids.push(await producer.send(message));
      const collector = new Collector([consumer], { invisibleMs: 10_000, lanes: brokers });
      const seen = await collector.untilSeen(sent.length, 30_000);
      collector.stop();
      const messages = seen.map(({ message }) => message);
      expect(sorted(messages.map(contentOf))).toEqual(sorted(sent.map(contentOf)));
      expect(messages.map(({ messageId }) => messageId).sort()).toEqual([...ids].sort());
      expect(messages.map(({ attempt }) => attempt)).toEqual(sent.map(() => 1));
      expect(messages.filter(({ corrupted }) => corrupted)).toEqual([]);
      await Promise.all([consumer.close(), producer.close()]);
    },
  },
  {
    title: 'a body of 3.9 MiB arrives',
    async run(context) {
      const { driver, topic, group, brokers } = context;
      const consumer = await driver.simple({
        endpoints: accessPoint(context, 0),
        group,
        subscriptions: { [topic]: '*' },
        awaitMs: AWAIT_MS,
      });
      const producer = await driver.producer(accessPoint(context, 1), [topic]);
      const body = largeBody();
      await producer.send({ topic, body: body.toString('base64') });
      const collector = new Collector([consumer], { invisibleMs: 20_000, lanes: brokers });
      const [first] = await collector.untilSeen(1, 30_000);
      collector.stop();
      const arrived = Buffer.from(first?.message.body ?? '', 'base64');
      expect(arrived).toHaveLength(body.length);
      expect(arrived.equals(body)).toBe(true);
      await Promise.all([consumer.close(), producer.close()]);
    },
  },
  {
    title: 'a tag filter lets exactly its tags through',
    async run(context) {
      const { driver, topic, group, brokers } = context;
      const consumer = await driver.simple({
        endpoints: accessPoint(context, 0),
        group,
        subscriptions: { [topic]: 'red || green' },
        awaitMs: AWAIT_MS,
      });
      const producer = await driver.producer(accessPoint(context, 1), [topic]);
      const tags = ['red', 'blue', 'green', undefined, 'redder', 'green', 'red'];
      for (const tag of tags) {
        const body = base64(tag ?? 'none');
        await producer.send({ topic, body, ...(tag === undefined ? {} : { tag }) });
      }
      const collector = new Collector([consumer], { invisibleMs: 10_000, lanes: brokers });
      await collector.untilSeen(4, 30_000);
      await collector.untilEmptyPolls(brokers, 30_000);
      collector.stop();
      const seen = collector.seen.map(({ message }) => message.tag).sort();
      expect(seen).toEqual(['green', 'green', 'red', 'red']);
      await Promise.all([consumer.close(), producer.close()]);
    },
  },
  {
    title: 'simple consumer: an SQL filter lets exactly its messages through',
    async run(context) {
      const { driver, topic, group, brokers } = context;
      const consumer = await driver.simple({
        endpoints: accessPoint(context, 0),
        group,
        subscriptions: { [topic]: { sql: SQL } },
        awaitMs: AWAIT_MS,
      });
      const producer = await driver.producer(accessPoint(context, 1), [topic]);
      for (const message of priced(topic)) await producer.send(message);
      const collector = new Collector([consumer], { invisibleMs: 10_000, lanes: brokers });
      await collector.untilSeen(3, 30_000);
      await collector.untilEmptyPolls(brokers, 30_000);
      collector.stop();
      const seen = collector.seen.map(({ message }) => message.body).sort();
      expect(seen).toEqual(['yes 1', 'yes 2', 'yes 3'].map(base64).sort());
      await Promise.all([consumer.close(), producer.close()]);
    },
  },
  {
    title: 'push consumer: an SQL filter lets exactly its messages through',
    unsupported: PUSH_CONSUMER,
    async run(context) {
      const { driver, topic, group } = context;
      const consumer = await driver.push({
        endpoints: accessPoint(context, 0),
        group,
        subscriptions: { [topic]: { sql: SQL } },
      });
      const producer = await driver.producer(accessPoint(context, 1), [topic]);
      for (const message of [...priced(topic), last(topic)]) await producer.send(message);
      await consumer.untilPushed(4, 30_000);
      const seen = consumer.pushed.map(({ message }) => message.body).sort();
      expect(seen).toEqual(['last', 'yes 1', 'yes 2', 'yes 3'].map(base64).sort());
      await Promise.all([consumer.close(), producer.close()]);
    },
  },
];
