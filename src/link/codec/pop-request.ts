/** What is asked when receiving, from values to bytes and back. The bytes are those of the protobuf loader's codec. */
import type { PopRequest } from '../../api/broker-api';
import type { FilterExpression } from '../../message/filter';
import { fieldBytes, numberBytes, SizedWriter } from '../../message/wire/sized-writer';
import { tagOf, WireReader, WireType } from '../../message/wire/wire-reader';
import { FilterKind } from '../../rpc/generated/gantry/v1/FilterKind';
import { missing } from './missing';

const Field = {
  GROUP: 1,
  TOPIC: 2,
  CLIENT_ID: 3,
  ATTEMPT_ID: 4,
  FILTER: 5,
  MAX_MESSAGES: 6,
  INVISIBLE_MS: 7,
  POLL_MS: 8,
  AUTO_RENEW: 9,
} as const;
const TAG = {
  GROUP: tagOf(Field.GROUP, WireType.BYTES),
  TOPIC: tagOf(Field.TOPIC, WireType.BYTES),
  CLIENT_ID: tagOf(Field.CLIENT_ID, WireType.BYTES),
  ATTEMPT_ID: tagOf(Field.ATTEMPT_ID, WireType.BYTES),
  FILTER: tagOf(Field.FILTER, WireType.BYTES),
  MAX_MESSAGES: tagOf(Field.MAX_MESSAGES, WireType.VARINT),
  INVISIBLE_MS: tagOf(Field.INVISIBLE_MS, WireType.VARINT),
  POLL_MS: tagOf(Field.POLL_MS, WireType.VARINT),
  AUTO_RENEW: tagOf(Field.AUTO_RENEW, WireType.VARINT),
} as const;
const FilterField = { KIND: 1, EXPRESSION: 2 } as const;
const KIND = tagOf(FilterField.KIND, WireType.VARINT);
const EXPRESSION = tagOf(FilterField.EXPRESSION, WireType.BYTES);

/** Hot path. */
export function writePopRequest(request: PopRequest): Buffer {
  const { group, topic, clientId, attemptId, filter } = request;
  const texts = [group, topic, clientId, attemptId];
  const lengths = texts.map((text) => Buffer.byteLength(text));
  const numbers = [request.maxMessages, request.invisibleMs, request.pollMs];
  const kind = filter.type === 'SQL' ? FilterKind.FILTER_SQL : FilterKind.FILTER_TAG;
  const expressionBytes = Buffer.byteLength(filter.expression);
  const filterBytes = numberBytes(kind) + fieldBytes(expressionBytes);
  let bytes = Math.max(2, fieldBytes(filterBytes)) + numberBytes(Number(request.autoRenew));
  for (const length of lengths) bytes += fieldBytes(length);
  for (const number of numbers) bytes += numberBytes(number);
  const writer = new SizedWriter(bytes);
  texts.forEach((text, i) => writer.text(Field.GROUP + i, text, lengths[i] ?? 0));
  writer.head(Field.FILTER, filterBytes);
  writer.number(FilterField.KIND, kind);
  writer.text(FilterField.EXPRESSION, filter.expression, expressionBytes);
  numbers.forEach((number, i) => writer.number(Field.MAX_MESSAGES + i, number));
  writer.number(Field.AUTO_RENEW, Number(request.autoRenew));
  return writer.target;
}

/** Hot path. @throws RangeError when the bytes are no request, or there is no filter */
export function readPopRequest(bytes: Buffer): PopRequest {
  const reader = new WireReader(bytes);
  let group = '';
  let topic = '';
  let clientId = '';
  let attemptId = '';
  let filter: FilterExpression | undefined;
  let maxMessages = 0;
  let invisibleMs = 0;
  let pollMs = 0;
  let autoRenew = false;
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === TAG.GROUP) group = reader.string();
    else if (tag === TAG.TOPIC) topic = reader.string();
    else if (tag === TAG.CLIENT_ID) clientId = reader.string();
    else if (tag === TAG.ATTEMPT_ID) attemptId = reader.string();
    else if (tag === TAG.FILTER) filter = readFilter(reader);
    else if (tag === TAG.MAX_MESSAGES) maxMessages = reader.uint32();
    else if (tag === TAG.INVISIBLE_MS) invisibleMs = reader.int64();
    else if (tag === TAG.POLL_MS) pollMs = reader.uint32();
    else if (tag === TAG.AUTO_RENEW) autoRenew = reader.bool();
    else reader.skip(tag);
  }
  if (filter === undefined) throw missing('filter');
  return {
    group,
    topic,
    clientId,
    attemptId,
    filter,
    maxMessages,
    invisibleMs,
    pollMs,
    autoRenew,
  };
}

function readFilter(reader: WireReader): FilterExpression {
  const outer = reader.enter();
  let kind = 0;
  let expression = '';
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === KIND) kind = reader.int32();
    else if (tag === EXPRESSION) expression = reader.string();
    else reader.skip(tag);
  }
  reader.leave(outer);
  return { type: kind === FilterKind.FILTER_SQL ? 'SQL' : 'TAG', expression };
}
