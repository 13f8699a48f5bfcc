/** How many lite topics there may be, and how many of them clients may receive. docs/lite-topics.md lists the limits. */
import type { SyncLiteRequest } from '../../api/lite-api';
import { Code, StatusError } from '../../message/status';
import type { Metadata } from '../metadata';
import type { BrokerSettings } from '../settings';
import type { LiteClient, LiteSubscriptions } from './lite-subscriptions';

export interface LiteQuotaParts {
  readonly metadata: Metadata;
  readonly settings: BrokerSettings;
}

/** @throws StatusError LITE_TOPIC_QUOTA_EXCEEDED when a parent cannot have `count` lite topics more */
export function checkLiteTopics(
  { metadata, settings }: LiteQuotaParts,
  topic: string,
  count: number,
): void {
  const limits: readonly Limit[] = [
    [`topic ${topic}`, metadata.liteTable(topic).size, settings.maxLitePerParent],
    ['the broker', metadata.liteTopics, settings.maxLiteTopics],
  ];
  for (const [who, has, limit] of limits) {
    if (has + count <= limit) continue;
    throw new StatusError(
      Code.LITE_TOPIC_QUOTA_EXCEEDED,
      `${who} has ${has} lite topics, the limit is ${limit}`,
    );
  }
}

/** Whom it is about, how many there are or would be, how many there may be. */
type Limit = readonly [who: string, count: number, limit: number];

/** @throws StatusError LITE_SUBSCRIPTION_QUOTA_EXCEEDED when a client would receive too many by a change */
export function checkLiteSubscriptions(
  { metadata, settings }: LiteQuotaParts,
  subscriptions: LiteSubscriptions,
  client: LiteClient,
  change: SyncLiteRequest['change'],
  names: ReadonlySet<string>,
): void {
  if (change === 'remove') return;
  const table = metadata.liteTable(client.topic);
  const has = (name: string): boolean => client.wanted.has(table.queueOf(name) ?? -1);
  const added = [...names].filter((name) => !has(name)).length;
  if (added === 0) return;
  const before = client.wanted.size;
  const own = change === 'set' ? names.size : before + added;
  const { group } = client;
  const perClient = metadata.groups.get(group)?.liteQuota ?? settings.maxLitePerClient;
  const more = own - before;
  const limits: readonly Limit[] = [
    [`client ${client.id}`, own, perClient],
    [`clients of group ${group}`, subscriptions.countOf(group) + more, settings.maxLitePerGroup],
    ['clients', subscriptions.count + more, settings.maxLiteSubscriptions],
  ];
  for (const [who, count, limit] of limits) {
    if (count <= limit) continue;
    throw new StatusError(
      Code.LITE_SUBSCRIPTION_QUOTA_EXCEEDED,
      `lite subscription quota exceeded: ${who} would have ${count} lite topics, the limit is ${limit}`,
    );
  }
}
