import { Collector } from './collector';
import type { Driver } from './driver';
import { base64 } from './scenario';

/** A message goes through: sent, received, acknowledged, and not received again. */
export async function passOneMessage(
  driver: Driver,
  endpoints: string,
  topic: string,
  group: string,
): Promise<void> {
  const consumer = await driver.simple({
    endpoints,
    group,
    subscriptions: { [topic]: '*' },
    awaitMs: 3000,
  });
  const producer = await driver.producer(endpoints, [topic]);
  const body = base64('Hello, Gantry');
  const messageId = await producer.send({ topic, body });
  const collector = new Collector([consumer], { invisibleMs: 2000, lanes: 1 });
  await collector.untilSeen(1, 30_000);
  await collector.untilEmptyPolls(1, 30_000);
  collector.stop();
  expect(collector.seen.map(({ message }) => [message.messageId, message.body])).toEqual([
    [messageId, body],
  ]);
}
