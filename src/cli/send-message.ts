/** One SendMessage over the public API. */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';

import { fromMs } from '../message/time';
import { Encoding } from '../rpc/generated/apache/rocketmq/v2/Encoding';
import { MessageType } from '../rpc/generated/apache/rocketmq/v2/MessageType';
import type { SendMessageResponse__Output } from '../rpc/generated/apache/rocketmq/v2/SendMessageResponse';
import type { Endpoint } from './endpoint';
import { check, PublicClient } from './public-client';

export interface OutgoingMessage {
  readonly topic: string;
  readonly body: Buffer;
  readonly tag: string | undefined;
  readonly keys: readonly string[];
  readonly properties: Readonly<Record<string, string>>;
  /** Absent: a normal one. */
  readonly kind?: MessageKind;
}

/** What a message of a topic of that type has, and no other. */
export type MessageKind =
  | { readonly type: 'PRIORITY'; /** From 0 on, higher is sooner. */ readonly priority: number }
  | { readonly type: 'FIFO'; readonly group: string }
  | { readonly type: 'DELAY'; /** From now on, milliseconds. */ readonly delayMs: number }
  | { readonly type: 'LITE'; readonly liteTopic: string };

export interface SentMessage {
  readonly messageId: string;
  /** Within its queue. */
  readonly offset: number;
}

/** @throws StatusError with what the proxy says, Error when nothing answers */
export async function sendMessage(
  endpoint: Endpoint,
  message: OutgoingMessage,
): Promise<SentMessage> {
  const client = new PublicClient(endpoint);
  try {
    const { entries } = await client.call<SendMessageResponse__Output>(
      (service, metadata, options, callback) =>
        service.SendMessage({ messages: [publicMessage(message)] }, metadata, options, callback),
    );
    const [entry] = entries;
    if (entry === undefined) throw new Error(`${endpoint.address} answered without a result`);
    check(entry.status);
    return { messageId: entry.message_id, offset: entry.offset };
  } finally {
    client.close();
  }
}

function publicMessage({ topic, body, tag, keys, properties, kind }: OutgoingMessage) {
  return {
    topic: { name: topic },
    user_properties: { ...properties },
    system_properties: {
      ...(tag === undefined ? {} : { tag }),
      keys: [...keys],
      message_id: messageId(),
      body_encoding: Encoding.IDENTITY,
      ...publicKind(kind),
      born_timestamp: fromMs(Date.now()),
      born_host: hostname(),
    },
    body,
  };
}

function publicKind(kind: MessageKind | undefined) {
  switch (kind?.type) {
    case undefined:
      return { message_type: MessageType.NORMAL };
    case 'PRIORITY':
      return { message_type: MessageType.PRIORITY, priority: kind.priority };
    case 'FIFO':
      return { message_type: MessageType.FIFO, message_group: kind.group };
    case 'DELAY':
      return {
        message_type: MessageType.DELAY,
        delivery_timestamp: fromMs(Date.now() + kind.delayMs),
      };
    case 'LITE':
      return { message_type: MessageType.LITE, lite_topic: kind.liteTopic };
  }
}

/** Like those of other clients: version 01, then 16 bytes that are nobody else's. */
function messageId(): string {
  return `01${randomBytes(16).toString('hex').toUpperCase()}`;
}
