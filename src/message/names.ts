/** Rules for names of topics and groups (the API's shared validation). */
import { Code, StatusError } from './status';

const NAME = /^[%|a-zA-Z0-9_-]+$/;
export const MAX_TOPIC_CHARS = 127;
export const MAX_GROUP_CHARS = 120;
const MAX_DERIVED_TOPIC_CHARS = 255;

export const RETRY_PREFIX = '%RETRY%';
export const DLQ_PREFIX = '%DLQ%';
const SYSTEM_TOPIC_PREFIX = 'rmq_sys_';
const SYSTEM_GROUP_PREFIX = 'CID_RMQ_SYS_';

/** Metadata records: topics, groups, keys and their changes. */
export const META_TOPIC = 'rmq_sys_GANTRY_META';
/** What consumers have received and finished: changes and snapshots of the pop ledgers. */
export const LEDGER_TOPIC = 'rmq_sys_POP_LEDGER';
/** How often producers were asked about their pending transactions, and snapshots of those. */
export const TRANSACTION_TOPIC = 'rmq_sys_GANTRY_TRANSACTION';
/** Half messages: sent, and neither committed nor rolled back. */
export const HALF_TOPIC = 'RMQ_SYS_TRANS_HALF_TOPIC';
/** What became of half messages. */
export const OP_TOPIC = 'RMQ_SYS_TRANS_OP_HALF_TOPIC';
/** Copies of half messages that were rolled back because no producer knew what became of them. */
export const UNANSWERED_TOPIC = 'TRANS_CHECK_MAX_TIME_TOPIC';
/** Messages that wait for their delivery time, and what ended a wait otherwise than by delivery. */
export const TIMER_TOPIC = 'rmq_sys_GANTRY_TIMER';

const systemTopics: ReadonlySet<string> = new Set([
  'TBW102',
  'SCHEDULE_TOPIC_XXXX',
  'BenchmarkTest',
  'RMQ_SYS_TRANS_HALF_TOPIC',
  'RMQ_SYS_TRACE_TOPIC',
  'RMQ_SYS_TRANS_OP_HALF_TOPIC',
  'RMQ_SYS_ROCKSDB_TRANS_HALF_TOPIC',
  'RMQ_SYS_ROCKSDB_TRANS_OP_HALF_TOPIC',
  'TRANS_CHECK_MAX_TIME_TOPIC',
  'SELF_TEST_TOPIC',
  'OFFSET_MOVED_EVENT',
  'CHECKPOINT_TOPIC',
]);

export function isSystemTopic(topic: string): boolean {
  return systemTopics.has(topic) || topic.startsWith(SYSTEM_TOPIC_PREFIX);
}

/** @throws StatusError ILLEGAL_TOPIC when clients may not use the name. */
export function checkTopicName(topic: string): void {
  const fault = nameFault(topic, isDerivedTopic(topic) ? MAX_DERIVED_TOPIC_CHARS : MAX_TOPIC_CHARS);
  if (fault !== undefined) throw new StatusError(Code.ILLEGAL_TOPIC, `topic ${fault}`);
  if (isSystemTopic(topic)) {
    throw new StatusError(Code.ILLEGAL_TOPIC, `cannot access system topic ${topic}`);
  }
}

/** @throws StatusError ILLEGAL_CONSUMER_GROUP when clients may not use the name. */
export function checkGroupName(group: string): void {
  const fault = nameFault(group, MAX_GROUP_CHARS);
  if (fault !== undefined) {
    throw new StatusError(Code.ILLEGAL_CONSUMER_GROUP, `consumer group ${fault}`);
  }
  if (group.startsWith(SYSTEM_GROUP_PREFIX)) {
    throw new StatusError(Code.ILLEGAL_CONSUMER_GROUP, `cannot use system consumer group ${group}`);
  }
}

/** Whether a topic belongs to a group's retries or dead letters: never auto-created, taken by any type. */
export function isDerivedTopic(topic: string): boolean {
  return topic.startsWith(RETRY_PREFIX) || topic.startsWith(DLQ_PREFIX);
}

function nameFault(name: string, maxChars: number): string | undefined {
  if (name.trim() === '') return 'is blank';
  if (name.length > maxChars) {
    return `has ${name.length} characters, the limit is ${maxChars}: ${name.slice(0, 32)}...`;
  }
  if (!NAME.test(name)) return `contains illegal characters, allowing only ${NAME.source}: ${name}`;
  return undefined;
}
