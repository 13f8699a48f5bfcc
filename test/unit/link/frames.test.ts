import fc from 'fast-check';
import { FrameReader, type WholeFrame } from '../../../src/link/frame-reader';
import { FrameWriter, LINK_BATCH_BYTES } from '../../../src/link/frame-writer';
import { brokerDefinition } from '../../../src/link/services';
import type { Frame__Output } from '../../../src/rpc/generated/gantry/v1/Frame';
import type { LinkBatch } from '../../../src/rpc/generated/gantry/v1/LinkBatch';
import { SimClock } from '../../support/sim-clock';

const { requestSerialize: encode, requestDeserialize: decode } = brokerDefinition().Link;

function frame(fields: Partial<Frame__Output>): Frame__Output {
  return { id: 1, kind: 0, method: 'Send', payload: Buffer.alloc(0), more: false, ...fields };
}

describe('frames', () => {
  it('arrive whole and in order, whatever their sizes, in batches of bounded size', async () => {
    const edge = LINK_BATCH_BYTES;
    const size = fc.oneof(
      fc.integer({ min: 0, max: 2_000 }),
      fc.constantFrom(
        edge - 65,
        edge - 64,
        edge - 63,
        edge - 1,
        edge,
        edge + 1,
        2 * edge,
        3 * edge + 5,
      ),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(size, { maxLength: 12 }), fc.integer(), async (sizes, salt) => {
        const sim = new SimClock();
        const batches: Buffer[] = [];
        const writer = new FrameWriter(sim.timers, (batch) => {
          batches.push(encode(batch));
          return true;
        });
        const payloads = sizes.map((bytes, i) => Buffer.alloc(bytes, (salt + i) & 0xff));
        payloads.forEach((payload, i) =>
          writer.push({ id: i + 1, kind: i % 2 === 0 ? 0 : 1, method: `m${i}`, payload }),
        );
        await sim.settle();
        const reader = new FrameReader(4 * edge);
        const whole = batches
          .flatMap((bytes) => decode(bytes).frames)
          .map((part) => reader.take(part))
          .filter((taken): taken is WholeFrame => taken !== undefined);
        expect(whole.map(({ id, kind, method }) => [id, kind, method])).toEqual(
          payloads.map((_, i) => [i + 1, i % 2, `m${i}`]),
        );
        whole.forEach(({ payload }, i) =>
          expect(payload.equals(payloads[i] ?? payload)).toBe(true),
        );
        expect(writer.queuedBytes).toBe(0);
        for (const bytes of batches) expect(bytes.length).toBeLessThan(edge + 4_096);
      }),
      { seed: 7, numRuns: 30 },
    );
  });

  it('wait while the pipe is full, and are counted', async () => {
    const sim = new SimClock();
    const batches: LinkBatch[] = [];
    const writer = new FrameWriter(sim.timers, (batch) => {
      batches.push(batch);
      return false;
    });
    const payload = Buffer.alloc(1_000);
    writer.push({ id: 1, kind: 0, method: 'm', payload });
    await sim.settle();
    for (let id = 2; id <= 11; id++) writer.push({ id, kind: 0, method: 'm', payload });
    await sim.settle();
    expect(batches).toHaveLength(1);
    expect(writer.queuedBytes).toBeGreaterThanOrEqual(10_000);
    writer.drained();
    expect(batches.map(({ frames }) => frames?.length)).toEqual([1, 10]);
    expect(writer.queuedBytes).toBe(0);
  });

  it('that were not handed on when the pipe closed are lost, and only those', async () => {
    const sim = new SimClock();
    const lost: number[] = [];
    const writer = new FrameWriter(sim.timers, () => false);
    const push = (id: number): void =>
      writer.push({ id, kind: 1, method: '', payload: Buffer.alloc(1), lost: () => lost.push(id) });
    push(1);
    await sim.settle();
    push(2);
    writer.close();
    push(3);
    expect(lost).toEqual([2, 3]);
  });

  it('are refused when fragments of two calls mix, or grow too large', () => {
    const mixed = new FrameReader(100);
    expect(mixed.take(frame({ more: true }))).toBeUndefined();
    expect(() => mixed.take(frame({ id: 2 }))).toThrow('frame 2 between the fragments of 1');
    const large = new FrameReader(100);
    expect(large.take(frame({ payload: Buffer.alloc(100) }))).toBeDefined();
    expect(() => large.take(frame({ payload: Buffer.alloc(101) }))).toThrow(
      'payload of call 1 has 101 bytes or more, the limit is 100',
    );
    const endless = new FrameReader(100);
    expect(endless.take(frame({ payload: Buffer.alloc(60), more: true }))).toBeUndefined();
    expect(() => endless.take(frame({ payload: Buffer.alloc(60), more: true }))).toThrow(
      'the limit is 100',
    );
  });
});
