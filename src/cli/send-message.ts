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
  /** From 0 on, higher is sooner; only for a topic of type PRIORITY. */
  readonly priority?: number;
}

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

function publicMessage({ topic, body, tag, keys, properties, priority }: OutgoingMessage) {
  return {
    topic: { name: topic },
    user_properties: { ...properties },
    system_properties: {
      ...(tag === undefined ? {} : { tag }),
      keys: [...keys],
      message_id: messageId(),
      body_encoding: Encoding.IDENTITY,
      message_type: priority === undefined ? MessageType.NORMAL : MessageType.PRIORITY,
      ...(priority === undefined ? {} : { priority }),
      born_timestamp: fromMs(Date.now()),
      born_host: hostname(),
    },
    body,
  };
}

/** Like those of other clients: version 01, then 16 bytes that are nobody else's. */
function messageId(): string {
  return `01${randomBytes(16).toString('hex').toUpperCase()}`;
}
