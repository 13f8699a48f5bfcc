/** GetOffset, UpdateOffset and QueryOffset: for clients that keep their own progress. */
import type { OffsetApi, OffsetPolicy } from '../api/offset-api';
import { checkGroupName } from '../message/names';
import { Code, StatusError } from '../message/status';
import { toMs } from '../message/time';
import type { GetOffsetRequest__Output } from '../rpc/generated/apache/rocketmq/v2/GetOffsetRequest';
import type { GetOffsetResponse } from '../rpc/generated/apache/rocketmq/v2/GetOffsetResponse';
import type { MessageQueue__Output } from '../rpc/generated/apache/rocketmq/v2/MessageQueue';
import type { QueryOffsetRequest__Output } from '../rpc/generated/apache/rocketmq/v2/QueryOffsetRequest';
import type { QueryOffsetResponse } from '../rpc/generated/apache/rocketmq/v2/QueryOffsetResponse';
import { QueryOffsetPolicy } from '../rpc/generated/apache/rocketmq/v2/QueryOffsetPolicy';
import type { UpdateOffsetRequest__Output } from '../rpc/generated/apache/rocketmq/v2/UpdateOffsetRequest';
import type { UpdateOffsetResponse } from '../rpc/generated/apache/rocketmq/v2/UpdateOffsetResponse';
import { type CallGate, OK_STATUS, unary } from './calls';
import type { MessagingServiceHandlers } from './messaging-handlers';
import type { ProxyParts } from './parts';
import { type NamedQueue, namedQueue } from './queue-request';
import type { RequestContext } from './request-context';

type Handlers = Pick<MessagingServiceHandlers, 'GetOffset' | 'UpdateOffset' | 'QueryOffset'>;

export function offsetHandlers(parts: ProxyParts, gate: CallGate): Handlers {
  return {
    GetOffset: unary<GetOffsetRequest__Output, GetOffsetResponse>(parts, gate, (request, context) =>
      getOffset(parts, request, context),
    ),
    UpdateOffset: unary<UpdateOffsetRequest__Output, UpdateOffsetResponse>(
      ...([parts, gate] as const),
      (request, context) => updateOffset(parts, request, context),
    ),
    QueryOffset: unary<QueryOffsetRequest__Output, QueryOffsetResponse>(
      parts,
      gate,
      (request, context) => queryOffset(parts, request, context),
    ),
  };
}

async function getOffset(
  parts: ProxyParts,
  request: GetOffsetRequest__Output,
  context: RequestContext,
): Promise<GetOffsetResponse> {
  const group = groupOf(request);
  const offset = await ask(parts, request, context, (offsets, { topic, queueId }) =>
    offsets.get({ group, topic, queueId }),
  );
  return { status: OK_STATUS, offset };
}

async function updateOffset(
  parts: ProxyParts,
  request: UpdateOffsetRequest__Output,
  context: RequestContext,
): Promise<UpdateOffsetResponse> {
  const { clientId } = context;
  const group = groupOf(request);
  const { offset } = request;
  await ask(parts, request, context, (offsets, { topic, queueId }) =>
    offsets.update({ group, topic, queueId, clientId, offset }),
  );
  return { status: OK_STATUS };
}

async function queryOffset(
  parts: ProxyParts,
  request: QueryOffsetRequest__Output,
  context: RequestContext,
): Promise<QueryOffsetResponse> {
  const policy = policyOf(request);
  const offset = await ask(parts, request, context, (offsets, { topic, queueId }) =>
    offsets.query({ topic, queueId, policy }),
  );
  return { status: OK_STATUS, offset };
}

function ask<T>(
  parts: ProxyParts,
  request: { readonly message_queue: MessageQueue__Output | null },
  context: RequestContext,
  question: (offsets: OffsetApi, queue: NamedQueue) => Promise<T>,
): Promise<T> {
  const queue = namedQueue(parts, request.message_queue);
  const { brokerName } = queue;
  return parts.failover.call(brokerName, parts.failover.endOf(context), ({ offsets }) =>
    parts.health.watch(brokerName, () => question(offsets, queue)),
  );
}

function groupOf({ group }: { readonly group: { readonly name: string } | null }): string {
  const name = group?.name ?? '';
  checkGroupName(name);
  return name;
}

/** @throws StatusError BAD_REQUEST: an unknown policy, or TIMESTAMP without one */
function policyOf(request: QueryOffsetRequest__Output): OffsetPolicy {
  const { query_offset_policy: policy, timestamp } = request;
  switch (policy) {
    case QueryOffsetPolicy.BEGINNING:
      return { at: 'beginning' };
    case QueryOffsetPolicy.END:
      return { at: 'end' };
    case QueryOffsetPolicy.TIMESTAMP: {
      const timeMs = toMs(timestamp);
      if (timestamp && Number.isSafeInteger(timeMs) && timeMs >= 0) return { at: 'time', timeMs };
      const found = timestamp ? `${timeMs} ms` : 'absent';
      throw new StatusError(
        Code.BAD_REQUEST,
        `timestamp is ${found}, policy TIMESTAMP needs one since the epoch`,
      );
    }
    default:
      throw new StatusError(
        Code.BAD_REQUEST,
        `query_offset_policy is ${String(policy)}, which is none of BEGINNING, END and TIMESTAMP`,
      );
  }
}
