/** RecallMessage: a delayed message that has not been delivered is not delivered at all. */
import type { RecallRequest } from '../api/delayed-api';
import { parseRecallHandle, type RecallHandle } from '../api/recall-handle';
import { checkTypeFitsTopic } from '../message/message-checks';
import { checkTopicName } from '../message/names';
import { Code, StatusError } from '../message/status';
import type { RecallMessageRequest__Output } from '../rpc/generated/apache/rocketmq/v2/RecallMessageRequest';
import type { RecallMessageResponse } from '../rpc/generated/apache/rocketmq/v2/RecallMessageResponse';
import { type CallGate, OK_STATUS, unary } from './calls';
import type { MessagingServiceHandlers } from './messaging-handlers';
import type { ProxyParts } from './parts';
import type { RequestContext } from './request-context';

export function recallHandlers(
  parts: ProxyParts,
  gate: CallGate,
): Pick<MessagingServiceHandlers, 'RecallMessage'> {
  return {
    RecallMessage: unary<RecallMessageRequest__Output, RecallMessageResponse>(
      parts,
      gate,
      (request, context) => recall(parts, request, context),
    ),
  };
}

async function recall(
  parts: ProxyParts,
  request: RecallMessageRequest__Output,
  context: RequestContext,
): Promise<RecallMessageResponse> {
  const topic = request.topic?.name ?? '';
  checkTopicName(topic);
  if (!parts.settings.recall) {
    throw new StatusError(Code.FORBIDDEN, 'RecallMessage is switched off: delay.recall is false');
  }
  const handle = handleOf(request.recall_handle, topic);
  checkTypeFitsTopic('DELAY', topic, parts.routes.get(topic).type);
  const { brokerName, messageId, deliverMs } = handle;
  const message = { topic, messageId, deliverMs };
  await recallFrom(parts, brokerName, message, parts.failover.endOf(context));
  return { status: OK_STATUS, message_id: messageId };
}

/**
 * Ends the wait of a message on the broker that has taken it.
 * @param endMs until when it may wait for a master, by the monotonic clock
 * @throws StatusError MESSAGE_NOT_FOUND; PROXY_TIMEOUT when that broker is not known or does not answer
 */
export async function recallFrom(
  parts: ProxyParts,
  brokerName: string,
  message: RecallRequest,
  endMs: number,
): Promise<void> {
  if (!parts.failover.knows(brokerName)) {
    // MESSAGE_NOT_FOUND would say that the message will not come any more, and nobody knows that.
    throw new StatusError(
      Code.PROXY_TIMEOUT,
      `broker ${brokerName}, which has taken message ${message.messageId}, is not known at present`,
    );
  }
  await parts.failover.call(brokerName, endMs, (broker) =>
    parts.health.watch(brokerName, () => broker.recall(message)),
  );
}

function handleOf(text: string, topic: string): RecallHandle {
  const handle = parseRecallHandle(text);
  if (handle === undefined) {
    throw new StatusError(
      Code.BAD_REQUEST,
      `recall_handle is malformed: ${formatShort(text)} is not what SendMessage answers`,
    );
  }
  if (handle.topic !== topic) {
    throw new StatusError(
      Code.BAD_REQUEST,
      `recall_handle is of topic ${handle.topic}, the request names topic ${topic}`,
    );
  }
  return handle;
}

function formatShort(text: string): string {
  return JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}...` : text);
}
