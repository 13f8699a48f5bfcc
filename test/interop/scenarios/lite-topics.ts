import { ClientError } from '../support/driver';
import type { DriverLitePush, DriverProducer } from '../support/driver-clients';
import { accessPoint, base64, type Scenario, type ScenarioContext } from '../support/scenario';

/** Push consumers look for their queues every 5 s, the first time after 1 s. */
const FIRST_MS = 30_000;
const EACH = 5;
const NONE = { rust: 'The crate knows no lite topics.' } as const;

const openPush = (context: ScenarioContext, index: number): Promise<DriverLitePush> =>
  context.driver.litePush({
    ...{ endpoints: accessPoint(context, index), group: context.group, parent: context.topic },
  });

const openProducer = (context: ScenarioContext): Promise<DriverProducer> =>
  context.driver.producer(accessPoint(context, 1), [context.topic]);

/** Sends messages `LITE 0`, `LITE 1`, ... to each lite topic. */
async function send(
  { topic }: ScenarioContext,
  producer: DriverProducer,
  liteTopics: readonly string[],
  count = EACH,
): Promise<void> {
  for (let i = 0; i < count; i++) {
    for (const liteTopic of liteTopics) {
      await producer.send({ topic, liteTopic, body: base64(`${liteTopic} ${i}`) });
    }
  }
}

/** Bodies, in the order in which they came, by what their client said of their lite topic. */
function byLiteTopic(
  messages: readonly { readonly body: string; readonly liteTopic?: string }[],
): Record<string, readonly string[]> {
  const seen: Record<string, string[]> = {};
  for (const { body, liteTopic = '' } of messages) {
    (seen[liteTopic] ??= []).push(Buffer.from(body, 'base64').toString());
  }
  return seen;
}

const wanted = (...liteTopics: readonly string[]): Record<string, readonly string[]> =>
  Object.fromEntries(
    liteTopics.map((name) => [name, Array.from({ length: EACH }, (_, i) => `${name} ${i}`)]),
  );

export const liteTopicScenarios: readonly Scenario[] = [
  {
    title:
      'lite push consumer: the lite topics that it asks for come, each in order, and no others',
    topicType: 'LITE',
    unsupported: NONE,
    async run(context) {
      const consumer = await openPush(context, 0);
      for (const liteTopic of ['a', 'b']) await consumer.subscribe(liteTopic);
      const producer = await openProducer(context);
      await send(context, producer, ['other', 'a', 'b']);
      await consumer.untilPushed(2 * EACH, FIRST_MS);
      const pushed = consumer.pushed.map(({ message }) => message);
      expect(byLiteTopic(pushed)).toEqual(wanted('a', 'b'));
      await Promise.all([consumer.close(), producer.close()]);
    },
  },
  {
    title: 'lite push consumer: what one gives up, another of its group goes on with',
    topicType: 'LITE',
    unsupported: NONE,
    async run(context) {
      const [one, other] = [await openPush(context, 0), await openPush(context, 1)];
      await one.subscribe('a');
      await one.subscribe('b');
      const producer = await openProducer(context);
      await send(context, producer, ['a'], 1);
      await one.untilPushed(1, FIRST_MS);
      await one.unsubscribe('a');
      await send(context, producer, ['a', 'b']);
      await one.untilPushed(1 + EACH, FIRST_MS);
      await other.subscribe('a');
      await other.untilPushed(EACH, FIRST_MS);
      expect(byLiteTopic(one.pushed.map(({ message }) => message))).toEqual({
        ...{ a: ['a 0'], ...wanted('b') },
      });
      expect(byLiteTopic(other.pushed.map(({ message }) => message))).toEqual(wanted('a'));
      await Promise.all([one, other, producer].map((client) => client.close()));
    },
  },
  {
    title: 'lite push consumer: begins at the oldest message where it says so',
    topicType: 'LITE',
    unsupported: { ...NONE, python: 'The client cannot say where to begin.' },
    async run(context) {
      const producer = await openProducer(context);
      await send(context, producer, ['a']);
      const consumer = await openPush(context, 0);
      await consumer.subscribe('a', true);
      await consumer.untilPushed(EACH, FIRST_MS);
      expect(byLiteTopic(consumer.pushed.map(({ message }) => message))).toEqual(wanted('a'));
      await Promise.all([consumer.close(), producer.close()]);
    },
  },
  {
    title: 'lite push consumer: a lite topic beyond the quota of its group is refused',
    topicType: 'LITE',
    unsupported: NONE,
    async run(context) {
      const { group, topic } = context;
      await context.createGroup(group, ['--lite-topic', topic, '--lite-quota', '1']);
      const consumer = await openPush(context, 0);
      await consumer.subscribe('a');
      await expect(consumer.subscribe('b')).rejects.toThrow(ClientError);
      await consumer.unsubscribe('a');
      await consumer.subscribe('b');
      await consumer.close();
    },
  },
  {
    title: 'lite simple consumer: its lite topics come in order, and not again once acknowledged',
    topicType: 'LITE',
    unsupported: {
      ...NONE,
      node: 'The client has no simple consumer of lite topics.',
      java: 'The client has no simple consumer of lite topics.',
    },
    async run(context) {
      const { driver, group, topic, brokers } = context;
      const options = { endpoints: accessPoint(context, 0), group, parent: topic, awaitMs: 3000 };
      const consumer = await driver.liteSimple(options);
      for (const liteTopic of ['a', 'b']) await consumer.subscribe(liteTopic);
      const producer = await openProducer(context);
      await send(context, producer, ['other', 'a', 'b']);
      const seen: Parameters<typeof byLiteTopic>[0][number][] = [];
      let empty = 0;
      for (let poll = 0; poll < 40 && empty < 2 * brokers; poll++) {
        const { messages } = await consumer.receive(3, 60_000);
        for (const message of messages) await consumer.ack(message);
        seen.push(...messages);
        if (messages.length === 0) empty++;
      }
      expect(byLiteTopic(seen)).toEqual(wanted('a', 'b'));
      await Promise.all([consumer.close(), producer.close()]);
    },
  },
];
