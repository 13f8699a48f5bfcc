import { hostOf } from '../../../src/message/host';
import { draftOf } from '../../../src/message/incoming-message';
import { checkMessage, DEFAULT_MESSAGE_LIMITS } from '../../../src/message/message-checks';
import { encodeProperties } from '../../../src/message/properties';
import type { IncomingMessage } from '../../../src/message/public-message';
import { placeRecord, readRecord, recordProperties, SysFlag } from '../../../src/message/record';
import { draftRecord, type RecordDraft } from '../../../src/message/record-draft';
import type { Message__Output } from '../../../src/rpc/generated/apache/rocketmq/v2/Message';
import { deliveredOverWire } from '../../support/wire-delivery';

const origin = { ip: '10.1.2.3', port: 4567 };
const incoming: IncomingMessage = {
  topic: { resource_namespace: 'ns', name: 't' },
  user_properties: { colour: 'red' },
  system_properties: {
    tag: 'tag',
    keys: ['k1', 'k2'],
    message_id: '01ID',
    body_encoding: 2,
    message_type: 1,
    born_timestamp: { seconds: 1_700_000_000, nanos: 5_000_000 },
    born_host: 'client-host',
    trace_context: 'trace',
  },
  body: Buffer.from('body'),
};

function bytesOf(draft: RecordDraft): Buffer {
  const bytes = Buffer.alloc(draft.byteLength);
  draft.writeTo(bytes, 0);
  const storeHost = hostOf('192.0.2.1', 10911);
  const place = { queueId: 3, queueOffset: 9, physicalOffset: 0xabcdef, storeTimestamp: 77_000 };
  placeRecord(bytes, 0, { ...place, storeHost });
  return bytes;
}

/** What a consumer gets of a record with these properties. */
function delivered(properties: Record<string, string>, topic = 't', asked = 't'): Message__Output {
  const record = bytesOf(
    draftRecord({
      topic,
      body: Buffer.from('body'),
      properties: encodeProperties(Object.entries(properties)),
      tag: '',
      bornTimestamp: 55_000,
      bornHost: hostOf('2001:db8::7', 1),
    }),
  );
  return deliveredOverWire(
    { record, receiptHandle: 'h', attempt: 2, invisibleMs: 1500 },
    { resource_namespace: 'ns', name: asked },
  );
}

describe('a message that came in', () => {
  it('is stored with the properties that Apache RocketMQ stores', () => {
    const record = readRecord(bytesOf(draftOf(incoming, origin)), 0);
    expect(Object.fromEntries(recordProperties(record))).toEqual({
      UNIQ_KEY: '01ID',
      TAGS: 'tag',
      KEYS: 'k1 k2',
      PGROUP: 't',
      __BORNHOST: 'client-host',
      BORN_TIMESTAMP: '1700000000005',
      TRACE_CONTEXT: 'trace',
      colour: 'red',
    });
    expect(record).toMatchObject({
      topic: 't',
      bornTimestamp: 1_700_000_000_005,
      bornHost: hostOf('10.1.2.3', 4567),
      reconsumeTimes: 0,
      preparedOffset: 0,
    });
    expect(record.sysFlag).toBe(SysFlag.COMPRESSED);
    expect(record.body.toString()).toBe('body');
  });

  it('leaves out what it does not have', () => {
    const bare: IncomingMessage = {
      ...incoming,
      user_properties: {},
      system_properties: {
        keys: [],
        message_id: 'x',
        body_encoding: 1,
        message_type: 0,
        born_timestamp: null,
        born_host: '',
        tag: '',
        trace_context: '',
      },
    };
    const record = readRecord(bytesOf(draftOf(bare, origin)), 0);
    expect(Object.fromEntries(recordProperties(record))).toEqual({
      UNIQ_KEY: 'x',
      PGROUP: 't',
      __BORNHOST: '10.1.2.3',
      BORN_TIMESTAMP: '0',
    });
    expect(record.sysFlag).toBe(0);
  });

  it.each([
    { seconds: 2 ** 62, nanos: 0 },
    { seconds: -1, nanos: 0 },
  ])('with the impossible birth %j can be stored and read', (born_timestamp) => {
    const system_properties = { ...incoming.system_properties, born_timestamp };
    const odd = { ...incoming, system_properties } as IncomingMessage;
    expect(readRecord(bytesOf(draftOf(odd, origin)), 0).bornTimestamp).toBe(0);
  });

  it('must have its system properties', () => {
    expect(() =>
      checkMessage({ ...incoming, system_properties: null }, DEFAULT_MESSAGE_LIMITS, 0),
    ).toThrow('message id cannot be empty');
  });
});

describe('a message that goes out', () => {
  it('shows user properties, and none of the system’s', () => {
    const { user_properties: user } = delivered({
      ...{ UNIQ_KEY: 'id', TAGS: 'a', PGROUP: 't', TRACE_CONTEXT: 'c', __SHARDINGKEY: 'g' },
      ...{ MIN_OFFSET: '1', INNER_NUM: '2', TRANSACTION_CHECK_TIMES: '3', colour: 'red' },
      ...{ constructor: 'x' },
    });
    expect({ ...user }).toEqual({ colour: 'red', constructor: 'x' });
  });

  it('carries what the record knows', () => {
    const { system_properties: system } = delivered({ UNIQ_KEY: 'id', KEYS: 'a  b', TAGS: 'x' });
    expect(system).toMatchObject({
      message_id: 'id',
      keys: ['a', 'b'],
      tag: 'x',
      body_digest: { type: 2, checksum: '841A2D689AD86BD1611447453C22C6FC' },
      body_encoding: 1,
      message_type: 1,
      born_timestamp: { seconds: 55, nanos: 0 },
      born_host: '2001:db8:0:0:0:0:0:7',
      store_timestamp: { seconds: 77, nanos: 0 },
      store_host: '192.0.2.1:10911',
      receipt_handle: 'h',
      queue_id: 3,
      queue_offset: 9,
      invisible_duration: { seconds: 1, nanos: 500_000_000 },
      delivery_attempt: 2,
    });
  });

  it('has its place in the log for an id when it brought none', () => {
    expect(delivered({}).system_properties?.message_id).toBe('C000020100002A9F0000000000ABCDEF');
  });

  it.each([
    [{ TRAN_MSG: 'true', TIMER_DELIVER_MS: '1' }, 4],
    [{ TRAN_MSG: 'false' }, 1],
    [{ TIMER_DELIVER_MS: '99000', __SHARDINGKEY: 'g' }, 3],
    [{ DELAY: '3' }, 3],
    [{ __SHARDINGKEY: 'g', _SYS_MSG_PRIORITY_: '1' }, 2],
    [{ _SYS_MSG_PRIORITY_: '1', __LITE_TOPIC: 'l' }, 6],
    [{ __LITE_TOPIC: 'l' }, 5],
    [{}, 1],
  ])('with %j has type %d', (properties, type) => {
    expect(delivered(properties as Record<string, string>).system_properties?.message_type).toBe(
      type,
    );
  });

  it('says when it was due, its group, its priority, its lite topic', () => {
    const properties = {
      ...{ TIMER_DELIVER_MS: '99001', __SHARDINGKEY: 'g' },
      ...{ _SYS_MSG_PRIORITY_: '0', __LITE_TOPIC: 'l' },
    };
    expect(delivered(properties).system_properties).toMatchObject({
      delivery_timestamp: { seconds: 99, nanos: 1_000_000 },
      message_group: 'g',
      priority: 0,
      lite_topic: 'l',
    });
  });

  it('names where a dead letter came from only when it knows both', () => {
    const both = { DLQ_ORIGIN_TOPIC: 'o', DLQ_ORIGIN_MESSAGE_ID: 'm' };
    expect(delivered(both).system_properties?.dead_letter_queue).toEqual({
      topic: 'o',
      message_id: 'm',
    });
    const one = { DLQ_ORIGIN_TOPIC: 'o' };
    expect(delivered(one).system_properties?.dead_letter_queue).toBeUndefined();
  });

  it.each([
    ['t', 't', 'ns', 't'],
    ['ns%t', 'ns%t', 'ns', 'ns%t'],
    ['tenant%orders', 't', 'tenant', 'orders'],
    ['%RETRY%tenant%g', '%RETRY%g', 'tenant', '%RETRY%g'],
    ['%RETRY%g_t', 't', 'ns', 't'],
    ['%DLQ%g', 't', '', '%DLQ%g'],
    ['plain', 't', '', 'plain'],
  ])('stored under %s and asked for as %s is of %j %s', (stored, asked, namespace, name) => {
    expect(delivered({}, stored, asked).topic).toEqual({ resource_namespace: namespace, name });
  });

  it('keeps a user property with a dangerous name a property', () => {
    const text = '__proto__\u0001x\u0002';
    const record = bytesOf(
      draftRecord({
        topic: 't',
        body: Buffer.from('b'),
        properties: text,
        tag: '',
        bornTimestamp: 1,
      }),
    );
    const asked = { resource_namespace: '', name: 't' };
    const message = deliveredOverWire(
      { record, receiptHandle: 'h', attempt: 1, invisibleMs: 1 },
      asked,
    );
    expect(Object.entries(message.user_properties)).toEqual([['__proto__', 'x']]);
  });
});
