/** ListSubscription, DescribeSubscription, DeleteSubscription: which groups of consumers read which topics. */
import type { ClientView } from '../../api/client-view';
import type { GroupTopicRef } from '../../api/inspect-api';
import type { FilterExpression } from '../../message/filter';
import { Code, StatusError } from '../../message/status';
import { fromMs } from '../../message/time';
import type { AdminHandlers } from '../../rpc/generated/apache/rocketmq/v2/Admin';
import type { DeleteSubscriptionRequest__Output } from '../../rpc/generated/apache/rocketmq/v2/DeleteSubscriptionRequest';
import type { DeleteSubscriptionResponse } from '../../rpc/generated/apache/rocketmq/v2/DeleteSubscriptionResponse';
import type { DescribeSubscriptionResponse } from '../../rpc/generated/apache/rocketmq/v2/DescribeSubscriptionResponse';
import { FilterType } from '../../rpc/generated/apache/rocketmq/v2/FilterType';
import type { ListSubscriptionRequest__Output } from '../../rpc/generated/apache/rocketmq/v2/ListSubscriptionRequest';
import type { ListSubscriptionResponse } from '../../rpc/generated/apache/rocketmq/v2/ListSubscriptionResponse';
import type { SubscriptionInfo } from '../../rpc/generated/apache/rocketmq/v2/SubscriptionInfo';
import { OK_STATUS } from '../calls';
import { clientViews } from '../client-views';
import { adminCall, type AdminCallParts, groupNameOf, resource, topicNameOf } from './admin-call';
import { clientInfo, messageModel } from './client-info';

type Handlers = Pick<
  AdminHandlers,
  'ListSubscription' | 'DescribeSubscription' | 'DeleteSubscription'
>;

/** A client with its filter on a topic. */
interface Member {
  readonly client: ClientView;
  readonly topic: string;
  readonly filter: FilterExpression;
}

export function subscriptionHandlers(shared: AdminCallParts): Handlers {
  return {
    ListSubscription: adminCall(shared, (request) => list(shared, request)),
    DescribeSubscription: adminCall(shared, (request) =>
      Promise.resolve(describe(shared, request)),
    ),
    DeleteSubscription: adminCall(shared, (request) => remove(shared, request)),
  };
}

/** Those that brokers keep progress for, and those of members that this proxy knows. */
async function list(
  shared: AdminCallParts,
  request: ListSubscriptionRequest__Output,
): Promise<ListSubscriptionResponse> {
  const of = asked(request);
  if (of.group === '' && of.topic === '') {
    throw new StatusError(Code.BAD_REQUEST, 'neither topic nor group is given');
  }
  const members = membersOf(shared, of);
  const pairs = new Map<string, GroupTopicRef>();
  for (const ref of await shared.inspect.begun(of)) pairs.set(`${ref.group} ${ref.topic}`, ref);
  for (const { client, topic } of members) {
    pairs.set(`${client.group} ${topic}`, { group: client.group, topic });
  }
  const infos = [...pairs.entries()]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, ref]) => infoOf(shared, ref, members));
  return { status: OK_STATUS, subscription_info: infos };
}

function infoOf(
  shared: AdminCallParts,
  { group, topic }: GroupTopicRef,
  members: readonly Member[],
): SubscriptionInfo {
  const own = members.filter((member) => member.client.group === group && member.topic === topic);
  const [latest] = own.toSorted((a, b) => b.client.heardMs - a.client.heardMs);
  const names = { group: resource(group), topic: resource(topic) };
  if (latest === undefined) return { ...names, online: false, subscription_consistency: true };
  const size = clientViews(shared.parts, { clientId: '', group }).length;
  return {
    ...names,
    ...online(latest),
    subscription_consistency: own.length === size && own.every((one) => isAlike(one, latest)),
  };
}

/** The same for each member that this proxy knows. */
function describe(
  shared: AdminCallParts,
  request: ListSubscriptionRequest__Output,
): DescribeSubscriptionResponse {
  const members = membersOf(shared, asked(request));
  return {
    status: OK_STATUS,
    client_subscription_info: members.map((member) => ({
      client_info: clientInfo(member.client),
      subscription_info: {
        ...{ group: resource(member.client.group), topic: resource(member.topic) },
        ...online(member),
        subscription_consistency: members
          .filter(
            ({ client, topic }) => client.group === member.client.group && topic === member.topic,
          )
          .every((other) => isAlike(other, member)),
      },
    })),
  };
}

/** Only of a group that nobody runs: members would subscribe again. */
async function remove(
  shared: AdminCallParts,
  request: DeleteSubscriptionRequest__Output,
): Promise<DeleteSubscriptionResponse> {
  const of = { group: groupNameOf(request.group), topic: topicNameOf(request.topic) };
  const [member] = membersOf(shared, of);
  if (member !== undefined) {
    throw new StatusError(
      Code.BAD_REQUEST,
      `client ${member.client.clientId} of group ${of.group} subscribes topic ${of.topic}: stop it first`,
    );
  }
  await shared.inspect.forget(of);
  shared.parts.subscriptions.forget(of.group, of.topic);
  return { status: OK_STATUS };
}

function asked({ group, topic }: ListSubscriptionRequest__Output): GroupTopicRef {
  return {
    group: (group?.name ?? '') === '' ? '' : groupNameOf(group),
    topic: (topic?.name ?? '') === '' ? '' : topicNameOf(topic),
  };
}

function membersOf({ parts }: AdminCallParts, of: GroupTopicRef): readonly Member[] {
  return clientViews(parts, { clientId: '', group: of.group }).flatMap((client) =>
    client.subscriptions
      .filter(({ topic }) => of.topic === '' || topic === of.topic)
      .map(({ topic, filter }) => ({ client, topic, filter })),
  );
}

function online({ client, filter }: Member): SubscriptionInfo {
  return {
    expression: expressionOf(filter),
    online: true,
    last_update_timestamp: fromMs(client.heardMs),
    message_model: messageModel(client),
  };
}

export function expressionOf({ type, expression }: FilterExpression) {
  return { type: type === 'SQL' ? FilterType.SQL : FilterType.TAG, expression };
}

function isAlike({ filter: a }: Member, { filter: b }: Member): boolean {
  return a.type === b.type && a.expression === b.expression;
}
