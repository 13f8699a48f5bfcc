import { mintToken, openToken, type Delivery } from '../../../../src/broker/pop/receipt-token';
import { sipHash, sipKey } from '../../../../src/broker/pop/siphash';

const delivery: Delivery = {
  queueId: 7,
  queueOffset: 2 ** 40 + 5,
  physicalOffset: 2 ** 41 + 9,
  storeTimestamp: 1_795_225_945_965,
  uniqKeyHash: -5,
  nonce: 0xfffffffe,
  epoch: 3,
  generation: 2,
  topicHash: -1,
  groupHash: 12,
};
const keys = { signingId: 2, keys: new Map([[2, sipKey(Buffer.alloc(16, 5))]]) };

describe('SipHash-2-4', () => {
  it.each([
    [0, '310e0edd47db6f72'],
    [1, 'fd67dc93c539f874'],
    [15, 'e545be4961ca29a1'],
  ])('gives the published value for %i bytes', (bytes, expected) => {
    const key = sipKey(Buffer.from(Array.from({ length: 16 }, (_, i) => i)));
    const input = Buffer.from(Array.from({ length: bytes }, (_, i) => i));
    const out = Buffer.alloc(8);
    sipHash(key, input, 0, bytes, out, 0);
    expect(out.toString('hex')).toBe(expected);
  });
});

describe('a receipt token', () => {
  it('opens to what it was minted for', () => {
    expect(openToken(keys, mintToken(keys, delivery))).toEqual(delivery);
  });

  it('is refused when any byte was changed', () => {
    const bytes = Buffer.from(mintToken(keys, delivery), 'base64url');
    for (let at = 0; at < bytes.length; at++) {
      const forged = Buffer.from(bytes);
      forged[at] = (forged[at] ?? 0) ^ 1;
      expect(() => openToken(keys, forged.toString('base64url'))).toThrow(/receipt handle/);
    }
  });

  it('is refused when another key signed it, and when it is no token at all', () => {
    const others = { signingId: 2, keys: new Map([[2, sipKey(Buffer.alloc(16, 6))]]) };
    expect(() => openToken(others, mintToken(keys, delivery))).toThrow(/signature/);
    expect(() => openToken(keys, 'hello')).toThrow(/not readable/);
    expect(() => openToken(keys, '')).toThrow(/not readable/);
  });
});
