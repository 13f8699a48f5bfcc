import { until } from '../../support/until';
import { Collector } from '../support/collector';
import { ClientError } from '../support/driver';
import { type DriverProducer, type DriverSimple } from '../support/driver-clients';
import {
  accessPoint,
  base64,
  numbered,
  type Scenario,
  type ScenarioContext,
} from '../support/scenario';
import { TRANSACTION_CHECKS } from '../support/topology';

const FIRST_MS = 30_000;
/** The limit of checks is reached after this, and some time for a busy machine. */
const LIMIT_MS = TRANSACTION_CHECKS.firstMs + 3 * TRANSACTION_CHECKS.intervalMs + 20_000;
const UNANSWERED_TOPIC = 'TRANS_CHECK_MAX_TIME_TOPIC';
const BAD_REQUEST = 40000;

async function openConsumer(context: ScenarioContext): Promise<DriverSimple> {
  const { driver, topic, group } = context;
  return driver.simple({
    endpoints: accessPoint(context, 0),
    group,
    subscriptions: { [topic]: '*' },
    awaitMs: 3000,
  });
}

function collect(context: ScenarioContext, consumer: DriverSimple): Collector {
  return new Collector([consumer], { invisibleMs: 10_000, lanes: context.brokers });
}

function openProducer(
  { driver, topic }: ScenarioContext,
  endpoints: string,
  answer: 'commit' | 'unknown',
): Promise<DriverProducer> {
  return driver.producer(endpoints, [topic], answer);
}

/** Sends and commits messages until every broker has had some; answers their bodies. */
async function commitSome(
  producer: DriverProducer,
  { topic, brokers }: ScenarioContext,
): Promise<readonly string[]> {
  const messages = numbered(topic, 2 * brokers);
  for (const message of messages) {
    await producer.end(await producer.sendHalf(message), 'commit');
  }
  return messages.map(({ body }) => body);
}

const bodiesOf = ({ seen }: Collector): readonly string[] =>
  seen.map(({ message }) => message.body).sort();

export const transactionScenarios: readonly Scenario[] = [
  {
    title: 'a message of a transaction comes when it is committed, not before',
    topicType: 'TRANSACTION',
    async run(context) {
      const consumer = await openConsumer(context);
      const producer = await openProducer(context, accessPoint(context, 1), 'unknown');
      const body = base64('held');
      const held = await producer.sendHalf({ topic: context.topic, body, tag: 'tag-a' });
      const others = await commitSome(producer, context);
      const collector = collect(context, consumer);
      await collector.untilSeen(others.length, FIRST_MS);
      expect(bodiesOf(collector)).toEqual(others);
      await producer.end(held, 'commit');
      await collector.untilSeen(others.length + 1, FIRST_MS);
      await collector.untilEmptyPolls(2 * context.brokers, FIRST_MS);
      collector.stop();
      expect(collector.seen).toHaveLength(others.length + 1);
      const last = collector.seen.at(-1)?.message;
      expect(last).toMatchObject({ messageId: held, body, tag: 'tag-a', attempt: 1 });
      await Promise.all([consumer.close(), producer.close()]);
    },
  },
  {
    title: 'a message of a transaction that was rolled back never comes',
    topicType: 'TRANSACTION',
    async run(context) {
      const consumer = await openConsumer(context);
      const producer = await openProducer(context, accessPoint(context, 1), 'commit');
      const gone = await producer.sendHalf({ topic: context.topic, body: base64('gone') });
      await producer.end(gone, 'rollback');
      const others = await commitSome(producer, context);
      const collector = collect(context, consumer);
      // The producer's checker would commit it: nobody asks.
      await collector.untilEmptyPolls(3 * context.brokers, FIRST_MS);
      collector.stop();
      expect(bodiesOf(collector)).toEqual(others);
      expect(producer.checked).toEqual([]);
      await Promise.all([consumer.close(), producer.close()]);
    },
  },
  {
    title: 'a transaction whose producer is gone is asked about at another one, and committed',
    topicType: 'TRANSACTION',
    async run(context) {
      const { topic } = context;
      const consumer = await openConsumer(context);
      const heir = await openProducer(context, accessPoint(context, 0), 'commit');
      const lost = await openProducer(context, accessPoint(context, 1), 'unknown');
      const body = base64('orphaned');
      const sentMs = performance.now();
      const messageId = await lost.sendHalf({ topic, body, properties: { colour: 'blue' } });
      await lost.close();
      const collector = collect(context, consumer);
      await collector.untilSeen(1, LIMIT_MS);
      await collector.untilEmptyPolls(2 * context.brokers, FIRST_MS);
      collector.stop();
      const content = { messageId, topic, body, properties: { colour: 'blue' } };
      expect(collector.seen.map(({ message }) => message)).toMatchObject([content]);
      expect(heir.checked.map(({ message }) => message)).toMatchObject([content]);
      expect(lost.checked).toEqual([]);
      const [check] = heir.checked;
      expect((check?.atMs ?? 0) - sentMs).toBeGreaterThanOrEqual(TRANSACTION_CHECKS.firstMs);
      await Promise.all([consumer.close(), heir.close()]);
    },
  },
  {
    title: 'a transaction of which its producer knows nothing is rolled back after the last check',
    topicType: 'TRANSACTION',
    async run(context) {
      const { topic, gantry } = context;
      const consumer = await openConsumer(context);
      const producer = await openProducer(context, accessPoint(context, 1), 'unknown');
      const messageId = await producer.sendHalf({ topic, body: base64('unknown') });
      const pending = async (): Promise<number> =>
        ((await gantry('transaction', 'list', '--topic', topic)) as { total: number }).total;
      const collector = collect(context, consumer);
      await producer.untilChecked(TRANSACTION_CHECKS.count, LIMIT_MS);
      await until('the transaction to end', LIMIT_MS, async () =>
        (await pending()) === 0 ? true : undefined,
      );
      expect(producer.checked.map(({ message }) => message.messageId)).toEqual(
        Array.from({ length: TRANSACTION_CHECKS.count }, () => messageId),
      );
      const late = await producer.end(messageId, 'commit').catch((error: unknown) => error);
      expect(late).toBeInstanceOf(ClientError);
      expect(late).toMatchObject({ code: BAD_REQUEST });
      // Where an operator finds it.
      const copy = await gantry('message', 'get', messageId, '--topic', UNANSWERED_TOPIC);
      expect(copy).toMatchObject({ sentTo: topic, body: 'unknown' });
      await collector.untilEmptyPolls(2 * context.brokers, FIRST_MS);
      collector.stop();
      expect(collector.seen).toEqual([]);
      await Promise.all([consumer.close(), producer.close()]);
    },
  },
];
