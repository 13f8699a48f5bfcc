/** Random messages of the hot methods, as the loader's codec takes them. */
import fc from 'fast-check';

export type HotName = 'SendMessage' | 'ReceiveMessage' | 'AckMessage' | 'ChangeInvisibleDuration';

/** Strings of all kinds, many of them short, none with lone surrogates: those are no UTF-8. */
export const text = fc.oneof(
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
export const body = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));

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

export const requests: Readonly<Record<HotName, fc.Arbitrary<object>>> = {
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
export const answers: Readonly<Record<Exclude<HotName, 'ReceiveMessage'>, fc.Arbitrary<object>>> = {
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
export const unknownField = fc.oneof(
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
