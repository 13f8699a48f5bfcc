/**
 * Records of transactions (Apache RocketMQ's, so that its broker can go on with them):
 *
 *     half       topic RMQ_SYS_TRANS_HALF_TOPIC, queue 0, no transaction bits in sysFlag; the client's
 *                properties, REAL_TOPIC, REAL_QID, __transactionId__
 *     committed  the real topic and queue, sysFlag | 8, preparedOffset = the half's physical offset;
 *                the half's properties without REAL_TOPIC, REAL_QID
 *     op         topic RMQ_SYS_TRANS_OP_HALF_TOPIC, queue 0, WAIT=true TAGS=d, body = the half's queue
 *                offset and a comma; ours adds UNIQ_KEY = the transaction's id, and
 *
 *     GANTRY_DECISION = (commit | rollback | expired) SPACE topic SPACE id
 */
import { HALF_TOPIC, OP_TOPIC, UNANSWERED_TOPIC } from './names';
import { encodeProperties, Property } from './properties';
import { CRC_PROPERTY_BYTES, readRecord, recordProperties, SysFlag } from './record';
import type { StoredRecord } from './record';
import { draftRecord, type RecordDraft } from './record-draft';

export type TransactionDecision = 'commit' | 'rollback' | 'expired';

const DECISIONS: readonly string[] = ['commit', 'rollback', 'expired'];
/** Bits that say how hosts are written, which a draft sets by itself, and those of transactions. */
const FLAGS_DROPPED = SysFlag.TRANSACTION_MASK | SysFlag.BORNHOST_V6 | SysFlag.STOREHOST_V6;
const OP_TAG = 'd';

/** What a half message says of its transaction. */
export interface HalfMessage {
  /** Where the message goes when it is committed. */
  readonly topic: string;
  readonly queueId: number;
  readonly id: string;
  /** Age before the first check, milliseconds; 0 when the producer says nothing. */
  readonly immunityMs: number;
  /** Checks before it was written anew. */
  readonly checks: number;
}

/** What an op record says. */
export interface Op {
  readonly decision: TransactionDecision;
  readonly topic: string;
  readonly id: string;
}

/** A half message that is not stored yet. */
export interface NewHalf {
  readonly draft: RecordDraft;
  /** '' when the message has none. */
  readonly id: string;
  /** Age before the first check, milliseconds; 0 when the producer says nothing. */
  readonly immunityMs: number;
}

/**
 * The half message of a message on its way to `queueId` of its topic.
 * @throws RangeError when the properties do not fit a record
 */
export function halfOf(message: RecordDraft, queueId: number): NewHalf {
  const bytes = Buffer.allocUnsafe(message.byteLength);
  // The draft leaves the record CRC to whoever places the record.
  bytes.fill(0, bytes.length - CRC_PROPERTY_BYTES);
  message.writeTo(bytes, 0);
  const record = readRecord(bytes, 0);
  const properties = recordProperties(record);
  const id = properties.get(Property.UNIQ_KEY) ?? '';
  properties.set(Property.TRAN_MSG, 'true');
  properties.set(Property.REAL_TOPIC, record.topic);
  properties.set(Property.REAL_QID, String(queueId));
  properties.set(Property.TRANSACTION_ID, id);
  return { draft: copyOf(record, HALF_TOPIC, properties), id, immunityMs: immunityOf(properties) };
}

/** A half message written anew, so that the log may lose the old one. */
export function renewedHalfDraft(bytes: Buffer, checks: number): RecordDraft {
  const record = readRecord(bytes, 0);
  const properties = recordProperties(record);
  if (checks > 0) properties.set(Property.TRANSACTION_CHECK_TIMES, String(checks));
  return copyOf(record, HALF_TOPIC, properties);
}

/**
 * The message that a commit makes of a half message.
 * @param halfOffset where the half message lies now
 */
export function committedDraft(bytes: Buffer, topic: string, halfOffset: number): RecordDraft {
  const record = readRecord(bytes, 0);
  const properties = recordProperties(record);
  properties.delete(Property.REAL_TOPIC);
  properties.delete(Property.REAL_QID);
  return copyOf(record, topic, properties, SysFlag.COMMIT, halfOffset);
}

/** The copy that an operator sees of a half message that nobody decided about. */
export function unansweredDraft(bytes: Buffer, checks: number): RecordDraft {
  const record = readRecord(bytes, 0);
  const properties = recordProperties(record);
  properties.set(Property.TRANSACTION_CHECK_TIMES, String(checks));
  return copyOf(record, UNANSWERED_TOPIC, properties);
}

export function opDraft(op: Op, halfQueueOffset: number, bornTimestamp: number): RecordDraft {
  return draftRecord({
    topic: OP_TOPIC,
    body: Buffer.from(`${halfQueueOffset},`, 'latin1'),
    properties: encodeProperties([
      [Property.WAIT, 'true'],
      [Property.TAGS, OP_TAG],
      [Property.UNIQ_KEY, op.id],
      [Property.DECISION, `${op.decision} ${op.topic} ${op.id}`],
    ]),
    tag: OP_TAG,
    bornTimestamp,
  });
}

/** Reads a half message; `undefined` when the record is none that can be committed. */
export function readHalf(record: StoredRecord): HalfMessage | undefined {
  const properties = recordProperties(record);
  const topic = properties.get(Property.REAL_TOPIC);
  const id = properties.get(Property.UNIQ_KEY);
  const queueId = Number(properties.get(Property.REAL_QID));
  if (topic === undefined || id === undefined || !Number.isInteger(queueId)) return undefined;
  const checks = Number(properties.get(Property.TRANSACTION_CHECK_TIMES) ?? 0);
  return {
    topic,
    queueId,
    id,
    immunityMs: immunityOf(properties),
    checks: Number.isInteger(checks) ? checks : 0,
  };
}

/** Reads an op record of ours; `undefined` for one of another program. */
export function readOp(record: StoredRecord): Op | undefined {
  const text = recordProperties(record).get(Property.DECISION);
  if (text === undefined) return undefined;
  const [decision = '', topic = '', ...id] = text.split(' ');
  if (!isDecision(decision)) return undefined;
  return { decision, topic, id: id.join(' ') };
}

/** The queue offsets of the half messages that an op record ends, whoever wrote it. */
export function offsetsOfOp(record: StoredRecord): number[] {
  return record.body
    .toString('latin1')
    .split(',')
    .filter((text) => text !== '')
    .map(Number)
    .filter(Number.isSafeInteger);
}

function immunityOf(properties: ReadonlyMap<string, string>): number {
  const seconds = Number(properties.get(Property.CHECK_IMMUNITY_TIME_IN_SECONDS) ?? 0);
  return seconds > 0 ? seconds * 1000 : 0;
}

function isDecision(text: string): text is TransactionDecision {
  return DECISIONS.includes(text);
}

function copyOf(
  record: StoredRecord,
  topic: string,
  properties: ReadonlyMap<string, string>,
  sysFlag = 0,
  preparedOffset = 0,
): RecordDraft {
  return draftRecord({
    topic,
    preparedOffset,
    body: record.body,
    properties: encodeProperties(properties),
    tag: properties.get(Property.TAGS) ?? '',
    bornTimestamp: record.bornTimestamp,
    bornHost: record.bornHost,
    flag: record.flag,
    sysFlag: (record.sysFlag & ~FLAGS_DROPPED) | sysFlag,
    reconsumeTimes: record.reconsumeTimes,
  });
}
