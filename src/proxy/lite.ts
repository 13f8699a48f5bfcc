/** SyncLiteSubscription: which lite topics of a parent topic a client receives. */
import type { LiteStart, SyncLiteRequest } from '../api/lite-api';
import { checkLiteTopic } from '../message/message-checks';
import { checkGroupName, checkTopicName } from '../message/names';
import { Code, StatusError, toStatusError } from '../message/status';
import { LiteSubscriptionAction } from '../rpc/generated/apache/rocketmq/v2/LiteSubscriptionAction';
import type { OffsetOption__Output } from '../rpc/generated/apache/rocketmq/v2/OffsetOption';
import { _apache_rocketmq_v2_OffsetOption_Policy as Policy } from '../rpc/generated/apache/rocketmq/v2/OffsetOption';
import type { SyncLiteSubscriptionRequest__Output } from '../rpc/generated/apache/rocketmq/v2/SyncLiteSubscriptionRequest';
import { type CallGate, OK_STATUS, type PublicStatus, unary } from './calls';
import { isLiteConsumer } from './client-types';
import type { MessagingServiceHandlers } from './messaging-handlers';
import type { ProxyParts } from './parts';
import type { RequestContext } from './request-context';

export function liteHandlers(
  parts: ProxyParts,
  gate: CallGate,
): Pick<MessagingServiceHandlers, 'SyncLiteSubscription'> {
  const family = new LiteFamily(parts);
  return {
    SyncLiteSubscription: unary(parts, gate, (request, context) => family.sync(request, context)),
  };
}

class LiteFamily {
  constructor(private readonly parts: ProxyParts) {}

  /**
   * Each broker of the parent is told all: which one holds a lite topic may change. A broker that is away learns it
   * when the client repeats its lite topics.
   */
  async sync(
    request: SyncLiteSubscriptionRequest__Output,
    context: RequestContext,
  ): Promise<{ readonly status: PublicStatus }> {
    const { clientId } = context;
    const { clients, routes, failover } = this.parts;
    clients.touch(clientId);
    const asked = this.checked(request, clientId);
    const { brokers } = routes.get(asked.topic);
    const endMs = failover.endOf(context);
    const outcomes = await Promise.allSettled(
      brokers.map(({ brokerName }) =>
        failover.call(brokerName, endMs, (broker) => broker.syncLite(asked)),
      ),
    );
    const errors = outcomes.flatMap((one) =>
      one.status === 'rejected' ? [toStatusError(one.reason)] : [],
    );
    const refusal = errors.find(({ code }) => code < Code.INTERNAL_SERVER_ERROR);
    if (refusal !== undefined) throw refusal;
    if (errors[0] !== undefined && errors.length === brokers.length) throw errors[0];
    const removed = outcomes.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
    this.tellRemoved(clientId, new Set(removed));
    return { status: OK_STATUS };
  }

  private checked(request: SyncLiteSubscriptionRequest__Output, clientId: string): SyncLiteRequest {
    const topic = request.topic?.name ?? '';
    const group = request.group?.name ?? '';
    checkTopicName(topic);
    checkGroupName(group);
    const { lite_topic_set: liteTopics } = request;
    const change = changeOf(request);
    if (change !== 'remove') {
      const { maxLiteTopicBytes } = this.parts.settings.message;
      for (const name of liteTopics) {
        if (name === '') throw new StatusError(Code.ILLEGAL_LITE_TOPIC, 'lite_topic is empty');
        checkLiteTopic(name, maxLiteTopicBytes);
      }
    }
    const all = request.action === LiteSubscriptionAction.COMPLETE_REMOVE ? [] : liteTopics;
    const start = change === 'add' ? startOf(request.offset_option) : undefined;
    const asked = { group, topic, clientId, change, liteTopics: all };
    return start === undefined ? asked : { ...asked, start };
  }

  /** Only consumers of lite topics know the command; others must not get it. */
  private tellRemoved(clientId: string, removed: ReadonlySet<string>): void {
    const { clients, commands, log } = this.parts;
    if (!isLiteConsumer(clients.get(clientId)?.clientType ?? 0)) return;
    for (const liteTopic of removed) {
      try {
        commands.unsubscribeLite(clientId, liteTopic);
      } catch (err) {
        log.debug({ err, clientId, liteTopic }, 'client not told that a lite topic was removed');
      }
    }
  }
}

/** @throws StatusError BAD_REQUEST */
function changeOf({ action }: SyncLiteSubscriptionRequest__Output): SyncLiteRequest['change'] {
  switch (action) {
    case LiteSubscriptionAction.PARTIAL_ADD:
      return 'add';
    case LiteSubscriptionAction.PARTIAL_REMOVE:
      return 'remove';
    case LiteSubscriptionAction.COMPLETE_ADD:
    case LiteSubscriptionAction.COMPLETE_REMOVE:
      return 'set';
    default:
      throw new StatusError(Code.BAD_REQUEST, `action ${String(action)} is not known`);
  }
}

/** `undefined`: the group goes on where it was. */
function startOf(option: OffsetOption__Output | null | undefined): LiteStart | undefined {
  switch (option?.offset_type) {
    case 'offset':
      return { at: 'offset', offset: countOf('offset', option.offset) };
    case 'tail_n':
      return { at: 'tail', count: countOf('tail_n', option.tail_n) };
    case 'timestamp':
      return { at: 'time', timeMs: countOf('timestamp', option.timestamp) };
    case 'policy':
      if (option.policy === Policy.MIN) return { at: 'beginning' };
      return option.policy === Policy.MAX ? { at: 'end' } : undefined;
    default:
      return undefined;
  }
}

/** @throws StatusError ILLEGAL_OFFSET */
function countOf(field: string, value: unknown): number {
  const count = Number(value ?? 0);
  if (Number.isSafeInteger(count) && count >= 0) return count;
  throw new StatusError(Code.ILLEGAL_OFFSET, `offset_option.${field} must be at least 0: ${count}`);
}
