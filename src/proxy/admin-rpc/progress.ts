/** DescribeGroupAccumulation, QueryTimeSpan, ResetGroupOffset: how far a consumer group is, and moving it. */
import { ALL_LITE_TOPICS, type QueueLag, type TopicLag } from '../../api/inspect-api';
import { Code, StatusError } from '../../message/status';
import { fromMs, toMs } from '../../message/time';
import type { AdminHandlers } from '../../rpc/generated/apache/rocketmq/v2/Admin';
import type { DescribeGroupAccumulationRequest__Output } from '../../rpc/generated/apache/rocketmq/v2/DescribeGroupAccumulationRequest';
import type {
  _apache_rocketmq_v2_DescribeGroupAccumulationResponse_GroupAccumulation as GroupAccumulation,
  DescribeGroupAccumulationResponse,
} from '../../rpc/generated/apache/rocketmq/v2/DescribeGroupAccumulationResponse';
import { Permission } from '../../rpc/generated/apache/rocketmq/v2/Permission';
import type { QueryTimeSpanRequest__Output } from '../../rpc/generated/apache/rocketmq/v2/QueryTimeSpanRequest';
import type { QueryTimeSpanResponse } from '../../rpc/generated/apache/rocketmq/v2/QueryTimeSpanResponse';
import type { ResetGroupOffsetRequest__Output } from '../../rpc/generated/apache/rocketmq/v2/ResetGroupOffsetRequest';
import type { ResetGroupOffsetResponse } from '../../rpc/generated/apache/rocketmq/v2/ResetGroupOffsetResponse';
import { OK_STATUS } from '../calls';
import { adminCall, type AdminCallParts, groupNameOf, resource, topicNameOf } from './admin-call';

type Handlers = Pick<
  AdminHandlers,
  'DescribeGroupAccumulation' | 'QueryTimeSpan' | 'ResetGroupOffset'
>;

export function progressHandlers(shared: AdminCallParts): Handlers {
  return {
    DescribeGroupAccumulation: adminCall(shared, (request) => accumulation(shared, request)),
    QueryTimeSpan: adminCall(shared, (request) => timeSpan(shared, request)),
    ResetGroupOffset: adminCall(shared, (request) => reset(shared, request)),
  };
}

async function accumulation(
  { parts, admin }: AdminCallParts,
  request: DescribeGroupAccumulationRequest__Output,
): Promise<DescribeGroupAccumulationResponse> {
  const group = groupNameOf(request.group);
  const topics = request.topics.map(topicNameOf);
  const { lite_topic: liteTopic = '' } = request;
  const one = liteTopic === '' ? {} : { liteTopic };
  const lags = await admin.groupLag({ group, topics, ...one });
  const nowMs = parts.platform.clock.wallMs();
  const byTopic = new Map<string, TopicLag[]>();
  for (const lag of lags) byTopic.set(lag.topic, [...(byTopic.get(lag.topic) ?? []), lag]);
  return {
    status: OK_STATUS,
    accumulation: sumOf(lags, nowMs),
    topic_accumulation: Object.fromEntries(
      [...byTopic].map(([topic, own]) => [topic, sumOf(own, nowMs)]),
    ),
    ...(liteTopic !== '' && lags.length > 0
      ? { lite_topic_accumulation: { [liteTopic]: sumOf(lags, nowMs) } }
      : {}),
  };
}

function sumOf(lags: readonly TopicLag[], nowMs: number): GroupAccumulation {
  const queues = lags.flatMap((lag) => lag.queues);
  const sum = (count: (queue: QueueLag) => number): number =>
    queues.reduce((total, queue) => total + count(queue), 0);
  const inflight = sum(({ inFlight }) => inFlight);
  const ready = sum(({ ready: own }) => own);
  const waiting = queues.map(({ readyStoredMs }) => readyStoredMs).filter((ms) => ms > 0);
  return {
    inflight_messages: inflight,
    ready_messages: ready,
    accumulation: inflight + ready,
    deliver_delay_time: fromMs(Math.max(0, nowMs - Math.min(nowMs, ...waiting))),
    last_consume_timestamp: Math.max(0, ...queues.map((queue) => queue.finishedStoredMs)),
  };
}

/** The queues of topics; with a group also where it is. */
async function timeSpan(
  { parts, admin }: AdminCallParts,
  request: QueryTimeSpanRequest__Output,
): Promise<QueryTimeSpanResponse> {
  const asked = request.topics.map(topicNameOf);
  const named = (request.group?.name ?? '') !== '';
  if (!named && asked.length === 0) {
    throw new StatusError(Code.BAD_REQUEST, 'neither group nor topics are given');
  }
  const lags = named
    ? await admin.groupLag({ group: groupNameOf(request.group), topics: asked })
    : [];
  const topics = asked.length > 0 ? asked : [...new Set(lags.map(({ topic }) => topic))];
  const nowMs = parts.platform.clock.wallMs();
  const progress = new Map<string, QueueLag>();
  for (const { broker, topic, queues } of lags) {
    for (const queue of queues) progress.set(`${topic} ${broker} ${queue.queueId}`, queue);
  }
  const spans: QueryTimeSpanResponse['queue_time_span_list'] = [];
  for (const topic of topics) {
    const { brokers } = await admin.topicStatus(topic);
    for (const { broker, queues } of brokers) {
      for (const { queueId, firstStoredMs, lastStoredMs } of queues) {
        if (queueId === ALL_LITE_TOPICS) continue;
        const at = progress.get(`${topic} ${broker} ${queueId}`);
        const readyMs = at?.readyStoredMs ?? 0;
        spans.push({
          message_queue: queueOf(topic, broker, queueId),
          min_timestamp: firstStoredMs,
          max_timestamp: lastStoredMs,
          consume_timestamp: at?.finishedStoredMs ?? 0,
          delay_time_ms: readyMs > 0 ? Math.max(0, nowMs - readyMs) : 0,
        });
      }
    }
  }
  return { status: OK_STATUS, queue_time_span_list: spans };
}

export function queueOf(topic: string, broker: string, id: number) {
  const permission = Permission.READ_WRITE;
  return { topic: resource(topic), id, permission, broker: { name: broker, id: 0 } };
}

async function reset(
  { admin }: AdminCallParts,
  request: ResetGroupOffsetRequest__Output,
): Promise<ResetGroupOffsetResponse> {
  const group = groupNameOf(request.group);
  const topic = topicNameOf(request.topic);
  const timeMs = toMs(request.reset_timestamp);
  if (!request.reset_timestamp || !Number.isSafeInteger(timeMs) || timeMs < 0) {
    throw new StatusError(
      Code.BAD_REQUEST,
      `reset_timestamp must be a time since the epoch, it is ${request.reset_timestamp ? `${timeMs} ms` : 'absent'}`,
    );
  }
  const to = { at: 'time', timeMs } as const;
  await admin.resetGroup({ group, topic, to, queueId: undefined, dryRun: false, broker: '' });
  return { status: OK_STATUS };
}
