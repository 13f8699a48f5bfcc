/** Records on their way into the log; ./record draws the layout. */
import { ANY_HOST, type Host } from './host';
import { writeInt64 } from './int64';
import { javaHashCode } from './java-hash';
import { encodeProperties, parseProperties, Property } from './properties';
import {
  bodyCrc,
  CRC_PROPERTY_BYTES,
  FIXED_BYTES,
  MAGIC_V1,
  MAGIC_V2,
  MAX_BODY_BYTES,
  MAX_PROPERTIES_BYTES,
  recordLayout,
  SysFlag,
} from './record';
import { findProperty, propertyKey } from './record-property';
import { textOf } from './wire/wire-reader';

const UNIQ_KEY = encodeProperties([[Property.UNIQ_KEY, 'x']]).slice(0, -2);
const WAIT_FALSE = encodeProperties([[Property.WAIT, 'false']]).slice(0, -1);

/** A record whose place is not known yet. It knows its size and writes itself into a buffer. */
export interface RecordDraft {
  readonly topic: string;
  readonly byteLength: number;
  /** What the ConsumeQueue entry holds: Java's hash of the tag, 0 without one. */
  readonly tagsCode: number;
  /** The id that the producer gave the message, '' without one. */
  readonly messageId: string;
  /** False when the producer does not wait for the disk (property WAIT is `false`): Remoting producers say so. */
  readonly waitsForDisk: boolean;
  /** When the message is to be delivered (property TIMER_DELIVER_MS), wall clock ms; absent for at once. */
  readonly deliverMs?: number | undefined;
  /** Writes `byteLength` bytes at `at`; the place (see `placeRecord`) stays zero. */
  writeTo(target: Buffer, at: number): void;
}

export interface RecordFields {
  readonly topic: string;
  readonly body: Uint8Array;
  /** Property text without the record CRC. */
  readonly properties: string;
  /** The message's tag, '' for none; must equal the TAGS property. */
  readonly tag: string;
  /** Must equal the UNIQ_KEY property; looked for there when absent. */
  readonly messageId?: string;
  /** Must equal the TIMER_DELIVER_MS property where that is to delay the message. */
  readonly deliverMs?: number;
  /** Milliseconds since the epoch, the client's clock. */
  readonly bornTimestamp: number;
  readonly bornHost?: Host;
  readonly flag?: number;
  readonly sysFlag?: number;
  readonly reconsumeTimes?: number;
  readonly preparedOffset?: number;
}

/**
 * Makes a draft of a record.
 * @throws RangeError when body, properties or topic are beyond what a record can hold.
 */
export function draftRecord(fields: RecordFields): RecordDraft {
  return new FieldsDraft(fields);
}

class FieldsDraft implements RecordDraft {
  readonly byteLength: number;
  readonly tagsCode: number;
  private readonly topicBytes: number;
  private readonly propertiesBytes: number;
  private readonly bornHost: Host;
  private readonly v2: boolean;

  constructor(private readonly fields: RecordFields) {
    this.bornHost = fields.bornHost ?? ANY_HOST;
    this.topicBytes = Buffer.byteLength(fields.topic);
    this.v2 = this.topicBytes > 127;
    this.propertiesBytes = Buffer.byteLength(fields.properties) + CRC_PROPERTY_BYTES;
    checkLimit('topic', this.topicBytes, 255);
    checkLimit('properties', this.propertiesBytes, MAX_PROPERTIES_BYTES);
    checkLimit('body', fields.body.length, MAX_BODY_BYTES);
    this.byteLength =
      FIXED_BYTES +
      (this.v2 ? 1 : 0) +
      (this.bornHost.address.length - 4) +
      fields.body.length +
      this.topicBytes +
      this.propertiesBytes;
    this.tagsCode = fields.tag === '' ? 0 : javaHashCode(fields.tag);
  }

  get topic(): string {
    return this.fields.topic;
  }

  get messageId(): string {
    const { properties, messageId } = this.fields;
    if (messageId !== undefined) return messageId;
    if (!properties.includes(UNIQ_KEY)) return '';
    return parseProperties(properties).get(Property.UNIQ_KEY) ?? '';
  }

  get deliverMs(): number | undefined {
    return this.fields.deliverMs;
  }

  get waitsForDisk(): boolean {
    const { properties } = this.fields;
    if (!properties.includes(WAIT_FALSE)) return true;
    return parseProperties(properties).get(Property.WAIT) !== 'false';
  }

  writeTo(target: Buffer, start: number): void {
    const { fields } = this;
    const bornV6 = this.bornHost.address.length === 16;
    let at = start;
    target.writeInt32BE(this.byteLength, at);
    target.writeInt32BE(this.v2 ? MAGIC_V2 : MAGIC_V1, at + 4);
    target.writeInt32BE(bodyCrc(fields.body), at + 8);
    target.writeInt32BE(0, at + 12);
    target.writeInt32BE(fields.flag ?? 0, at + 16);
    target.fill(0, at + 20, at + 36);
    target.writeInt32BE((fields.sysFlag ?? 0) | (bornV6 ? SysFlag.BORNHOST_V6 : 0), at + 36);
    writeInt64(target, fields.bornTimestamp, at + 40);
    at += 48;
    target.set(this.bornHost.address, at);
    target.writeInt32BE(this.bornHost.port, at + this.bornHost.address.length);
    at += this.bornHost.address.length + 4;
    target.fill(0, at, at + 16);
    at += 16;
    target.writeInt32BE(fields.reconsumeTimes ?? 0, at);
    writeInt64(target, fields.preparedOffset ?? 0, at + 4);
    target.writeInt32BE(fields.body.length, at + 12);
    at += 16;
    target.set(fields.body, at);
    at += fields.body.length;
    if (this.v2) at = target.writeInt16BE(this.topicBytes, at);
    else at = target.writeInt8(this.topicBytes, at);
    at += target.write(fields.topic, at);
    at = target.writeInt16BE(this.propertiesBytes, at);
    target.write(fields.properties, at);
  }
}

const TAGS = propertyKey(Property.TAGS);
const MESSAGE_ID = propertyKey(Property.UNIQ_KEY);
const WAIT = propertyKey(Property.WAIT);
const DELIVER_MS = propertyKey(Property.TIMER_DELIVER_MS);

/** A draft of bytes that another process has made; they are copied once, into the log. Hot path. */
export function draftOfBytes(bytes: Buffer): RecordDraft {
  const { end, topicAt, topicEnd } = recordLayout(bytes, 0);
  if (end !== bytes.length) {
    throw new RangeError(`record says ${end} bytes but has ${bytes.length}`);
  }
  const tag = findProperty(bytes, TAGS) ?? '';
  const deliverMs = Number(findProperty(bytes, DELIVER_MS));
  return {
    topic: textOf(bytes, topicAt, topicEnd),
    byteLength: end,
    tagsCode: tag === '' ? 0 : javaHashCode(tag),
    messageId: findProperty(bytes, MESSAGE_ID) ?? '',
    waitsForDisk: findProperty(bytes, WAIT) !== 'false',
    deliverMs: Number.isSafeInteger(deliverMs) && deliverMs > 0 ? deliverMs : undefined,
    writeTo: (target, at) => target.set(bytes, at),
  };
}

function checkLimit(field: string, bytes: number, max: number): void {
  if (bytes > max) throw new RangeError(`${field} takes ${bytes} bytes, the limit is ${max}`);
}
