/**
 * Whatever bytes a client sends, in whatever pieces: the server neither throws nor hangs, and once the client is gone
 * nothing is left of it. More runs: `FUZZ_RUNS=100000 npx jest test/unit/rpc/http2/fuzz.test.ts`.
 */
import fc from 'fast-check';
import { GrpcServer } from '../../../../src/rpc/grpc/grpc-server';
import { CLIENT_PREFACE, Flag, FrameType } from '../../../../src/rpc/http2/frame';
import { SimClock } from '../../../support/sim-clock';
import { echoDefinition, echoHandlers } from '../grpc/echo-service';
import { type MemoryConnection, memoryPlatform } from './memory-sockets';
import { frame, message, ping, request, settings, uint32 } from './raw-client';

const numRuns = Number(process.env['FUZZ_RUNS'] ?? 400);

const streamId = fc.constantFrom(0, 1, 1, 3, 3, 5, 7, 2, 0x7fff_ffff);
const paths = ['Unary', 'Collect', 'Spread', 'Chat', 'Missing', 'Nothing'];

/** Frames that mean something, so that mutations reach deep. */
const sensible: fc.Arbitrary<Buffer> = fc.oneof(
  fc
    .tuple(streamId, fc.constantFrom(0, Flag.END_STREAM), fc.constantFrom(...paths))
    .map(([id, flags, path]) => request(id, flags, [], `/test.Echo/${path}`)),
  fc
    .tuple(streamId, fc.uint8Array({ maxLength: 50 }), fc.constantFrom(0, Flag.END_STREAM))
    .map(([id, body, flags]) => message(id, body, flags)),
  fc.tuple(streamId, fc.nat(0xffff)).map(([id, bytes]) => frame(8, 0, id, uint32(bytes))),
  fc.tuple(streamId, fc.nat(13)).map(([id, code]) => frame(3, 0, id, uint32(code))),
  fc.tuple(fc.nat(7), fc.nat(0x7fff_ffff)).map((pair) => settings(pair)),
  fc.constantFrom(ping(), ping(Flag.ACK)),
);

const anything: fc.Arbitrary<Buffer> = fc
  .tuple(fc.nat(11), fc.nat(255), streamId, fc.uint8Array({ maxLength: 60 }))
  .map(([type, flags, id, payload]) => frame(type, flags, id, payload));

const mutated: fc.Arbitrary<Buffer> = fc
  .tuple(sensible, fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 3 }))
  .map(([bytes, changes]) => {
    const copy = Buffer.from(bytes);
    for (const [at, byte] of changes) copy[at % copy.length] = byte;
    return copy;
  });

const input = fc.record({
  frames: fc.array(fc.oneof({ weight: 6, arbitrary: sensible }, anything, mutated), {
    maxLength: 40,
  }),
  cuts: fc.array(fc.oneof(fc.nat(30), fc.nat(500)), { minLength: 1, maxLength: 8 }),
  stuck: fc.boolean(),
  preface: fc.oneof({ weight: 20, arbitrary: fc.constant(true) }, fc.constant(false)),
});

async function feed(
  connection: MemoryConnection,
  bytes: Buffer,
  cuts: readonly number[],
  sim: SimClock,
): Promise<void> {
  let at = 0;
  for (let turn = 0; at < bytes.length && !connection.closed; turn++) {
    const size = (cuts[turn % cuts.length] ?? 0) + 1;
    connection.events?.onData(Buffer.from(bytes.subarray(at, at + size)));
    at += size;
    if (turn % 5 === 0) await sim.settle();
  }
}

test('any frames in any pieces', async () => {
  await fc.assert(
    fc.asyncProperty(input, async ({ frames, cuts, stuck, preface }) => {
      const sim = new SimClock();
      const { platform, connect } = memoryPlatform(sim);
      const failures: unknown[] = [];
      const server = new GrpcServer(platform, {
        onHandlerError: (_path, error) => failures.push(error),
      });
      server.addService(echoDefinition, { ...echoHandlers });
      await server.listen('memory', 1);
      const connection = connect();
      connection.stuck = stuck;
      const greeting = preface ? [CLIENT_PREFACE, settings()] : [];
      await feed(connection, Buffer.concat([...greeting, ...frames]), cuts, sim);
      connection.drain();
      await sim.settle();
      const written = connection.written.reduce((sum, bytes) => sum + bytes.length, 0);
      expect(written).toBeLessThan(1_000_000);
      connection.destroy();
      await sim.settle();
      expect(failures).toEqual([]);
      expect(server.runningCalls).toBe(0);
      expect(server.connectionCount).toBe(0);
      await sim.advance(20_000); // deadlines that bytes made up
      expect(sim.pending).toBe(0);
    }),
    { seed: 9, numRuns },
  );
}, 600_000);

test('an honest client is answered after any of them', async () => {
  const sim = new SimClock();
  const { platform, connect } = memoryPlatform(sim);
  const server = new GrpcServer(platform);
  server.addService(echoDefinition, { ...echoHandlers });
  await server.listen('memory', 1);
  await fc.assert(
    fc.asyncProperty(input, async ({ frames, cuts }) => {
      const rude = connect();
      await feed(rude, Buffer.concat([CLIENT_PREFACE, settings(), ...frames]), cuts, sim);
      const honest = connect();
      const call = Buffer.concat([
        CLIENT_PREFACE,
        settings(),
        request(1, 0),
        message(1, Buffer.from('honest')),
      ]);
      honest.events?.onData(call);
      await sim.settle();
      expect(Buffer.concat(honest.written).includes('honest')).toBe(true);
      expect(honest.written).toHaveLength(1); // a turn's output is one write
      expect(Buffer.concat(honest.written)[3]).toBe(FrameType.SETTINGS);
      honest.destroy();
      rude.destroy();
      await sim.settle();
    }),
    { seed: 10, numRuns: Math.ceil(numRuns / 4) },
  );
}, 600_000);
