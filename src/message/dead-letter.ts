/**
 * Dead letters: copies of messages that a consumer group has given up on, in its topic `%DLQ%group`.
 * The record of a copy also finishes the original: its `GANTRY_DEAD_LETTER` property names that, so that
 * one record in the log does both. So do copies in the group's retry topic, made when the original's segment
 * is removed.
 *
 *     GANTRY_DEAD_LETTER = group SPACE topic SPACE queueId SPACE queueOffset SPACE generation
 */
import { encodeProperties, Property } from './properties';
import { recordProperties, readRecord, SysFlag, type StoredRecord } from './record';
import { draftRecord, type RecordDraft } from './record-draft';
import { DLQ_PREFIX } from './names';

/** The delivery that a dead letter finishes. */
export interface DeadLetterOrigin {
  readonly group: string;
  readonly topic: string;
  readonly queueId: number;
  readonly queueOffset: number;
  /** Of the group on the topic; a reset raises it. */
  readonly generation: number;
}

const FLAGS_KEPT = SysFlag.COMPRESSED;

export function deadLetterTopic(group: string): string {
  return DLQ_PREFIX + group;
}

/**
 * The dead letter of a stored message: body, tag, keys and properties as they were, the place that it
 * came from, and how often it was delivered. A dead letter's own dead letter keeps the first origin.
 * @param attempts deliveries so far
 * @throws RangeError when the properties do not fit a record
 */
export function deadLetterDraft(
  bytes: Buffer,
  origin: DeadLetterOrigin,
  attempts: number,
): RecordDraft {
  const record = readRecord(bytes, 0);
  const properties = recordProperties(record);
  properties.delete(Property.DEAD_LETTER);
  const { group, topic } = origin;
  const id = properties.get(Property.UNIQ_KEY) ?? '';
  if (!properties.has(Property.DLQ_ORIGIN_TOPIC)) {
    // Of a message that came again from a retry topic: the one that it was sent to.
    properties.set(Property.DLQ_ORIGIN_TOPIC, properties.get(Property.RETRY_TOPIC) ?? topic);
    if (id !== '') properties.set(Property.DLQ_ORIGIN_MESSAGE_ID, id);
  }
  const pairs: [string, string][] = [...properties, [Property.DEAD_LETTER, finishing(origin)]];
  return copyOf(record, deadLetterTopic(group), encodeProperties(pairs), attempts);
}

/**
 * The copy of a stored message for its group's retry topic, where the message comes again when its
 * segment is removed. It finishes the original as a dead letter does.
 * @param attempts deliveries so far, on top of those that the record counts
 * @throws RangeError when the properties do not fit a record
 */
export function retryCopyDraft(
  bytes: Buffer,
  origin: DeadLetterOrigin,
  attempts: number,
  retryTopic: string,
): RecordDraft {
  const record = readRecord(bytes, 0);
  const properties = recordProperties(record);
  properties.delete(Property.DEAD_LETTER);
  if (!properties.has(Property.RETRY_TOPIC)) properties.set(Property.RETRY_TOPIC, origin.topic);
  const pairs: [string, string][] = [...properties, [Property.DEAD_LETTER, finishing(origin)]];
  return copyOf(record, retryTopic, encodeProperties(pairs), record.reconsumeTimes + attempts);
}

function finishing(origin: DeadLetterOrigin): string {
  const { group, topic, queueId, queueOffset, generation } = origin;
  return `${group} ${topic} ${queueId} ${queueOffset} ${generation}`;
}

function copyOf(
  record: StoredRecord,
  topic: string,
  properties: string,
  reconsumeTimes: number,
): RecordDraft {
  return draftRecord({
    topic,
    properties,
    reconsumeTimes,
    body: record.body,
    tag: recordProperties(record).get(Property.TAGS) ?? '',
    bornTimestamp: record.bornTimestamp,
    bornHost: record.bornHost,
    flag: record.flag,
    sysFlag: record.sysFlag & FLAGS_KEPT,
  });
}

/** What a record finishes; `undefined` when it is no dead letter. */
export function deadLetterOrigin(record: StoredRecord): DeadLetterOrigin | undefined {
  const text = recordProperties(record).get(Property.DEAD_LETTER);
  if (text === undefined) return undefined;
  const [group = '', topic = '', ...numbers] = text.split(' ');
  const [queueId = NaN, queueOffset = NaN, generation = NaN] = numbers.map(Number);
  if (![queueId, queueOffset, generation].every(Number.isSafeInteger)) return undefined;
  return { group, topic, queueId, queueOffset, generation };
}
