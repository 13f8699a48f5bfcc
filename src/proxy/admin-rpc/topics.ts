/** DescribeTopicStatus, GetTopicRoute. */
import { ALL_LITE_TOPICS } from '../../api/inspect-api';
import type { TopicType } from '../../api/topic';
import { MessageType } from '../../message/public-message';
import type { AdminHandlers } from '../../rpc/generated/apache/rocketmq/v2/Admin';
import type { DescribeTopicStatusRequest__Output } from '../../rpc/generated/apache/rocketmq/v2/DescribeTopicStatusRequest';
import type { DescribeTopicStatusResponse } from '../../rpc/generated/apache/rocketmq/v2/DescribeTopicStatusResponse';
import type { GetTopicRouteRequest__Output } from '../../rpc/generated/apache/rocketmq/v2/GetTopicRouteRequest';
import type { GetTopicRouteResponse } from '../../rpc/generated/apache/rocketmq/v2/GetTopicRouteResponse';
import { OK_STATUS } from '../calls';
import { adminCall, type AdminCallParts, topicNameOf } from './admin-call';

type Handlers = Pick<AdminHandlers, 'DescribeTopicStatus' | 'GetTopicRoute'>;

/** Apache RocketMQ's `perm` of a queue that may be read and written. */
const READ_WRITE = 6;

export function topicHandlers(shared: AdminCallParts): Handlers {
  return {
    DescribeTopicStatus: adminCall(shared, (request) => status(shared, request)),
    GetTopicRoute: adminCall(shared, (request) => Promise.resolve(route(shared, request))),
  };
}

async function status(
  { admin }: AdminCallParts,
  { topic }: DescribeTopicStatusRequest__Output,
): Promise<DescribeTopicStatusResponse> {
  const { type, brokers, groups } = await admin.topicStatus(topicNameOf(topic));
  const queues = brokers.flatMap((broker) => broker.queues);
  const messages = queues.reduce((sum, { minOffset, maxOffset }) => sum + maxOffset - minOffset, 0);
  const delayed = brokers.reduce((sum, broker) => sum + broker.delayed, 0);
  return {
    status: OK_STATUS,
    topic_message_type: messageType(type),
    tags: {
      type,
      brokers: brokers.map(({ broker }) => broker).join(','),
      groups: groups.join(','),
      queues: String(queues.filter(({ queueId }) => queueId !== ALL_LITE_TOPICS).length),
      messages: String(messages),
      delayed: String(delayed),
    },
  };
}

/** MIXED, of which the API has none, is left unspecified. */
function messageType(type: TopicType): MessageType | 0 {
  return type === 'MIXED' ? 0 : MessageType[type];
}

/** As `TopicRouteData` of Apache RocketMQ's Remoting protocol, which consoles know. */
function route(
  { parts }: AdminCallParts,
  { topic }: GetTopicRouteRequest__Output,
): GetTopicRouteResponse {
  const { brokers } = parts.routes.get(topicNameOf(topic));
  const masters = new Map(parts.routes.masters.map((master) => [master.brokerName, master]));
  const data = {
    queueDatas: brokers.map(({ brokerName, queues }) => ({
      ...{ brokerName, readQueueNums: queues, writeQueueNums: queues },
      ...{ perm: READ_WRITE, topicSysFlag: 0 },
    })),
    brokerDatas: brokers.map(({ brokerName }) => {
      const { cluster = '', address = '' } = masters.get(brokerName) ?? {};
      // A broker in the proxy's own process has no address but the proxy's.
      return { cluster, brokerName, brokerAddrs: { '0': address || parts.process.name() } };
    }),
    filterServerTable: {},
  };
  return { status: OK_STATUS, topic_route_data: JSON.stringify(data) };
}
