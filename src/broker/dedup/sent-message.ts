/** Which records are a producer's own, and what it sent. */
import { HALF_TOPIC, TIMER_TOPIC } from '../../message/names';
import { Property } from '../../message/properties';
import { SysFlag } from '../../message/record';
import { findProperty, propertyKey, sysFlagOf, topicOf } from '../../message/record-property';

const UNIQ_KEY = propertyKey(Property.UNIQ_KEY);
const REAL_TOPIC = propertyKey(Property.REAL_TOPIC);
const DELAY_RECORD = propertyKey(Property.DELAY_RECORD);
const DELAY_ENDED = propertyKey(Property.DELAY_ENDED);
const DELAY_ROLLED = propertyKey(Property.DELAY_ROLLED);

export interface SentMessage {
  /** The topic that it was sent to. */
  readonly topic: string;
  readonly messageId: string;
  /** Whether it waits for its delivery time. */
  readonly delayed: boolean;
  /** Whether it is the half message of a transaction. */
  readonly half: boolean;
}

/**
 * The message that a producer sent, of its stored record; `undefined` for what no producer has sent: deliveries of delayed
 * messages, committed messages, records that end waits or were written anew.
 */
export function sentMessageOf(record: Buffer): SentMessage | undefined {
  const messageId = findProperty(record, UNIQ_KEY);
  const stored = topicOf(record);
  const [delayed, half] = [stored === TIMER_TOPIC, stored === HALF_TOPIC];
  const topic = delayed || half ? findProperty(record, REAL_TOPIC) : stored;
  if (messageId === undefined || topic === undefined || isCopy(record, delayed)) return undefined;
  return { topic, messageId, delayed, half };
}

function isCopy(record: Buffer, waits: boolean): boolean {
  if (waits)
    return Boolean(findProperty(record, DELAY_ENDED) ?? findProperty(record, DELAY_ROLLED));
  if ((sysFlagOf(record) & SysFlag.TRANSACTION_MASK) === SysFlag.COMMIT) return true;
  return findProperty(record, DELAY_RECORD) !== undefined;
}
