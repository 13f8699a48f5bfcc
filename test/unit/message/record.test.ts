import fc from 'fast-check';
import { hostOf } from '../../../src/message/host';
import { encodeProperties } from '../../../src/message/properties';
import {
  CRC_PROPERTY_BYTES,
  placeRecord,
  readRecord,
  recordIntact,
  recordProperties,
  SysFlag,
} from '../../../src/message/record';
import { draftOfBytes, draftRecord, type RecordFields } from '../../../src/message/record-draft';
import { javaHashCode } from '../../../src/message/java-hash';

const text = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 20 })
  .filter((value) => !/[\u0001\u0002]/.test(value));
const fieldsOf: fc.Arbitrary<RecordFields> = fc.record({
  topic: fc.stringMatching(/^[%|a-zA-Z0-9_-]{1,200}$/),
  body: fc.uint8Array({ maxLength: 300 }),
  properties: fc
    .dictionary(text, text, { maxKeys: 5 })
    .map((p) => encodeProperties(Object.entries(p))),
  tag: fc.constantFrom('', 'red'),
  bornTimestamp: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
  bornHost: fc.constantFrom(hostOf('10.1.2.3', 4567), hostOf('2001:db8::7', 65535)),
  flag: fc.integer(),
  sysFlag: fc.constantFrom(0, SysFlag.COMPRESSED),
  reconsumeTimes: fc.nat({ max: 1000 }),
  preparedOffset: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
});
const placeOf = fc.record({
  queueId: fc.nat({ max: 1023 }),
  queueOffset: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
  physicalOffset: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
  storeTimestamp: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
  storeHost: fc.constant(hostOf('192.0.2.1', 10911)),
});
const seeded = { seed: 42, numRuns: 200 };

function stored(fields: RecordFields, place: Parameters<typeof placeRecord>[2], at = 0): Buffer {
  const draft = draftRecord(fields);
  const bytes = Buffer.alloc(at + draft.byteLength, 0xee);
  draft.writeTo(bytes, at);
  placeRecord(bytes, at, place);
  return bytes;
}

function isIntact(bytes: Buffer): boolean {
  try {
    return recordIntact(bytes, 0, readRecord(bytes, 0));
  } catch (error) {
    expect(error).toBeInstanceOf(RangeError);
    return false;
  }
}

describe('a record', () => {
  it('whose checksum itself is damaged does not pass as one that never had one', () => {
    const place = {
      ...{ queueId: 0, queueOffset: 0, physicalOffset: 0, storeTimestamp: 1 },
      storeHost: hostOf('192.0.2.1', 10911),
    };
    const bytes = stored(
      { topic: 'orders', body: Buffer.from('a'), properties: '', tag: '', bornTimestamp: 1 },
      place,
    );
    for (let at = bytes.length - CRC_PROPERTY_BYTES; at < bytes.length; at++) {
      const harmed = Buffer.from(bytes);
      harmed[at] = (bytes[at] ?? 0) ^ 0x40;
      expect(isIntact(harmed)).toBe(false);
    }
  });

  it('reads back as it was written, wherever it lies', () => {
    fc.assert(
      fc.property(fieldsOf, placeOf, fc.nat({ max: 64 }), (fields, place, at) => {
        const bytes = stored(fields, place, at);
        const record = readRecord(bytes, at);
        expect(record.totalBytes).toBe(bytes.length - at);
        expect(record).toMatchObject({ ...place, topic: fields.topic, bornHost: fields.bornHost });
        expect(record.bornTimestamp).toBe(fields.bornTimestamp);
        expect(record.preparedOffset).toBe(fields.preparedOffset);
        expect(record.reconsumeTimes).toBe(fields.reconsumeTimes);
        expect(record.flag).toBe(fields.flag);
        expect(record.sysFlag & SysFlag.COMPRESSED).toBe(fields.sysFlag);
        expect(Buffer.compare(record.body, fields.body)).toBe(0);
        expect(encodeProperties(recordProperties(record))).toBe(fields.properties);
        expect(recordIntact(bytes, at, record)).toBe(true);
      }),
      seeded,
    );
  });

  it('is not intact when any of its bytes is another one', () => {
    fc.assert(
      fc.property(
        fieldsOf,
        placeOf,
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (fields, place, n, flip) => {
          const bytes = stored(fields, place);
          const at = n % bytes.length;
          // Where the name of the record CRC is damaged, the body CRC stands in, as for other writers' records.
          const name = bytes.length - CRC_PROPERTY_BYTES;
          fc.pre(at < name || at >= name + '__CRC32#='.length);
          bytes[at] = (bytes[at] ?? 0) ^ flip;
          expect(isIntact(bytes)).toBe(false);
        },
      ),
      seeded,
    );
  });

  it('is not intact when its end was never written', () => {
    fc.assert(
      fc.property(fieldsOf, placeOf, fc.nat(), (fields, place, n) => {
        const bytes = stored(fields, place);
        bytes.fill(0, n % bytes.length);
        expect(isIntact(bytes)).toBe(false);
      }),
      seeded,
    );
  });

  it('is refused when it is cut off anywhere', () => {
    const place = { queueId: 1, queueOffset: 2, physicalOffset: 3, storeTimestamp: 4 };
    const bytes = stored(
      { topic: 't', body: Buffer.from('body'), properties: '', tag: '', bornTimestamp: 1 },
      { ...place, storeHost: hostOf('192.0.2.1', 1) },
    );
    for (let end = 0; end < bytes.length; end++) {
      expect(() => readRecord(bytes.subarray(0, end), 0)).toThrow(RangeError);
    }
  });

  it('travels between processes as it is', () => {
    fc.assert(
      fc.property(fieldsOf, (fields) => {
        const draft = draftRecord(fields);
        const bytes = Buffer.alloc(draft.byteLength);
        draft.writeTo(bytes, 0);
        const copy = draftOfBytes(bytes);
        const again = Buffer.alloc(copy.byteLength);
        copy.writeTo(again, 0);
        expect(again.equals(bytes)).toBe(true);
        expect(copy.topic).toBe(fields.topic);
      }),
      seeded,
    );
  });

  it('tells the hash of its tag to those who carry it', () => {
    const properties = encodeProperties([['TAGS', 'red']]);
    const draft = draftRecord({
      topic: 't',
      body: Buffer.from('b'),
      properties,
      tag: 'red',
      bornTimestamp: 1,
    });
    expect(draft.tagsCode).toBe(javaHashCode('red'));
    const bytes = Buffer.alloc(draft.byteLength);
    draft.writeTo(bytes, 0);
    expect(draftOfBytes(bytes).tagsCode).toBe(draft.tagsCode);
    expect(() => draftOfBytes(Buffer.concat([bytes, bytes]))).toThrow(RangeError);
  });

  it.each([
    ['topic', { topic: 't'.repeat(256) }, '256', '255'],
    ['properties', { properties: 'p'.repeat(32_748) }, '32768', '32767'],
    ['body', { body: Buffer.alloc(4 * 1024 * 1024 + 1) }, '4194305', '4194304'],
  ])('does not take a %s beyond its limit', (field, changes, value, limit) => {
    const fields = {
      topic: 't',
      body: Buffer.from('b'),
      properties: '',
      tag: '',
      bornTimestamp: 1,
    };
    const make = (): unknown => draftRecord({ ...fields, ...changes });
    expect(make).toThrow(RangeError);
    expect(make).toThrow(new RegExp(`${field}.*${value}.*${limit}`));
  });
});
