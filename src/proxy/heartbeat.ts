/** Heartbeat and NotifyClientTermination: what keeps a client's registration, and what ends it. */
import { checkGroupName } from '../message/names';
import { Code, StatusError, toStatusError } from '../message/status';
import { ClientType } from '../rpc/generated/apache/rocketmq/v2/ClientType';
import type { HeartbeatRequest__Output } from '../rpc/generated/apache/rocketmq/v2/HeartbeatRequest';
import type { MessagingServiceHandlers } from './messaging-handlers';
import type { NotifyClientTerminationRequest__Output } from '../rpc/generated/apache/rocketmq/v2/NotifyClientTerminationRequest';
import type { CallGate } from './calls';
import { OK_STATUS, type PublicStatus, unary } from './calls';
import type { ClientSettings } from './client-registry';
import { checkConsumerType } from './client-types';
import type { ProxyParts } from './parts';
import type { RequestContext } from './request-context';

type Handlers = Pick<MessagingServiceHandlers, 'Heartbeat' | 'NotifyClientTermination'>;
interface StatusAnswer {
  readonly status: PublicStatus;
}

export function heartbeatHandlers(parts: ProxyParts, gate: CallGate): Handlers {
  const family = new HeartbeatFamily(parts);
  return {
    Heartbeat: unary(parts, gate, (request, context) => family.heartbeat(request, context)),
    NotifyClientTermination: unary(parts, gate, (request, context) =>
      family.terminate(request, context),
    ),
  };
}

class HeartbeatFamily {
  constructor(private readonly parts: ProxyParts) {}

  /**
   * Stored settings decide what the client is, `client_type` of the request is not looked at. A client
   * without any learns that from its answer; its messages stay invisible all the same, since its
   * settings may have gone through another proxy.
   */
  async heartbeat(
    request: HeartbeatRequest__Output,
    { clientId }: RequestContext,
  ): Promise<StatusAnswer> {
    const settings = this.parts.clients.touch(clientId);
    if (settings === undefined) {
      if ((request.group?.name ?? '') !== '') this.parts.clients.reportSeen(clientId);
      throw unknownClient();
    }
    if (settings.clientType === ClientType.PRODUCER) return { status: OK_STATUS };
    checkConsumerType(settings.clientType);
    checkGroupName(request.group?.name ?? settings.group);
    this.parts.clients.reportSeen(clientId);
    await this.subscribe(clientId, settings);
    return { status: OK_STATUS };
  }

  /** The registration ends; the brokers give the client's messages to others at once. */
  async terminate(
    request: NotifyClientTerminationRequest__Output,
    { clientId }: RequestContext,
  ): Promise<StatusAnswer> {
    const { clients, polls } = this.parts;
    const settings = clients.get(clientId);
    // Also those that have not reached a broker yet.
    polls.endClient(clientId);
    if (settings === undefined) {
      if ((request.group?.name ?? '') !== '') await clients.reportGone(clientId);
      throw unknownClient();
    }
    if (settings.clientType !== ClientType.PRODUCER) {
      checkConsumerType(settings.clientType);
      checkGroupName(request.group?.name ?? settings.group);
    }
    clients.remove(clientId);
    this.parts.checks.producers.remove(clientId);
    if (settings.clientType !== ClientType.PRODUCER) await clients.reportGone(clientId);
    return { status: OK_STATUS };
  }

  /** Brokers that came since the settings did learn the group; what they all know costs nothing. */
  private async subscribe(
    clientId: string,
    { group, subscriptions }: ClientSettings,
  ): Promise<void> {
    const subscriber = { group, clientId, subscriptions };
    const asked: Promise<void>[] = [];
    for (const { topic } of subscriptions) {
      for (const { brokerName } of this.parts.routes.find(topic)?.brokers ?? []) {
        const asking = this.parts.subscriptions.ensure(subscriber, topic, brokerName);
        if (asking !== undefined) asked.push(asking);
      }
    }
    for (const outcome of await Promise.allSettled(asked)) {
      if (outcome.status === 'fulfilled') continue;
      const error = toStatusError(outcome.reason);
      // A broker that is away is no reason to tell the client that something is wrong with it.
      if (error.code < Code.INTERNAL_SERVER_ERROR) throw error;
    }
  }
}

function unknownClient(): StatusError {
  return new StatusError(
    Code.UNRECOGNIZED_CLIENT_TYPE,
    'cannot find client settings for this client',
  );
}
