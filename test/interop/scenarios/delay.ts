import { ClientError, type ReceivedMessage } from '../support/driver';
import { type DriverSimple } from '../support/driver-clients';
import { accessPoint, base64, type Scenario, type ScenarioContext } from '../support/scenario';

const AWAIT_MS = 3000;
/** From the send to the delivery time, at least. */
const AHEAD_MS = 3000;
/**
 * How late a client may see a message: the machine runs other things, and a poll may be on a broker that the message is
 * not on. Python picks the queue of each receive at random, so that may happen many times in a row.
 */
const lateMs = ({ brokers }: ScenarioContext): number => 2000 + (brokers - 1) * 10 * AWAIT_MS;
const MESSAGE_NOT_FOUND = 40401;

/** A whole second that lies ahead: some clients know no smaller unit. */
function soon(): number {
  return Math.ceil((Date.now() + AHEAD_MS) / 1000) * 1000;
}

/** Receives until a message came; answers it and when. */
async function next(consumer: DriverSimple): Promise<{ message: ReceivedMessage; atMs: number }> {
  for (let poll = 0; poll < 20; poll++) {
    const { messages } = await consumer.receive(16, 30_000);
    const [message, ...others] = messages;
    if (message === undefined) continue;
    expect(others).toEqual([]);
    await consumer.ack(message);
    return { message, atMs: Date.now() };
  }
  throw new Error('no message came');
}

export const delayScenarios: readonly Scenario[] = [
  {
    title: 'a delayed message comes at its time, not before',
    topicType: 'DELAY',
    async run(context) {
      const { driver, topic, group } = context;
      const options = { endpoints: accessPoint(context, 0), group, awaitMs: AWAIT_MS };
      const consumer = await driver.simple({ ...options, subscriptions: { [topic]: '*' } });
      const producer = await driver.producer(accessPoint(context, 1), [topic]);
      for (let round = 0; round < 2; round++) {
        const deliverMs = soon();
        const body = base64(`round ${round}`);
        const id = await producer.send({ topic, body, deliverMs });
        const { message, atMs } = await next(consumer);
        expect(message).toMatchObject({ messageId: id, body, attempt: 1, corrupted: false });
        expect(atMs).toBeGreaterThanOrEqual(deliverMs);
        expect(atMs).toBeLessThan(deliverMs + lateMs(context));
      }
      await producer.close();
      await consumer.close();
    },
  },
  {
    title: 'a recalled message never comes, and one that was delivered cannot be recalled',
    topicType: 'DELAY',
    unsupported: { rust: 'The crate knows no recall.' },
    async run(context) {
      const { driver, topic, group } = context;
      const options = { endpoints: accessPoint(context, 0), group, awaitMs: AWAIT_MS };
      const consumer = await driver.simple({ ...options, subscriptions: { [topic]: '*' } });
      const producer = await driver.producer(accessPoint(context, 1), [topic]);
      const deliverMs = soon();
      const gone = await producer.sendDelayed({ topic, body: base64('gone'), deliverMs });
      const kept = await producer.sendDelayed({ topic, body: base64('kept'), deliverMs });
      // Once more: the same answer.
      for (let i = 0; i < 2; i++) {
        expect(await producer.recall(topic, gone.recallHandle)).toBe(gone.messageId);
      }
      const { message } = await next(consumer);
      expect(message.messageId).toBe(kept.messageId);
      const tooLate = await producer
        .recall(topic, kept.recallHandle)
        .catch((error: unknown) => error);
      // The Python client takes MESSAGE_NOT_FOUND for no failure, but has no id; the Node client fails without the code.
      const codes = driver.client === 'node' ? [undefined] : [MESSAGE_NOT_FOUND];
      if (tooLate instanceof ClientError) expect(codes).toContain(tooLate.code);
      else expect([driver.client, tooLate]).toEqual(['python', '']);
      expect((await consumer.receive(16, 30_000)).messages).toEqual([]);
      await producer.close();
      await consumer.close();
    },
  },
];
