import { Code, RawClient, type RawMessage, type RawQueue } from '../support/raw-client';
import { type Tally } from './measure';

const BATCH = 32;
const INVISIBLE_MS = 60_000;
const POLL_MS = 5000;

/** Connections to one server, or to its proxies, used in turn. */
export class Connections {
  private readonly clients: readonly RawClient[];
  private next = 0;
  private sequence = 0;

  /** @param count connections to each endpoint */
  constructor(endpoints: readonly string[], count: number) {
    const name = (index: number): string => `bench-${process.pid}-${index}`;
    this.clients = Array.from({ length: count }, () => endpoints)
      .flat()
      .map((endpoint, index) => new RawClient(endpoint, name(index), 30_000));
  }

  take(): RawClient {
    const client = this.clients[this.next++ % this.clients.length];
    if (client === undefined) throw new Error('no connections');
    return client;
  }

  messageId(): string {
    return `BENCH${process.pid}-${this.sequence++}`;
  }

  /** The first queue of the topic; a receive on it is served from all queues of its broker. */
  async queue(topic: string): Promise<RawQueue> {
    const { status, queues } = await this.take().queryRoute(topic);
    const [queue] = queues;
    if (queue === undefined) throw new Error(`no route: ${status.code} ${status.message}`);
    return queue;
  }

  close(): void {
    for (const client of this.clients) client.close();
  }
}

/** `inFlight` sends at any time, until `more` says no. */
export async function sendWhile(
  connections: Connections,
  topic: string,
  body: Buffer,
  inFlight: number,
  tally: Tally,
  more: () => boolean,
): Promise<void> {
  const lane = async (): Promise<void> => {
    const client = connections.take();
    while (more()) {
      const start = performance.now();
      const { code } = await client.send(topic, connections.messageId(), body);
      tally.latencies.add(performance.now() - start);
      if (code === Code.OK) tally.messages++;
      else tally.failures++;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
}

/** Receives batches and acknowledges each message, until `goal` messages are done. Latency: of the receives or of the acks. */
export async function receiveAll(
  connections: Connections,
  topic: string,
  group: string,
  receivers: number,
  goal: number,
  timed: 'receives' | 'acks',
  tally: Tally,
): Promise<void> {
  const queue = await connections.queue(topic);
  const request = { group, topic, queue, invisibleMs: INVISIBLE_MS, pollMs: POLL_MS };
  const acknowledge = async (client: RawClient, message: RawMessage): Promise<void> => {
    const start = performance.now();
    const { code } = await client.ack(group, topic, message);
    if (timed === 'acks') tally.latencies.add(performance.now() - start);
    if (code === Code.OK) tally.messages++;
    else tally.failures++;
  };
  let asked = 0;
  const lane = async (): Promise<void> => {
    const client = connections.take();
    while (asked < goal) {
      // Never more than there is, or the last receive would wait for nothing.
      const batchSize = Math.min(BATCH, goal - asked);
      asked += batchSize;
      const start = performance.now();
      const { messages } = await client.receive({ ...request, batchSize });
      if (timed === 'receives') tally.latencies.add(performance.now() - start);
      asked -= batchSize - messages.length;
      await Promise.all(messages.map((message) => acknowledge(client, message)));
    }
  };
  await Promise.all(Array.from({ length: receivers }, lane));
}

/**
 * Sends at a steady rate while others receive and acknowledge. Latency: from the send's call to the receive's answer.
 * Resolves when all is acknowledged; `tidyUp` gets what is still to be waited for: long polls that end empty.
 */
export async function endToEnd(
  connections: Connections,
  topic: string,
  group: string,
  body: Buffer,
  ratePerSecond: number,
  durationMs: number,
  pass: (ms: number) => Promise<void>,
  tidyUp: Promise<unknown>[],
  tally: Tally,
): Promise<void> {
  const queue = await connections.queue(topic);
  const sentAt = new Map<string, number>();
  let sending = true;
  const receive = async (): Promise<void> => {
    const client = connections.take();
    while (sending || sentAt.size > 0) {
      const { messages } = await client.receive({
        ...{ group, topic, queue },
        ...{ batchSize: BATCH, invisibleMs: INVISIBLE_MS, pollMs: POLL_MS },
      });
      const gotMs = performance.now();
      for (const { messageId } of messages) {
        const sentMs = sentAt.get(messageId);
        if (sentMs !== undefined) tally.latencies.add(gotMs - sentMs);
        sentAt.delete(messageId);
      }
      await Promise.all(messages.map((message) => client.ack(group, topic, message)));
      tally.messages += messages.length;
      if (!sending && sentAt.size === 0) allDone();
    }
  };
  let allDone = (): void => undefined;
  const done = new Promise<void>((resolve) => (allDone = resolve));
  const receivers = Array.from({ length: 4 }, receive);
  const start = performance.now();
  const sends: Promise<void>[] = [];
  const send = async (): Promise<void> => {
    const messageId = connections.messageId();
    sentAt.set(messageId, performance.now());
    const { code } = await connections.take().send(topic, messageId, body);
    if (code === Code.OK) return;
    sentAt.delete(messageId);
    tally.failures++;
  };
  for (let sent = 0; performance.now() - start < durationMs;) {
    const due = ((performance.now() - start) * ratePerSecond) / 1000;
    for (; sent < due; sent++) sends.push(send());
    await pass(1);
  }
  await Promise.all(sends);
  sending = false;
  tidyUp.push(...receivers);
  if (sentAt.size > 0) await done;
}
