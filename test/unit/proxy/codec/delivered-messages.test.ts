import fc from 'fast-check';
import { hostOf } from '../../../../src/message/host';
import { encodeProperties, systemPropertyKeys } from '../../../../src/message/properties';
import { placeRecord } from '../../../../src/message/record';
import { draftRecord } from '../../../../src/message/record-draft';
import type { Delivery } from '../../../../src/message/wire/delivered-message';
import { encodeDeliveries } from '../../../../src/proxy/codec/receive-codec';
import { deliveredMessage } from '../../../support/delivered-message';
import { deliveredOverWire } from '../../../support/wire-delivery';
import { loaded, method } from './both-codecs';
import { body, text } from './random-messages';

const seed = 20_241;

const storable = fc
  .string({ maxLength: 30, unit: 'binary' })
  .filter((s) => !/[\u0001\u0002]/.test(s));
const key = fc.oneof(storable, fc.constantFrom(...systemPropertyKeys()));
const numberText = fc.oneof(storable, fc.integer().map(String), fc.maxSafeInteger().map(String));

const delivery: fc.Arbitrary<Delivery> = fc
  .record({
    topic: fc.stringMatching(/^(%RETRY%|%DLQ%)?[a-z]{1,9}(%[a-z]{1,9})?$/),
    longTopic: fc.boolean(),
    body,
    properties: fc.array(fc.tuple(key, fc.oneof(storable, numberText)), { maxLength: 12 }),
    bornTimestamp: fc.nat({ max: 2 ** 50 }),
    bornHost: fc.constantFrom(hostOf('10.0.0.7', 99), hostOf('2001:db8::1', 70_000)),
    storeTimestamp: fc.nat({ max: 2 ** 50 }),
    place: fc.record({
      queueId: fc.nat({ max: 1000 }),
      queueOffset: fc.maxSafeInteger().map(Math.abs),
      physicalOffset: fc.maxSafeInteger().map(Math.abs),
    }),
    sysFlag: fc.constantFrom(0, 1),
    receiptHandle: text,
    attempt: fc.nat({ max: 100_000 }),
    invisibleMs: fc.nat({ max: 2 ** 40 }),
  })
  .map((parts) => {
    const draft = draftRecord({
      topic: parts.longTopic ? parts.topic + 'x'.repeat(130) : parts.topic,
      body: parts.body,
      properties: encodeProperties(parts.properties),
      tag: '',
      bornTimestamp: parts.bornTimestamp,
      bornHost: parts.bornHost,
      sysFlag: parts.sysFlag,
    });
    const record = Buffer.alloc(draft.byteLength);
    draft.writeTo(record, 0);
    const { place, storeTimestamp, receiptHandle, attempt, invisibleMs } = parts;
    placeRecord(record, 0, { ...place, storeTimestamp, storeHost: hostOf('192.0.2.1', 10_911) });
    return { record, receiptHandle, attempt, invisibleMs };
  });

describe('the codec of a delivered message', () => {
  const asked = { resource_namespace: 'ns', name: 'orders' };

  it('says what the API’s rules say of the record', () => {
    fc.assert(
      fc.property(delivery, (given) => {
        const { responseSerialize, responseDeserialize } = method(loaded, 'ReceiveMessage');
        const message = deliveredMessage(given, asked);
        const expected = responseDeserialize(responseSerialize({ message })) as { message: object };
        expect(deliveredOverWire(given, asked)).toEqual(expected.message);
      }),
      { seed, numRuns: 200 },
    );
  });

  it('gives each message of an answer its own bytes', () => {
    fc.assert(
      fc.property(fc.array(delivery, { minLength: 1, maxLength: 8 }), (given) => {
        const items = encodeDeliveries(given, asked, (_delivery, error) => {
          throw error;
        });
        const { responseDeserialize } = method(loaded, 'ReceiveMessage');
        const read = items.map(
          ({ encoded }) => responseDeserialize(encoded) as { message: object },
        );
        expect(read.map(({ message }) => message)).toEqual(
          given.map((one) => deliveredOverWire(one, asked)),
        );
      }),
      { seed, numRuns: 100 },
    );
  });

  it('mends strings that are no UTF-8', () => {
    const record = recordWithProperties('colour\u0001red\u0002');
    record[record.indexOf('red') + 1] = 0xff;
    const given = { record, receiptHandle: 'h', attempt: 1, invisibleMs: 1000 };
    const { user_properties: user } = deliveredOverWire(given, asked);
    expect(user).toEqual({ colour: 'r\ufffdd' });
  });

  it('writes nothing of a record that is not readable', () => {
    const record = recordWithProperties('a\u0001b\u0002');
    const given = { record, receiptHandle: 'h', attempt: 1, invisibleMs: 1000 };
    const cuts = Array.from({ length: record.length }, (_, length) => ({
      ...given,
      record: record.subarray(0, length),
    }));
    const refused: unknown[] = [];
    const items = encodeDeliveries([given, ...cuts, given], asked, (delivery, error) => {
      expect(error).toBeInstanceOf(RangeError);
      refused.push(delivery);
    });
    expect(refused).toEqual(cuts);
    expect(items.map(({ delivery }) => delivery)).toEqual([given, given]);
    expect(items[0]?.encoded).toEqual(items[1]?.encoded);
  });
});

function recordWithProperties(properties: string): Buffer {
  const draft = draftRecord({
    topic: 'orders',
    body: Buffer.from('body'),
    properties,
    tag: '',
    bornTimestamp: 1,
  });
  const record = Buffer.alloc(draft.byteLength);
  draft.writeTo(record, 0);
  const place = { queueId: 0, queueOffset: 0, physicalOffset: 0, storeTimestamp: 1 };
  placeRecord(record, 0, { ...place, storeHost: hostOf('192.0.2.1', 1) });
  return record;
}
