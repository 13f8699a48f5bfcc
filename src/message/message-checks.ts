/** What a producer's message must be: the API's shared validation, each rule with its own code. */
import { checkTopicName, isDerivedTopic } from './names';
import { isSystemPropertyKey } from './properties';
import type { IncomingMessage, IncomingSystemProperties, MessageTypeName } from './public-message';
import { MessageType } from './public-message';
import { MAX_BODY_BYTES } from './record';
import { Code, StatusError } from './status';
import { toMs } from './time';

/** Limits of one message; the defaults are Apache's. */
export interface MessageLimits {
  /** Bytes of the body as sent (compressed, if it is). */
  readonly maxBodyBytes: number;
  /** Entries of `user_properties`. */
  readonly maxUserProperties: number;
  /** UTF-8 bytes of user keys and values, tag and keys together. */
  readonly maxPropertiesBytes: number;
  /** UTF-8 bytes of a message group, exclusive. */
  readonly maxMessageGroupBytes: number;
  /** From now to the delivery time, milliseconds. */
  readonly maxDelayMs: number;
  /** Longest `orphaned_transaction_recovery_duration`, milliseconds. */
  readonly maxRecoveryMs: number;
  /** UTF-8 bytes of a lite topic. */
  readonly maxLiteTopicBytes: number;
}

export const DEFAULT_MESSAGE_LIMITS: MessageLimits = {
  maxBodyBytes: MAX_BODY_BYTES,
  maxUserProperties: 128,
  maxPropertiesBytes: 16384,
  maxMessageGroupBytes: 64,
  maxDelayMs: 86_400_000,
  maxRecoveryMs: 3_600_000,
  maxLiteTopicBytes: 64,
};

/** ISO control characters. */
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;
/** What separates properties in a record. */
const SEPARATORS = /[\u0001\u0002]/;
const LITE_TOPIC = /^[a-zA-Z0-9_-]+$/;

const NO_PROPERTIES: IncomingSystemProperties = {
  keys: [],
  message_id: '',
  body_encoding: 0,
  message_type: 0,
  born_timestamp: null,
  born_host: '',
};

export function systemPropertiesOf(message: IncomingMessage): IncomingSystemProperties {
  return message.system_properties ?? NO_PROPERTIES;
}

/**
 * Checks one message before anything of its request is stored.
 * @param nowMs the wall clock
 * @throws StatusError with the rule's code, naming the field, the limit and the value
 */
export function checkMessage(message: IncomingMessage, limits: MessageLimits, nowMs: number): void {
  const system = systemPropertiesOf(message);
  checkTopicName(message.topic?.name ?? '');
  checkTag(system.tag ?? '');
  for (const key of system.keys) checkKey(key);
  checkMessageGroup(system.message_group ?? '', limits.maxMessageGroupBytes);
  checkUserProperties(message, system, limits);
  checkBody(message, limits);
  checkMessageId(system.message_id);
  checkSeparators('trace_context', system.trace_context ?? '');
  checkSeparators('born_host', system.born_host);
  const delayMs = toMs(system.delivery_timestamp) - nowMs;
  if (delayMs > limits.maxDelayMs) {
    refuse(
      Code.ILLEGAL_DELIVERY_TIME,
      `delivery_timestamp is ${delayMs} ms from now, the maximum is ${limits.maxDelayMs}`,
    );
  }
  const recoveryMs = toMs(system.orphaned_transaction_recovery_duration);
  if (recoveryMs > limits.maxRecoveryMs) {
    refuse(
      Code.BAD_REQUEST,
      `orphaned_transaction_recovery_duration is ${recoveryMs} ms, the maximum is ${limits.maxRecoveryMs}`,
    );
  }
  if (system.priority !== undefined && system.priority < 0) {
    refuse(Code.BAD_REQUEST, `priority must be at least 0, not ${system.priority}`);
  }
  checkLiteTopic(system.lite_topic ?? '', limits.maxLiteTopicBytes);
  checkCombination(system);
}

/** A message's type by what it carries, in this order; `message_type` counts for TRANSACTION only. */
export function messageTypeOf(system: IncomingSystemProperties): MessageTypeName {
  if (system.message_type === MessageType.TRANSACTION) return 'TRANSACTION';
  if (system.delivery_timestamp) return 'DELAY';
  if ((system.message_group ?? '') !== '') return 'FIFO';
  if (system.priority !== undefined) return 'PRIORITY';
  if ((system.lite_topic ?? '') !== '') return 'LITE';
  return 'NORMAL';
}

/**
 * Checks a message's type against its topic's. MIXED takes NORMAL, FIFO, DELAY and TRANSACTION; retry
 * and dead letter topics take all.
 * @throws StatusError MESSAGE_PROPERTY_CONFLICT_WITH_TYPE
 */
export function checkTypeFitsTopic(type: MessageTypeName, topic: string, topicType: string): void {
  if (type === topicType || isDerivedTopic(topic)) return;
  if (topicType === 'MIXED' && type !== 'PRIORITY' && type !== 'LITE') return;
  refuse(
    Code.MESSAGE_PROPERTY_CONFLICT_WITH_TYPE,
    `topic ${topic} takes messages of type ${topicType}, the actual type is ${type}`,
  );
}

/** What makes a message one of a type, in the order in which types are told. */
const typeMarks: readonly (readonly [string, (system: IncomingSystemProperties) => boolean])[] = [
  ['message_type TRANSACTION', (system) => system.message_type === MessageType.TRANSACTION],
  ['delivery_timestamp', (system) => Boolean(system.delivery_timestamp)],
  ['message_group', (system) => (system.message_group ?? '') !== ''],
  ['priority', (system) => system.priority !== undefined],
  ['lite_topic', (system) => (system.lite_topic ?? '') !== ''],
];

/**
 * Refuses what the API's builders cannot make, so that nothing of it is dropped: a message of two types. Only a
 * delayed message may have a message group.
 */
function checkCombination(system: IncomingSystemProperties): void {
  let first: string | undefined;
  for (const [mark, has] of typeMarks) {
    if (!has(system)) continue;
    if (first !== undefined && !(first === 'delivery_timestamp' && mark === 'message_group')) {
      refuse(
        Code.MESSAGE_PROPERTY_CONFLICT_WITH_TYPE,
        `a message with ${first} cannot have ${mark}: ${quote(system.message_id)}`,
      );
    }
    first ??= mark;
  }
}

/**
 * An empty one is absent, as an empty tag is.
 * @throws StatusError ILLEGAL_LITE_TOPIC
 */
export function checkLiteTopic(liteTopic: string, maxBytes: number): void {
  if (liteTopic === '') return;
  const bytes = Buffer.byteLength(liteTopic);
  const fault =
    liteTopic.trim() === ''
      ? 'is only blanks'
      : bytes > maxBytes
        ? `has ${bytes} bytes, the limit is ${maxBytes}`
        : LITE_TOPIC.test(liteTopic)
          ? undefined
          : `contains illegal characters, allowing only ${LITE_TOPIC.source}`;
  if (fault !== undefined) {
    refuse(Code.ILLEGAL_LITE_TOPIC, `lite_topic ${fault}: ${quote(liteTopic)}`);
  }
}

function checkTag(tag: string): void {
  if (tag === '') return;
  const fault =
    tag.trim() === ''
      ? 'is only blanks'
      : tag.includes('|')
        ? 'contains a bar'
        : CONTROL.test(tag)
          ? 'contains a control character'
          : undefined;
  if (fault !== undefined) refuse(Code.ILLEGAL_MESSAGE_TAG, `tag ${fault}: ${quote(tag)}`);
}

function checkKey(key: string): void {
  const fault =
    key.trim() === '' ? 'is blank' : CONTROL.test(key) ? 'contains a control character' : undefined;
  if (fault !== undefined) refuse(Code.ILLEGAL_MESSAGE_KEY, `key ${fault}: ${quote(key)}`);
}

function checkMessageGroup(group: string, maxBytes: number): void {
  if (group === '') return;
  const bytes = Buffer.byteLength(group);
  const fault =
    group.trim() === ''
      ? 'is only blanks'
      : bytes >= maxBytes
        ? `has ${bytes} bytes, it must have fewer than ${maxBytes}`
        : CONTROL.test(group)
          ? 'contains a control character'
          : undefined;
  if (fault !== undefined) {
    refuse(Code.ILLEGAL_MESSAGE_GROUP, `message_group ${fault}: ${quote(group)}`);
  }
}

function checkUserProperties(
  message: IncomingMessage,
  system: IncomingSystemProperties,
  limits: MessageLimits,
): void {
  const entries = Object.entries(message.user_properties);
  if (entries.length > limits.maxUserProperties) {
    refuse(
      Code.MESSAGE_PROPERTIES_TOO_LARGE,
      `user_properties has ${entries.length} entries, the limit is ${limits.maxUserProperties}`,
    );
  }
  let bytes = Buffer.byteLength(system.tag ?? '');
  for (const key of system.keys) bytes += Buffer.byteLength(key);
  for (const [key, value] of entries) {
    checkUserProperty(key, value);
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (bytes > limits.maxPropertiesBytes) {
    refuse(
      Code.MESSAGE_PROPERTIES_TOO_LARGE,
      `user properties, tag and keys take ${bytes} bytes, the limit is ${limits.maxPropertiesBytes}`,
    );
  }
}

/** An empty value is refused too: the store cannot tell it from an absent property. */
function checkUserProperty(key: string, value: string): void {
  const fault =
    key === ''
      ? 'has an empty key'
      : isSystemPropertyKey(key)
        ? 'is used by system'
        : value === ''
          ? 'has an empty value'
          : CONTROL.test(key)
            ? 'has a control character in its key'
            : CONTROL.test(value)
              ? 'has a control character in its value'
              : undefined;
  if (fault !== undefined) {
    refuse(Code.ILLEGAL_MESSAGE_PROPERTY_KEY, `property ${fault}: ${quote(key)}`);
  }
}

function checkBody(message: IncomingMessage, limits: MessageLimits): void {
  const bytes = message.body.length;
  if (bytes === 0) refuse(Code.MESSAGE_BODY_EMPTY, 'message body cannot be empty');
  if (bytes > limits.maxBodyBytes) {
    refuse(
      Code.MESSAGE_BODY_TOO_LARGE,
      `message body has ${bytes} bytes and cannot exceed the max ${limits.maxBodyBytes}`,
    );
  }
}

function checkMessageId(id: string): void {
  if (id.trim() === '') refuse(Code.ILLEGAL_MESSAGE_ID, 'message id cannot be empty');
  if (CONTROL.test(id)) {
    refuse(Code.ILLEGAL_MESSAGE_ID, `message id contains a control character: ${quote(id)}`);
  }
}

function checkSeparators(field: string, value: string): void {
  if (!SEPARATORS.test(value)) return;
  refuse(
    Code.ILLEGAL_MESSAGE_PROPERTY_KEY,
    `${field} contains a control character that the store cannot keep: ${quote(value)}`,
  );
}

/** A value for an error's text: at most 64 characters, control characters escaped. */
function quote(value: string): string {
  return JSON.stringify(value.length > 64 ? `${value.slice(0, 64)}...` : value);
}

function refuse(code: Code, text: string): never {
  throw new StatusError(code, text);
}
