import type { ReceivedMessage } from '../support/driver';
import { accessPoint, base64, type Scenario } from '../support/scenario';

/** From 1 on: the Node client takes a priority of 0 for none, and its message for a NORMAL one. */
const PRIORITIES = [2, 5, 1, 4, 3] as const;
const EACH = 4;

/** How many brokers' answers the priorities can be put together from, at least, each in falling order. */
function brokersOf(priorities: readonly number[]): number {
  const lasts: number[] = [];
  for (const priority of priorities) {
    const best = lasts.filter((last) => last >= priority).sort((a, b) => a - b)[0];
    if (best === undefined) lasts.push(priority);
    else lasts[lasts.indexOf(best)] = priority;
  }
  return lasts.length;
}

export const priorityScenarios: readonly Scenario[] = [
  {
    title: 'of the messages that wait on a broker, those with a higher priority come first',
    topicType: 'PRIORITY',
    unsupported: { rust: 'The crate knows no priority.' },
    async run(context) {
      const { driver, topic, group, brokers } = context;
      const options = { endpoints: accessPoint(context, 0), group, awaitMs: 3000 };
      const consumer = await driver.simple({ ...options, subscriptions: { [topic]: '*' } });
      const producer = await driver.producer(accessPoint(context, 1), [topic]);
      for (let round = 0; round < EACH; round++) {
        for (const priority of PRIORITIES) {
          await producer.send({ topic, body: base64(`${priority} ${round}`), priority });
        }
      }
      const seen: ReceivedMessage[] = [];
      const count = EACH * PRIORITIES.length;
      for (let poll = 0; poll < 4 * count && seen.length < count; poll++) {
        const { messages } = await consumer.receive(3, 60_000);
        for (const message of messages) await consumer.ack(message);
        seen.push(...messages);
      }
      expect(seen).toHaveLength(count);
      for (const { body, priority } of seen) {
        expect(Buffer.from(body, 'base64').toString()).toMatch(new RegExp(`^${priority} `));
      }
      expect(brokersOf(seen.map(({ priority }) => priority ?? 0))).toBeLessThanOrEqual(brokers);
      await producer.close();
      await consumer.close();
    },
  },
];
