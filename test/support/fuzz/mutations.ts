/** Bytes as an attacker's program makes them: right ones, with some changed, lost, doubled or pushed in between. */
import fc from 'fast-check';

interface Mutation {
  readonly kind: 'set' | 'flip' | 'insert' | 'remove' | 'double' | 'cut';
  readonly at: number;
  readonly count: number;
  readonly byte: number;
}

const mutation: fc.Arbitrary<Mutation> = fc.record({
  kind: fc.constantFrom('set', 'flip', 'flip', 'insert', 'remove', 'double', 'cut'),
  at: fc.nat(0xffff),
  count: fc.integer({ min: 1, max: 20 }),
  // Bytes at the borders of what prefixes, lengths and flags may be.
  byte: fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 0x1f, 0x20, 0x3f, 0x40, 0x7f, 0x80, 0xff)),
});

/** The bytes of `source`, in most cases with up to `max` mutations. */
export function mutated(source: fc.Arbitrary<Buffer>, max = 4): fc.Arbitrary<Buffer> {
  return fc
    .tuple(source, fc.array(mutation, { maxLength: max }))
    .map(([bytes, mutations]) => mutations.reduce(apply, bytes));
}

function apply(bytes: Buffer, { kind, at, count, byte }: Mutation): Buffer {
  if (bytes.length === 0) return Buffer.alloc(kind === 'insert' ? count : 0, byte);
  const place = at % bytes.length;
  const [before, piece, after] = [
    bytes.subarray(0, place),
    bytes.subarray(place, place + count),
    bytes.subarray(place + count),
  ];
  switch (kind) {
    case 'set':
      return Buffer.concat([before, Buffer.of(byte), bytes.subarray(place + 1)]);
    case 'flip':
      return Buffer.concat([
        before,
        Buffer.of((bytes[place] ?? 0) ^ (1 << (byte % 8))),
        bytes.subarray(place + 1),
      ]);
    case 'insert':
      return Buffer.concat([before, Buffer.alloc(count, byte), piece, after]);
    case 'remove':
      return Buffer.concat([before, after]);
    case 'double':
      return Buffer.concat([before, piece, piece, after]);
    case 'cut':
      return Buffer.from(before);
  }
}

/** Sizes of the pieces that a stream of bytes arrives in, each one more than the number says. */
export const pieceSizes: fc.Arbitrary<readonly number[]> = fc.array(
  fc.oneof(fc.nat(30), fc.nat(500)),
  { minLength: 1, maxLength: 8 },
);

/** The bytes in pieces of these sizes, again and again; each piece has memory of its own. */
export function* inPieces(bytes: Buffer, sizes: readonly number[]): Generator<Buffer> {
  let at = 0;
  for (let turn = 0; at < bytes.length; turn++) {
    const size = (sizes[turn % sizes.length] ?? 0) + 1;
    yield Buffer.from(bytes.subarray(at, at + size));
    at += size;
  }
}
