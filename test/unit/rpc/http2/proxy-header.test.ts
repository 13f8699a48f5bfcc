import fc from 'fast-check';
import {
  MAX_PROXY_HEADER_BYTES,
  ProxyHeaderError,
  readProxyHeader,
} from '../../../../src/rpc/http2/proxy-header';
import { headerV2, rawV2, SIGNATURE } from '../../../support/proxy-headers';

const V4 = headerV2('192.0.2.7 49152', '198.51.100.1 8081');
const V4_ENDS = {
  remote: { host: '192.0.2.7', port: 49_152 },
  local: { host: '198.51.100.1', port: 8081 },
};
const V6_ENDS = {
  remote: { host: '2001:db8::7', port: 1 },
  local: { host: '::1', port: 65_535 },
};
const line = (text: string): Buffer => Buffer.from(`${text}\r\n`, 'latin1');

describe('a header is read', () => {
  test.each([
    ['version 1, IPv4', line('PROXY TCP4 192.0.2.7 198.51.100.1 49152 8081'), V4_ENDS],
    ['version 1, IPv6', line('PROXY TCP6 2001:DB8:0::7 0:0:0:0:0:0:0:1 1 65535'), V6_ENDS],
    ['version 1, nobody knows', line('PROXY UNKNOWN'), undefined],
    ['version 1, nobody knows, with words', line('PROXY UNKNOWN ff::1 ::1 1 2'), undefined],
    ['version 2, IPv4', V4, V4_ENDS],
    ['version 2, IPv6', headerV2('2001:db8::7 1', '::1 65535'), V6_ENDS],
    [
      'version 2, IPv4 within IPv6',
      headerV2('::ffff:c000:207 49152', '::ffff:c633:6401 8081'),
      V4_ENDS,
    ],
    [
      'version 2, the balancer itself',
      headerV2('9.9.9.9 1', '8.8.8.8 2', { command: 0x20 }),
      undefined,
    ],
    [
      'version 2, the balancer itself, without addresses',
      rawV2(0x20, 0, Buffer.alloc(0)),
      undefined,
    ],
    ['version 2, no family', rawV2(0x21, 0, Buffer.alloc(7)), undefined],
    ['version 2, a Unix socket', rawV2(0x21, 0x31, Buffer.alloc(216)), undefined],
    [
      'version 2 with what a balancer adds',
      headerV2('192.0.2.7 49152', '198.51.100.1 8081', { more: Buffer.alloc(500, 4) }),
      V4_ENDS,
    ],
    [
      'version 2 of the greatest length',
      rawV2(0x20, 0, Buffer.alloc(MAX_PROXY_HEADER_BYTES - 16)),
      undefined,
    ],
  ])('%s', (_what, header, ends) => {
    const rest = Buffer.from('PRI * HTTP/2.0');
    expect(readProxyHeader(Buffer.concat([header, rest]))).toEqual({
      bytes: header.length,
      ...(ends && { ends }),
    });
    for (let length = 0; length < header.length; length++) {
      expect(readProxyHeader(header.subarray(0, length))).toBe('more');
    }
  });
});

describe('a header is refused', () => {
  const v1 = 'PROXY TCP4 192.0.2.7 198.51.100.1';
  test.each([
    ['version 1 with a port too high', line(`${v1} 65536 8081`), 'cannot be read'],
    ['version 1 without a port', line(`${v1} 49152`), 'cannot be read'],
    [
      'version 1 with a wrong address',
      line('PROXY TCP4 192.0.2 198.51.100.1 1 2'),
      'cannot be read',
    ],
    [
      'version 1 with another family',
      line('PROXY TCP6 192.0.2.7 198.51.100.1 1 2'),
      'cannot be read',
    ],
    ['version 1 with a name', line('PROXY TCP4 localhost 198.51.100.1 1 2'), 'cannot be read'],
    ['version 1 over UDP', line('PROXY UDP4 192.0.2.7 198.51.100.1 1 2'), 'cannot be read'],
    ['version 1 with two blanks', line('PROXY TCP4  192.0.2.7 198.51.100.1 1 2'), 'cannot be read'],
    ['version 1 of 108 bytes', line(`PROXY UNKNOWN ${'x'.repeat(92)}`), 'within 107 bytes'],
    ['version 3', headerV2('1.1.1.1 1', '2.2.2.2 2', { command: 0x31 }), 'version 3'],
    ['an unknown command', headerV2('1.1.1.1 1', '2.2.2.2 2', { command: 0x22 }), 'command 2'],
    ['UDP', headerV2('1.1.1.1 1', '2.2.2.2 2', { kind: 0x12 }), 'is no TCP'],
    ['an unknown family', headerV2('1.1.1.1 1', '2.2.2.2 2', { kind: 0x41 }), 'is no TCP'],
    ['IPv4 with too few bytes', rawV2(0x21, 0x11, Buffer.alloc(11)), 'too few'],
    ['IPv6 with too few bytes', rawV2(0x21, 0x21, Buffer.alloc(35)), 'too few'],
    [
      'one that is too long',
      rawV2(0x21, 0x11, Buffer.alloc(MAX_PROXY_HEADER_BYTES - 15)).subarray(0, 16),
      '4097 bytes long, the limit is 4096',
    ],
  ])('%s', (_what, header, why) => {
    expect(() => readProxyHeader(header)).toThrow(ProxyHeaderError);
    expect(() => readProxyHeader(header)).toThrow(why);
  });
});

test.each([
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  '\x16\x03\x01\x02',
  'POST / HTTP/1.1\r\n',
  '\r\n\r\n\r\n',
])('there is none in %j', (text) =>
  expect(readProxyHeader(Buffer.from(text, 'latin1'))).toBe('none'),
);

test('whatever bytes follow its beginning, it is read, refused or waited for', () => {
  const start = fc.constantFrom(
    SIGNATURE,
    Buffer.concat([SIGNATURE, Buffer.of(0x21)]),
    line('PROXY').subarray(0, 5),
  );
  fc.assert(
    fc.property(start, fc.uint8Array({ maxLength: 300 }), (begun, more) => {
      const bytes = Buffer.concat([begun, more]);
      try {
        const read = readProxyHeader(bytes);
        if (typeof read !== 'string') expect(read.bytes).toBeLessThanOrEqual(bytes.length);
      } catch (error) {
        expect(error).toBeInstanceOf(ProxyHeaderError);
      }
    }),
    { seed: 3, numRuns: 2000 },
  );
});
