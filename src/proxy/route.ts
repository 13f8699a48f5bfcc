/** QueryRoute and QueryAssignment. */
import type { MessagingServiceHandlers } from './messaging-handlers';
import type { Assignment } from '../rpc/generated/apache/rocketmq/v2/Assignment';
import type { Endpoints, Endpoints__Output } from '../rpc/generated/apache/rocketmq/v2/Endpoints';
import type { MessageQueue } from '../rpc/generated/apache/rocketmq/v2/MessageQueue';
import type { MessageType as PublicType } from '../rpc/generated/apache/rocketmq/v2/MessageType';
import type { QueryAssignmentRequest__Output } from '../rpc/generated/apache/rocketmq/v2/QueryAssignmentRequest';
import type { QueryAssignmentResponse } from '../rpc/generated/apache/rocketmq/v2/QueryAssignmentResponse';
import type { QueryRouteRequest__Output } from '../rpc/generated/apache/rocketmq/v2/QueryRouteRequest';
import type { QueryRouteResponse } from '../rpc/generated/apache/rocketmq/v2/QueryRouteResponse';
import type { Resource } from '../rpc/generated/apache/rocketmq/v2/Resource';
import { Permission } from '../rpc/generated/apache/rocketmq/v2/Permission';
import type { TopicType } from '../api/topic';
import { MATCH_ALL } from '../message/filter';
import { checkGroupName, checkTopicName } from '../message/names';
import { MessageType } from '../message/public-message';
import { Code, StatusError, toStatusError } from '../message/status';
import { type CallGate, OK_STATUS, unary } from './calls';
import { endpointsOf, endpointsOfAddress, requestEndpoints } from './endpoints';
import type { ProxyParts } from './parts';
import type { RequestContext } from './request-context';
import type { TopicRoute } from './route-table';

type Handlers = Pick<MessagingServiceHandlers, 'QueryRoute' | 'QueryAssignment'>;

/** Clients pass over replicas; only masters are in a route. */
const MASTER_ID = 0;
/** A queue id that stands for all queues of its broker. */
const ANY_QUEUE = -1;

const acceptedTypes: Readonly<Record<TopicType, PublicType[]>> = {
  NORMAL: [MessageType.NORMAL],
  FIFO: [MessageType.FIFO],
  DELAY: [MessageType.DELAY],
  TRANSACTION: [MessageType.TRANSACTION],
  PRIORITY: [MessageType.PRIORITY],
  LITE: [MessageType.LITE],
  MIXED: [MessageType.NORMAL, MessageType.FIFO, MessageType.DELAY, MessageType.TRANSACTION],
};

/** @throws RangeError when `advertise` of the settings is malformed */
export function routeHandlers(parts: ProxyParts, gate: CallGate): Handlers {
  const family = new RouteFamily(parts);
  return {
    QueryRoute: unary(parts, gate, (request, context) => family.queryRoute(request, context)),
    QueryAssignment: unary(parts, gate, (request, context) =>
      family.queryAssignment(request, context),
    ),
  };
}

class RouteFamily {
  private readonly advertised: Endpoints | undefined;

  constructor(private readonly parts: ProxyParts) {
    const { advertise } = parts.settings;
    this.advertised = advertise.length === 0 ? undefined : endpointsOf(advertise);
  }

  /**
   * Every queue of the topic, by queue id and then by broker name: always in one order, as clients compare routes by
   * value. Simple consumers receive from the queues in turn, and each receive is served from all queues of
   * its broker; so neighbours are of different brokers, and no broker waits until all queues of another are through.
   */
  async queryRoute(
    request: QueryRouteRequest__Output,
    context: RequestContext,
  ): Promise<QueryRouteResponse> {
    const topic = topicOf(request.topic);
    const endpoints = this.endpoints(request.endpoints, context);
    const route = await this.parts.creation.routeOf(topic.name);
    const queues: MessageQueue[] = [];
    const brokers = route.brokers.map(({ brokerName, queues: count }) => ({
      count,
      broker: { name: brokerName, id: MASTER_ID, endpoints },
      permission: this.parts.routes.isReadOnly(brokerName)
        ? Permission.READ
        : Permission.READ_WRITE,
    }));
    const most = Math.max(0, ...brokers.map(({ count }) => count));
    for (let id = 0; id < most; id++) {
      for (const { count, broker, permission } of brokers) {
        if (id >= count) continue;
        queues.push({
          topic,
          id,
          permission,
          broker,
          accept_message_types: acceptedTypes[route.type],
        });
      }
    }
    return { status: OK_STATUS, message_queues: queues };
  }

  /**
   * One assignment a broker, or one a queue for FIFO groups. Every client of the group gets the
   * same: consumers share by what they receive, not by queues.
   */
  async queryAssignment(
    request: QueryAssignmentRequest__Output,
    context: RequestContext,
  ): Promise<QueryAssignmentResponse> {
    const topic = topicOf(request.topic);
    const group = request.group?.name ?? '';
    checkGroupName(group);
    const endpoints = this.endpoints(request.endpoints, context);
    const route = this.parts.routes.get(topic.name);
    const fifo = await this.isFifo(group, route, context.clientId);
    const assignments: Assignment[] = [];
    for (const { brokerName, queues } of route.brokers) {
      const broker = { name: brokerName, id: MASTER_ID, endpoints };
      const ids = fifo ? Array.from({ length: queues }, (_, id) => id) : [ANY_QUEUE];
      for (const id of ids) {
        const permission = Permission.READ_WRITE;
        assignments.push({ message_queue: { topic, id, permission, broker } });
      }
    }
    if (assignments.length === 0) {
      throw new StatusError(Code.FORBIDDEN, `no readable queue of topic ${topic.name}`);
    }
    return { status: OK_STATUS, assignments };
  }

  /** A group that this proxy has not heard of may have subscribed through another one. */
  private async isFifo(group: string, route: TopicRoute, clientId: string): Promise<boolean> {
    const { subscriptions } = this.parts;
    const known = subscriptions.group(group);
    if (known !== undefined) return known.fifo;
    try {
      const config = await subscriptions.subscribe({
        group,
        clientId,
        subscriptions: [{ topic: route.name, filter: MATCH_ALL }],
      });
      return config.fifo;
    } catch (error) {
      if (toStatusError(error).code === Code.CONSUMER_GROUP_NOT_FOUND) return false;
      throw error;
    }
  }

  /** What the client itself used to reach us, unless an address is advertised. */
  private endpoints(asked: Endpoints__Output | null, context: RequestContext): Endpoints {
    const used = requestEndpoints(asked);
    const endpoints =
      this.advertised ??
      used ??
      endpointsOfAddress(context.authority) ??
      endpointsOfAddress(context.localAddress);
    if (endpoints !== undefined) return endpoints;
    throw new StatusError(
      Code.ILLEGAL_ACCESS_POINT,
      'endpoints of the request are empty, and so is its :authority',
    );
  }
}

/** The topic as the client named it. @throws StatusError ILLEGAL_TOPIC */
function topicOf(topic: Resource | null): Resource & { readonly name: string } {
  const name = topic?.name ?? '';
  checkTopicName(name);
  return { resource_namespace: topic?.resource_namespace ?? '', name };
}
