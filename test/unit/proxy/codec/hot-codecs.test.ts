import { createRequire } from 'node:module';
import type { ServiceDefinition } from '@grpc/grpc-js';
import fc from 'fast-check';
import { hostOf } from '../../../../src/message/host';
import { encodeProperties, systemPropertyKeys } from '../../../../src/message/properties';
import { placeRecord } from '../../../../src/message/record';
import { draftRecord } from '../../../../src/message/record-draft';
import type { Delivery } from '../../../../src/message/wire/delivered-message';
import { withHotCodecs } from '../../../../src/proxy/codec/hot-codecs';
import { encodeDeliveries } from '../../../../src/proxy/codec/receive-codec';
import { loadService } from '../../../../src/rpc/protos';
import { deliveredMessage } from '../../../support/delivered-message';
import { deliveredOverWire } from '../../../support/wire-delivery';

const loaded: ServiceDefinition = loadService(
  'apache/rocketmq/v2/service.proto',
  'apache.rocketmq.v2.MessagingService',
);
const own = withHotCodecs(loaded);
/** The part of protobufjs that is used here. */
interface ProtobufReader {
  readonly pos: number;
  readonly len: number;
  uint32(): number;
  skipType(type: number): void;
}
const { Reader } = createRequire(require.resolve('@grpc/proto-loader'))('protobufjs') as {
  readonly Reader: { create(bytes: Buffer): ProtobufReader };
};
const seed = 20_241;

type HotName = 'SendMessage' | 'ReceiveMessage' | 'AckMessage' | 'ChangeInvisibleDuration';

function method(definition: ServiceDefinition, name: HotName): (typeof definition)[string] {
  const found = definition[name];
  if (found === undefined) throw new Error(`no method ${name}`);
  return found;
}

/** Strings of all kinds, many of them short, none with lone surrogates: those are no UTF-8. */
const text = fc.oneof(
  fc.string({ maxLength: 8 }),
  fc.string({ maxLength: 60, unit: 'binary' }),
  fc.constantFrom('', 'constructor', '__proto__', 'ÿ', '消息', '\u{1f600}'),
);
const int32 = fc.oneof(fc.constantFrom(0, 1, 127, 128, -1, 2 ** 31 - 1, -(2 ** 31)), fc.integer());
const seconds = fc.oneof(
  fc.maxSafeInteger(),
  fc.integer(),
  fc.constantFrom(0, 2 ** 32, -(2 ** 32)),
);
const time = fc.record({ seconds, nanos: int32 });
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(value, { nil: undefined });
const resource = fc.record({ resource_namespace: text, name: text });
const digest = fc.record({ type: fc.constantFrom(0, 1, 2), checksum: text });
const body = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));

const systemProperties = fc.record({
  tag: maybe(text),
  keys: fc.array(text, { maxLength: 3 }),
  message_id: text,
  body_digest: maybe(digest),
  body_encoding: fc.constantFrom(0, 1, 2, 77),
  message_type: fc.constantFrom(0, 1, 2, 3, 4, 5, 6, 99),
  born_timestamp: maybe(time),
  born_host: text,
  store_timestamp: maybe(time),
  store_host: text,
  delivery_timestamp: maybe(time),
  receipt_handle: maybe(text),
  queue_id: int32,
  queue_offset: maybe(seconds),
  invisible_duration: maybe(time),
  delivery_attempt: maybe(int32),
  message_group: maybe(text),
  trace_context: maybe(text),
  orphaned_transaction_recovery_duration: maybe(time),
  dead_letter_queue: maybe(fc.record({ topic: text, message_id: text })),
  lite_topic: maybe(text),
  priority: maybe(int32),
});
const message = fc.record({
  topic: maybe(resource),
  user_properties: fc.dictionary(text, text, { maxKeys: 4 }),
  system_properties: maybe(systemProperties),
  body,
});
const status = fc.record({ code: fc.constantFrom(0, 20_000, 40_400, 50_001), message: text });

const requests: Readonly<Record<HotName, fc.Arbitrary<object>>> = {
  SendMessage: fc.record({ messages: fc.array(message, { maxLength: 3 }) }),
  ReceiveMessage: fc.record({
    group: maybe(resource),
    message_queue: maybe(
      fc.record({
        topic: maybe(resource),
        id: int32,
        permission: fc.constantFrom(0, 1, 2, 3),
        broker: maybe(fc.record({ name: text, id: int32 })),
        accept_message_types: fc.array(fc.constantFrom(1, 2, 3), { maxLength: 3 }),
      }),
    ),
    filter_expression: maybe(fc.record({ type: fc.constantFrom(0, 1, 2), expression: text })),
    batch_size: int32,
    invisible_duration: maybe(time),
    auto_renew: fc.boolean(),
    long_polling_timeout: maybe(time),
    attempt_id: maybe(text),
  }),
  AckMessage: fc.record({
    group: maybe(resource),
    topic: maybe(resource),
    entries: fc.array(
      fc.record({ message_id: text, receipt_handle: text, lite_topic: maybe(text) }),
      { maxLength: 3 },
    ),
  }),
  ChangeInvisibleDuration: fc.record({
    group: maybe(resource),
    topic: maybe(resource),
    receipt_handle: text,
    invisible_duration: maybe(time),
    message_id: text,
    lite_topic: maybe(text),
    suspend: maybe(fc.boolean()),
  }),
};
const answers: Readonly<Record<Exclude<HotName, 'ReceiveMessage'>, fc.Arbitrary<object>>> = {
  SendMessage: fc.record({
    status,
    entries: fc.array(
      fc.record({
        status,
        message_id: text,
        transaction_id: text,
        offset: fc.maxSafeInteger(),
        recall_handle: text,
      }),
      { maxLength: 3 },
    ),
  }),
  AckMessage: fc.record({
    status,
    entries: fc.array(fc.record({ message_id: text, receipt_handle: text, status }), {
      maxLength: 3,
    }),
  }),
  ChangeInvisibleDuration: fc.record({ status, receipt_handle: text }),
};

/** Fields that the API does not have, of every wire type. */
const unknownField = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((value) => [...tag(1000, 0), ...varint(value)]),
  fc.uint8Array({ minLength: 8, maxLength: 8 }).map((bytes) => [...tag(1001, 1), ...bytes]),
  fc
    .uint8Array({ maxLength: 200 })
    .map((bytes) => [...tag(1002, 2), ...varint(BigInt(bytes.length)), ...bytes]),
  fc.constant([...tag(1003, 3), ...tag(1, 3), ...tag(1, 4), ...tag(5, 0), 7, ...tag(1003, 4)]),
  fc.uint8Array({ minLength: 4, maxLength: 4 }).map((bytes) => [...tag(1004, 5), ...bytes]),
);

function tag(field: number, type: number): number[] {
  return varint(BigInt(field * 8 + type));
}

function varint(value: bigint): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return [...bytes, Number(rest)];
}

/** How many fields a message has, those of the messages in it not counted. */
function topLevelFields(bytes: Buffer): number {
  const reader = Reader.create(bytes);
  let fields = 0;
  for (; reader.pos < reader.len; fields++) reader.skipType(reader.uint32() & 7);
  return fields;
}

/** The part of what the loader reads that our own reader answers. */
function sharedWith(ours: unknown, theirs: unknown): unknown {
  if (Array.isArray(theirs) && Array.isArray(ours)) {
    return theirs.map((value, i) => sharedWith(ours[i], value));
  }
  if (Buffer.isBuffer(theirs) || !isObject(theirs) || !isObject(ours)) return theirs;
  const shared: [string, unknown][] = [];
  for (const key of Object.keys(theirs)) {
    if (key in ours || optionalFields.has(key))
      shared.push([key, sharedWith(ours[key], theirs[key])]);
  }
  return Object.fromEntries(shared);
}

/** Fields that our readers leave out when they are absent, so that their absence is compared too. */
const optionalFields: ReadonlySet<string> = new Set([
  ...['tag', 'delivery_timestamp', 'message_group', 'trace_context', 'lite_topic', 'priority'],
  ...['orphaned_transaction_recovery_duration', 'long_polling_timeout', 'attempt_id', 'suspend'],
]);
/** The loader's null for an absent message of an optional field; ours is left out. */
const nullIsAbsent: ReadonlySet<string> = new Set([
  ...['delivery_timestamp', 'orphaned_transaction_recovery_duration', 'long_polling_timeout'],
  'invisible_duration',
]);

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** Drops what only says that an optional field is absent. */
function presence(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(presence);
  if (Buffer.isBuffer(value) || !isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, entry]) => !(nullIsAbsent.has(key) && entry === null))
      .map(([key, entry]) => [key, presence(entry)]),
  );
}

type Outcome = { readonly value: unknown } | { readonly refused: true };

function outcome(read: (bytes: Buffer) => unknown, bytes: Buffer): Outcome {
  try {
    return { value: read(bytes) };
  } catch (error) {
    expect(error).toBeInstanceOf(RangeError);
    return { refused: true };
  }
}

function expectAlike(name: HotName, bytes: Buffer): void {
  const theirs = outcome(method(loaded, name).requestDeserialize, bytes);
  const ours = outcome(method(own, name).requestDeserialize, bytes);
  if ('refused' in theirs || 'refused' in ours) {
    expect(ours).toEqual(theirs);
    return;
  }
  expect(presence(ours.value)).toEqual(presence(sharedWith(ours.value, theirs.value)));
}

const names = ['SendMessage', 'ReceiveMessage', 'AckMessage', 'ChangeInvisibleDuration'] as const;

describe.each(names)('the codec of %s', (name) => {
  it('reads what the loader’s codec reads', () => {
    fc.assert(
      fc.property(requests[name], (request) => {
        expectAlike(name, method(loaded, name).requestSerialize(request));
      }),
      { seed, numRuns: 200 },
    );
  });

  it('passes over fields that it does not know', () => {
    const fields = fc.array(unknownField, { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(requests[name], fields, fields, (request, before, after) => {
        const bytes = method(loaded, name).requestSerialize(request);
        expectAlike(
          name,
          Buffer.concat([Buffer.from(before.flat()), bytes, Buffer.from(after.flat())]),
        );
      }),
      { seed, numRuns: 200 },
    );
  });

  // The loader takes a string that is cut off for a shorter one; we refuse it, as the protobuf specification does.
  it('refuses what is cut off, and reads what ends between two fields', () => {
    fc.assert(
      fc.property(requests[name], unknownField, (request, field) => {
        const whole = Buffer.concat([
          method(loaded, name).requestSerialize(request),
          Buffer.from(field),
        ]);
        let read = 0;
        for (let length = 0; length <= whole.length; length++) {
          const bytes = whole.subarray(0, length);
          if ('refused' in outcome(method(own, name).requestDeserialize, bytes)) continue;
          expectAlike(name, bytes);
          read++;
        }
        expect(read).toBe(1 + topLevelFields(whole));
      }),
      { seed, numRuns: 12 },
    );
  });
});

describe.each(['SendMessage', 'AckMessage', 'ChangeInvisibleDuration'] as const)(
  'the codec of %s',
  (name) => {
    it('writes what the loader’s codec reads as the same answer', () => {
      fc.assert(
        fc.property(answers[name], (answer) => {
          const { responseDeserialize, responseSerialize } = method(loaded, name);
          const expected: unknown = responseDeserialize(responseSerialize(answer));
          const ours = method(own, name).responseSerialize(answer);
          expect(responseDeserialize(ours)).toEqual(expected);
        }),
        { seed, numRuns: 200 },
      );
    });

    it('writes an answer that has a status only', () => {
      const failure = { status: { code: 40_400, message: 'no such topic' } };
      const bytes = method(own, name).responseSerialize(failure);
      expect(method(loaded, name).responseDeserialize(bytes)).toMatchObject(failure);
    });
  },
);

const storable = fc
  .string({ maxLength: 30, unit: 'binary' })
  .filter((s) => !/[\u0001\u0002]/.test(s));
const key = fc.oneof(storable, fc.constantFrom(...systemPropertyKeys()));
const numberText = fc.oneof(storable, fc.integer().map(String), fc.maxSafeInteger().map(String));

const delivery: fc.Arbitrary<Delivery> = fc
  .record({
    topic: fc.stringMatching(/^(%RETRY%|%DLQ%)?[a-z]{1,9}(%[a-z]{1,9})?$/),
    longTopic: fc.boolean(),
    body,
    properties: fc.array(fc.tuple(key, fc.oneof(storable, numberText)), { maxLength: 12 }),
    bornTimestamp: fc.nat({ max: 2 ** 50 }),
    bornHost: fc.constantFrom(hostOf('10.0.0.7', 99), hostOf('2001:db8::1', 70_000)),
    storeTimestamp: fc.nat({ max: 2 ** 50 }),
    place: fc.record({
      queueId: fc.nat({ max: 1000 }),
      queueOffset: fc.maxSafeInteger().map(Math.abs),
      physicalOffset: fc.maxSafeInteger().map(Math.abs),
    }),
    sysFlag: fc.constantFrom(0, 1),
    receiptHandle: text,
    attempt: fc.nat({ max: 100_000 }),
    invisibleMs: fc.nat({ max: 2 ** 40 }),
  })
  .map((parts) => {
    const draft = draftRecord({
      topic: parts.longTopic ? parts.topic + 'x'.repeat(130) : parts.topic,
      body: parts.body,
      properties: encodeProperties(parts.properties),
      tag: '',
      bornTimestamp: parts.bornTimestamp,
      bornHost: parts.bornHost,
      sysFlag: parts.sysFlag,
    });
    const record = Buffer.alloc(draft.byteLength);
    draft.writeTo(record, 0);
    const { place, storeTimestamp, receiptHandle, attempt, invisibleMs } = parts;
    placeRecord(record, 0, { ...place, storeTimestamp, storeHost: hostOf('192.0.2.1', 10_911) });
    return { record, receiptHandle, attempt, invisibleMs };
  });

describe('the codec of a delivered message', () => {
  const asked = { resource_namespace: 'ns', name: 'orders' };

  it('says what the API’s rules say of the record', () => {
    fc.assert(
      fc.property(delivery, (given) => {
        const { responseSerialize, responseDeserialize } = method(loaded, 'ReceiveMessage');
        const message = deliveredMessage(given, asked);
        const expected = responseDeserialize(responseSerialize({ message })) as { message: object };
        expect(deliveredOverWire(given, asked)).toEqual(expected.message);
      }),
      { seed, numRuns: 200 },
    );
  });

  it('gives each message of an answer its own bytes', () => {
    fc.assert(
      fc.property(fc.array(delivery, { minLength: 1, maxLength: 8 }), (given) => {
        const items = encodeDeliveries(given, asked, (_delivery, error) => {
          throw error;
        });
        const { responseDeserialize } = method(loaded, 'ReceiveMessage');
        const read = items.map(
          ({ encoded }) => responseDeserialize(encoded) as { message: object },
        );
        expect(read.map(({ message }) => message)).toEqual(
          given.map((one) => deliveredOverWire(one, asked)),
        );
      }),
      { seed, numRuns: 100 },
    );
  });

  it('mends strings that are no UTF-8', () => {
    const record = recordWithProperties('colour\u0001red\u0002');
    record[record.indexOf('red') + 1] = 0xff;
    const given = { record, receiptHandle: 'h', attempt: 1, invisibleMs: 1000 };
    const { user_properties: user } = deliveredOverWire(given, asked);
    expect(user).toEqual({ colour: 'r\ufffdd' });
  });

  it('writes nothing of a record that is not readable', () => {
    const record = recordWithProperties('a\u0001b\u0002');
    const given = { record, receiptHandle: 'h', attempt: 1, invisibleMs: 1000 };
    const cuts = Array.from({ length: record.length }, (_, length) => ({
      ...given,
      record: record.subarray(0, length),
    }));
    const refused: unknown[] = [];
    const items = encodeDeliveries([given, ...cuts, given], asked, (delivery, error) => {
      expect(error).toBeInstanceOf(RangeError);
      refused.push(delivery);
    });
    expect(refused).toEqual(cuts);
    expect(items.map(({ delivery }) => delivery)).toEqual([given, given]);
    expect(items[0]?.encoded).toEqual(items[1]?.encoded);
  });
});

function recordWithProperties(properties: string): Buffer {
  const draft = draftRecord({
    topic: 'orders',
    body: Buffer.from('body'),
    properties,
    tag: '',
    bornTimestamp: 1,
  });
  const record = Buffer.alloc(draft.byteLength);
  draft.writeTo(record, 0);
  const place = { queueId: 0, queueOffset: 0, physicalOffset: 0, storeTimestamp: 1 };
  placeRecord(record, 0, { ...place, storeHost: hostOf('192.0.2.1', 1) });
  return record;
}
