/**
 * A stored record as the `apache.rocketmq.v2.Message` that a consumer gets (the API's rules for delivered
 * messages), from bytes to bytes: body and user properties are copied as they are. Hot path.
 */
import { isUtf8 } from 'node:buffer';
import { hash } from 'node:crypto';
import { type Host, hostText } from '../host';
import { readInt64 } from '../int64';
import { isDerivedTopic, RETRY_PREFIX } from '../names';
import { Property } from '../properties';
import { DIGEST_MD5, Encoding, MessageType, type ResourceName } from '../public-message';
import { readHost, type RecordLayout, recordLayout, SysFlag } from '../record';
import { findProperty, propertyKey } from '../record-property';
import { PropertyRanges, type ShownProperty } from './property-ranges';
import { textOf } from './wire-reader';
import type { WireWriter } from './wire-writer';

/** What a delivery adds to the record. */
export interface Delivery {
  readonly record: Buffer;
  readonly receiptHandle: string;
  /** 1 on first delivery. */
  readonly attempt: number;
  readonly invisibleMs: number;
}

const RETRY_TOPIC = propertyKey(Property.RETRY_TOPIC);
const SPACE = 0x20;
const MAX_INT32 = 0x7fffffff;

/** What a delivery adds to body, topic and properties at most, but for very long receipt handles. */
const DELIVERY_FIELD_BYTES = 512;

/** About how many bytes a delivery takes: rather more than less. */
export function deliveredBytes({ record, receiptHandle }: Delivery): number {
  return record.length + receiptHandle.length + DELIVERY_FIELD_BYTES;
}

const ranges = new PropertyRanges();

/**
 * Writes the message as a field of another message, at the end of which it stands.
 * @param asked the topic as the consumer named it; its namespace is echoed
 * @throws RangeError when the bytes are no record; what was written then is of no use
 */
export function writeDelivered(
  writer: WireWriter,
  field: number,
  delivery: Delivery,
  asked: ResourceName,
): void {
  const { record: bytes } = delivery;
  const layout = recordLayout(bytes, 0);
  const place = readPlace(bytes, layout);
  readProperties(bytes, layout);
  const message = new DeliveredMessage(writer, ranges.bytes, layout, ranges);
  const before = writer.length;
  // From the last field to the first.
  const { bodyAt, bodyEnd } = layout;
  if (bodyEnd > bodyAt) {
    writer.raw(bytes, bodyAt, bodyEnd);
    writer.bytesHead(4, bodyEnd - bodyAt);
  }
  message.systemProperties(delivery, place);
  message.userProperties();
  message.topic(bytes, asked);
  writer.endBytes(field, before);
  ranges.clear();
}

/** Consumers refuse strings that are no UTF-8: what another writer stored is mended. */
function readProperties(bytes: Buffer, { propertiesAt, end }: RecordLayout): void {
  ranges.read(bytes, propertiesAt, end);
  if (ranges.ascii || isUtf8(bytes.subarray(propertiesAt, end))) return;
  const mended = Buffer.from(bytes.toString('utf8', propertiesAt, end));
  ranges.read(mended, 0, mended.length);
}

/** Numbers of the record's head. */
interface Place {
  readonly queueId: number;
  readonly queueOffset: number;
  readonly physicalOffset: number;
  readonly bornTimestamp: number;
  readonly bornHost: Host;
  readonly storeTimestamp: number;
  readonly storeHost: Host;
}

function readPlace(bytes: Buffer, layout: RecordLayout): Place {
  const { start, storeAt } = layout;
  return {
    queueId: bytes.readInt32BE(start + 12),
    queueOffset: readInt64(bytes, start + 20),
    physicalOffset: readInt64(bytes, start + 28),
    bornTimestamp: readInt64(bytes, start + 40),
    bornHost: readHost(bytes, start + 48, layout.bornHostBytes),
    storeTimestamp: readInt64(bytes, storeAt),
    storeHost: readHost(bytes, storeAt + 8, layout.storeHostBytes),
  };
}

class DeliveredMessage {
  constructor(
    private readonly writer: WireWriter,
    /** What `properties` are places in. */
    private readonly source: Buffer,
    private readonly layout: RecordLayout,
    private readonly properties: PropertyRanges,
  ) {}

  topic(bytes: Buffer, asked: ResourceName): void {
    const { writer } = this;
    const stored = textOf(bytes, this.layout.topicAt, this.layout.topicEnd);
    const topic = stored === asked.name ? asked : shownTopic(bytes, stored, asked);
    const before = writer.length;
    writer.string(2, topic.name);
    writer.string(1, topic.resource_namespace);
    writer.endBytes(1, before);
  }

  userProperties(): void {
    const { writer, source } = this;
    const { user } = this.properties;
    for (let i = user.length - 4; i >= 0; i -= 4) {
      const before = writer.length;
      this.range(2, source, user[i + 2] ?? 0, user[i + 3] ?? 0);
      this.range(1, source, user[i] ?? 0, user[i + 1] ?? 0);
      writer.endBytes(2, before);
    }
  }

  systemProperties(delivery: Delivery, place: Place): void {
    const { writer, layout } = this;
    const before = writer.length;
    this.rareProperties();
    writer.numberAlways(16, delivery.attempt);
    writer.time(15, delivery.invisibleMs);
    writer.numberAlways(14, place.queueOffset);
    writer.number(13, place.queueId);
    writer.stringAlways(12, delivery.receiptHandle);
    const dueMs = Number(this.properties.text(Property.TIMER_DELIVER_MS));
    if (Number.isSafeInteger(dueMs) && dueMs > 0) writer.time(11, dueMs);
    writer.string(10, hostTextOf(place.storeHost));
    writer.time(9, place.storeTimestamp);
    if (!this.property(8, Property.BORNHOST)) writer.string(8, addressText(place.bornHost));
    writer.time(7, place.bornTimestamp);
    writer.number(6, this.storedType());
    const gzip = (layout.sysFlag & SysFlag.COMPRESSED) !== 0;
    writer.number(5, gzip ? Encoding.GZIP : Encoding.IDENTITY);
    this.digest(delivery.record);
    if (!this.property(3, Property.UNIQ_KEY)) writer.string(3, placeId(place));
    this.keys();
    this.property(1, Property.TAGS);
    writer.endBytes(3, before);
  }

  private rareProperties(): void {
    const { writer, properties } = this;
    const priority = Number(properties.text(Property.PRIORITY));
    if (Number.isInteger(priority) && priority >= 0 && priority <= MAX_INT32) {
      writer.numberAlways(22, priority);
    }
    this.property(21, Property.LITE_TOPIC);
    const before = writer.length;
    if (
      properties.has(Property.DLQ_ORIGIN_TOPIC) &&
      properties.has(Property.DLQ_ORIGIN_MESSAGE_ID)
    ) {
      this.property(2, Property.DLQ_ORIGIN_MESSAGE_ID);
      this.property(1, Property.DLQ_ORIGIN_TOPIC);
      writer.endBytes(20, before);
    }
    this.property(18, Property.TRACE_CONTEXT);
    this.property(17, Property.SHARDINGKEY);
  }

  private digest(record: Buffer): void {
    const { writer, layout } = this;
    const before = writer.length;
    const body = record.subarray(layout.bodyAt, layout.bodyEnd);
    writer.string(2, hash('md5', body, 'hex').toUpperCase());
    writer.number(1, DIGEST_MD5);
    writer.endBytes(4, before);
  }

  /** The words of KEYS, each a field. */
  private keys(): void {
    const { source } = this;
    const start = this.properties.startOf(Property.KEYS);
    if (start < 0) return;
    let end = this.properties.endOf(Property.KEYS);
    for (let at = end - 1; at >= start; at--) {
      if (source[at] !== SPACE) continue;
      if (at + 1 < end) this.range(2, source, at + 1, end);
      end = at;
    }
    if (start < end) this.range(2, source, start, end);
  }

  /** The stored type, in the API's order: a message is the first of these that it has signs of. */
  private storedType(): MessageType {
    const { properties } = this;
    if (properties.text(Property.TRAN_MSG) === 'true') return MessageType.TRANSACTION;
    if (properties.has(Property.TIMER_DELIVER_MS) || properties.has(Property.DELAY)) {
      return MessageType.DELAY;
    }
    if (properties.has(Property.SHARDINGKEY)) return MessageType.FIFO;
    if (properties.has(Property.PRIORITY)) return MessageType.PRIORITY;
    if (properties.has(Property.LITE_TOPIC)) return MessageType.LITE;
    return MessageType.NORMAL;
  }

  /** Writes a property's value as a field; answers whether it is there. */
  private property(field: number, property: ShownProperty): boolean {
    const start = this.properties.startOf(property);
    if (start < 0) return false;
    this.range(field, this.source, start, this.properties.endOf(property));
    return true;
  }

  private range(field: number, source: Buffer, start: number, end: number): void {
    this.writer.raw(source, start, end);
    this.writer.bytesHead(field, end - start);
  }
}

/** A message of a retry topic shows the topic that it was first sent to, else the one that was asked for. */
function shownTopic(bytes: Buffer, stored: string, asked: ResourceName): ResourceName {
  if (!stored.startsWith(RETRY_PREFIX) || asked.name.startsWith(RETRY_PREFIX)) {
    return publicTopic(stored);
  }
  // An empty one is as good as none.
  const origin = findProperty(bytes, RETRY_TOPIC) ?? '';
  return origin === '' || origin === asked.name ? asked : publicTopic(origin);
}

/** A stored `ns%name` is split; the prefixes of retry and dead letter topics stay with the name. */
function publicTopic(stored: string): ResourceName {
  const prefix = isDerivedTopic(stored) ? stored.slice(0, stored.indexOf('%', 1) + 1) : '';
  const rest = stored.slice(prefix.length);
  const at = rest.indexOf('%');
  if (at < 1) return { resource_namespace: '', name: stored };
  return { resource_namespace: rest.slice(0, at), name: prefix + rest.slice(at + 1) };
}

/** Store address, port and log position as 32 hex digits: the id of a message that brought none. */
function placeId({ storeHost: { address, port }, physicalOffset }: Place): string {
  const position = physicalOffset.toString(16).padStart(16, '0');
  return (address.toString('hex') + port.toString(16).padStart(8, '0') + position).toUpperCase();
}

function addressText(host: Host): string {
  const text = hostText(host);
  return text.slice(0, text.lastIndexOf(':')).replace(/^\[|\]$/g, '');
}

/** The last host's text: most records of a store have the same. */
let lastHost:
  { readonly address: Buffer; readonly port: number; readonly text: string } | undefined;

function hostTextOf(host: Host): string {
  if (lastHost?.port !== host.port || !lastHost.address.equals(host.address)) {
    lastHost = { address: Buffer.from(host.address), port: host.port, text: hostText(host) };
  }
  return lastHost.text;
}
