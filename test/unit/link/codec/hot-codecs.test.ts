import fc from 'fast-check';
import type { PoppedMessage, SendRequest } from '../../../../src/api/broker-api';
import { brokerMethods } from '../../../../src/link/broker-methods';
import { sendsRecord, takesRecords } from '../../../../src/link/codec/hot-calls';
import { linkDefinition } from '../../../../src/link/codec/link-batch';
import { draftRecord } from '../../../../src/message/record-draft';
import { loadService } from '../../../../src/rpc/protos';
import type { GantryBrokerDefinition } from '../../../../src/rpc/generated/gantry/v1/GantryBroker';

const loaded = loadService(
  'gantry/v1/broker.proto',
  'gantry.v1.GantryBroker',
) as GantryBrokerDefinition;
const link = linkDefinition(loaded.Link);
const sends = sendsRecord;
const pops = takesRecords;
const seed = 7_311;
const LARGEST = Number.MAX_SAFE_INTEGER;

const text = fc.string({ unit: 'grapheme', maxLength: 200 });
const bytes = fc.uint8Array({ maxLength: 3000 }).map((array) => Buffer.from(array));
const frames = fc.array(
  fc.record({
    id: fc.maxSafeNat(),
    kind: fc.constantFrom(0 as const, 1 as const, 2 as const, 3 as const),
    method: fc.constantFrom('', 'Send', 'Ack', 'PrepareTransaction'),
    payload: bytes,
    more: fc.boolean(),
  }),
  { maxLength: 12 },
);
const popped: fc.Arbitrary<PoppedMessage> = fc.record({
  record: bytes,
  receiptHandle: text,
  attempt: fc.integer({ min: 0, max: 0xffffffff }),
  invisibleMs: fc.maxSafeNat(),
});
/** A field 30 of each kind, which nobody knows. */
const unknown = fc.constantFrom(
  Buffer.from([0xf0, 0x01, 0x96, 0x01]),
  Buffer.from([0xf2, 0x01, 0x02, 0x61, 0x62]),
  Buffer.from([0xf1, 0x01, 1, 2, 3, 4, 5, 6, 7, 8]),
  Buffer.from([0xf5, 0x01, 1, 2, 3, 4]),
);

function check<T>(arbitrary: fc.Arbitrary<T>, property: (value: T) => void): void {
  fc.assert(fc.property(arbitrary, property), { seed, numRuns: 300 });
}

function record(body: Buffer): Buffer {
  const draft = draftRecord({
    topic: 'orders',
    body,
    properties: 'TAGS\u0001red\u0002UNIQ_KEY\u0001id-1\u0002',
    tag: 'red',
    bornTimestamp: 1,
  });
  const target = Buffer.alloc(draft.byteLength);
  draft.writeTo(target, 0);
  return target;
}

/** What a request says, its record as bytes. */
function said({ draft, ...rest }: SendRequest): object {
  const target = Buffer.alloc(draft.byteLength);
  draft.writeTo(target, 0);
  return { ...rest, topic: draft.topic, id: draft.messageId, tag: draft.tagsCode, target };
}

function refusedOr<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    expect(error).toBeInstanceOf(RangeError);
    return undefined;
  }
}

describe('batches of frames', () => {
  test('are read by the loader as they were written, and the other way round', () => {
    check(frames, (all) => {
      const batch = { frames: all, hello: null, goodbye: false };
      expect(loaded.Link.requestDeserialize(link.requestSerialize({ frames: all }))).toEqual(batch);
      expect(link.responseDeserialize(loaded.Link.responseSerialize({ frames: all }))).toEqual(
        batch,
      );
    });
  });

  test('with a greeting, a goodbye, or what nobody knows, are the same as the loader’s', () => {
    const hello = { broker_name: 'a', broker_id: 3 };
    for (const batch of [{ hello }, { goodbye: true }, { hello, frames: [] }]) {
      const written = link.requestSerialize(batch);
      expect(written).toEqual(loaded.Link.requestSerialize(batch));
      expect(link.requestDeserialize(written)).toEqual(loaded.Link.requestDeserialize(written));
    }
    check(fc.tuple(frames, unknown), ([all, field]) => {
      const written = Buffer.concat([link.requestSerialize({ frames: all }), field]);
      expect(link.requestDeserialize(written)).toEqual(loaded.Link.requestDeserialize(written));
    });
  });

  test('that are cut off are refused, or are what the loader makes of them', () => {
    check(
      frames.filter((all) => all.length < 4),
      (all) => {
        const written = link.requestSerialize({ frames: all });
        for (let end = 0; end < written.length; end += 1 + (end % 7)) {
          const cut = written.subarray(0, end);
          const ours = refusedOr(() => link.requestDeserialize(cut));
          expect(ours).toEqual(refusedOr(() => loaded.Link.requestDeserialize(cut)));
        }
      },
    );
  });
});

describe('a message to store', () => {
  const requests = fc.record({
    queueId: fc.integer({ min: 0, max: 0xffffffff }),
    body: bytes,
    generation: fc.option(fc.integer({ min: 0, max: 0xfffffffe }), { nil: undefined }),
    liteTopic: fc.option(
      text.filter((name) => name !== ''),
      { nil: undefined },
    ),
  });

  test('is what the loader reads, and what it writes is read', () => {
    check(fc.tuple(requests, unknown), ([{ queueId, body, generation, liteTopic }, field]) => {
      const stored = record(body);
      const request: SendRequest = {
        queueId,
        draft: draftRecord({
          topic: 'orders',
          body,
          properties: 'TAGS\u0001red\u0002UNIQ_KEY\u0001id-1\u0002',
          tag: 'red',
          bornTimestamp: 1,
        }),
        ...(generation === undefined ? undefined : { generation }),
        ...(liteTopic === undefined ? undefined : { liteTopic }),
      };
      const wire = {
        queue_id: queueId,
        record: stored,
        generation_and_one: (generation ?? -1) + 1,
        lite_topic: liteTopic ?? '',
      };
      expect(loaded.Send.requestDeserialize(sends.requestSerialize(request))).toEqual(wire);
      const written = Buffer.concat([loaded.Send.requestSerialize(wire), field]);
      expect(said(sends.requestDeserialize(written))).toEqual(said(request));
    });
  });

  test('that is cut off, or holds no whole record, is refused', () => {
    const stored = record(Buffer.from('body'));
    const written = loaded.Send.requestSerialize({ queue_id: 1, record: stored });
    for (let end = 0; end < written.length; end++) {
      expect(() => sends.requestDeserialize(written.subarray(0, end))).toThrow(RangeError);
    }
    const twice = { queue_id: 1, record: Buffer.concat([stored, stored]) };
    expect(() => sends.requestDeserialize(loaded.Send.requestSerialize(twice))).toThrow(RangeError);
  });
});

describe('what is asked when receiving', () => {
  const requests = fc.record({
    group: text,
    topic: text,
    clientId: text,
    attemptId: text,
    filter: fc.record({ type: fc.constantFrom('TAG' as const, 'SQL' as const), expression: text }),
    maxMessages: fc.integer({ min: 0, max: 0xffffffff }),
    invisibleMs: fc.maxSafeNat(),
    pollMs: fc.integer({ min: 0, max: 0xffffffff }),
    autoRenew: fc.boolean(),
  });

  test('is what the loader reads, and what it writes is read', () => {
    check(fc.tuple(requests, unknown), ([request, field]) => {
      const { group, topic, filter } = request;
      const wire = {
        ...{ group, topic, client_id: request.clientId, attempt_id: request.attemptId },
        filter: { kind: filter.type === 'SQL' ? 1 : 0, expression: filter.expression },
        max_messages: request.maxMessages,
        invisible_ms: request.invisibleMs,
        poll_ms: request.pollMs,
        auto_renew: request.autoRenew,
      } as const;
      const written = pops.requestSerialize(request);
      expect(loaded.Pop.requestDeserialize(written)).toEqual(wire);
      const theirs = Buffer.concat([loaded.Pop.requestSerialize(wire), field]);
      expect(pops.requestDeserialize(theirs)).toEqual(request);
    });
  });

  test('is refused when it is cut off, or has no filter', () => {
    const written = loaded.Pop.requestSerialize({ group: 'g', topic: 't', filter: {} });
    expect(pops.requestDeserialize(written).filter).toEqual({ type: 'TAG', expression: '' });
    for (let end = 0; end < written.length; end++) {
      expect(() => pops.requestDeserialize(written.subarray(0, end))).toThrow(RangeError);
    }
  });
});

describe('messages that were taken', () => {
  test('are what the loader reads, and what it writes is read', () => {
    check(fc.tuple(fc.array(popped, { maxLength: 6 }), unknown), ([messages, field]) => {
      const wire = messages.map(({ record: stored, receiptHandle, attempt, invisibleMs }) => ({
        ...{ record: stored, receipt_handle: receiptHandle, attempt, invisible_ms: invisibleMs },
      }));
      const written = pops.responseSerialize(messages);
      expect(loaded.Pop.responseDeserialize(written)).toEqual({ messages: wire });
      const theirs = Buffer.concat([loaded.Pop.responseSerialize({ messages: wire }), field]);
      expect(pops.responseDeserialize(theirs)).toEqual(messages);
    });
  });

  test('keep the largest numbers', () => {
    const message = {
      record: Buffer.from('r'),
      receiptHandle: 'h',
      attempt: 1,
      invisibleMs: LARGEST,
    };
    const { pop } = brokerMethods();
    expect(pop.decodeAnswer(pops.responseSerialize([message]))).toEqual([message]);
  });
});
