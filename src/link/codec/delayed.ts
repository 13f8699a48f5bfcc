/** Messages that wait for their delivery time, on the wire. */
import type { DelayedMessages, DelayedRef, ListDelayedRequest } from '../../api/delayed-api';
import type {
  DelayedMessages as WireDelayed,
  DelayedMessages__Output,
} from '../../rpc/generated/gantry/v1/DelayedMessages';
import type {
  DelayedRef as WireRef,
  DelayedRef__Output,
} from '../../rpc/generated/gantry/v1/DelayedRef';
import type {
  ListDelayedRequest as WireList,
  ListDelayedRequest__Output,
} from '../../rpc/generated/gantry/v1/ListDelayedRequest';
import type { Forms } from '../forms';

export const listDelayedForms: Forms<ListDelayedRequest, WireList, ListDelayedRequest__Output> = [
  ({ topic, messageId, maxMessages }) => ({
    ...{ topic, message_id: messageId, max_messages: maxMessages },
  }),
  (wire) => ({
    ...{ topic: wire.topic, messageId: wire.message_id, maxMessages: wire.max_messages },
  }),
];

export const delayedForms: Forms<DelayedMessages, WireDelayed, DelayedMessages__Output> = [
  ({ messages, counts, total }) => ({
    total,
    messages: messages.map(({ broker, topic, messageId, dueMs, sentMs }) => ({
      ...{ broker, topic, message_id: messageId, due_ms: dueMs, sent_ms: sentMs },
    })),
    counts: counts.map(({ topic, hourMs, messages: count }) => ({
      ...{ topic, hour_ms: hourMs, messages: count },
    })),
  }),
  (wire) => ({
    total: wire.total,
    messages: wire.messages.map((message) => ({
      broker: message.broker,
      topic: message.topic,
      messageId: message.message_id,
      dueMs: message.due_ms,
      sentMs: message.sent_ms,
    })),
    counts: wire.counts.map(({ topic, hour_ms: hourMs, messages }) => ({
      ...{ topic, hourMs, messages },
    })),
  }),
];

export const delayedRefForms: Forms<DelayedRef, WireRef, DelayedRef__Output> = [
  ({ broker, topic, messageId, deliverMs }) => ({
    ...{ broker, topic, message_id: messageId, deliver_ms: deliverMs },
  }),
  (wire) => ({
    broker: wire.broker,
    topic: wire.topic,
    messageId: wire.message_id,
    deliverMs: wire.deliver_ms,
  }),
];
