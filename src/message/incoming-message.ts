/** A producer's message on its way into the log. Hot path. */
import { hostOf, type Host } from './host';
import { systemPropertiesOf } from './message-checks';
import { Property } from './properties';
import {
  Encoding,
  type IncomingMessage,
  type IncomingSystemProperties,
  MessageType,
} from './public-message';
import { SysFlag } from './record';
import { draftRecord, type RecordDraft } from './record-draft';
import { Code, StatusError } from './status';
import { toMs, type SecondsAndNanos } from './time';

/** Where a message came from: the peer of its connection. */
export interface Origin {
  readonly ip: string;
  readonly port: number;
}

/**
 * Makes the draft of a message of any type that has passed `checkMessage`. The body stays the request's.
 * @throws StatusError MESSAGE_PROPERTIES_TOO_LARGE when all properties together do not fit a record
 */
export function draftOf(message: IncomingMessage, origin: Origin): RecordDraft {
  const system = systemPropertiesOf(message);
  const topic = message.topic?.name ?? '';
  const bornTimestamp = bornMs(system.born_timestamp);
  const deliverMs = deliveryMs(system.delivery_timestamp);
  try {
    return draftRecord({
      topic,
      body: message.body,
      properties: propertyText(message, origin, topic, bornTimestamp),
      tag: system.tag ?? '',
      messageId: system.message_id,
      bornTimestamp,
      ...(deliverMs === undefined ? undefined : { deliverMs }),
      bornHost: originHost(origin),
      sysFlag: system.body_encoding === Encoding.GZIP ? SysFlag.COMPRESSED : 0,
    });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new StatusError(Code.MESSAGE_PROPERTIES_TOO_LARGE, `message ${error.message}`, {
      cause: error,
    });
  }
}

/** A time that no record can hold, from a client with a broken clock, becomes 0: it is only shown. */
function bornMs(born: SecondsAndNanos | null): number {
  const ms = toMs(born);
  return Number.isSafeInteger(ms) && ms >= 0 ? ms : 0;
}

/** A time before 1970 is in the past like any other. */
function deliveryMs(time: SecondsAndNanos | null | undefined): number | undefined {
  return time ? Math.max(1, toMs(time)) : undefined;
}

function propertyText(
  message: IncomingMessage,
  origin: Origin,
  topic: string,
  bornTimestamp: number,
): string {
  const system = systemPropertiesOf(message);
  let text = pair(Property.UNIQ_KEY, system.message_id);
  const { tag, trace_context: trace, keys, message_group: group, lite_topic: lite } = system;
  if (tag !== undefined && tag !== '') text += pair(Property.TAGS, tag);
  if (keys.length > 0) text += pair(Property.KEYS, keys.join(' '));
  if (group !== undefined && group !== '') text += pair(Property.SHARDINGKEY, group);
  if (system.priority !== undefined) text += pair(Property.PRIORITY, String(system.priority));
  if (lite !== undefined && lite !== '') text += pair(Property.LITE_TOPIC, lite);
  if (system.message_type === MessageType.TRANSACTION) text += transactionPairs(system);
  const deliverMs = deliveryMs(system.delivery_timestamp);
  if (deliverMs !== undefined) text += pair(Property.TIMER_DELIVER_MS, String(deliverMs));
  text += pair(Property.PGROUP, topic);
  text += pair(Property.BORNHOST, system.born_host === '' ? origin.ip : system.born_host);
  text += pair(Property.BORN_TIMESTAMP, String(bornTimestamp));
  if (trace !== undefined && trace !== '') text += pair(Property.TRACE_CONTEXT, trace);
  const { user_properties: user } = message;
  for (const key in user) text += pair(key, user[key] ?? '');
  return text;
}

function transactionPairs(system: IncomingSystemProperties): string {
  const seconds = Math.ceil(toMs(system.orphaned_transaction_recovery_duration) / 1000);
  const text = pair(Property.TRAN_MSG, 'true');
  return seconds <= 0
    ? text
    : text + pair(Property.CHECK_IMMUNITY_TIME_IN_SECONDS, String(seconds));
}

function pair(key: string, value: string): string {
  return `${key}\u0001${value}\u0002`;
}

/** Hosts of the connections that messages come from. */
const hosts = new WeakMap<Origin, Host>();

function originHost(origin: Origin): Host {
  let host = hosts.get(origin);
  if (host === undefined) {
    host = hostOf(origin.ip, origin.port);
    hosts.set(origin, host);
  }
  return host;
}
