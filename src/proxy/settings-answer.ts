/** The settings that a client gets back: its own, with what the server decides (the API's Telemetry rules). */
import {
  DEFAULT_BACKOFF,
  DEFAULT_MAX_ATTEMPTS,
  isOrdered,
  type BackoffPolicy,
  type GroupConfig,
} from '../api/topic';
import { fromMs } from '../message/time';
import { Language } from '../rpc/generated/apache/rocketmq/v2/Language';
import type { Publishing__Output } from '../rpc/generated/apache/rocketmq/v2/Publishing';
import type { RetryPolicy } from '../rpc/generated/apache/rocketmq/v2/RetryPolicy';
import type { Settings, Settings__Output } from '../rpc/generated/apache/rocketmq/v2/Settings';
import type { Subscription__Output } from '../rpc/generated/apache/rocketmq/v2/Subscription';
import type { ProxySettings } from './settings';

/** The only kind that producers understand; several official clients fail without it. */
const PRODUCER_BACKOFF: BackoffPolicy = {
  kind: 'exponential',
  initialMs: 10,
  maxMs: 1000,
  multiplier: 2,
};

export function producerAnswer(
  sent: Settings__Output,
  publishing: Publishing__Output,
  settings: ProxySettings,
): Settings {
  return {
    ...echo(sent),
    backoff_policy: retryPolicy(settings.producerMaxAttempts, PRODUCER_BACKOFF),
    publishing: {
      topics: publishing.topics,
      max_body_size: settings.message.maxBodyBytes,
      validate_message_type: true,
    },
  };
}

/** @param group as the brokers have it; `undefined` while it is not made */
export function consumerAnswer(
  sent: Settings__Output,
  subscription: Subscription__Output,
  group: GroupConfig | undefined,
  settings: ProxySettings,
): Settings {
  const { maxAttempts, backoff } = group ?? {
    maxAttempts: DEFAULT_MAX_ATTEMPTS,
    backoff: DEFAULT_BACKOFF,
  };
  return {
    ...echo(sent),
    backoff_policy: retryPolicy(maxAttempts, knownBackoff(backoff, sent)),
    subscription: {
      group: subscription.group ?? null,
      subscriptions: subscription.subscriptions,
      fifo: group !== undefined && isOrdered(group),
      receive_batch_size: settings.maxReceiveBatch,
      long_polling_timeout: fromMs(settings.maxPollMs),
      lite_subscription_quota: group?.liteQuota ?? settings.liteSubscriptionQuota,
      max_lite_topic_size: settings.message.maxLiteTopicBytes,
    },
  };
}

/** What the server has no say in goes back unchanged. */
function echo(sent: Settings__Output): Settings {
  return {
    ...(sent.client_type === undefined ? {} : { client_type: sent.client_type }),
    ...(sent.access_point ? { access_point: sent.access_point } : {}),
    ...(sent.request_timeout ? { request_timeout: sent.request_timeout } : {}),
    user_agent: sent.user_agent,
    metric: { on: false },
    client_properties: sent.client_properties,
  };
}

/**
 * The Node client knows exponential backoff only: it takes a list of delays for no policy at all, and gives
 * a FIFO message up after one attempt. It gets the doubling from the list's first delay to its last.
 */
function knownBackoff(
  backoff: BackoffPolicy,
  { user_agent: agent }: Settings__Output,
): BackoffPolicy {
  if (backoff.kind === 'exponential' || agent?.language !== Language.NODE_JS) return backoff;
  // Whole seconds, at least one: it reads shorter ones as none.
  const initialMs = Math.max(1000, backoff.nextMs[0] ?? 0);
  const maxMs = Math.max(initialMs, backoff.nextMs.at(-1) ?? 0);
  return { kind: 'exponential', initialMs, maxMs, multiplier: 2 };
}

function retryPolicy(maxAttempts: number, backoff: BackoffPolicy): RetryPolicy {
  if (backoff.kind === 'customized') {
    return { max_attempts: maxAttempts, customized_backoff: { next: backoff.nextMs.map(fromMs) } };
  }
  const { initialMs, maxMs, multiplier } = backoff;
  return {
    max_attempts: maxAttempts,
    exponential_backoff: { initial: fromMs(initialMs), max: fromMs(maxMs), multiplier },
  };
}
