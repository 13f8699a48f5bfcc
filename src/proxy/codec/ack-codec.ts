/** AckMessage and ChangeInvisibleDuration. */
import type { ResourceName } from '../../message/public-message';
import type { SecondsAndNanos } from '../../message/time';
import { readResource, readTime } from '../../message/wire/incoming-message';
import { tagOf, WireReader, WireType } from '../../message/wire/wire-reader';
import type { PublicStatus } from '../calls';
import { writer, writeStatus } from './status-codec';

const GROUP = tagOf(1, WireType.BYTES);
const TOPIC = tagOf(2, WireType.BYTES);
const ENTRIES = tagOf(3, WireType.BYTES);
const ENTRY = {
  messageId: tagOf(1, WireType.BYTES),
  receiptHandle: tagOf(2, WireType.BYTES),
  liteTopic: tagOf(3, WireType.BYTES),
} as const;
const CHANGE = {
  receiptHandle: tagOf(3, WireType.BYTES),
  invisibleDuration: tagOf(4, WireType.BYTES),
  messageId: tagOf(5, WireType.BYTES),
  liteTopic: tagOf(6, WireType.BYTES),
  suspend: tagOf(7, WireType.VARINT),
} as const;

type Writable<T> = { -readonly [K in keyof T]: T[K] };

export interface AckEntry {
  readonly message_id: string;
  readonly receipt_handle: string;
  readonly lite_topic?: string;
}

export interface AckMessageCall {
  readonly group: ResourceName | null;
  readonly topic: ResourceName | null;
  readonly entries: readonly AckEntry[];
}

export interface AckMessageAnswer {
  readonly status: PublicStatus;
  /** None when the call as a whole failed. */
  readonly entries?: readonly {
    readonly message_id: string;
    readonly receipt_handle: string;
    readonly status: PublicStatus;
  }[];
}

export interface ChangeInvisibleDurationCall extends AckEntry {
  readonly group: ResourceName | null;
  readonly topic: ResourceName | null;
  readonly invisible_duration: SecondsAndNanos | null;
  readonly suspend?: boolean;
}

export interface ChangeInvisibleDurationAnswer {
  readonly status: PublicStatus;
  readonly receipt_handle?: string;
}

/** @throws RangeError when the bytes are no message */
export function readAckMessage(bytes: Buffer): AckMessageCall {
  const reader = new WireReader(bytes);
  let group: ResourceName | null = null;
  let topic: ResourceName | null = null;
  const entries: AckEntry[] = [];
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === GROUP) group = readResource(reader);
    else if (tag === TOPIC) topic = readResource(reader);
    else if (tag === ENTRIES) entries.push(readEntry(reader));
    else reader.skip(tag);
  }
  return { group, topic, entries };
}

export function writeAckMessageAnswer({ status, entries = [] }: AckMessageAnswer): Buffer {
  for (let i = entries.length - 1; i >= 0; i--) {
    const entry = entries[i];
    if (entry === undefined) continue;
    const before = writer.length;
    writeStatus(3, entry.status);
    writer.string(2, entry.receipt_handle);
    writer.string(1, entry.message_id);
    writer.endBytes(2, before);
  }
  writeStatus(1, status);
  return writer.take();
}

/** @throws RangeError when the bytes are no message */
export function readChangeInvisibleDuration(bytes: Buffer): ChangeInvisibleDurationCall {
  const reader = new WireReader(bytes);
  const call: Writable<ChangeInvisibleDurationCall> = {
    group: null,
    topic: null,
    receipt_handle: '',
    invisible_duration: null,
    message_id: '',
  };
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === GROUP) call.group = readResource(reader);
    else if (tag === TOPIC) call.topic = readResource(reader);
    else if (tag === CHANGE.receiptHandle) call.receipt_handle = reader.string();
    else if (tag === CHANGE.invisibleDuration) call.invisible_duration = readTime(reader);
    else if (tag === CHANGE.messageId) call.message_id = reader.string();
    else if (tag === CHANGE.liteTopic) call.lite_topic = reader.string();
    else if (tag === CHANGE.suspend) call.suspend = reader.bool();
    else reader.skip(tag);
  }
  return call;
}

export function writeChangeInvisibleDurationAnswer({
  status,
  receipt_handle,
}: ChangeInvisibleDurationAnswer): Buffer {
  writer.string(2, receipt_handle ?? '');
  writeStatus(1, status);
  return writer.take();
}

function readEntry(reader: WireReader): AckEntry {
  const outer = reader.enter();
  const entry: Writable<AckEntry> = { message_id: '', receipt_handle: '' };
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === ENTRY.messageId) entry.message_id = reader.string();
    else if (tag === ENTRY.receiptHandle) entry.receipt_handle = reader.string();
    else if (tag === ENTRY.liteTopic) entry.lite_topic = reader.string();
    else reader.skip(tag);
  }
  reader.leave(outer);
  return entry;
}
