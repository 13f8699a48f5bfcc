import fc from 'fast-check';
import { BlockPool, Output } from '../../../../src/rpc/http2/output';
import { MemoryConnection } from './memory-sockets';

function write(output: Output, bytes: Buffer): void {
  const at = output.reserve(bytes.length); // may turn to another block
  bytes.copy(output.block, at);
}

test('bytes leave in order, whenever the socket takes them', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('write' as const), bytes: fc.integer({ min: 1, max: 30_000 }) }),
    fc.record({ kind: fc.constantFrom('flush' as const, 'stick' as const, 'drain' as const) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const socket = new MemoryConnection();
      const output = new Output(socket, new BlockPool());
      const expected: Buffer[] = [];
      socket.events = {
        onData: () => undefined,
        onDrain: () => output.drained(),
        onEnd: () => undefined,
        onClose: () => undefined,
      };
      let next = 0;
      let total = 0;
      for (const it of steps) {
        if (it.kind === 'write') {
          const bytes = Buffer.alloc(it.bytes, ++next);
          total += bytes.length;
          expected.push(bytes);
          write(output, bytes);
        } else if (it.kind === 'flush') {
          output.flush();
        } else if (it.kind === 'stick') {
          socket.stuck = true;
        } else {
          socket.drain();
        }
        const taken = socket.written.reduce((sum, bytes) => sum + bytes.length, 0);
        expect(taken - socket.bufferedBytes + output.waitingBytes).toBe(total);
      }
      output.end();
      expect(Buffer.concat(socket.written).equals(Buffer.concat(expected))).toBe(true);
    }),
    { seed: 11, numRuns: 300 },
  );
});

test('one write a flush, and none while the socket is busy', () => {
  const socket = new MemoryConnection();
  const output = new Output(socket, new BlockPool());
  for (let count = 0; count < 100; count++) write(output, Buffer.alloc(10, count));
  output.flush();
  expect(socket.written).toHaveLength(1);
  socket.stuck = true;
  for (let count = 0; count < 100; count++) {
    write(output, Buffer.alloc(10, count));
    output.flush();
  }
  expect(socket.written).toHaveLength(2);
  expect(output.waitingBytes).toBe(1000);
});

test('the last words leave although the socket has not taken what was before', () => {
  const socket = new MemoryConnection();
  const output = new Output(socket, new BlockPool());
  socket.stuck = true;
  write(output, Buffer.from('before'));
  output.flush();
  write(output, Buffer.from('goodbye'));
  output.end();
  expect(Buffer.concat(socket.written).toString()).toBe('beforegoodbye');
  expect(socket.closed).toBe(true);
});
