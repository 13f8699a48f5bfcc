/** What a ReceiveMessage asks for, checked (the API's rules for receives). */
import type { FilterExpression } from '../message/filter';
import type { FilterCache } from '../message/filter-cache';
import { checkGroupName, checkTopicName } from '../message/names';
import type { ResourceName } from '../message/public-message';
import { Code, StatusError } from '../message/status';
import { toMs } from '../message/time';
import { FilterType } from '../rpc/generated/apache/rocketmq/v2/FilterType';
import type { ReceiveMessageCall } from './codec/receive-codec';
import type { RequestContext } from './request-context';
import type { ProxySettings } from './settings';

export interface ReceiveOrder {
  readonly group: string;
  /** As the consumer named it. */
  readonly topic: ResourceName;
  /** The broker asked for, '' for any. */
  readonly brokerName: string;
  readonly attemptId: string;
  readonly filter: FilterExpression;
  readonly maxMessages: number;
  readonly invisibleMs: number;
  readonly pollMs: number;
  readonly autoRenew: boolean;
}

/** Clients below this version know ILLEGAL_POLLING_TIME not yet; they get BAD_REQUEST. */
const POLLING_TIME_SINCE = '5.0.3';
/** What clients use as request timeout when they have not said otherwise, milliseconds. */
export const DEFAULT_REQUEST_TIMEOUT_MS = 3000;

/** @param requestTimeoutMs of the client's settings, where they are known */
export function receiveOrder(
  request: ReceiveMessageCall,
  context: RequestContext,
  settings: ProxySettings,
  requestTimeoutMs: number,
  filters: FilterCache,
): ReceiveOrder {
  const pollMs = pollingTime(request, context, settings, requestTimeoutMs);
  const group = request.group?.name ?? '';
  const queue = request.message_queue;
  const name = queue?.topic?.name ?? '';
  checkTopicName(name);
  checkGroupName(group);
  const invisibleMs = request.auto_renew
    ? settings.autoRenewInvisibleMs
    : toMs(request.invisible_duration);
  if (!request.auto_renew) {
    checkInvisible(invisibleMs, settings.minInvisibleMs, settings.maxInvisibleMs);
  }
  return {
    group,
    topic: { resource_namespace: queue?.topic?.resource_namespace ?? '', name },
    brokerName: queue?.broker?.name ?? '',
    attemptId: request.attempt_id ?? '',
    filter: filterOf(request.filter_expression, filters),
    maxMessages: Math.min(Math.max(request.batch_size, 1), settings.maxReceiveBatch),
    invisibleMs,
    pollMs,
    autoRenew: request.auto_renew,
  };
}

/**
 * A subscription's filter, checked; an absent type is TAG.
 * @throws StatusError ILLEGAL_FILTER_EXPRESSION: too long, or SQL that cannot be read (where and why)
 */
export function filterOf(
  filter: ReceiveMessageCall['filter_expression'],
  filters: FilterCache,
): FilterExpression {
  const type = filter?.type === FilterType.SQL ? 'SQL' : 'TAG';
  const checked: FilterExpression = { type, expression: filter?.expression ?? '' };
  filters.get(checked);
  return checked;
}

/** @throws StatusError ILLEGAL_INVISIBLE_TIME */
export function checkInvisible(invisibleMs: number, minMs: number, maxMs: number): void {
  if (invisibleMs < minMs) {
    throw new StatusError(
      Code.ILLEGAL_INVISIBLE_TIME,
      `the invisibleTime is too small. min is ${minMs}, invisible_duration is ${invisibleMs} ms`,
    );
  }
  if (invisibleMs > maxMs) {
    throw new StatusError(
      Code.ILLEGAL_INVISIBLE_TIME,
      `the invisibleTime is too large. max is ${maxMs}, invisible_duration is ${invisibleMs} ms`,
    );
  }
}

/**
 * How long the poll may wait: what is asked, else what the deadline leaves; within the settings'
 * bounds, and so much before the deadline that an empty answer arrives.
 * @throws StatusError ILLEGAL_POLLING_TIME, BAD_REQUEST for old clients
 */
function pollingTime(
  request: ReceiveMessageCall,
  context: RequestContext,
  settings: ProxySettings,
  requestTimeoutMs: number,
): number {
  const { minPollMs, maxPollMs, pollMarginMs } = settings;
  const left = context.remainingMs;
  const asked = request.long_polling_timeout
    ? toMs(request.long_polling_timeout)
    : left === undefined
      ? maxPollMs
      : left - requestTimeoutMs / 2;
  const pollMs = Math.min(Math.max(asked, minPollMs), maxPollMs);
  if (left === undefined || pollMs <= left - pollMarginMs) return pollMs;
  if (left >= minPollMs) return Math.max(0, Math.min(pollMs, left - pollMarginMs));
  const code = isOlder(context.clientVersion) ? Code.BAD_REQUEST : Code.ILLEGAL_POLLING_TIME;
  throw new StatusError(
    code,
    `The deadline time remaining is not enough for polling, please check network condition: ` +
      `${Math.round(left)} ms remain, the poll takes at least ${minPollMs}`,
  );
}

/** Apache compares the texts. */
function isOlder(version: string): boolean {
  return version !== '' && version.replace(/^v/, '') < POLLING_TIME_SINCE;
}
