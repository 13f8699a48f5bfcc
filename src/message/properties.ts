/**
 * Properties of a stored record:
 *
 *     key 0x01 value 0x02 key 0x01 value 0x02 ...
 *
 * in UTF-8. The last 0x02 may be missing; pairs without key or value are dropped; the last of
 * duplicate keys wins.
 */

/** Names of properties that the store or the parts give a meaning to. */
export const Property = {
  KEYS: 'KEYS',
  TAGS: 'TAGS',
  WAIT: 'WAIT',
  UNIQ_KEY: 'UNIQ_KEY',
  PGROUP: 'PGROUP',
  TRAN_MSG: 'TRAN_MSG',
  DELAY: 'DELAY',
  TIMER_DELIVER_MS: 'TIMER_DELIVER_MS',
  TIMER_OUT_MS: 'TIMER_OUT_MS',
  TIMER_DEL_UNIQKEY: 'TIMER_DEL_UNIQKEY',
  REAL_TOPIC: 'REAL_TOPIC',
  RETRY_TOPIC: 'RETRY_TOPIC',
  REAL_QID: 'REAL_QID',
  RECONSUME_TIME: 'RECONSUME_TIME',
  SHARDINGKEY: '__SHARDINGKEY',
  BORNHOST: '__BORNHOST',
  BORN_TIMESTAMP: 'BORN_TIMESTAMP',
  TRACE_CONTEXT: 'TRACE_CONTEXT',
  LITE_TOPIC: '__LITE_TOPIC',
  PRIORITY: '_SYS_MSG_PRIORITY_',
  DLQ_ORIGIN_TOPIC: 'DLQ_ORIGIN_TOPIC',
  DLQ_ORIGIN_MESSAGE_ID: 'DLQ_ORIGIN_MESSAGE_ID',
  DEAD_LETTER: 'GANTRY_DEAD_LETTER',
  DELAY_RECORD: 'GANTRY_DELAY_RECORD',
  DELAY_ROLLED: 'GANTRY_DELAY_ROLLED',
  DELAY_ENDED: 'GANTRY_DELAY_ENDED',
  DELAY_TAKEN: 'GANTRY_DELAY_TAKEN',
  CHECK_IMMUNITY_TIME_IN_SECONDS: 'CHECK_IMMUNITY_TIME_IN_SECONDS',
  TRANSACTION_ID: '__transactionId__',
  TRANSACTION_CHECK_TIMES: 'TRANSACTION_CHECK_TIMES',
  DECISION: 'GANTRY_DECISION',
  CRC32: '__CRC32#',
} as const;

/** Keys that producers may not set and that are not shown to consumers (`MessageConst.STRING_HASH_SET`). */
const reservedKeys: ReadonlySet<string> = new Set(
  (
    'TRACE_ON MSG_REGION KEYS TAGS WAIT DELAY RETRY_TOPIC ORIGIN_GROUP REAL_TOPIC REAL_QID TRAN_MSG PGROUP ' +
    'MIN_OFFSET MAX_OFFSET BUYER_ID ORIGIN_MESSAGE_ID TRANSFER_FLAG CORRECTION_FLAG MQ2_FLAG RECONSUME_TIME ' +
    'UNIQ_KEY MAX_RECONSUME_TIMES CONSUME_START_TIME POP_CK POP_CK_OFFSET 1ST_POP_TIME ' +
    'TRAN_PREPARED_QUEUE_OFFSET DUP_INFO EXTEND_UNIQ_INFO INSTANCE_ID CORRELATION_ID REPLY_TO_CLIENT TTL ' +
    'ARRIVE_TIME PUSH_REPLY_TIME CLUSTER MSG_TYPE INNER_MULTI_QUEUE_OFFSET TIMER_DELAY_MS TIMER_DELAY_SEC ' +
    'TIMER_DELIVER_MS TIMER_ENQUEUE_MS TIMER_DEQUEUE_MS TIMER_ROLL_TIMES TIMER_OUT_MS TIMER_DEL_UNIQKEY ' +
    'TIMER_DELAY_LEVEL __BORNHOST BORN_TIMESTAMP DLQ_ORIGIN_TOPIC DLQ_ORIGIN_MESSAGE_ID __CRC32# ' +
    '_SYS_MSG_PRIORITY_ __LITE_TOPIC'
  ).split(' '),
);

/** Keys of the store's own that are not in the reserved set and yet carry system meaning. */
const internalKeys: ReadonlySet<string> = new Set([
  '__SHARDINGKEY',
  'TRACE_CONTEXT',
  'INNER_MULTI_DISPATCH',
  'CHECK_IMMUNITY_TIME_IN_SECONDS',
  '__transactionId__',
  'TRANSACTION_CHECK_TIMES',
  'TRANS_OFFSET',
  'INNER_NUM',
  'INNER_BASE',
  'REDIRECT',
  'PROPERTY_FORWARD_QUEUE_ID',
  'TIMER_ROLL_LABEL',
  'GANTRY_DEAD_LETTER',
  'GANTRY_DECISION',
  'GANTRY_DELAY_RECORD',
  'GANTRY_DELAY_ROLLED',
  'GANTRY_DELAY_ENDED',
  'GANTRY_DELAY_TAKEN',
]);

/** All keys that producers may not set and that are not shown to consumers. */
export function systemPropertyKeys(): readonly string[] {
  return [...reservedKeys, ...internalKeys];
}

/** Whether a property key is refused from producers and kept from consumers. */
export function isSystemPropertyKey(key: string): boolean {
  return reservedKeys.has(key) || internalKeys.has(key);
}

/** Encodes pairs as property text. Keys and values must hold neither 0x01 nor 0x02. */
export function encodeProperties(pairs: Iterable<readonly [string, string]>): string {
  let text = '';
  for (const [key, value] of pairs) text += `${key}\u0001${value}\u0002`;
  return text;
}

/** Parses property text; what has no key or no value is dropped. */
export function parseProperties(text: string): Map<string, string> {
  const properties = new Map<string, string>();
  let start = 0;
  while (start < text.length) {
    let end = text.indexOf('\u0002', start);
    if (end < 0) end = text.length;
    const separator = text.indexOf('\u0001', start);
    if (separator > start && separator < end - 1) {
      properties.set(text.slice(start, separator), text.slice(separator + 1, end));
    }
    start = end + 1;
  }
  return properties;
}
