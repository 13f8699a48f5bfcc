/**
 * What must hold of a whole server, whatever bytes its clients send, in whatever pieces: it neither throws nor hangs nor
 * answers without bounds, honest clients are served beside it, and once the client is gone nothing is left of it.
 */
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { GrpcServer } from '../../../src/rpc/grpc/grpc-server';
import { CLIENT_PREFACE, Flag, FrameType } from '../../../src/rpc/http2/frame';
import { echoDefinition, echoHandlers } from '../../unit/rpc/grpc/echo-service';
import { type MemoryConnection, memoryPlatform } from '../../unit/rpc/http2/memory-sockets';
import { frame, message, ping, request, settings, uint32 } from '../../unit/rpc/http2/raw-client';
import { SimClock } from '../sim-clock';
import { BlockWriter, headerBlock } from './header-blocks';
import { inPieces, mutated, pieceSizes } from './mutations';

const WRITTEN_BYTES_MAX = 1_000_000;

const streamId = fc.constantFrom(0, 1, 1, 3, 3, 5, 7, 2, 0x7fff_ffff);
const paths = ['Unary', 'Collect', 'Spread', 'Chat', 'Missing', 'Nothing'];
const endStream = fc.constantFrom(0, Flag.END_STREAM);
const extraFields = fc.constantFrom(
  [],
  [['grpc-timeout', '1S']],
  [['grpc-timeout', '99999999H']],
  [['grpc-encoding', 'gzip']],
  [['grpc-encoding', 'snappy']],
  [['content-length', '12']],
  [['x-bytes-bin', 'AAE,!!']],
) as fc.Arbitrary<readonly (readonly [string, string])[]>;

const packed = (id: number, body: Uint8Array): Buffer => {
  const bytes = gzipSync(body);
  return frame(0, Flag.END_STREAM, id, Buffer.concat([Buffer.of(1), uint32(bytes.length), bytes]));
};

/** Frames that mean something, so that mutations reach deep. */
const sensible: fc.Arbitrary<Buffer> = fc.oneof(
  fc
    .tuple(streamId, endStream, fc.constantFrom(...paths), extraFields)
    .map(([id, flags, path, more]) => request(id, flags, more, `/test.Echo/${path}`)),
  fc
    .tuple(streamId, fc.uint8Array({ maxLength: 50 }), endStream)
    .map(([id, body, flags]) => message(id, body, flags)),
  fc.tuple(streamId, fc.uint8Array({ maxLength: 50 })).map(([id, body]) => packed(id, body)),
  fc.tuple(streamId, fc.nat(0xffff)).map(([id, bytes]) => frame(8, 0, id, uint32(bytes))),
  fc.tuple(streamId, fc.nat(13)).map(([id, code]) => frame(3, 0, id, uint32(code))),
  fc.tuple(fc.nat(7), fc.nat(0x7fff_ffff)).map((pair) => settings(pair)),
  fc.constantFrom(ping(), ping(Flag.ACK)),
  fc
    .tuple(streamId, headerBlock, fc.constantFrom(0, Flag.END_HEADERS), endStream)
    .map(([id, block, ...flags]) => {
      const { bytes } = new BlockWriter().write(block);
      return frame(FrameType.HEADERS, flags[0] | flags[1], id, bytes);
    }),
);

const anything: fc.Arbitrary<Buffer> = fc
  .tuple(fc.nat(11), fc.nat(255), streamId, fc.uint8Array({ maxLength: 60 }))
  .map(([type, flags, id, payload]) => frame(type, flags, id, payload));

/** Some have a wrong byte within a frame, some lose their way between the frames. */
const frames = mutated(
  fc
    .array(fc.oneof({ weight: 6, arbitrary: sensible }, anything, mutated(sensible, 3)), {
      maxLength: 40,
    })
    .map((all) => Buffer.concat(all)),
  1,
);

const input = fc.record({
  frames,
  sizes: pieceSizes,
  stuck: fc.boolean(),
  preface: fc.oneof({ weight: 20, arbitrary: fc.constant(true) }, fc.constant(false)),
});

async function feed(
  connection: MemoryConnection,
  bytes: Buffer,
  sizes: readonly number[],
  sim: SimClock,
): Promise<void> {
  let turn = 0;
  for (const piece of inPieces(bytes, sizes)) {
    if (connection.closed) return;
    connection.events?.onData(piece);
    if (turn++ % 5 === 0) await sim.settle();
  }
}

export const lonelyClientProperty = fc.asyncProperty(
  input,
  async ({ frames: bytes, sizes, stuck, preface }) => {
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
    await feed(connection, Buffer.concat([...greeting, bytes]), sizes, sim);
    connection.drain();
    await sim.settle();
    const written = connection.written.reduce((sum, piece) => sum + piece.length, 0);
    expect(written).toBeLessThan(WRITTEN_BYTES_MAX);
    connection.destroy();
    await sim.settle();
    expect(failures).toEqual([]);
    expect(server.runningCalls).toBe(0);
    expect(server.connectionCount).toBe(0);
    await sim.advance(20_000); // deadlines that bytes made up
    expect(sim.pending).toBe(0);
  },
);

/** Any client beside an honest one, all of them on one server. */
export async function honestClientProperty(): Promise<
  fc.IAsyncPropertyWithHooks<[{ frames: Buffer; sizes: readonly number[] }]>
> {
  const sim = new SimClock();
  const { platform, connect } = memoryPlatform(sim);
  const server = new GrpcServer(platform);
  server.addService(echoDefinition, { ...echoHandlers });
  await server.listen('memory', 1);
  return fc.asyncProperty(input, async ({ frames: bytes, sizes }) => {
    const rude = connect();
    await feed(rude, Buffer.concat([CLIENT_PREFACE, settings(), bytes]), sizes, sim);
    const honest = connect();
    const call = [request(1, 0), message(1, Buffer.from('honest'))];
    honest.events?.onData(Buffer.concat([CLIENT_PREFACE, settings(), ...call]));
    await sim.settle();
    expect(Buffer.concat(honest.written).includes('honest')).toBe(true);
    expect(honest.written).toHaveLength(1); // a turn's output is one write
    expect(Buffer.concat(honest.written)[3]).toBe(FrameType.SETTINGS);
    honest.destroy();
    rude.destroy();
    await sim.settle();
  });
}
