import fc from 'fast-check';
import { acknowledges } from '../../../../src/link/codec/ack-call';
import { sendsRecord } from '../../../../src/link/codec/hot-calls';
import { Code } from '../../../../src/message/status';
import { loadService } from '../../../../src/rpc/protos';
import type { GantryBrokerDefinition } from '../../../../src/rpc/generated/gantry/v1/GantryBroker';

const { Ack, Send } = loadService(
  'gantry/v1/broker.proto',
  'gantry.v1.GantryBroker',
) as GantryBrokerDefinition;
const text = fc.string({ unit: 'grapheme', maxLength: 200 });
/** A field 30 of two kinds, which nobody knows. */
const unknown = fc.constantFrom(
  Buffer.from([0xf0, 0x01, 0x96, 0x01]),
  Buffer.from([0xf2, 0x01, 0x02, 0x61, 0x62]),
);

function check<T>(arbitrary: fc.Arbitrary<T>, property: (value: T) => void): void {
  fc.assert(fc.property(arbitrary, property), { seed: 7_311, numRuns: 300 });
}

/** Every beginning of `written` is read, or refused with a RangeError. */
function cut(written: Buffer, read: (bytes: Buffer) => unknown): void {
  for (let end = 0; end < written.length; end++) {
    try {
      read(written.subarray(0, end));
    } catch (error) {
      expect(error).toBeInstanceOf(RangeError);
    }
  }
}

test('handles to acknowledge are what the loader reads, and what it writes is read', () => {
  const handle = fc.record({ receiptHandle: text, messageId: text });
  const requests = fc.record({
    group: text,
    topic: text,
    entries: fc.array(handle, { maxLength: 6 }),
  });
  check(fc.tuple(requests, unknown), ([request, field]) => {
    const entries = request.entries.map(({ receiptHandle, messageId }) => ({
      receipt_handle: receiptHandle,
      message_id: messageId,
    }));
    const wire = { ...request, entries };
    const written = acknowledges.requestSerialize(request);
    expect(Ack.requestDeserialize(written)).toEqual(wire);
    const theirs = Buffer.concat([Ack.requestSerialize(wire), field]);
    expect(acknowledges.requestDeserialize(theirs)).toEqual(request);
    cut(written, acknowledges.requestDeserialize);
  });
});

test('what became of each handle is what the loader reads, and what it writes is read', () => {
  const result = fc.record({ code: fc.constantFrom(...Object.values(Code)), message: text });
  check(fc.tuple(fc.array(result, { maxLength: 6 }), unknown), ([results, field]) => {
    const entries = results.map(({ code, message }) => ({ code, text: message }));
    const written = acknowledges.responseSerialize(results);
    const read = Ack.responseDeserialize(written).entries;
    expect(read.map(({ code, text: said }) => ({ code, text: said }))).toEqual(entries);
    const theirs = Buffer.concat([Ack.responseSerialize({ entries }), field]);
    expect(acknowledges.responseDeserialize(theirs)).toEqual(results);
    cut(written, acknowledges.responseDeserialize);
  });
});

test('a code that this version does not know is an internal error', () => {
  const written = Ack.responseSerialize({ entries: [{ code: 4_000_000_000, text: 'new' }] });
  expect(acknowledges.responseDeserialize(written)).toEqual([
    { code: Code.INTERNAL_SERVER_ERROR, message: 'new' },
  ]);
});

test('where a message lies is what the loader reads, and what it writes is read', () => {
  const results = fc.record({
    queueOffset: fc.maxSafeNat(),
    physicalOffset: fc.maxSafeNat(),
    delayed: fc.boolean(),
  });
  check(fc.tuple(results, unknown), ([{ queueOffset, physicalOffset, delayed }, field]) => {
    const result = { queueOffset, physicalOffset, ...(delayed && { delayed: true }) };
    const wire = { queue_offset: queueOffset, physical_offset: physicalOffset, delayed };
    const written = sendsRecord.responseSerialize(result);
    expect(Send.responseDeserialize(written)).toEqual(wire);
    const theirs = Buffer.concat([Send.responseSerialize(wire), field]);
    expect(sendsRecord.responseDeserialize(theirs)).toEqual(result);
    cut(written, sendsRecord.responseDeserialize);
  });
});
