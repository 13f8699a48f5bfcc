import { createRequire } from 'node:module';
import fc from 'fast-check';
import { loaded, method, own } from './both-codecs';
import { answers, type HotName, requests, unknownField } from './random-messages';

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
