import fc from 'fast-check';
import { decodeLedgerOps } from '../../../../src/broker/pop/ledger-op-reader';
import { LedgerOpWriter } from '../../../../src/broker/pop/ledger-op-writer';
import type { LedgerOp } from '../../../../src/broker/pop/ledger-ops';

const offset = fc.integer({ min: 0, max: 2 ** 48 });
const uint32 = fc.integer({ min: 0, max: 0xffffffff });
const small = fc.integer({ min: 0, max: 100_000 });
const ref = {
  group: fc.constantFrom('g1', 'g2', 'grüppe'),
  topic: fc.constantFrom('t1', 't2'),
  queueId: fc.integer({ min: 0, max: 1023 }),
};
const lease = { client: fc.constantFrom('c1', 'host@1@2@abc'), autoRenew: fc.boolean() };
const groupHash = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const row = fc.record({
  ...{ ...lease, offset, attempt: small, nonce: uint32 },
  ...{ group: groupHash, givenBack: fc.boolean(), remainingMs: small },
});
const op: fc.Arbitrary<LedgerOp> = fc.oneof(
  fc.record({
    kind: fc.constant('start' as const),
    group: ref.group,
    topic: ref.topic,
    generation: small,
    offsets: fc.array(offset),
  }),
  fc.record({
    kind: fc.constant('look' as const),
    ...ref,
    messages: fc
      .array(fc.record({ offset, group: groupHash }))
      .map((list) => list.toSorted((a, b) => a.offset - b.offset)),
  }),
  fc.record({
    kind: fc.constant('pop' as const),
    ...ref,
    ...lease,
    attemptKey: fc.integer({ min: 0, max: 2 ** 52 - 1 }),
    invisibleMs: small,
    nonce: uint32,
    next: offset,
    deliveries: fc.array(fc.record({ offset, attempt: small })),
  }),
  fc.record({ kind: fc.constant('ack' as const), ...ref, offsets: fc.array(offset) }),
  fc.record({
    kind: fc.constant('change' as const),
    ...ref,
    offset,
    invisibleMs: small,
    nonce: uint32,
    attempt: small,
  }),
  fc.record({
    kind: fc.constant('release' as const),
    ...ref,
    delayMs: small,
    offsets: fc.array(offset),
  }),
  fc.record({
    kind: fc.constant('queue' as const),
    ...ref,
    generation: small,
    resets: small,
    committed: offset,
    next: offset,
    more: fc.boolean(),
    rows: fc.array(row),
  }),
  fc.record({
    kind: fc.constant('attempt' as const),
    group: ref.group,
    topic: ref.topic,
    key: fc.integer({ min: 1, max: 2 ** 52 - 1 }),
    deliveries: fc.array(
      fc.record({ queueId: ref.queueId, offset, attempt: small, nonce: uint32 }),
    ),
  }),
  fc.record({
    kind: fc.constant('dead' as const),
    ...ref,
    generation: small,
    offsets: fc.array(offset),
  }),
  fc.record({ kind: fc.constant('end' as const), begin: offset }),
);

describe('ledger operations', () => {
  it('come out of a record as they went in', () => {
    fc.assert(
      fc.property(fc.array(op, { minLength: 1, maxLength: 20 }), (ops) => {
        const writer = new LedgerOpWriter();
        for (const one of ops) writer.add(one);
        expect(decodeLedgerOps(writer.take())).toEqual(ops);
        expect(writer.length).toBe(0);
      }),
      { seed: 3, numRuns: 300 },
    );
  });

  it('are refused when cut off', () => {
    const writer = new LedgerOpWriter();
    writer.add({ kind: 'ack', group: 'g', topic: 't', queueId: 1, offsets: [1, 2, 300] });
    const body = writer.take();
    for (let bytes = 1; bytes < body.length; bytes++) {
      if (bytes === 1) expect(decodeLedgerOps(body.subarray(0, 1))).toEqual([]);
      else expect(() => decodeLedgerOps(body.subarray(0, bytes))).toThrow(RangeError);
    }
  });
});
