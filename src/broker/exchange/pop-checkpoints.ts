/**
 * What Apache's pop consumers hold, from its checkpoint and acknowledgement records. Both are JSON:
 *
 *     checkpoint, tag ck     t topic, c group, q queue, so start offset, d deltas to it (or n messages in a row),
 *                            bm bits acknowledged, pt pop time, it invisible time, bn broker
 *     ack, tag ack, bAck     the same t, c, q, so, pt, bn; ao offset, or aol offsets
 *
 * Each lies first in rmq_sys_wheel_timer and, when it is due, once more in rmq_sys_REVIVE_LOG_CLUSTER. What the
 * revive group has processed there is settled: acknowledged, or copied to a retry topic.
 */
import { Property } from '../../message/properties';
import { readRecord, recordProperties, type StoredRecord } from '../../message/record';
import type { MessageStore } from '../../store/message-store';
import { parseApacheJson, type JsonObject, type JsonValue } from './apache-json';
import { integerIn, objectIn, offsetsOf, textIn } from './apache-shapes';

export const TIMER_TOPIC = 'rmq_sys_wheel_timer';
export const REVIVE_PREFIX = 'rmq_sys_REVIVE_LOG_';
export const REVIVE_GROUP = 'CID_RMQ_SYS_REVIVE_GROUP';
/** Messages of one checkpoint. */
const MAX_MESSAGES = 32;
/** Checkpoints that are not settled, at most; with more the directory is refused. */
const MAX_CHECKPOINTS = 1_000_000;

/** One message that a consumer held when Apache stopped. */
export interface HeldMessage {
  readonly topic: string;
  readonly group: string;
  readonly queueId: number;
  readonly offset: number;
  /** When its invisible time is over, milliseconds since the epoch. */
  readonly dueMs: number;
}

interface Checkpoint {
  readonly topic: string;
  readonly group: string;
  readonly queueId: number;
  readonly dueMs: number;
  readonly unacknowledged: Set<number>;
}

/**
 * Reads the messages that are held: in checkpoints, not acknowledged, not revived.
 * @param offsetTable of consumerOffset.json
 * @throws Error when there are more than `maxCheckpoints` that are not settled
 */
export async function heldByPop(
  store: MessageStore,
  offsetTable: JsonObject,
  reviveTopics: readonly string[],
  maxCheckpoints = MAX_CHECKPOINTS,
): Promise<HeldMessage[]> {
  const settled = new Map(
    reviveTopics.map((topic) => [
      topic,
      offsetsOf(objectIn(offsetTable, `${topic}@${REVIVE_GROUP}`)),
    ]),
  );
  const checkpoints = new Map<string, Checkpoint>();
  await store.replay([TIMER_TOPIC, ...reviveTopics], 0, (bytes) => {
    const record = readRecord(bytes, 0);
    const tag = recordProperties(record).get(Property.TAGS);
    if (tag !== 'ck' && tag !== 'ack' && tag !== 'bAck') return;
    const body = bodyOf(record);
    const key = keyOf(body);
    if (tag !== 'ck') {
      acknowledge(checkpoints.get(key), body);
      return;
    }
    // The group's offset is the last one that it has processed.
    const processed = settled.get(record.topic)?.get(record.queueId) ?? -1;
    if (record.topic !== TIMER_TOPIC && record.queueOffset <= processed) checkpoints.delete(key);
    else if (!checkpoints.has(key)) checkpoints.set(key, checkpointOf(body));
    if (checkpoints.size > maxCheckpoints) {
      throw new Error(
        `more than ${maxCheckpoints} pop checkpoints of Apache RocketMQ are not settled: ` +
          'let its consumers finish before it is stopped',
      );
    }
  });
  return [...checkpoints.values()].flatMap(({ unacknowledged, ...rest }) =>
    [...unacknowledged].map((offset) => ({ ...rest, offset })),
  );
}

function bodyOf(record: StoredRecord): JsonObject {
  try {
    return objectIn(parseApacheJson(record.body.toString('utf8')));
  } catch {
    return new Map();
  }
}

function keyOf(body: JsonObject): string {
  return JSON.stringify(
    ['t', 'c', 'q', 'so', 'pt', 'bn'].map((name) => String(scalar(body.get(name)))),
  );
}

function scalar(value: JsonValue | undefined): string {
  return typeof value === 'string' || typeof value === 'number' ? `${value}` : '';
}

function checkpointOf(body: JsonObject): Checkpoint {
  const start = integerIn(body, 'so') ?? 0;
  const acknowledged = integerIn(body, 'bm') ?? 0;
  const count = Math.min(integerIn(body, 'n') ?? 0, MAX_MESSAGES);
  const deltas = integers(body.get('d'));
  const offsets = deltas.length > 0 ? deltas : Array.from({ length: count }, (_, i) => i);
  return {
    topic: textIn(body, 't') ?? '',
    group: textIn(body, 'c') ?? '',
    queueId: integerIn(body, 'q') ?? 0,
    dueMs: (integerIn(body, 'pt') ?? 0) + (integerIn(body, 'it') ?? 0),
    unacknowledged: new Set(
      offsets.flatMap((delta, bit) => ((acknowledged >>> bit) & 1 ? [] : [start + delta])),
    ),
  };
}

function acknowledge(checkpoint: Checkpoint | undefined, body: JsonObject): void {
  for (const offset of [integerIn(body, 'ao') ?? -1, ...integers(body.get('aol'))]) {
    checkpoint?.unacknowledged.delete(offset);
  }
}

function integers(value: JsonValue | undefined): number[] {
  if (!Array.isArray(value)) return [];
  return (value as readonly JsonValue[]).filter((item) => typeof item === 'number');
}
