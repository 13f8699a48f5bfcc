import fc from 'fast-check';
import { MessageReader, messagePrefix } from '../../../../src/rpc/grpc/message-frame';

interface Found {
  readonly messages: (readonly [compressed: boolean, message: string])[];
  held: number;
  bad: (readonly [flags: number, bytes: number])[];
}

function reader(maxBytes: number): { readonly reader: MessageReader; readonly found: Found } {
  const found: Found = { messages: [], held: 0, bad: [] };
  const sink = {
    onMessage: (compressed: boolean, message: Buffer, held: boolean) => {
      found.messages.push([compressed, message.toString('hex')]);
      if (held) found.held -= message.length;
      return true;
    },
    onBadMessage: (flags: number, bytes: number) => void found.bad.push([flags, bytes]),
    onHold: (bytes: number) => {
      found.held += bytes;
      return true;
    },
  };
  return { reader: new MessageReader(maxBytes, sink), found };
}

function frame(compressed: boolean, message: Uint8Array): Buffer {
  return Buffer.concat([messagePrefix(compressed, message.length), message]);
}

test('messages come out as they went in, however the stream is cut, and what was held is released', () => {
  const message = fc.tuple(
    fc.boolean(),
    fc.oneof(
      fc.uint8Array({ maxLength: 30 }),
      fc.nat(20_000).map((size) => new Uint8Array(size)),
    ),
  );
  fc.assert(
    fc.property(
      fc.array(message, { maxLength: 12 }),
      fc.array(fc.oneof(fc.nat(10), fc.nat(9000)), { minLength: 1, maxLength: 10 }),
      (messages, sizes) => {
        const bytes = Buffer.concat(messages.map(([packed, body]) => frame(packed, body)));
        const { reader: it, found } = reader(20_000);
        let at = 0;
        for (let turn = 0; at < bytes.length; turn++) {
          const end = Math.min(bytes.length, at + (sizes[turn % sizes.length] ?? 0) + 1);
          it.push(bytes, at, end);
          at = end;
        }
        expect(found.messages).toEqual(
          messages.map(([packed, body]) => [packed, Buffer.from(body).toString('hex')]),
        );
        expect(it.midMessage).toBe(false);
        expect(found.held).toBe(0);
      },
    ),
    { seed: 7, numRuns: 200 },
  );
});

test('a message larger than allowed is refused by its prefix', () => {
  const { reader: it, found } = reader(10);
  it.push(frame(false, new Uint8Array(11)), 0, 5);
  expect(found.bad).toEqual([[0, 11]]);
  expect(found.messages).toEqual([]);
});

test('unknown flags are refused', () => {
  const { reader: it, found } = reader(10);
  it.push(Buffer.from([2, 0, 0, 0, 0]), 0, 5);
  expect(found.bad).toEqual([[2, 0]]);
});

test('what is kept of an unfinished message is bounded by what came of it', () => {
  const { reader: it, found } = reader(2 ** 31);
  const prefix = Buffer.from([0, 0x40, 0, 0, 0]); // 1 GiB is announced
  it.push(prefix, 0, 5);
  it.push(Buffer.alloc(100), 0, 100);
  expect(found.held).toBe(4096);
  it.push(Buffer.alloc(10_000), 0, 10_000);
  expect(found.held).toBeLessThanOrEqual(4 * 10_100);
});
