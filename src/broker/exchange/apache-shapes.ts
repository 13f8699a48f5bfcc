/**
 * Topics, groups and offsets in the shapes of Apache RocketMQ's config/*.json, and back. What a file
 * holds beside what we know stays as it was: entries are laid over those that were there.
 */
import {
  DEFAULT_BACKOFF,
  DEFAULT_MAX_ATTEMPTS,
  MAX_LITE_IDLE_MS,
  MAX_LITE_QUOTA,
  TOPIC_TYPES,
  type BackoffPolicy,
  type GroupConfig,
  type TopicConfig,
  type TopicType,
} from '../../api/topic';
import { isSystemTopic } from '../../message/names';
import type { JsonObject, JsonValue } from './apache-json';

/** Bit of a topic's `perm`: the topic is a template or the broker's own. */
const PERM_INHERIT = 1;
const PERM_READ_WRITE = 6;
const REPLY_TOPIC = /^(.*)_REPLY_TOPIC$/;
/** Groups that every Apache broker makes for itself. */
const OWN_GROUPS =
  /^(TOOLS_CONSUMER|FILTERSRV_CONSUMER|SELF_TEST_C_GROUP|CID_ONS.*|CID_RMQ_SYS_.*)$/;
const MAX_ATTEMPTS = 1000;
const MINUTE_MS = 60_000;
/** Attribute of a LITE topic: after how many minutes its lite topics go. */
const LITE_IDLE = 'lite.topic.expiration';
/** Attribute of a group of lite topics: how many a client may receive. */
const LITE_QUOTA = 'lite.sub.client.quota';

/** A value, or a member of it, as an object; an empty one when it is something else. */
export function objectIn(value: JsonValue | undefined, name?: string): JsonObject {
  if (!(value instanceof Map)) return new Map();
  return name === undefined ? value : objectIn(value.get(name));
}

export function textIn(object: JsonObject, name: string): string | undefined {
  const value = object.get(name);
  return typeof value === 'string' ? value : undefined;
}

/** A whole number from bare or quoted digits. */
export function integerIn(object: JsonObject, name: string): number | undefined {
  return integerOf(object.get(name));
}

function integerOf(value: JsonValue | undefined): number | undefined {
  const number = typeof value === 'string' ? Number(value) : value;
  return Number.isSafeInteger(number) ? (number as number) : undefined;
}

/** Whether an entry of topics.json is Apache's own, which we leave as it is. */
export function isApachesTopic(name: string, table: JsonObject): boolean {
  if (isSystemTopic(name)) return true;
  const template = REPLY_TOPIC.exec(name)?.[1] ?? name;
  return ((integerIn(objectIn(table, template), 'perm') ?? 0) & PERM_INHERIT) !== 0;
}

export function isApachesGroup(name: string): boolean {
  return OWN_GROUPS.test(name);
}

/** An entry of `topicConfigTable`. */
export function topicEntry(topic: TopicConfig, before: JsonObject): JsonObject {
  const attributes: JsonObject = new Map(objectIn(before, 'attributes'));
  attributes.set('message.type', topic.type);
  if (topic.liteIdleMs !== undefined) attributes.set(LITE_IDLE, minutesText(topic.liteIdleMs));
  return new Map<string, JsonValue>([
    ['attributes', attributes],
    ['order', before.get('order') ?? false],
    ['perm', integerIn(before, 'perm') ?? PERM_READ_WRITE],
    ['readQueueNums', topic.queues],
    ['topicFilterType', before.get('topicFilterType') ?? 'SINGLE_TAG'],
    ['topicName', topic.name],
    ['topicSysFlag', before.get('topicSysFlag') ?? 0],
    ['writeQueueNums', topic.queues],
  ]);
}

/** An entry of `topicConfigTable` for a topic of our own that clients may not use. */
export function systemTopicEntry(name: string): JsonObject {
  const entry = topicEntry({ name, type: 'NORMAL', queues: 1 }, new Map());
  entry.set('attributes', new Map());
  return entry;
}

/** A topic without a type takes what Apache's proxy takes for it: normal messages. */
export function topicOf(name: string, entry: JsonObject): TopicConfig {
  const type = textIn(objectIn(entry, 'attributes'), 'message.type') ?? 'NORMAL';
  const queues = Math.max(
    integerIn(entry, 'readQueueNums') ?? 16,
    integerIn(entry, 'writeQueueNums') ?? 16,
    1,
  );
  const liteIdleMs = type === 'LITE' ? idleMsIn(objectIn(entry, 'attributes')) : undefined;
  return {
    ...{ name, type: isTopicType(type) ? type : 'NORMAL', queues },
    ...(liteIdleMs === undefined ? {} : { liteIdleMs }),
  };
}

/** Whole minutes, -1 for never. */
function minutesText(ms: number): string {
  return String(ms === 0 ? -1 : Math.ceil(ms / MINUTE_MS));
}

function idleMsIn(attributes: JsonObject): number | undefined {
  const minutes = integerIn(attributes, LITE_IDLE);
  if (minutes === undefined || minutes === 0) return undefined;
  return minutes < 0 ? 0 : Math.min(minutes * MINUTE_MS, MAX_LITE_IDLE_MS);
}

/** An entry of `subscriptionGroupTable`. */
export function groupEntry(group: GroupConfig, before: JsonObject): JsonObject {
  const entry: JsonObject = new Map<string, JsonValue>([
    ['attributes', groupAttributes(group, before)],
    ['brokerId', before.get('brokerId') ?? 0],
    ['consumeBroadcastEnable', before.get('consumeBroadcastEnable') ?? true],
    ['consumeEnable', before.get('consumeEnable') ?? true],
    ['consumeFromMinEnable', before.get('consumeFromMinEnable') ?? true],
    ['consumeMessageOrderly', group.fifo],
    ['consumeTimeoutMinute', before.get('consumeTimeoutMinute') ?? 15],
    ['groupName', group.name],
    ['groupRetryPolicy', policyEntry(group.backoff)],
    ['groupSysFlag', before.get('groupSysFlag') ?? 0],
    ['notifyConsumerIdsChangedEnable', before.get('notifyConsumerIdsChangedEnable') ?? true],
    ['retryMaxTimes', group.maxAttempts - 1],
    ['retryQueueNums', before.get('retryQueueNums') ?? 1],
    ['whichBrokerWhenConsumeSlowly', before.get('whichBrokerWhenConsumeSlowly') ?? 1],
  ]);
  const subscriptions = before.get('subscriptionDataSet');
  if (subscriptions !== undefined) entry.set('subscriptionDataSet', subscriptions);
  return entry;
}

export function groupOf(name: string, entry: JsonObject, fromBeginning: boolean): GroupConfig {
  const retries = integerIn(entry, 'retryMaxTimes') ?? DEFAULT_MAX_ATTEMPTS - 1;
  const attributes = objectIn(entry, 'attributes');
  const liteTopic = textIn(attributes, 'lite.bind.topic');
  const quota = integerIn(attributes, LITE_QUOTA) ?? 0;
  return {
    name,
    fifo: entry.get('consumeMessageOrderly') === true,
    maxAttempts: Math.min(Math.max(retries + 1, 1), MAX_ATTEMPTS),
    backoff: policyOf(objectIn(entry, 'groupRetryPolicy')),
    startFrom: fromBeginning ? 'beginning' : 'end',
    ...(liteTopic === undefined ? {} : { liteTopic }),
    ...(liteTopic === undefined || quota < 1 ? {} : { liteQuota: Math.min(quota, MAX_LITE_QUOTA) }),
  };
}

/** Offsets of one `topic@group`, by queue id; what is no offset is left out. */
export function offsetsOf(entry: JsonObject): Map<number, number> {
  const offsets = new Map<number, number>();
  for (const [key, value] of entry) {
    const queueId = Number(key);
    const offset = integerOf(value);
    if (!Number.isInteger(queueId) || queueId < 0 || offset === undefined || offset < 0) continue;
    offsets.set(queueId, offset);
  }
  return offsets;
}

/** The two parts of a key `topic@group`. */
export function topicAndGroup(key: string): { topic: string; group: string } | undefined {
  const at = key.indexOf('@');
  return at < 1 || at === key.length - 1
    ? undefined
    : { topic: key.slice(0, at), group: key.slice(at + 1) };
}

/** The version of a file that follows an older one. */
export function nextVersion(before: JsonObject, nowMs: number): JsonObject {
  return new Map<string, JsonValue>([
    ['counter', (integerIn(before, 'counter') ?? 0) + 1],
    ['stateVersion', integerIn(before, 'stateVersion') ?? 0],
    ['timestamp', nowMs],
  ]);
}

function isTopicType(type: string): type is TopicType {
  return (TOPIC_TYPES as readonly string[]).includes(type);
}

function groupAttributes(group: GroupConfig, before: JsonObject): JsonObject {
  const attributes: JsonObject = new Map(objectIn(before, 'attributes'));
  if (group.liteTopic !== undefined) attributes.set('lite.bind.topic', group.liteTopic);
  if (group.liteQuota !== undefined) attributes.set(LITE_QUOTA, String(group.liteQuota));
  return attributes;
}

/** The default policy is Apache's default as well: it is named, not spelled out. */
function policyEntry(backoff: BackoffPolicy): JsonObject {
  if (backoff.kind === 'exponential') {
    const { initialMs, maxMs, multiplier } = backoff;
    const policy = new Map<string, JsonValue>([
      ['initial', initialMs],
      ['max', maxMs],
      ['multiplier', multiplier],
    ]);
    return new Map<string, JsonValue>([
      ['exponentialRetryPolicy', policy],
      ['type', 'EXPONENTIAL'],
    ]);
  }
  const entry = new Map<string, JsonValue>([['type', 'CUSTOMIZED']]);
  if (backoff.kind !== 'customized' || isDefault(backoff.nextMs)) return entry;
  return new Map<string, JsonValue>([
    ['customizedRetryPolicy', new Map([['next', [...backoff.nextMs]]])],
    ...entry,
  ]);
}

function isDefault(nextMs: readonly number[]): boolean {
  return DEFAULT_BACKOFF.kind === 'customized' && nextMs.join() === DEFAULT_BACKOFF.nextMs.join();
}

function policyOf(entry: JsonObject): BackoffPolicy {
  const exponential = objectIn(entry, 'exponentialRetryPolicy');
  if (textIn(entry, 'type') === 'EXPONENTIAL') {
    return {
      kind: 'exponential',
      initialMs: integerIn(exponential, 'initial') ?? 5000,
      maxMs: integerIn(exponential, 'max') ?? 7_200_000,
      multiplier: integerIn(exponential, 'multiplier') ?? 2,
    };
  }
  const next = objectIn(entry, 'customizedRetryPolicy').get('next');
  const nextMs = Array.isArray(next)
    ? (next as readonly JsonValue[]).map(integerOf).filter((ms) => ms !== undefined)
    : [];
  return nextMs.length > 0 ? { kind: 'customized', nextMs } : DEFAULT_BACKOFF;
}
