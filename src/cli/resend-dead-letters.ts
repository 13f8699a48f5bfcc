/**
 * Sends dead letters to the topics that they came from. Each one is sent, and only when that is stored
 * acknowledged for a group of consumers of its own: a run that dies between the two sends one again, and
 * loses none. Its message id is new, or the topic would take it for a repeated send of the first one, but the
 * same each time that this dead letter is sent: so a repetition is known as one.
 */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { DEFAULT_BACKOFF, type TopicType } from '../api/topic';
import { DLQ_PREFIX } from '../message/names';
import { Code, StatusError } from '../message/status';
import { fromMs, toMs } from '../message/time';
import { Encoding } from '../rpc/generated/apache/rocketmq/v2/Encoding';
import type { Message__Output } from '../rpc/generated/apache/rocketmq/v2/Message';
import { MessageType } from '../rpc/generated/apache/rocketmq/v2/MessageType';
import type { SendMessageResponse__Output } from '../rpc/generated/apache/rocketmq/v2/SendMessageResponse';
import type { SystemProperties__Output } from '../rpc/generated/apache/rocketmq/v2/SystemProperties';
import { withAdmin } from './admin-access';
import type { Endpoint } from './endpoint';
import { existingGroup } from './existing-group';
import { check, PublicClient } from './public-client';
import { acknowledge, giveBack, poll, type PollOrder } from './receive-messages';

/** Remembers, for each dead letter queue, what was sent again. */
const RESEND_GROUP = 'gantry-dlq-resend';
/** The most that a group may have: a run that was ended counts as an attempt. */
const MAX_ATTEMPTS = 1000;
const BATCH = 16;
/** Longer than a batch takes at the lowest rate. */
const INVISIBLE_MS = 60_000;
/** A run with more refusals ends. */
const MAX_KEPT = 1000;

export interface ResendOrder {
  /** Whose dead letters. */
  readonly group: string;
  readonly ratePerSecond: number;
  /** Messages, at most. */
  readonly max: number;
}

export interface ResendResult {
  readonly resent: number;
  /** Those that their topics did not take; they stay dead letters. */
  readonly kept: readonly { readonly messageId: string; readonly reason: string }[];
}

/**
 * Sends again what was given up before now.
 * @param onProgress how far it is in the time from the first one to now
 * @throws StatusError with what the proxy says, Error when nothing answers
 */
export async function resendDeadLetters(
  endpoint: Endpoint,
  order: ResendOrder,
  onProgress: (done: number, total: number) => void,
): Promise<ResendResult> {
  const types = await prepare(endpoint, order.group);
  if (!types.has(DLQ_PREFIX + order.group)) return { resent: 0, kept: [] };
  const client = new PublicClient(endpoint);
  try {
    return await new Resend(client, order, types, onProgress).run();
  } finally {
    client.close();
  }
}

class Resend {
  private readonly startMs = Date.now();
  private readonly polls: PollOrder;
  /** By message id; one that comes again takes the place of its older delivery. */
  private readonly failed = new Map<string, { message: Message__Output; reason: string }>();
  private resent = 0;
  private firstMs: number | undefined;
  private nextSendMs = performance.now();

  constructor(
    private readonly client: PublicClient,
    private readonly order: ResendOrder,
    private readonly types: ReadonlyMap<string, TopicType>,
    private readonly onProgress: (done: number, total: number) => void,
  ) {
    const topic = DLQ_PREFIX + order.group;
    this.polls = { topic, group: RESEND_GROUP, invisibleMs: INVISIBLE_MS, tags: '*' };
  }

  async run(): Promise<ResendResult> {
    while (this.wanted > 0 && this.failed.size < MAX_KEPT) {
      const messages = await poll(this.client, this.polls, Math.min(BATCH, this.wanted), 0);
      if (messages.length === 0) break;
      let newer = false;
      for (const message of messages) {
        // What is given up again meanwhile is for the next run, or this one had no end.
        newer ||= storedMs(message) > this.startMs;
        if (newer || this.wanted === 0) await giveBack(this.client, this.polls, message);
        else await this.one(message);
      }
      if (newer) break;
    }
    for (const { message } of this.failed.values()) {
      await giveBack(this.client, this.polls, message);
    }
    const kept = [...this.failed].map(([messageId, { reason }]) => ({ messageId, reason }));
    return { resent: this.resent, kept };
  }

  private get wanted(): number {
    return this.order.max - this.resent;
  }

  private async one(message: Message__Output): Promise<void> {
    await this.pace();
    try {
      await this.send(message);
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      const id = message.system_properties?.message_id ?? '';
      this.failed.set(id, { message, reason: error.message });
      return;
    }
    await acknowledge(this.client, this.polls, message);
    this.resent++;
    this.firstMs ??= storedMs(message);
    this.onProgress(storedMs(message) - this.firstMs, this.startMs - this.firstMs);
  }

  private async pace(): Promise<void> {
    const now = performance.now();
    if (this.nextSendMs > now) await sleep(this.nextSendMs - now);
    this.nextSendMs = Math.max(this.nextSendMs, now) + 1000 / this.order.ratePerSecond;
  }

  private async send(letter: Message__Output): Promise<void> {
    const message = this.again(letter);
    const { entries } = await this.client.call<SendMessageResponse__Output>(
      (service, metadata, options, callback) =>
        service.SendMessage({ messages: [message] }, metadata, options, callback),
    );
    for (const { status } of entries) check(status);
  }

  /** The message as it was sent at first: same body, tag, keys, properties, message group and priority. */
  private again({ user_properties, system_properties: system, body }: Message__Output) {
    const topic = system?.dead_letter_queue?.topic ?? '';
    if (topic === '') {
      throw new StatusError(Code.BAD_REQUEST, 'it does not say which topic it came from');
    }
    const type = this.types.get(topic);
    if (type === undefined) {
      throw new StatusError(Code.TOPIC_NOT_FOUND, `topic ${topic} does not exist`);
    }
    const { tag, message_group: group, trace_context: trace } = system ?? {};
    return {
      topic: { name: topic },
      user_properties,
      system_properties: {
        ...(tag === undefined ? {} : { tag }),
        keys: system?.keys ?? [],
        message_id: resentId(system),
        body_encoding: system?.body_encoding === Encoding.GZIP ? Encoding.GZIP : Encoding.IDENTITY,
        ...typeOf(type, group, system?.priority),
        ...(trace === undefined ? {} : { trace_context: trace }),
        born_timestamp: system?.born_timestamp ?? null,
        born_host: system?.born_host ?? '',
      },
      body,
    };
  }
}

/** Like the ids of clients: version 01, then 16 bytes, here of the dead letter's id and place. */
function resentId(system: SystemProperties__Output | null): string {
  const { message_id: id = '', queue_id: queue = 0, queue_offset: offset = 0 } = system ?? {};
  const place = `${id} ${system?.store_host ?? ''} ${queue} ${String(offset)}`;
  const hash = createHash('sha256').update(place).digest('hex').slice(0, 32);
  return `01${hash.toUpperCase()}`;
}

/** What its topic asks of a message: an order, a priority, or a time, which is now. */
function typeOf(type: TopicType, group: string | undefined, priority: number | undefined) {
  if (type === 'FIFO' || (type === 'MIXED' && group !== undefined)) {
    return {
      message_type: MessageType.FIFO,
      ...(group === undefined ? {} : { message_group: group }),
    };
  }
  if (type === 'PRIORITY') {
    return { message_type: MessageType.PRIORITY, priority: priority ?? 0 };
  }
  if (type === 'DELAY') {
    return { message_type: MessageType.DELAY, delivery_timestamp: fromMs(Date.now()) };
  }
  return { message_type: MessageType.NORMAL };
}

function storedMs({ system_properties: system }: Message__Output): number {
  return toMs(system?.store_timestamp);
}

/** Makes the group that remembers, unless it exists. Answers the types of all topics. */
function prepare(endpoint: Endpoint, group: string): Promise<ReadonlyMap<string, TopicType>> {
  return withAdmin(endpoint, async (admin) => {
    const topics = await admin.listTopics();
    const types = new Map(topics.map(({ name, type }) => [name, type]));
    if (!types.has(DLQ_PREFIX + group)) {
      await existingGroup(admin, group);
      return types;
    }
    const groups = await admin.listGroups();
    if (!groups.some(({ name }) => name === RESEND_GROUP)) {
      await admin.putGroup({
        ...{ name: RESEND_GROUP, fifo: false, maxAttempts: MAX_ATTEMPTS },
        ...{ backoff: DEFAULT_BACKOFF, startFrom: 'beginning' },
      });
    }
    return types;
  });
}
