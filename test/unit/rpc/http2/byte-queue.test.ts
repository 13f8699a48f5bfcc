import fc from 'fast-check';
import { ByteQueue } from '../../../../src/rpc/http2/byte-queue';

test('bytes come out in order, however they are pushed and taken', () => {
  const size = fc.oneof(fc.nat(20), fc.nat(3000), fc.constantFrom(2048, 2049, 8192, 8193));
  const step = fc.record({ push: fc.boolean(), bytes: size });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const queue = new ByteQueue();
      const taken: Buffer[] = [];
      const pushed: Buffer[] = [];
      let next = 0;
      for (const { push, bytes } of steps) {
        if (push) {
          const piece = Buffer.from(Array.from({ length: bytes }, () => next++ & 255));
          pushed.push(Buffer.from(piece));
          queue.push(piece);
          if (bytes <= 2048) piece.fill(0); // small pieces are copied
        } else {
          const count = Math.min(bytes, queue.length);
          const target = Buffer.alloc(count + 2);
          queue.shift(target, 1, count);
          taken.push(target.subarray(1, count + 1));
        }
      }
      const rest = Buffer.alloc(queue.length);
      queue.shift(rest, 0, queue.length);
      expect(queue.length).toBe(0);
      expect(Buffer.concat([...taken, rest]).equals(Buffer.concat(pushed))).toBe(true);
    }),
    { seed: 6, numRuns: 300 },
  );
});
