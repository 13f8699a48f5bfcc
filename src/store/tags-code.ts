/** What the ConsumeQueue entry of a stored record holds beside its place. */
import { delayOfLevel, SCHEDULE_TOPIC } from '../message/delay-levels';
import { javaHashCode } from '../message/java-hash';
import { Property } from '../message/properties';
import { recordProperties, type StoredRecord } from '../message/record';

/** The hash of its tag, 0 without one; or, for a message that waits out a delay level, when it is due. */
export function tagsCodeOf(record: StoredRecord): number {
  const properties = recordProperties(record);
  if (record.topic === SCHEDULE_TOPIC) {
    const delayMs = delayOfLevel(Number(properties.get(Property.DELAY)));
    if (delayMs !== undefined) return record.storeTimestamp + delayMs;
  }
  const tag = properties.get(Property.TAGS);
  return tag === undefined ? 0 : javaHashCode(tag);
}
