import fc from 'fast-check';
import { ConnectionError } from '../../../../src/rpc/http2/error-code';
import { HpackDecoder } from '../../../../src/rpc/http2/hpack-decoder';
import { HeaderBlock, HpackEncoder, type FieldPair } from '../../../../src/rpc/http2/hpack-encoder';

const LIST_BYTES = 65_536;

function decode(decoder: HpackDecoder, block: Buffer | string): FieldPair[] {
  const bytes = typeof block === 'string' ? Buffer.from(block.replace(/ /g, ''), 'hex') : block;
  return decoder.decode(bytes, 0, bytes.length).map(({ name, value }) => [name, value]);
}

const request = (path: string, scheme: string, ...more: FieldPair[]): FieldPair[] => [
  [':method', 'GET'],
  [':scheme', scheme],
  [':path', path],
  [':authority', 'www.example.com'],
  ...more,
];

const response = (status: string, date: string, ...more: FieldPair[]): FieldPair[] => [
  [':status', status],
  ['cache-control', 'private'],
  ['date', date],
  ['location', 'https://www.example.com'],
  ...more,
];

const cookie: FieldPair = [
  'set-cookie',
  'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1',
];

/** RFC 7541, appendix C: blocks that follow each other on one connection, and the table that they need. */
const examples: readonly {
  readonly name: string;
  readonly tableBytes: number;
  readonly blocks: readonly (readonly [hex: string, fields: FieldPair[]])[];
}[] = [
  {
    name: 'C.2.1, a literal that is remembered',
    tableBytes: 4096,
    blocks: [
      ['400a637573746f6d2d6b65790d637573746f6d2d686561646572', [['custom-key', 'custom-header']]],
      ['be', [['custom-key', 'custom-header']]],
    ],
  },
  {
    name: 'C.2.2, a literal that is not remembered',
    tableBytes: 4096,
    blocks: [['040c2f73616d706c652f70617468', [[':path', '/sample/path']]]],
  },
  {
    name: 'C.2.3, a literal that is never remembered',
    tableBytes: 4096,
    blocks: [['100870617373776f726406736563726574', [['password', 'secret']]]],
  },
  {
    name: 'C.3, requests',
    tableBytes: 4096,
    blocks: [
      ['828684410f7777772e6578616d706c652e636f6d', request('/', 'http')],
      ['828684be58086e6f2d6361636865', request('/', 'http', ['cache-control', 'no-cache'])],
      [
        '828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565',
        request('/index.html', 'https', ['custom-key', 'custom-value']),
      ],
    ],
  },
  {
    name: 'C.4, requests in the Huffman code',
    tableBytes: 4096,
    blocks: [
      ['828684418cf1e3c2e5f23a6ba0ab90f4ff', request('/', 'http')],
      ['828684be5886a8eb10649cbf', request('/', 'http', ['cache-control', 'no-cache'])],
      [
        '828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf',
        request('/index.html', 'https', ['custom-key', 'custom-value']),
      ],
    ],
  },
  {
    name: 'C.5, responses that make the table evict',
    tableBytes: 256,
    blocks: [
      [
        '4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d546e17' +
          '68747470733a2f2f7777772e6578616d706c652e636f6d',
        response('302', 'Mon, 21 Oct 2013 20:13:21 GMT'),
      ],
      ['4803333037c1c0bf', response('307', 'Mon, 21 Oct 2013 20:13:21 GMT')],
      [
        '88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d41' +
          '53444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b207665727369' +
          '6f6e3d31',
        response('200', 'Mon, 21 Oct 2013 20:13:22 GMT', ['content-encoding', 'gzip'], cookie),
      ],
    ],
  },
  {
    name: 'C.6, the same in the Huffman code',
    tableBytes: 256,
    blocks: [
      [
        '488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97' +
          'c8e9ae82ae43d3',
        response('302', 'Mon, 21 Oct 2013 20:13:21 GMT'),
      ],
      ['4883640effc1c0bf', response('307', 'Mon, 21 Oct 2013 20:13:21 GMT')],
      [
        '88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd' +
          '5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007',
        response('200', 'Mon, 21 Oct 2013 20:13:22 GMT', ['content-encoding', 'gzip'], cookie),
      ],
    ],
  },
];

test.each(examples)('RFC 7541 $name', ({ tableBytes, blocks }) => {
  const decoder = new HpackDecoder(tableBytes, LIST_BYTES);
  for (const [hex, fields] of blocks) expect(decode(decoder, hex)).toEqual(fields);
});

test.each([
  ['the index 0', '80'],
  ['an index beyond both tables', 'be'],
  ['a name index beyond both tables', '7f20'],
  ['an integer without end', '8fffffffffffffff'],
  ['an integer that is cut', 'ff'],
  ['a string that is cut', '400a6375'],
  ['a missing value', '4001'],
  ['a table larger than allowed', '3fe21f'],
  ['a table size change after a field', '823f'],
])('%s is refused', (_what, hex) => {
  const decoder = new HpackDecoder(4096, LIST_BYTES);
  expect(() => decode(decoder, hex)).toThrow(ConnectionError);
});

test('a smaller table forgets the oldest, a field larger than the table empties it', () => {
  const decoder = new HpackDecoder(4096, LIST_BYTES);
  const remember = (name: string, value: string): Buffer =>
    Buffer.concat([
      Buffer.from([0x40, name.length]),
      Buffer.from(name),
      Buffer.from([value.length]),
      Buffer.from(value),
    ]);
  decode(decoder, remember('a', '1'));
  decode(decoder, remember('b', '2'));
  expect(decode(decoder, 'bebf')).toEqual([
    ['b', '2'],
    ['a', '1'],
  ]);
  expect(decode(decoder, '3f0fbe')).toEqual([['b', '2']]); // 46 bytes: one entry of 34
  expect(() => decode(decoder, 'bf')).toThrow(ConnectionError);
  decode(decoder, remember('c', 'x'.repeat(100)));
  expect(() => decode(decoder, 'be')).toThrow(ConnectionError);
});

test('a list of fields above the limit is read to its end, but not kept', () => {
  const decoder = new HpackDecoder(4096, 1000);
  const long = Buffer.concat([
    Buffer.from('400161', 'hex'),
    Buffer.from([0x7f, 0x80 + (500 - 127 - 256), 0x02]), // 500 bytes
    Buffer.alloc(500, 'x'),
  ]);
  expect(decode(decoder, long)).toHaveLength(1);
  expect(decoder.overflowed).toBe(false);
  // The same entry a hundred times: 53 KiB of fields in 100 bytes.
  expect(decode(decoder, Buffer.alloc(100, 0xbe))).toHaveLength(1);
  expect(decoder.overflowed).toBe(true);
  expect(decode(decoder, 'be')).toHaveLength(1);
  expect(decoder.overflowed).toBe(false);
});

const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/);
const value = fc.stringMatching(/^[!-~]([ -~]{0,60}[!-~])?$/);
const fields = fc.array(fc.tuple(name, value), { maxLength: 8 });

test('what is encoded is decoded, whatever is repeated and however the table is limited', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('once' as const), fields }),
    fc.record({ kind: fc.constant('repeated' as const), index: fc.nat(4) }),
    fc.record({ kind: fc.constant('limit' as const), bytes: fc.constantFrom(0, 60, 200, 4096) }),
  );
  fc.assert(
    fc.property(fc.array(fields, { minLength: 5, maxLength: 5 }), fc.array(step), (sets, steps) => {
      const blocks = sets.map((set) => new HeaderBlock(set));
      const encoder = new HpackEncoder();
      const decoder = new HpackDecoder(4096, LIST_BYTES);
      for (const it of steps) {
        if (it.kind === 'limit') {
          encoder.limitTable(it.bytes);
        } else if (it.kind === 'once') {
          expect(decode(decoder, encoder.once(it.fields))).toEqual(it.fields);
        } else {
          const block = blocks[it.index] ?? new HeaderBlock([]);
          expect(decode(decoder, encoder.repeated(block))).toEqual(block.fields);
        }
      }
    }),
    { seed: 3, numRuns: 300 },
  );
});

test('a block that repeats is a few bytes from the second time on, and the same buffer from the third', () => {
  const encoder = new HpackEncoder();
  const block = new HeaderBlock([
    [':status', '200'],
    ['content-type', 'application/grpc'],
  ]);
  expect(encoder.repeated(block).length).toBeGreaterThan(10);
  const second = encoder.repeated(block);
  expect(second.toString('hex')).toBe('88be');
  expect(encoder.repeated(block)).toBe(second);
});

test('whatever bytes come, a block is decoded or refused', () => {
  const decoder = { current: new HpackDecoder(4096, 16_384) };
  const seeds = examples.flatMap(({ blocks }) => blocks.map(([hex]) => Buffer.from(hex, 'hex')));
  const mutated = fc
    .tuple(
      fc.constantFrom(...seeds),
      fc.array(fc.tuple(fc.nat(100), fc.nat(255)), { maxLength: 4 }),
      fc.nat(60),
    )
    .map(([seed, changes, cut]) => {
      const bytes = Buffer.from(seed.subarray(0, Math.max(1, seed.length - (cut % seed.length))));
      for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
      return bytes;
    });
  fc.assert(
    fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 100 }).map(Buffer.from)), (bytes) => {
      try {
        decode(decoder.current, bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(ConnectionError);
        decoder.current = new HpackDecoder(4096, 16_384);
      }
    }),
    { seed: 4, numRuns: 3000 },
  );
});
