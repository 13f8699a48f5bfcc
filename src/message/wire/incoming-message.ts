/** `apache.rocketmq.v2.Message` as a producer sends it, read in place: only the fields that count on the way in. */
import type { IncomingMessage, IncomingSystemProperties, ResourceName } from '../public-message';
import type { SecondsAndNanos } from '../time';
import { tagOf, type WireReader, WireType } from './wire-reader';

type Writable<T> = { -readonly [K in keyof T]: T[K] };

const MESSAGE = {
  topic: tagOf(1, WireType.BYTES),
  userProperties: tagOf(2, WireType.BYTES),
  systemProperties: tagOf(3, WireType.BYTES),
  body: tagOf(4, WireType.BYTES),
} as const;

const SYSTEM = {
  tag: tagOf(1, WireType.BYTES),
  keys: tagOf(2, WireType.BYTES),
  messageId: tagOf(3, WireType.BYTES),
  bodyEncoding: tagOf(5, WireType.VARINT),
  messageType: tagOf(6, WireType.VARINT),
  bornTimestamp: tagOf(7, WireType.BYTES),
  bornHost: tagOf(8, WireType.BYTES),
  deliveryTimestamp: tagOf(11, WireType.BYTES),
  messageGroup: tagOf(17, WireType.BYTES),
  traceContext: tagOf(18, WireType.BYTES),
  recoveryDuration: tagOf(19, WireType.BYTES),
  liteTopic: tagOf(21, WireType.BYTES),
  priority: tagOf(22, WireType.VARINT),
} as const;

const FIRST_STRING = tagOf(1, WireType.BYTES);
const SECOND_STRING = tagOf(2, WireType.BYTES);
const FIRST_NUMBER = tagOf(1, WireType.VARINT);
const SECOND_NUMBER = tagOf(2, WireType.VARINT);
const NO_BODY: Buffer = Buffer.alloc(0);

/**
 * Reads the field that `reader` is at as a Message. Its body is a view of the request.
 * @throws RangeError when the bytes are no message
 */
export function readIncomingMessage(reader: WireReader): IncomingMessage {
  const outer = reader.enter();
  let topic: ResourceName | null = null;
  let system: IncomingSystemProperties | null = null;
  let body: Buffer = NO_BODY;
  const user: Record<string, string> = {};
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === MESSAGE.topic) topic = readResource(reader);
    else if (tag === MESSAGE.userProperties) readPair(reader, user);
    else if (tag === MESSAGE.systemProperties) system = readSystemProperties(reader);
    else if (tag === MESSAGE.body) body = reader.view();
    else reader.skip(tag);
  }
  reader.leave(outer);
  return { topic, user_properties: user, system_properties: system, body };
}

/** Reads the field that `reader` is at as a Resource. */
export function readResource(reader: WireReader): ResourceName {
  const outer = reader.enter();
  let namespace = '';
  let name = '';
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === FIRST_STRING) namespace = reader.string();
    else if (tag === SECOND_STRING) name = reader.string();
    else reader.skip(tag);
  }
  reader.leave(outer);
  return { resource_namespace: namespace, name };
}

/** Reads the field that `reader` is at as a Timestamp or Duration. */
export function readTime(reader: WireReader): SecondsAndNanos {
  const outer = reader.enter();
  let seconds = 0;
  let nanos = 0;
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === FIRST_NUMBER) seconds = reader.int64();
    else if (tag === SECOND_NUMBER) nanos = reader.int32();
    else reader.skip(tag);
  }
  reader.leave(outer);
  return { seconds, nanos };
}

function readPair(reader: WireReader, pairs: Record<string, string>): void {
  const outer = reader.enter();
  let key = '';
  let value = '';
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === FIRST_STRING) key = reader.string();
    else if (tag === SECOND_STRING) value = reader.string();
    else reader.skip(tag);
  }
  reader.leave(outer);
  // As an own property: this name alone would set the prototype.
  if (key === '__proto__') Object.defineProperty(pairs, key, { value, ...OWN_PROPERTY });
  else pairs[key] = value;
}

const OWN_PROPERTY = { enumerable: true, configurable: true, writable: true } as const;

function readSystemProperties(reader: WireReader): IncomingSystemProperties {
  const outer = reader.enter();
  const keys: string[] = [];
  const system: Writable<IncomingSystemProperties> = {
    keys,
    message_id: '',
    body_encoding: 0,
    message_type: 0,
    born_timestamp: null,
    born_host: '',
  };
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    switch (tag) {
      case SYSTEM.tag:
        system.tag = reader.string();
        break;
      case SYSTEM.keys:
        keys.push(reader.string());
        break;
      case SYSTEM.messageId:
        system.message_id = reader.string();
        break;
      case SYSTEM.bodyEncoding:
        system.body_encoding = reader.int32();
        break;
      case SYSTEM.messageType:
        system.message_type = reader.int32();
        break;
      case SYSTEM.bornTimestamp:
        system.born_timestamp = readTime(reader);
        break;
      case SYSTEM.bornHost:
        system.born_host = reader.string();
        break;
      default:
        readRareSystemProperty(reader, tag, system);
    }
  }
  reader.leave(outer);
  return system;
}

function readRareSystemProperty(
  reader: WireReader,
  tag: number,
  system: Writable<IncomingSystemProperties>,
): void {
  switch (tag) {
    case SYSTEM.deliveryTimestamp:
      system.delivery_timestamp = readTime(reader);
      break;
    case SYSTEM.messageGroup:
      system.message_group = reader.string();
      break;
    case SYSTEM.traceContext:
      system.trace_context = reader.string();
      break;
    case SYSTEM.recoveryDuration:
      system.orphaned_transaction_recovery_duration = readTime(reader);
      break;
    case SYSTEM.liteTopic:
      system.lite_topic = reader.string();
      break;
    case SYSTEM.priority:
      system.priority = reader.int32();
      break;
    default:
      reader.skip(tag);
  }
}
