/** The Node client behind the protocol of test/interop/PROTOCOL.md. */
import { createInterface } from 'node:readline';
import {
  ConsumeResult,
  FilterExpression,
  type LitePushConsumer,
  LitePushConsumerBuilder,
  type MessageListener,
  OffsetOption,
  Producer,
  PushConsumer,
  SimpleConsumer,
  type MessageView,
  type TransactionChecker,
} from 'rocketmq-client-nodejs';
import { version } from 'rocketmq-client-nodejs/package.json';

interface Request {
  readonly id: number;
  readonly op: string;
  readonly name: string;
  readonly endpoints: string;
  readonly topics: string[];
  readonly topic: string;
  readonly body: string;
  readonly tag?: string;
  readonly keys?: string[];
  readonly properties?: Record<string, string>;
  readonly messageGroup?: string;
  readonly deliverMs?: number;
  readonly priority?: number;
  readonly liteTopic?: string;
  readonly transaction?: boolean;
  readonly checker?: keyof typeof RESOLUTIONS;
  readonly messageId: string;
  readonly resolution: 'commit' | 'rollback';
  readonly recallHandle: string;
  readonly group: string;
  readonly parent: string;
  readonly fromBeginning?: boolean;
  readonly subscriptions: Record<string, string | { readonly sql: string }>;
  readonly awaitMs: number;
  readonly max: number;
  readonly invisibleMs: number;
  readonly message: number;
  readonly failBelowAttempt: number;
}

const sslEnabled = process.env['DRIVER_TLS'] === 'true';
const quiet = (): void => undefined;
const logger = { debug: quiet, info: quiet, warn: quiet, error: quiet };
const producers = new Map<string, Producer>();
const simples = new Map<string, SimpleConsumer>();
const pushes = new Map<string, PushConsumer>();
const litePushes = new Map<string, LitePushConsumer>();
const transactions = new Map<string, ReturnType<Producer['beginTransaction']>>();
const received: MessageView[] = [];

const write = (line: unknown): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

function known<T>(map: ReadonlyMap<string, T>, name: string): T {
  const client = map.get(name);
  if (client === undefined) throw new Error(`no client or transaction ${name}`);
  return client;
}

/** The package does not export the enums; the wire's values. */
const SQL = 2;
const RESOLUTIONS = { unknown: 0, commit: 1, rollback: 2 } as const;

function subscriptionsOf({ subscriptions }: Request): Map<string, FilterExpression> {
  return new Map(
    Object.entries(subscriptions).map(([topic, filter]) => [
      topic,
      typeof filter === 'string'
        ? new FilterExpression(filter)
        : new FilterExpression(filter.sql, SQL),
    ]),
  );
}

function show(view: MessageView): object {
  return {
    number: received.push(view) - 1,
    messageId: view.messageId,
    topic: view.topic,
    body: view.body.toString('base64'),
    tag: view.tag ?? '',
    keys: view.keys,
    properties: Object.fromEntries(view.properties),
    attempt: view.deliveryAttempt,
    corrupted: view.corrupted === true,
    ...(view.priority === undefined ? {} : { priority: view.priority }),
    ...(view.liteTopic === undefined ? {} : { liteTopic: view.liteTopic }),
  };
}

function view(number: number): MessageView {
  const message = received[number];
  if (message === undefined) throw new Error(`no message ${number}`);
  return message;
}

async function send(request: Request): Promise<object> {
  const producer = known(producers, request.name);
  const transaction = request.transaction === true ? producer.beginTransaction() : undefined;
  const message = {
    topic: request.topic,
    body: Buffer.from(request.body, 'base64'),
    ...(request.tag === undefined ? {} : { tag: request.tag }),
    ...(request.keys === undefined ? {} : { keys: request.keys }),
    ...(request.messageGroup === undefined ? {} : { messageGroup: request.messageGroup }),
    ...(request.deliverMs === undefined ? {} : { deliveryTimestamp: new Date(request.deliverMs) }),
    ...(request.priority === undefined ? {} : { priority: request.priority }),
    ...(request.liteTopic === undefined ? {} : { liteTopic: request.liteTopic }),
    properties: new Map(Object.entries(request.properties ?? {})),
  };
  const { messageId, recallHandle } = await producer.send(message, transaction);
  if (transaction !== undefined) transactions.set(messageId, transaction);
  return { messageId, recallHandle };
}

async function end({ messageId, resolution }: Request): Promise<object> {
  await known(transactions, messageId)[resolution]();
  return {};
}

async function recall({ name, topic, recallHandle }: Request): Promise<object> {
  const receipt = await known(producers, name).recallMessage(topic, recallHandle);
  return { messageId: receipt.messageId };
}

async function startProducer(request: Request): Promise<object> {
  const { name, endpoints, topics, checker } = request;
  const producer = new Producer({
    ...{ endpoints, topics, sslEnabled, namespace: '', logger },
    ...(checker === undefined ? {} : { checker: checkerOf(name, RESOLUTIONS[checker]) }),
  });
  await producer.startup();
  producers.set(name, producer);
  return {};
}

function checkerOf(name: string, resolution: number): TransactionChecker {
  return {
    check: async (message) => {
      write({ event: 'check', name, message: show(message) });
      return resolution;
    },
  };
}

async function startSimple(request: Request): Promise<object> {
  const consumer = new SimpleConsumer({
    endpoints: request.endpoints,
    sslEnabled,
    namespace: '',
    consumerGroup: request.group,
    subscriptions: subscriptionsOf(request),
    awaitDuration: request.awaitMs,
    logger,
  });
  await consumer.startup();
  simples.set(request.name, consumer);
  return {};
}

function listenerOf({ name, failBelowAttempt }: Request): MessageListener {
  return {
    consume: (message) => {
      write({ event: 'message', name, message: show(message) });
      return (message.deliveryAttempt ?? 0) < failBelowAttempt
        ? ConsumeResult.FAILURE
        : ConsumeResult.SUCCESS;
    },
  };
}

async function startPush(request: Request): Promise<object> {
  const consumer = new PushConsumer({
    endpoints: request.endpoints,
    sslEnabled,
    namespace: '',
    consumerGroup: request.group,
    subscriptions: subscriptionsOf(request),
    messageListener: listenerOf(request),
    logger,
  });
  await consumer.startup();
  pushes.set(request.name, consumer);
  return {};
}

async function startLitePush(request: Request): Promise<object> {
  const { name, endpoints, group, parent } = request;
  const consumer = await new LitePushConsumerBuilder()
    .bindTopic(parent)
    .setClientConfiguration({ endpoints, sslEnabled, namespace: '', logger })
    .setConsumerGroup(group)
    .setMessageListener(listenerOf(request))
    .build();
  litePushes.set(name, consumer);
  return {};
}

async function subscribeLite(request: Request): Promise<object> {
  const consumer = known(litePushes, request.name);
  const { liteTopic = '' } = request;
  if (request.fromBeginning === true) {
    await consumer.subscribeLite(liteTopic, OffsetOption.MIN_OFFSET);
  } else {
    await consumer.subscribeLite(liteTopic);
  }
  return {};
}

async function receive(request: Request): Promise<object> {
  const start = performance.now();
  const messages = await known(simples, request.name).receive(request.max, request.invisibleMs);
  return { messages: messages.map(show), elapsedMs: performance.now() - start };
}

async function close(name: string): Promise<object> {
  for (const map of [producers, simples, pushes]) {
    await map.get(name)?.shutdown();
    map.delete(name);
  }
  await litePushes.get(name)?.close();
  litePushes.delete(name);
  return {};
}

async function answer(request: Request): Promise<object> {
  switch (request.op) {
    case 'hello':
      return { client: 'rocketmq-client-nodejs', version };
    case 'producer':
      return startProducer(request);
    case 'send':
      return send(request);
    case 'end':
      return end(request);
    case 'recall':
      return recall(request);
    case 'simple':
      return startSimple(request);
    case 'receive':
      return receive(request);
    case 'ack':
      await known(simples, request.name).ack(view(request.message));
      return {};
    case 'change':
      await known(simples, request.name).changeInvisibleDuration(
        view(request.message),
        request.invisibleMs,
      );
      return {};
    case 'push':
      return startPush(request);
    case 'litePush':
      return startLitePush(request);
    case 'subscribeLite':
      return subscribeLite(request);
    case 'unsubscribeLite':
      await known(litePushes, request.name).unsubscribeLite(request.liteTopic ?? '');
      return {};
    case 'close':
      return close(request.name);
    default:
      throw new Error(`unknown op ${request.op}`);
  }
}

/** The status code of the API, in the error or in one it was made from. */
function codeOf(error: unknown): number | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('code' in at && typeof at.code === 'number') return at.code;
  }
  return undefined;
}

async function serve(line: string): Promise<void> {
  const request = JSON.parse(line) as Request;
  try {
    write({ id: request.id, result: await answer(request) });
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    write({ id: request.id, error: { name, message, code: codeOf(error) } });
  }
}

const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => void serve(line));
lines.on('close', () => process.exit(0));
