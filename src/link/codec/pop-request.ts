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
  const texts = ['', '', '', ''];
  const numbers = [0, 0, 0];
  let filter: FilterExpression | undefined;
  let autoRenew = false;
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    const field = tag >>> 3;
    const type = tag & 7;
    if (type === WireType.BYTES && field < Field.FILTER) texts[field - 1] = reader.string();
    else if (type === WireType.BYTES && field === Field.FILTER) filter = readFilter(reader);
    else if (type === WireType.VARINT && field === Field.AUTO_RENEW) autoRenew = reader.bool();
    else if (type === WireType.VARINT && field >= Field.MAX_MESSAGES && field < Field.AUTO_RENEW) {
      numbers[field - Field.MAX_MESSAGES] = reader.int64();
    } else reader.skip(tag);
  }
  if (filter === undefined) throw missing('filter');
  const [group = '', topic = '', clientId = '', attemptId = ''] = texts;
  const [maxMessages = 0, invisibleMs = 0, pollMs = 0] = numbers;
  const names = { group, topic, clientId, attemptId };
  return { ...names, filter, maxMessages, invisibleMs, pollMs, autoRenew };
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
