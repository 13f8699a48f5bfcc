/** Acknowledgements from values to bytes and back; a consumer makes one for each message. The bytes are those of the loader's codec. */
import type { AckRequest, EntryStatus } from '../../api/broker-api';
import { fieldBytes, numberBytes, SizedWriter } from '../../message/wire/sized-writer';
import { tagOf, WireReader, WireType } from '../../message/wire/wire-reader';
import type { MethodCodecs } from '../broker-method';
import { codeFromWire } from './status';

const RequestField = { GROUP: 1, TOPIC: 2, ENTRIES: 3 } as const;
const REQUEST = {
  GROUP: tagOf(RequestField.GROUP, WireType.BYTES),
  TOPIC: tagOf(RequestField.TOPIC, WireType.BYTES),
  ENTRY: tagOf(RequestField.ENTRIES, WireType.BYTES),
} as const;
const HandleField = { RECEIPT_HANDLE: 1, MESSAGE_ID: 2 } as const;
const HANDLE = {
  RECEIPT_HANDLE: tagOf(HandleField.RECEIPT_HANDLE, WireType.BYTES),
  MESSAGE_ID: tagOf(HandleField.MESSAGE_ID, WireType.BYTES),
} as const;
const RESULTS = 1;
const RESULT = tagOf(RESULTS, WireType.BYTES);
const ResultField = { CODE: 1, TEXT: 2 } as const;
const CODE = tagOf(ResultField.CODE, WireType.VARINT);
const TEXT = tagOf(ResultField.TEXT, WireType.BYTES);

type Handle = AckRequest['entries'][number];
type Results = readonly EntryStatus[];

export const acknowledges: MethodCodecs<AckRequest, Results, AckRequest, Results> = {
  requestSerialize: writeRequest,
  requestDeserialize: readRequest,
  responseSerialize: writeResults,
  responseDeserialize: readResults,
};

/** Another method with the request of an acknowledgement. */
export function sendsHandles<A, AO>(
  loaded: Pick<MethodCodecs<unknown, A, unknown, AO>, 'responseSerialize' | 'responseDeserialize'>,
): MethodCodecs<AckRequest, A, AckRequest, AO> {
  return {
    requestSerialize: writeRequest,
    requestDeserialize: readRequest,
    responseSerialize: loaded.responseSerialize,
    responseDeserialize: loaded.responseDeserialize,
  };
}

/** Hot path. */
function writeRequest({ group, topic, entries }: AckRequest): Buffer {
  const groupBytes = Buffer.byteLength(group);
  const topicBytes = Buffer.byteLength(topic);
  const handles = entries.map(handleBytes);
  let bytes = fieldBytes(groupBytes) + fieldBytes(topicBytes);
  for (const handle of handles) bytes += outerBytes(handle);
  const writer = new SizedWriter(bytes);
  writer.text(RequestField.GROUP, group, groupBytes);
  writer.text(RequestField.TOPIC, topic, topicBytes);
  entries.forEach(({ receiptHandle, messageId }, i) => {
    writer.head(RequestField.ENTRIES, handles[i] ?? 0);
    writer.text(HandleField.RECEIPT_HANDLE, receiptHandle, Buffer.byteLength(receiptHandle));
    writer.text(HandleField.MESSAGE_ID, messageId, Buffer.byteLength(messageId));
  });
  return writer.target;
}

function handleBytes({ receiptHandle, messageId }: Handle): number {
  return fieldBytes(Buffer.byteLength(receiptHandle)) + fieldBytes(Buffer.byteLength(messageId));
}

/** Bytes of a message's field; one that is empty has its tag and length all the same. */
function outerBytes(bytes: number): number {
  return bytes === 0 ? 2 : fieldBytes(bytes);
}

/** Hot path. @throws RangeError when the bytes are no request */
function readRequest(bytes: Buffer): AckRequest {
  const reader = new WireReader(bytes);
  let group = '';
  let topic = '';
  const entries: Handle[] = [];
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === REQUEST.GROUP) group = reader.string();
    else if (tag === REQUEST.TOPIC) topic = reader.string();
    else if (tag === REQUEST.ENTRY) {
      const outer = reader.enter();
      entries.push(readHandle(reader));
      reader.leave(outer);
    } else reader.skip(tag);
  }
  return { group, topic, entries };
}

function readHandle(reader: WireReader): Handle {
  let receiptHandle = '';
  let messageId = '';
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === HANDLE.RECEIPT_HANDLE) receiptHandle = reader.string();
    else if (tag === HANDLE.MESSAGE_ID) messageId = reader.string();
    else reader.skip(tag);
  }
  return { receiptHandle, messageId };
}

/** Hot path. */
function writeResults(results: Results): Buffer {
  let bytes = 0;
  for (const result of results) bytes += outerBytes(resultBytes(result));
  const writer = new SizedWriter(bytes);
  for (const result of results) {
    writer.head(RESULTS, resultBytes(result));
    writer.number(ResultField.CODE, result.code);
    writer.text(ResultField.TEXT, result.message, Buffer.byteLength(result.message));
  }
  return writer.target;
}

function resultBytes({ code, message }: EntryStatus): number {
  return numberBytes(code) + fieldBytes(Buffer.byteLength(message));
}

/** Hot path. @throws RangeError when the bytes are no answer */
function readResults(bytes: Buffer): Results {
  const reader = new WireReader(bytes);
  const results: EntryStatus[] = [];
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag !== RESULT) {
      reader.skip(tag);
      continue;
    }
    const outer = reader.enter();
    results.push(readResult(reader));
    reader.leave(outer);
  }
  return results;
}

function readResult(reader: WireReader): EntryStatus {
  let code = 0;
  let message = '';
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === CODE) code = reader.uint32();
    else if (tag === TEXT) message = reader.string();
    else reader.skip(tag);
  }
  return { code: codeFromWire(code), message };
}
