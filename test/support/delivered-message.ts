/**
 * The API's rules for delivered messages, told in objects: what src/message/wire/delivered-message writes as bytes
 * must say the same.
 */
import { hash } from 'node:crypto';
import { hostText, type Host } from '../../src/message/host';
import { isDerivedTopic } from '../../src/message/names';
import { isSystemPropertyKey, Property } from '../../src/message/properties';
import {
  DIGEST_MD5,
  Encoding,
  MessageType,
  type ResourceName,
} from '../../src/message/public-message';
import { readRecord, recordProperties, SysFlag, type StoredRecord } from '../../src/message/record';
import { fromMs, type SecondsAndNanos } from '../../src/message/time';
import type { Delivery } from '../../src/message/wire/delivered-message';

/** A message as a consumer gets it. */
export interface DeliveredMessage {
  topic: { resource_namespace: string; name: string };
  user_properties: Record<string, string>;
  system_properties: DeliveredSystemProperties;
  body: Buffer;
}

export interface DeliveredSystemProperties {
  tag?: string;
  keys: string[];
  message_id: string;
  body_digest: { type: typeof DIGEST_MD5; checksum: string };
  body_encoding: (typeof Encoding)[keyof typeof Encoding];
  message_type: MessageType;
  born_timestamp: SecondsAndNanos;
  born_host: string;
  store_timestamp: SecondsAndNanos;
  store_host: string;
  delivery_timestamp?: SecondsAndNanos;
  receipt_handle: string;
  queue_id: number;
  queue_offset: number;
  invisible_duration: SecondsAndNanos;
  delivery_attempt: number;
  message_group?: string;
  trace_context?: string;
  dead_letter_queue?: { topic: string; message_id: string };
  lite_topic?: string;
  priority?: number;
}

/**
 * Makes the public message of a delivered record; the body stays a view of the record.
 * @param asked the topic as the consumer named it; its namespace is echoed
 * @throws RangeError when the bytes are no record
 */
export function deliveredMessage(delivery: Delivery, asked: ResourceName): DeliveredMessage {
  const record = readRecord(delivery.record, 0);
  const properties = recordProperties(record);
  const user = Object.create(null) as Record<string, string>;
  for (const [key, value] of properties) if (!isSystemPropertyKey(key)) user[key] = value;
  return {
    topic: shownTopic(record.topic, properties.get(Property.RETRY_TOPIC), asked),
    user_properties: user,
    system_properties: systemProperties(record, properties, delivery),
    body: record.body,
  };
}

/** The producer's message id, else the place in the log. */
function messageIdOf(record: StoredRecord, properties: ReadonlyMap<string, string>): string {
  return properties.get(Property.UNIQ_KEY) ?? placeId(record);
}

function systemProperties(
  record: StoredRecord,
  properties: ReadonlyMap<string, string>,
  delivery: Delivery,
): DeliveredSystemProperties {
  const gzip = (record.sysFlag & SysFlag.COMPRESSED) !== 0;
  const system: DeliveredSystemProperties = {
    keys: (properties.get(Property.KEYS) ?? '').split(' ').filter((key) => key !== ''),
    message_id: messageIdOf(record, properties),
    body_digest: { type: DIGEST_MD5, checksum: hash('md5', record.body, 'hex').toUpperCase() },
    body_encoding: gzip ? Encoding.GZIP : Encoding.IDENTITY,
    message_type: storedType(properties),
    born_timestamp: fromMs(record.bornTimestamp),
    born_host: properties.get(Property.BORNHOST) ?? addressText(record.bornHost),
    store_timestamp: fromMs(record.storeTimestamp),
    store_host: hostText(record.storeHost),
    receipt_handle: delivery.receiptHandle,
    queue_id: record.queueId,
    queue_offset: record.queueOffset,
    invisible_duration: fromMs(delivery.invisibleMs),
    delivery_attempt: delivery.attempt,
  };
  addOptional(system, properties);
  return system;
}

function addOptional(
  system: DeliveredSystemProperties,
  properties: ReadonlyMap<string, string>,
): void {
  const tag = properties.get(Property.TAGS);
  if (tag !== undefined) system.tag = tag;
  const group = properties.get(Property.SHARDINGKEY);
  if (group !== undefined) system.message_group = group;
  const trace = properties.get(Property.TRACE_CONTEXT);
  if (trace !== undefined) system.trace_context = trace;
  const due = Number(properties.get(Property.TIMER_DELIVER_MS));
  if (Number.isSafeInteger(due) && due > 0) system.delivery_timestamp = fromMs(due);
  const lite = properties.get(Property.LITE_TOPIC);
  if (lite !== undefined) system.lite_topic = lite;
  const priority = Number(properties.get(Property.PRIORITY));
  if (Number.isInteger(priority) && priority >= 0 && priority < 2 ** 31) system.priority = priority;
  const topic = properties.get(Property.DLQ_ORIGIN_TOPIC);
  const id = properties.get(Property.DLQ_ORIGIN_MESSAGE_ID);
  if (topic !== undefined && id !== undefined) {
    system.dead_letter_queue = { topic, message_id: id };
  }
}

/** The stored type, in the API's order: a message is the first of these that it has signs of. */
function storedType(properties: ReadonlyMap<string, string>): MessageType {
  if (properties.get(Property.TRAN_MSG) === 'true') return MessageType.TRANSACTION;
  if (properties.has(Property.TIMER_DELIVER_MS) || properties.has(Property.DELAY)) {
    return MessageType.DELAY;
  }
  if (properties.has(Property.SHARDINGKEY)) return MessageType.FIFO;
  if (properties.has(Property.PRIORITY)) return MessageType.PRIORITY;
  if (properties.has(Property.LITE_TOPIC)) return MessageType.LITE;
  return MessageType.NORMAL;
}

/** A message of a retry topic shows the topic that it was first sent to, else the one that was asked for. */
function shownTopic(stored: string, origin: string | undefined, asked: ResourceName): ResourceName {
  const hidden = stored.startsWith('%RETRY%') && !asked.name.startsWith('%RETRY%');
  const shown = hidden ? (origin ?? asked.name) : stored;
  return shown === asked.name ? asked : publicTopic(shown);
}

/** A stored `ns%name` is split; the prefixes of retry and dead letter topics stay with the name. */
function publicTopic(stored: string): { resource_namespace: string; name: string } {
  const prefix = isDerivedTopic(stored) ? stored.slice(0, stored.indexOf('%', 1) + 1) : '';
  const rest = stored.slice(prefix.length);
  const at = rest.indexOf('%');
  if (at < 1) return { resource_namespace: '', name: stored };
  return { resource_namespace: rest.slice(0, at), name: prefix + rest.slice(at + 1) };
}

/** Store address, port and log position as 32 hex digits: the id of a message that brought none. */
function placeId(record: StoredRecord): string {
  const { address, port } = record.storeHost;
  const position = record.physicalOffset.toString(16).padStart(16, '0');
  return (address.toString('hex') + port.toString(16).padStart(8, '0') + position).toUpperCase();
}

function addressText(host: Host): string {
  const text = hostText(host);
  return text.slice(0, text.lastIndexOf(':')).replace(/^\[|\]$/g, '');
}
