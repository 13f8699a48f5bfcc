/**
 * Delayed messages in the log.
 *
 *     rmq_sys_GANTRY_TIMER   the message as sent, with REAL_TOPIC, REAL_QID, TIMER_DELIVER_MS, and TIMER_OUT_MS =
 *                            its slot at Apache. One that was written anew names the record before it:
 *                            GANTRY_DELAY_ROLLED = position; one that was taken over from another program that
 *                            program's: GANTRY_DELAY_TAKEN = position
 *     its own topic          at its time: the message, and GANTRY_DELAY_RECORD = position of the record that
 *                            waited. This record is also the mark that the wait is over
 *     rmq_sys_GANTRY_TIMER   a wait that ended otherwise, for one or more records of one message:
 *                            GANTRY_DELAY_ENDED = `recalled`, `dropped` or `elsewhere` SPACE dueMs SPACE position[,position ...]
 *
 * A position is a physical offset in the log.
 */
import { TIMER_TOPIC } from './names';
import { encodeProperties, Property } from './properties';
import {
  CRC_PROPERTY_BYTES,
  MAX_PROPERTIES_BYTES,
  readRecord,
  recordProperties,
  SysFlag,
  type StoredRecord,
} from './record';
import { draftRecord, type RecordDraft } from './record-draft';
import { findProperty, propertyKey } from './record-property';
import { Code, StatusError } from './status';

/** A message that waits. */
export interface DelayedMessage {
  /** Where it will be delivered. */
  readonly topic: string;
  readonly queueId: number;
  readonly messageId: string;
  /** Wall clock, ms. */
  readonly dueMs: number;
  /** Position of the record that this one stands for. */
  readonly rolledFrom: number | undefined;
}

/**
 * How a wait ended, if not by our delivery. `dropped`: there was nowhere to deliver to; `elsewhere`: another program
 * that had the directory delivered it, took it back, or put it off.
 */
export type EndKind = (typeof END_KINDS)[number];
const END_KINDS = ['recalled', 'dropped', 'elsewhere'] as const;

export interface EndedDelay {
  readonly kind: EndKind;
  readonly topic: string;
  readonly dueMs: number;
  readonly positions: readonly number[];
}

const FLAGS_KEPT = SysFlag.COMPRESSED | SysFlag.COMPRESSION_MASK;
/** Apache's timer has a slot for each second. */
const SLOT_MS = 1000;
const DELAY_RECORD = propertyKey(Property.DELAY_RECORD);
const DELIVER_MS = propertyKey(Property.TIMER_DELIVER_MS);

/** Properties that a message has only while it waits. */
const WAITING_ONLY = [
  ...[Property.REAL_TOPIC, Property.REAL_QID, Property.TIMER_OUT_MS],
  ...[Property.DELAY_ROLLED, Property.DELAY_TAKEN],
];

/** What is added to a waiting record's properties later on: the position of another record. */
const ROOM_BYTES = 64;

/** The slot in which Apache's timer has what is due at a time, by its first millisecond: delivered when it is over. */
export function slotOf(dueMs: number): number {
  return (Math.ceil(dueMs / SLOT_MS) - 1) * SLOT_MS;
}

/**
 * The record in which a message waits for its time.
 * @throws StatusError MESSAGE_PROPERTIES_TOO_LARGE when its place does not fit beside its properties
 */
export function delayedDraft(draft: RecordDraft, queueId: number): RecordDraft {
  const bytes = Buffer.allocUnsafe(draft.byteLength);
  // The draft leaves the record CRC to whoever places the record.
  bytes.fill(0, bytes.length - CRC_PROPERTY_BYTES);
  draft.writeTo(bytes, 0);
  const record = readRecord(bytes, 0);
  const properties = recordProperties(record);
  properties.set(Property.REAL_TOPIC, draft.topic);
  properties.set(Property.REAL_QID, String(queueId));
  setSlot(properties);
  const propertiesBytes = Buffer.byteLength(encodeProperties(properties));
  const limit = MAX_PROPERTIES_BYTES - CRC_PROPERTY_BYTES - ROOM_BYTES;
  if (propertiesBytes > limit) {
    throw new StatusError(
      Code.MESSAGE_PROPERTIES_TOO_LARGE,
      `properties of a delayed message take ${propertiesBytes} bytes, the limit is ${limit}`,
    );
  }
  return copyOf(record, TIMER_TOPIC, properties);
}

/** A waiting record written anew. */
export function rolledDraft(bytes: Buffer): RecordDraft {
  const record = readRecord(bytes, 0);
  const properties = recordProperties(record);
  properties.set(Property.DELAY_ROLLED, String(record.physicalOffset));
  return copyOf(record, TIMER_TOPIC, properties);
}

/**
 * The waiting record of a message that another program let wait until `dueMs`.
 * @throws RangeError when its properties do not fit a record
 */
export function takenDraft(bytes: Buffer, dueMs: number): RecordDraft {
  const record = readRecord(bytes, 0);
  const properties = recordProperties(record);
  properties.set(Property.TIMER_DELIVER_MS, String(dueMs));
  properties.set(Property.DELAY_TAKEN, String(record.physicalOffset));
  setSlot(properties);
  return copyOf(record, TIMER_TOPIC, properties);
}

/** The message of a waiting record, for its own topic. */
export function dueDraft(bytes: Buffer, topic: string): RecordDraft {
  const record = readRecord(bytes, 0);
  const properties = recordProperties(record);
  for (const key of WAITING_ONLY) properties.delete(key);
  properties.set(Property.DELAY_RECORD, String(record.physicalOffset));
  return copyOf(record, topic, properties);
}

/** The record that ends waits otherwise than by delivery. */
export function endedDraft(ended: EndedDelay, messageId: string, nowMs: number): RecordDraft {
  const { kind, topic, dueMs, positions } = ended;
  const pairs: [string, string][] = [
    [Property.REAL_TOPIC, topic],
    [Property.DELAY_ENDED, `${kind} ${dueMs} ${positions.join(',')}`],
  ];
  if (messageId !== '') pairs.unshift([Property.UNIQ_KEY, messageId]);
  return draftRecord({
    topic: TIMER_TOPIC,
    body: Buffer.alloc(0),
    properties: encodeProperties(pairs),
    tag: '',
    bornTimestamp: nowMs,
  });
}

/** What a record of the timer's topic tells; `undefined` when it cannot be read. */
export function readTimerRecord(record: StoredRecord): DelayedMessage | EndedDelay | undefined {
  const properties = recordProperties(record);
  const topic = properties.get(Property.REAL_TOPIC) ?? '';
  const ended = properties.get(Property.DELAY_ENDED);
  if (ended !== undefined) return readEnd(topic, ended);
  const queueId = Number(properties.get(Property.REAL_QID));
  const dueMs = Number(properties.get(Property.TIMER_DELIVER_MS));
  const rolled = properties.get(Property.DELAY_ROLLED);
  const rolledFrom = rolled === undefined ? undefined : Number(rolled);
  if (topic === '' || !Number.isSafeInteger(dueMs) || !Number.isSafeInteger(queueId)) {
    return undefined;
  }
  return { topic, queueId, dueMs, rolledFrom, messageId: properties.get(Property.UNIQ_KEY) ?? '' };
}

/** The wait that a delivered record ends: when it was due, and its record's position; `undefined` for any other. */
export function deliveredDelay(bytes: Buffer): { dueMs: number; position: number } | undefined {
  const position = findProperty(bytes, DELAY_RECORD);
  if (position === undefined) return undefined;
  const found = {
    dueMs: Number(findProperty(bytes, DELIVER_MS)),
    position: Number(position),
  };
  return Number.isSafeInteger(found.dueMs) && Number.isSafeInteger(found.position)
    ? found
    : undefined;
}

function readEnd(topic: string, text: string): EndedDelay | undefined {
  const [kind = '', due = '', places = ''] = text.split(' ');
  const dueMs = Number(due);
  const positions = places.split(',').map(Number);
  if (!isEndKind(kind)) return undefined;
  if (![dueMs, ...positions].every(Number.isSafeInteger)) return undefined;
  return { kind, topic, dueMs, positions };
}

function isEndKind(text: string): text is EndKind {
  return (END_KINDS as readonly string[]).includes(text);
}

function setSlot(properties: Map<string, string>): void {
  const dueMs = Number(properties.get(Property.TIMER_DELIVER_MS));
  if (Number.isSafeInteger(dueMs)) properties.set(Property.TIMER_OUT_MS, String(slotOf(dueMs)));
}

function copyOf(
  record: StoredRecord,
  topic: string,
  properties: ReadonlyMap<string, string>,
): RecordDraft {
  return draftRecord({
    topic,
    properties: encodeProperties(properties),
    body: record.body,
    tag: properties.get(Property.TAGS) ?? '',
    bornTimestamp: record.bornTimestamp,
    bornHost: record.bornHost,
    flag: record.flag,
    sysFlag: record.sysFlag & FLAGS_KEPT,
    reconsumeTimes: record.reconsumeTimes,
  });
}
