import fc from 'fast-check';
import { tagFilter } from '../../../src/message/filter';
import { ANY_HOST, hostOf, hostText } from '../../../src/message/host';
import { readInt64, writeInt64 } from '../../../src/message/int64';
import { javaHashCode } from '../../../src/message/java-hash';
import {
  encodeProperties,
  isSystemPropertyKey,
  parseProperties,
} from '../../../src/message/properties';
import { fromMs, toMs } from '../../../src/message/time';

describe('hosts', () => {
  it.each([
    ['10.1.2.3', '10.1.2.3:80'],
    ['::ffff:10.1.2.3', '10.1.2.3:80'],
    ['2001:db8::7', '[2001:db8:0:0:0:0:0:7]:80'],
    ['::1', '[0:0:0:0:0:0:0:1]:80'],
    ['fe80::1%eth0', '[fe80:0:0:0:0:0:0:1]:80'],
    ['64:ff9b::192.0.2.33', '[64:ff9b:0:0:0:0:c000:221]:80'],
    ['1:2:3:4:5:6:7:8', '[1:2:3:4:5:6:7:8]:80'],
    ['not an address', '0.0.0.0:80'],
    ['', '0.0.0.0:80'],
  ])('%s is %s', (ip, expected) => {
    expect(hostText(hostOf(ip, 80))).toBe(expected);
  });

  it('are 0.0.0.0:0 when nobody knows them', () => {
    expect(hostText(ANY_HOST)).toBe('0.0.0.0:0');
  });
});

describe('64-bit integers', () => {
  it('read back as they were written, either sign', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        const bytes = Buffer.alloc(10);
        writeInt64(bytes, value, 1);
        expect(bytes.readBigInt64BE(1)).toBe(BigInt(value));
        expect(readInt64(bytes, 1)).toBe(value);
      }),
      { seed: 42, numRuns: 500 },
    );
  });

  it('are refused beyond what a number holds exactly', () => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64BE(2n ** 53n);
    expect(() => readInt64(bytes, 0)).toThrow(RangeError);
  });
});

describe('Java’s hash of a string', () => {
  it.each([
    ['', 0],
    ['a', 97],
    ['TagA', 2598919],
    ['polygenelubricants', -2147483648],
    ['日本', 835047],
  ])('of %j is %d', (value, hash) => {
    expect(javaHashCode(value)).toBe(hash);
  });
});

describe('tag expressions', () => {
  it.each(['', '*', '  ', ' * ', '||', ' || '])('%j takes everything', (expression) => {
    expect(tagFilter(expression)).toBeUndefined();
  });

  it('are tags between double bars, with blanks around them', () => {
    const filter = tagFilter(' red||blue || red || |');
    expect([...(filter?.codes ?? [])]).toEqual(['red', 'blue', '|'].map(javaHashCode));
  });
});

describe('properties', () => {
  it('read back as they were written', () => {
    const part = fc
      .string({ unit: 'binary', minLength: 1 })
      .filter((value) => !/[\u0001\u0002]/.test(value));
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(part, part), { selector: ([key]) => key }), (pairs) => {
        expect([...parseProperties(encodeProperties(pairs))]).toEqual(pairs);
      }),
      { seed: 42, numRuns: 300 },
    );
  });

  it.each([
    [
      'no last separator',
      'a\u0001b\u0002c\u0001d',
      [
        ['a', 'b'],
        ['c', 'd'],
      ],
    ],
    ['no value', 'a\u0001\u0002c\u0001d\u0002', [['c', 'd']]],
    ['no key', '\u0001b\u0002c\u0001d\u0002', [['c', 'd']]],
    ['no pair', 'a\u0002c\u0001d\u0002', [['c', 'd']]],
    ['a key twice', 'a\u0001b\u0002a\u0001c\u0002', [['a', 'c']]],
    ['nothing', '', []],
  ])('with %s', (_name, text, pairs) => {
    expect([...parseProperties(text)]).toEqual(pairs);
  });

  it.each(['UNIQ_KEY', 'TAGS', '__CRC32#', '__SHARDINGKEY', 'TRACE_CONTEXT', 'INNER_NUM'])(
    '%s belongs to the system',
    (key) => {
      expect(isSystemPropertyKey(key)).toBe(true);
    },
  );

  it.each(['colour', 'tags', 'KEY', ''])('%j belongs to the user', (key) => {
    expect(isSystemPropertyKey(key)).toBe(false);
  });
});

describe('timestamps and durations', () => {
  it.each([
    [0, { seconds: 0, nanos: 0 }],
    [1500, { seconds: 1, nanos: 500_000_000 }],
    [-1500, { seconds: -1, nanos: -500_000_000 }],
    [1_700_000_000_123, { seconds: 1_700_000_000, nanos: 123_000_000 }],
  ])('%d ms', (ms, value) => {
    expect(fromMs(ms)).toEqual(value);
    expect(toMs(value)).toBe(ms);
  });

  it('are 0 when absent, and whole milliseconds', () => {
    expect(toMs(null)).toBe(0);
    expect(toMs(undefined)).toBe(0);
    expect(toMs({ seconds: 1, nanos: 999_999 })).toBe(1000);
  });
});
