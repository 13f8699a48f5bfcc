import fc from 'fast-check';
import { ConnectionError } from '../../../../src/rpc/http2/error-code';
import { decodeHuffman, encodeHuffman } from '../../../../src/rpc/http2/huffman';

function decode(bytes: Buffer): Buffer {
  const target = Buffer.alloc(Math.ceil((bytes.length * 8) / 5));
  return target.subarray(0, decodeHuffman(bytes, 0, bytes.length, target));
}

test.each([
  ['www.example.com', 'f1e3c2e5f23a6ba0ab90f4ff'],
  ['no-cache', 'a8eb10649cbf'],
  ['custom-key', '25a849e95ba97d7f'],
  ['custom-value', '25a849e95bb8e8b4bf'],
  ['302', '6402'],
  ['private', 'aec3771a4b'],
  ['Mon, 21 Oct 2013 20:13:21 GMT', 'd07abe941054d444a8200595040b8166e082a62d1bff'],
  [
    'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1',
    '94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007',
  ],
])('%s has the code that RFC 7541 shows', (text, hex) => {
  expect(encodeHuffman(Buffer.from(text, 'latin1')).toString('hex')).toBe(hex);
  expect(decode(Buffer.from(hex, 'hex')).toString('latin1')).toBe(text);
});

test('all bytes come back', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      expect(decode(encodeHuffman(bytes))).toEqual(Buffer.from(bytes));
    }),
    { seed: 1, numRuns: 500 },
  );
});

test.each([
  ['a whole byte of padding', 'f1e3c2e5f23a6ba0ab90f4ffff'],
  ['padding with a zero', 'a8eb10649cbe'],
  ['the end-of-string symbol', 'fffffffc'],
  ['the end-of-string symbol after a symbol', '1fffffffff'],
  ['an unfinished long symbol', 'ffff'],
])('%s is refused', (_what, hex) => {
  expect(() => decode(Buffer.from(hex, 'hex'))).toThrow(ConnectionError);
});

test('whatever bytes come, decoding ends within the room it was given', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        expect(decode(Buffer.from(bytes)).length).toBeLessThanOrEqual((bytes.length * 8) / 5);
      } catch (error) {
        expect(error).toBeInstanceOf(ConnectionError);
      }
    }),
    { seed: 2, numRuns: 2000 },
  );
});
