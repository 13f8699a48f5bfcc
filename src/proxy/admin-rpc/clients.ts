/** ListConsumerConnection, GetConsumerRunningInfo, PrintThreadStackTrace, VerifyMessage: what consumers are and do. */
import { ALL_LITE_TOPICS } from '../../api/inspect-api';
import type { ClientView } from '../../api/client-view';
import { Code, StatusError } from '../../message/status';
import type { AdminHandlers } from '../../rpc/generated/apache/rocketmq/v2/Admin';
import type { GetConsumerRunningInfoRequest__Output } from '../../rpc/generated/apache/rocketmq/v2/GetConsumerRunningInfoRequest';
import type { GetConsumerRunningInfoResponse } from '../../rpc/generated/apache/rocketmq/v2/GetConsumerRunningInfoResponse';
import type { ListConsumerConnectionRequest__Output } from '../../rpc/generated/apache/rocketmq/v2/ListConsumerConnectionRequest';
import type { ListConsumerConnectionResponse } from '../../rpc/generated/apache/rocketmq/v2/ListConsumerConnectionResponse';
import type { PrintThreadStackTraceRequest__Output } from '../../rpc/generated/apache/rocketmq/v2/PrintThreadStackTraceRequest';
import type { PrintThreadStackTraceResponse } from '../../rpc/generated/apache/rocketmq/v2/PrintThreadStackTraceResponse';
import type { VerifyMessageRequest__Output } from '../../rpc/generated/apache/rocketmq/v2/VerifyMessageRequest';
import type { VerifyMessageResponse } from '../../rpc/generated/apache/rocketmq/v2/VerifyMessageResponse';
import type { Status } from '../../rpc/generated/apache/rocketmq/v2/Status';
import { OK_STATUS } from '../calls';
import type { ClientAnswer } from '../client-commands';
import { clientViews } from '../client-views';
import { asSent } from '../codec/public-message';
import {
  adminCall,
  type AdminCallParts,
  groupNameOf,
  refuseLiteTopic,
  resource,
  topicNameOf,
} from './admin-call';
import { clientInfo } from './client-info';
import { messagesById } from './messages';
import { queueOf } from './progress';
import { expressionOf } from './subscriptions';

type Handlers = Pick<
  AdminHandlers,
  'ListConsumerConnection' | 'GetConsumerRunningInfo' | 'PrintThreadStackTrace' | 'VerifyMessage'
>;

export function clientHandlers(shared: AdminCallParts): Handlers {
  return {
    ListConsumerConnection: adminCall(shared, (request) => connections(shared, request)),
    GetConsumerRunningInfo: adminCall(shared, (request) => runningInfo(shared, request)),
    PrintThreadStackTrace: adminCall(shared, (request) => stackTrace(shared, request)),
    VerifyMessage: adminCall(shared, (request) => verify(shared, request)),
  };
}

async function connections(
  { parts, admin }: AdminCallParts,
  request: ListConsumerConnectionRequest__Output,
): Promise<ListConsumerConnectionResponse> {
  refuseLiteTopic(request.liteTopic);
  const group = groupNameOf(request.group);
  const topic = request.topic ? topicNameOf(request.topic) : undefined;
  const members = clientViews(parts, { clientId: '', group });
  if (members.length === 0 && !(await admin.listGroups()).some(({ name }) => name === group)) {
    throw new StatusError(Code.CONSUMER_GROUP_NOT_FOUND, `there is no consumer group ${group}`);
  }
  const subscribed = members.filter(
    ({ subscriptions }) =>
      topic === undefined || subscriptions.some((subscription) => subscription.topic === topic),
  );
  return { status: OK_STATUS, client_info: subscribed.map(clientInfo) };
}

/** What the proxy and the brokers know of a consumer; no client tells more. */
async function runningInfo(
  shared: AdminCallParts,
  request: GetConsumerRunningInfoRequest__Output,
): Promise<GetConsumerRunningInfoResponse> {
  const client = memberOf(shared, request);
  const { group, subscriptions } = client;
  const topics = subscriptions.map(({ topic }) => topic);
  const lags = topics.length === 0 ? [] : await shared.admin.groupLag({ group, topics });
  const { language, version, host, address, type } = client;
  return {
    status: OK_STATUS,
    consumer_running_info: {
      properties: { ...client.properties, type, language, version, host, address },
      subscriptions: Object.fromEntries(
        subscriptions.map(({ topic, filter }) => [topic, expressionOf(filter)]),
      ),
      message_queue_table: lags.flatMap(({ topic, broker, queues }) =>
        queues
          .filter(({ queueId }) => queueId !== ALL_LITE_TOPICS)
          .map(({ queueId, committed }) => ({
            message_queue: queueOf(topic, broker, queueId),
            process_queue_info: { commit_offset: committed },
          })),
      ),
    },
  };
}

async function stackTrace(
  shared: AdminCallParts,
  request: PrintThreadStackTraceRequest__Output,
): Promise<PrintThreadStackTraceResponse> {
  const { clientId } = memberOf(shared, request);
  const answer = await shared.parts.commands.printThreadStackTrace(clientId);
  const { stack } = answer;
  return {
    status: statusOf(answer),
    ...(stack === undefined ? {} : { thread_stack_trace: stack }),
  };
}

/** The consumer processes the message as one that it has received; nothing is acknowledged. */
async function verify(
  shared: AdminCallParts,
  request: VerifyMessageRequest__Output,
): Promise<VerifyMessageResponse> {
  const { clientId } = memberOf(shared, request);
  const topic = topicNameOf(request.topic);
  const [found] = await messagesById(shared, topic, request.message_id);
  const message = found && asSent(found.record, resource(topic));
  if (message === undefined) {
    const text = `there is no message ${request.message_id} in topic ${topic}`;
    throw new StatusError(Code.MESSAGE_NOT_FOUND, text);
  }
  return { status: statusOf(await shared.parts.commands.verifyMessage(clientId, message)) };
}

/** @throws StatusError NOT_FOUND when this proxy knows no such member of the group */
function memberOf(
  { parts }: AdminCallParts,
  request: Pick<PrintThreadStackTraceRequest__Output, 'client_id' | 'group'>,
): ClientView {
  const clientId = request.client_id;
  const group = groupNameOf(request.group);
  const [client] = clientId === '' ? [] : clientViews(parts, { clientId, group });
  if (client !== undefined) return client;
  throw new StatusError(
    Code.NOT_FOUND,
    `client ${clientId} of group ${group} is not known to this proxy`,
  );
}

/** A client's answer as a status; numbers that we don't know are its own. */
function statusOf({ code, message }: ClientAnswer): Status {
  return { code: code as Code, message };
}
