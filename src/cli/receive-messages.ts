/**
 * Receives over the public API: a poll at each broker that holds the topic. The first poll with messages
 * ends those that have none yet; what comes beyond the number wanted is given back.
 */
import { isUtf8 } from 'node:buffer';
import { gunzipSync } from 'node:zlib';

import { DEFAULT_BACKOFF, DEFAULT_MAX_ATTEMPTS } from '../api/topic';
import { fromMs, toMs } from '../message/time';
import { Encoding } from '../rpc/generated/apache/rocketmq/v2/Encoding';
import { FilterType } from '../rpc/generated/apache/rocketmq/v2/FilterType';
import type { Message__Output } from '../rpc/generated/apache/rocketmq/v2/Message';
import type { QueryRouteResponse__Output } from '../rpc/generated/apache/rocketmq/v2/QueryRouteResponse';
import { withAdmin } from './admin-access';
import type { Endpoint } from './endpoint';
import { PublicClient } from './public-client';

/** What each poll of a command has in common. */
export interface PollOrder {
  readonly topic: string;
  readonly group: string;
  readonly invisibleMs: number;
  /** `*` for all, else tags joined by two bars. */
  readonly tags: string;
}

export interface ReceiveOrder extends PollOrder {
  /** Messages, at most. */
  readonly max: number;
  /** For all of them together. */
  readonly waitMs: number;
  /** Whether a group that does not exist yet starts at the oldest message. */
  readonly fromBeginning: boolean;
  readonly acknowledge: boolean;
}

export interface ReceivedMessage {
  readonly messageId: string;
  readonly topic: string;
  readonly tag?: string;
  readonly keys: readonly string[];
  readonly properties: Readonly<Record<string, string>>;
  /** Where it has one. */
  readonly priority?: number;
  /** 1 on first delivery. */
  readonly attempt: number;
  /** Within its queue. */
  readonly offset: number;
  /** ISO 8601. */
  readonly storedAt: string;
  /** The body where it is UTF-8, else `bodyBase64`. */
  readonly body?: string;
  readonly bodyBase64?: string;
}

/** The API's largest batch. */
const MAX_BATCH = 32;
/** The longest that one poll may take: proxies answer after 20 s at the latest. */
const POLL_MS = 30_000;
const MAX_UNZIPPED_BYTES = 64 * 1024 * 1024;

/**
 * Calls `take` with each message before it is acknowledged.
 * @throws StatusError with what the proxy says, Error when nothing answers
 */
export async function receiveMessages(
  endpoint: Endpoint,
  order: ReceiveOrder,
  take: (message: ReceivedMessage) => void,
): Promise<void> {
  if (order.fromBeginning) await makeGroup(endpoint, order);
  const client = new PublicClient(endpoint);
  try {
    const end = performance.now() + order.waitMs;
    let wanted = order.max;
    do {
      const left = Math.max(0, end - performance.now());
      const messages = await poll(client, order, Math.min(wanted, MAX_BATCH), left);
      const kept = messages.slice(0, wanted);
      for (const message of kept) {
        take(view(message));
        if (order.acknowledge) await acknowledge(client, order, message);
      }
      for (const message of messages.slice(wanted)) await giveBack(client, order, message);
      wanted -= kept.length;
    } while (wanted > 0 && performance.now() < end);
  } finally {
    client.close();
  }
}

/** Makes the group start at the beginning, unless it exists: then it goes on where it is. */
function makeGroup(endpoint: Endpoint, { group, topic }: ReceiveOrder): Promise<void> {
  return withAdmin(endpoint, async (admin) => {
    const known = await admin.listGroups();
    if (known.some(({ name }) => name === group)) return;
    const found = (await admin.listTopics()).find(({ name }) => name === topic);
    await admin.putGroup({
      name: group,
      fifo: found?.type === 'FIFO',
      maxAttempts: DEFAULT_MAX_ATTEMPTS,
      backoff: DEFAULT_BACKOFF,
      startFrom: 'beginning',
    });
  });
}

/** Receives once at each broker that holds the topic. */
export async function poll(
  client: PublicClient,
  order: PollOrder,
  batch: number,
  waitMs: number,
): Promise<readonly Message__Output[]> {
  const brokers = await brokersOf(client, order.topic);
  const polls = brokers.map((broker) =>
    client.receive(
      {
        group: { name: order.group },
        message_queue: { topic: { name: order.topic }, broker: { name: broker } },
        filter_expression: { type: FilterType.TAG, expression: order.tags },
        batch_size: batch,
        invisible_duration: fromMs(order.invisibleMs),
        long_polling_timeout: fromMs(waitMs),
      },
      POLL_MS,
    ),
  );
  const endAll = (): void => polls.forEach((one) => one.end());
  const timer = setTimeout(endAll, Math.max(waitMs, GRACE_MS));
  const first = polls.map(async (one) => {
    const messages = await one.messages;
    if (messages.length > 0) endAll();
    return messages;
  });
  try {
    return (await Promise.all(first)).flat();
  } finally {
    clearTimeout(timer);
    endAll();
  }
}

/** What is there already comes within this time, also when no wait is wanted. */
const GRACE_MS = 500;

async function brokersOf(client: PublicClient, topic: string): Promise<readonly string[]> {
  const { message_queues: queues } = await client.call<QueryRouteResponse__Output>(
    (service, metadata, options, callback) =>
      service.QueryRoute({ topic: { name: topic } }, metadata, options, callback),
  );
  return [...new Set(queues.map(({ broker }) => broker?.name ?? ''))];
}

export function acknowledge(
  client: PublicClient,
  { group, topic }: PollOrder,
  message: Message__Output,
): Promise<unknown> {
  const entry = handleOf(message);
  return client.call((service, metadata, options, callback) =>
    service.AckMessage(
      { group: { name: group }, topic: { name: topic }, entries: [entry] },
      metadata,
      options,
      callback,
    ),
  );
}

/** Visible at once, and no attempt counted. */
export function giveBack(
  client: PublicClient,
  { group, topic }: PollOrder,
  message: Message__Output,
): Promise<unknown> {
  const request = {
    group: { name: group },
    topic: { name: topic },
    ...handleOf(message),
    invisible_duration: fromMs(0),
    suspend: true,
  };
  return client.call((service, metadata, options, callback) =>
    service.ChangeInvisibleDuration(request, metadata, options, callback),
  );
}

function handleOf({ system_properties: system }: Message__Output) {
  return {
    message_id: system?.message_id ?? '',
    receipt_handle: system?.receipt_handle ?? '',
  };
}

function view(message: Message__Output): ReceivedMessage {
  const { topic, user_properties: properties, system_properties: system } = message;
  const body =
    system?.body_encoding === Encoding.GZIP
      ? gunzipSync(message.body, { maxOutputLength: MAX_UNZIPPED_BYTES })
      : message.body;
  return {
    messageId: system?.message_id ?? '',
    topic: topic?.name ?? '',
    ...(system?.tag === undefined ? {} : { tag: system.tag }),
    keys: system?.keys ?? [],
    properties,
    ...(system?.priority === undefined ? {} : { priority: system.priority }),
    attempt: system?.delivery_attempt ?? 0,
    offset: system?.queue_offset ?? 0,
    storedAt: new Date(toMs(system?.store_timestamp)).toISOString(),
    ...(isUtf8(body) ? { body: body.toString() } : { bodyBase64: body.toString('base64') }),
  };
}
