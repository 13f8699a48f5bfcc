/**
 * The calls that carry records, from values to bytes and back: a record is copied once on the way out, and not at all on
 * the way in. The bytes are those of the protobuf loader's codec.
 */
import type {
  PoppedMessage,
  PopRequest,
  PopResult,
  SendRequest,
  SendResult,
} from '../../api/broker-api';
import { CRC_PROPERTY_BYTES } from '../../message/record';
import { draftOfBytes } from '../../message/record-draft';
import { fieldBytes, numberBytes, SizedWriter } from '../../message/wire/sized-writer';
import { tagOf, WireReader, WireType } from '../../message/wire/wire-reader';
import type { MethodCodecs } from '../broker-method';
import { readPopRequest, writePopRequest } from './pop-request';

const SendField = { QUEUE_ID: 1, RECORD: 2, GENERATION_AND_ONE: 3, LITE_TOPIC: 4 } as const;
const SEND = {
  QUEUE_ID: tagOf(SendField.QUEUE_ID, WireType.VARINT),
  RECORD: tagOf(SendField.RECORD, WireType.BYTES),
  GENERATION_AND_ONE: tagOf(SendField.GENERATION_AND_ONE, WireType.VARINT),
  LITE_TOPIC: tagOf(SendField.LITE_TOPIC, WireType.BYTES),
} as const;
const ResultField = { QUEUE_OFFSET: 1, PHYSICAL_OFFSET: 2, DELAYED: 3 } as const;
const RESULT = {
  QUEUE_OFFSET: tagOf(ResultField.QUEUE_OFFSET, WireType.VARINT),
  PHYSICAL_OFFSET: tagOf(ResultField.PHYSICAL_OFFSET, WireType.VARINT),
  DELAYED: tagOf(ResultField.DELAYED, WireType.VARINT),
} as const;
const MESSAGES = 1;
const MESSAGE = tagOf(MESSAGES, WireType.BYTES);
const PoppedField = { RECORD: 1, RECEIPT_HANDLE: 2, ATTEMPT: 3, INVISIBLE_MS: 4 } as const;
const POPPED = {
  RECORD: tagOf(PoppedField.RECORD, WireType.BYTES),
  RECEIPT_HANDLE: tagOf(PoppedField.RECEIPT_HANDLE, WireType.BYTES),
  ATTEMPT: tagOf(PoppedField.ATTEMPT, WireType.VARINT),
  INVISIBLE_MS: tagOf(PoppedField.INVISIBLE_MS, WireType.VARINT),
} as const;
const NO_BYTES: Buffer = Buffer.alloc(0);

/** A method whose request is a message to store. */
export const sendsRecord: MethodCodecs<SendRequest, SendResult, SendRequest, SendResult> = {
  requestSerialize: writeSendRequest,
  requestDeserialize: readSendRequest,
  responseSerialize: writeSendResult,
  responseDeserialize: readSendResult,
};

/** A method that answers messages which were taken. */
export const takesRecords: MethodCodecs<PopRequest, PopResult, PopRequest, PopResult> = {
  requestSerialize: writePopRequest,
  requestDeserialize: readPopRequest,
  responseSerialize: writePopResult,
  responseDeserialize: readPopResult,
};

/** Hot path. */
function writeSendRequest({
  queueId,
  draft,
  generation = -1,
  liteTopic = '',
}: SendRequest): Buffer {
  const liteBytes = Buffer.byteLength(liteTopic);
  const recordBytes = draft.byteLength;
  const writer = new SizedWriter(
    numberBytes(queueId) +
      fieldBytes(recordBytes) +
      numberBytes(generation + 1) +
      fieldBytes(liteBytes),
  );
  writer.number(SendField.QUEUE_ID, queueId);
  writer.head(SendField.RECORD, recordBytes);
  const { target, at } = writer;
  // The draft leaves the record CRC to whoever places the record.
  target.fill(0, at + recordBytes - CRC_PROPERTY_BYTES, at + recordBytes);
  draft.writeTo(target, at);
  writer.at = at + recordBytes;
  writer.number(SendField.GENERATION_AND_ONE, generation + 1);
  writer.text(SendField.LITE_TOPIC, liteTopic, liteBytes);
  return target;
}

/** Hot path. @throws RangeError when the bytes are no request, or hold no whole record */
function readSendRequest(bytes: Buffer): SendRequest {
  const reader = new WireReader(bytes);
  let queueId = 0;
  let record: Buffer = NO_BYTES;
  let generationAndOne = 0;
  let liteTopic = '';
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === SEND.QUEUE_ID) queueId = reader.uint32();
    else if (tag === SEND.RECORD) record = reader.view();
    else if (tag === SEND.GENERATION_AND_ONE) generationAndOne = reader.uint32();
    else if (tag === SEND.LITE_TOPIC) liteTopic = reader.string();
    else reader.skip(tag);
  }
  const request = { queueId, draft: draftOfBytes(record) };
  if (generationAndOne === 0 && liteTopic === '') return request;
  return {
    ...request,
    ...(generationAndOne === 0 ? undefined : { generation: generationAndOne - 1 }),
    ...(liteTopic === '' ? undefined : { liteTopic }),
  };
}

/** Hot path. */
function writeSendResult({ queueOffset, physicalOffset, delayed = false }: SendResult): Buffer {
  const offsets = numberBytes(queueOffset) + numberBytes(physicalOffset);
  const writer = new SizedWriter(offsets + numberBytes(Number(delayed)));
  writer.number(ResultField.QUEUE_OFFSET, queueOffset);
  writer.number(ResultField.PHYSICAL_OFFSET, physicalOffset);
  writer.number(ResultField.DELAYED, Number(delayed));
  return writer.target;
}

/** Hot path. @throws RangeError when the bytes are no answer */
function readSendResult(bytes: Buffer): SendResult {
  const reader = new WireReader(bytes);
  let queueOffset = 0;
  let physicalOffset = 0;
  let delayed = false;
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === RESULT.QUEUE_OFFSET) queueOffset = reader.int64();
    else if (tag === RESULT.PHYSICAL_OFFSET) physicalOffset = reader.int64();
    else if (tag === RESULT.DELAYED) delayed = reader.bool();
    else reader.skip(tag);
  }
  return delayed ? { queueOffset, physicalOffset, delayed: true } : { queueOffset, physicalOffset };
}

/** Hot path. */
function writePopResult(result: PopResult): Buffer {
  let bytes = 0;
  for (const message of result) bytes += fieldBytes(poppedBytes(message));
  const writer = new SizedWriter(bytes);
  for (const message of result) {
    const { record, receiptHandle, attempt, invisibleMs } = message;
    writer.head(MESSAGES, poppedBytes(message));
    writer.bytes(PoppedField.RECORD, record);
    writer.text(PoppedField.RECEIPT_HANDLE, receiptHandle, Buffer.byteLength(receiptHandle));
    writer.number(PoppedField.ATTEMPT, attempt);
    writer.number(PoppedField.INVISIBLE_MS, invisibleMs);
  }
  return writer.target;
}

function poppedBytes({ record, receiptHandle, attempt, invisibleMs }: PoppedMessage): number {
  const handle = fieldBytes(Buffer.byteLength(receiptHandle));
  return fieldBytes(record.length) + handle + numberBytes(attempt) + numberBytes(invisibleMs);
}

/** Hot path. The records are views of the bytes. @throws RangeError when the bytes are no answer */
function readPopResult(bytes: Buffer): PopResult {
  const reader = new WireReader(bytes);
  const messages: PoppedMessage[] = [];
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag !== MESSAGE) {
      reader.skip(tag);
      continue;
    }
    const outer = reader.enter();
    messages.push(readPopped(reader));
    reader.leave(outer);
  }
  return messages;
}

function readPopped(reader: WireReader): PoppedMessage {
  let record: Buffer = NO_BYTES;
  let receiptHandle = '';
  let attempt = 0;
  let invisibleMs = 0;
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === POPPED.RECORD) record = reader.view();
    else if (tag === POPPED.RECEIPT_HANDLE) receiptHandle = reader.string();
    else if (tag === POPPED.ATTEMPT) attempt = reader.uint32();
    else if (tag === POPPED.INVISIBLE_MS) invisibleMs = reader.int64();
    else reader.skip(tag);
  }
  return { record, receiptHandle, attempt, invisibleMs };
}
