/**
 * What waits at an Apache broker, from its records:
 *
 *     rmq_sys_wheel_timer   TIMER_OUT_MS = its slot, REAL_TOPIC; one with TIMER_DEL_UNIQKEY takes back the one of that id
 *                           (or of REAL_TOPIC + id) in the same slot. Checkpoints of pops lie here too
 *     SCHEDULE_TOPIC_XXXX   queue = delay level - 1; due at the store time and the level's delay
 *
 * A message that was delivered keeps REAL_TOPIC and all that says when it was due.
 */
import { delayOfLevel } from '../../message/delay-levels';
import { slotOf } from '../../message/delayed';
import { Property } from '../../message/properties';
import { recordProperties, type StoredRecord } from '../../message/record';
import type { DelayedPlace } from '../timer/timer';
import { REVIVE_PREFIX } from './pop-checkpoints';

const SLOT_MS = 1000;

export interface Candidate extends DelayedPlace {
  readonly position: number;
  /** Tells it from others of its topic, delivered or not. */
  readonly key: string;
}

/** A record of Apache's timer: a message that waits, or one taken back; `undefined` for anything else. */
export function readTimed(
  record: StoredRecord,
): Candidate | { readonly takesBack: string } | undefined {
  const properties = recordProperties(record);
  const slotMs = Number(properties.get(Property.TIMER_OUT_MS));
  const topic = properties.get(Property.REAL_TOPIC);
  if (topic === undefined || topic.startsWith(REVIVE_PREFIX) || !Number.isSafeInteger(slotMs)) {
    return undefined;
  }
  const deleted = properties.get(Property.TIMER_DEL_UNIQKEY);
  if (deleted !== undefined) return { takesBack: `${slotMs} ${deleted}` };
  const exactMs = Number(properties.get(Property.TIMER_DELIVER_MS));
  const isExact = exactMs > slotMs && exactMs <= slotMs + SLOT_MS;
  return candidateOf(record, properties, isExact ? exactMs : slotMs + SLOT_MS);
}

/** The keys under which a candidate can be taken back. */
export function takenBackBy({ topic, messageId, dueMs }: Candidate): readonly string[] {
  const slotMs = slotOf(dueMs);
  return [`${slotMs} ${messageId}`, `${slotMs} ${topic}+${messageId}`];
}

/** A record that waits for a delay level. */
export function readLevelled(record: StoredRecord): Candidate | undefined {
  const properties = recordProperties(record);
  const level = Number(properties.get(Property.DELAY) ?? record.queueId + 1);
  const delayMs = delayOfLevel(level);
  if (delayMs === undefined) return undefined;
  return candidateOf(record, properties, record.storeTimestamp + delayMs);
}

/** The key of a record that Apache has delivered after a wait; `undefined` for any other. */
export function deliveredKey(record: StoredRecord): string | undefined {
  const properties = recordProperties(record);
  return properties.get(Property.REAL_TOPIC) === record.topic
    ? keyOf(record, properties)
    : undefined;
}

function candidateOf(
  record: StoredRecord,
  properties: ReadonlyMap<string, string>,
  dueMs: number,
): Candidate | undefined {
  const topic = properties.get(Property.REAL_TOPIC);
  const queueId = Number(properties.get(Property.REAL_QID));
  if (topic === undefined || !Number.isInteger(queueId)) return undefined;
  const messageId = properties.get(Property.UNIQ_KEY) ?? '';
  const key = keyOf(record, properties);
  return { topic, messageId, dueMs, position: record.physicalOffset, key };
}

function keyOf({ reconsumeTimes }: StoredRecord, properties: ReadonlyMap<string, string>): string {
  const names = [
    ...[Property.REAL_TOPIC, Property.UNIQ_KEY, Property.DELAY],
    ...[Property.TIMER_OUT_MS, Property.TIMER_DELIVER_MS],
  ];
  return [...names.map((name) => properties.get(name) ?? ''), reconsumeTimes].join(' ');
}
