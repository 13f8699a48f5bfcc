/** QueryMessage, AdminSendMessage: stored messages by id, by key and by time, and one from a console. */
import type { FoundMessage } from '../../api/message-search';
import { MessageType, Encoding } from '../../message/public-message';
import { readRecord } from '../../message/record';
import { Code, StatusError } from '../../message/status';
import { fromMs, toMs } from '../../message/time';
import { peerAddress } from '../../rpc/call-context';
import type { AdminHandlers } from '../../rpc/generated/apache/rocketmq/v2/Admin';
import type { AdminSendMessageRequest__Output } from '../../rpc/generated/apache/rocketmq/v2/AdminSendMessageRequest';
import type { AdminSendMessageResponse } from '../../rpc/generated/apache/rocketmq/v2/AdminSendMessageResponse';
import type { ListMessageRequest__Output } from '../../rpc/generated/apache/rocketmq/v2/ListMessageRequest';
import type { ListMessageResponse } from '../../rpc/generated/apache/rocketmq/v2/ListMessageResponse';
import { OK_STATUS } from '../calls';
import { asSent } from '../codec/public-message';
import {
  adminCall,
  type AdminCallParts,
  refuseLiteTopic,
  resource,
  topicNameOf,
} from './admin-call';
import { pageByTime } from './message-pages';

type Handlers = Pick<AdminHandlers, 'QueryMessage' | 'AdminSendMessage'>;

const MAX_MESSAGES = 64;

export function messageHandlers(shared: AdminCallParts): Handlers {
  return {
    QueryMessage: adminCall(shared, (request) => query(shared, request)),
    AdminSendMessage: adminCall(shared, (request, call) => send(shared, request, call.getPeer())),
  };
}

/** All copies: a producer that sends again after a timeout may store its message twice. */
export async function messagesById(
  { admin }: AdminCallParts,
  topic: string,
  id: string,
): Promise<readonly FoundMessage[]> {
  const { messages } = await admin.findMessages({
    ...{ topic, by: 'id', key: id, maxMessages: MAX_MESSAGES },
    ...{ beginMs: 0, endMs: Number.MAX_SAFE_INTEGER },
  });
  return messages;
}

async function query(
  shared: AdminCallParts,
  request: ListMessageRequest__Output,
): Promise<ListMessageResponse> {
  refuseLiteTopic(request.lite_topic);
  if (request.subscription !== undefined && request.subscription !== '') {
    throw new StatusError(Code.UNSUPPORTED, 'messages are not found by subscription');
  }
  const { topic: asked, message_id: id = '', message_key: key = '' } = request;
  // An id is found without a topic, too.
  const topic = id !== '' && (asked?.name ?? '') === '' ? '' : topicNameOf(asked);
  if (id === '' && key === '') {
    const page = await pageByTime(shared.parts, topic, {
      ...timesOf(request),
      ...{ maxMessages: countOf(request), scrollId: request.scroll_id ?? '' },
      ...placeOf(request),
    });
    return answer(page.messages, page.scrollId);
  }
  const found = await (id === ''
    ? byKey(shared, topic, key, request)
    : messagesById(shared, topic, id));
  const wanted = found.filter((message) => isAt(message, request));
  return answer(wanted.slice(0, countOf(request)), '');
}

async function byKey(
  { admin }: AdminCallParts,
  topic: string,
  key: string,
  request: ListMessageRequest__Output,
): Promise<readonly FoundMessage[]> {
  const search = { topic, by: 'key', key, maxMessages: MAX_MESSAGES, ...timesOf(request) } as const;
  return (await admin.findMessages(search)).messages;
}

function answer(found: readonly FoundMessage[], scrollId: string): ListMessageResponse {
  const messages = found.map(({ record }) => asSent(record, resource(readRecord(record, 0).topic)));
  return { status: OK_STATUS, messages, scroll_id: scrollId };
}

/** @throws StatusError BAD_REQUEST */
function timesOf(request: ListMessageRequest__Output): { beginMs: number; endMs: number } {
  const beginMs = toMs(request.begin_timestamp);
  const endMs = request.end_timestamp ? toMs(request.end_timestamp) : Number.MAX_SAFE_INTEGER;
  if (beginMs >= 0 && beginMs <= endMs) return { beginMs, endMs };
  throw new StatusError(
    Code.BAD_REQUEST,
    `begin_timestamp is ${beginMs} ms, it must be 0 .. end_timestamp, which is ${endMs} ms`,
  );
}

/**
 * Messages of one answer: the smaller of max_message_nums and page_size where they are given.
 * @throws StatusError BAD_REQUEST
 */
function countOf(request: ListMessageRequest__Output): number {
  const { max_message_nums: max, page_size: size = 0, page_num: page = 1 } = request;
  if (max < 0 || size < 0) {
    throw new StatusError(
      Code.BAD_REQUEST,
      `max_message_nums is ${max}, page_size ${size}, they must not be negative`,
    );
  }
  if (page > 1) {
    throw new StatusError(
      Code.BAD_REQUEST,
      `page_num is ${page}: pages behind the first are found with scroll_id`,
    );
  }
  return Math.min(...[max, size].filter((count) => count > 0), MAX_MESSAGES);
}

function placeOf({ broker_name: broker = '', queue_id: queueId }: ListMessageRequest__Output): {
  readonly broker: string;
  readonly queueId: number | undefined;
} {
  return { broker, queueId };
}

function isAt({ broker, record }: FoundMessage, request: ListMessageRequest__Output): boolean {
  const place = placeOf(request);
  if (place.broker !== '' && place.broker !== broker) return false;
  return place.queueId === undefined || place.queueId === readRecord(record, 0).queueId;
}

/** Goes the way of any message that a producer sends. */
async function send(
  { parts, sending }: AdminCallParts,
  request: AdminSendMessageRequest__Output,
  peer: string,
): Promise<AdminSendMessageResponse> {
  const protocol = request.ext_info['protocol_type'] ?? 'GRPC_V2';
  if (protocol !== 'GRPC_V2') {
    throw new StatusError(Code.UNSUPPORTED, `protocol_type is ${protocol}, GRPC_V2 is served`);
  }
  const { clock, random } = parts.platform;
  const system = request.system_properties;
  const { tag = system?.tag, key } = request;
  const messageId = system?.message_id || newMessageId(random);
  const { status, entries = [] } = await sending.send(
    {
      messages: [
        {
          topic: resource(topicNameOf(request.topic)),
          user_properties: request.user_properties,
          body: request.body,
          system_properties: {
            ...system,
            ...(tag === undefined ? {} : { tag }),
            keys: key === undefined ? (system?.keys ?? []) : [key],
            message_id: messageId,
            body_encoding: system?.body_encoding || Encoding.IDENTITY,
            message_type: system?.message_type || MessageType.NORMAL,
            born_timestamp: system?.born_timestamp ?? fromMs(clock.wallMs()),
            born_host: system?.born_host ?? '',
          },
        },
      ],
    },
    { peer: peerAddress(peer), remainingMs: undefined },
  );
  return { status, message_id: entries[0]?.message_id ?? '' };
}

/** Like those of clients: version 01, then 16 bytes that are nobody else's. */
function newMessageId(random: { uint32(): number }): string {
  const word = (): string => random.uint32().toString(16).padStart(8, '0');
  return `01${word()}${word()}${word()}${word()}`.toUpperCase();
}
