// long: one case for each rule that a server may break
import fc from 'fast-check';
import { ClientConnection, CLIENT_OPTIONS } from '../../../../src/rpc/http2/client-connection';
import { ErrorCode } from '../../../../src/rpc/http2/error-code';
import { CLIENT_PREFACE, Flag, FrameType, readUint32 } from '../../../../src/rpc/http2/frame';
import { HpackEncoder } from '../../../../src/rpc/http2/hpack-encoder';
import { Setting } from '../../../../src/rpc/http2/settings';
import { SimClock } from '../../../support/sim-clock';
import { DialledMemory } from './dialled-memory';
import { frame, ping, settings, uint32 } from './raw-client';

let sim: SimClock;
let server: DialledMemory;
let data: Buffer[];
let heads: string[];
let closed: string[];
let drains: number;

beforeEach(() => {
  sim = new SimClock();
  server = new DialledMemory(sim);
  data = [];
  heads = [];
  closed = [];
  drains = 0;
});

function dial(options: Partial<typeof CLIENT_OPTIONS> = {}): ClientConnection {
  const head = [[':method', 'POST'] as const, [':path', '/test'] as const];
  const listener = {
    onHeaders: (fields: readonly { name: string; value: string }[], end: boolean) => {
      heads.push(fields.map(({ name, value }) => `${name} ${value}`).join() + (end ? '.' : ''));
    },
    onData: (bytes: Buffer, start: number, end: number) => {
      data.push(Buffer.from(bytes.subarray(start, end)));
    },
    onDrain: () => drains++,
    onClosed: (reason: string) => closed.push(reason),
  };
  const target = { host: '192.0.2.1', port: 1 };
  return new ClientConnection(server.platform, target, head, listener, {
    ...CLIENT_OPTIONS,
    ...options,
  });
}

/** A connection whose server has sent its settings. */
function connected(
  pairs: readonly (readonly [number, number])[] = [],
  options?: Partial<typeof CLIENT_OPTIONS>,
): ClientConnection {
  const connection = dial(options);
  server.open();
  server.send(settings(...pairs));
  return connection;
}

const headers = (flags: number, streamId = 1): Buffer => {
  const block = new HpackEncoder().once([[':status', '200']]);
  return frame(FrameType.HEADERS, flags | Flag.END_HEADERS, streamId, block);
};
const goAway = (lastId: number, code: number): Buffer =>
  frame(FrameType.GOAWAY, 0, 0, Buffer.concat([uint32(lastId), uint32(code)]));
const sentData = (): number =>
  server.frames
    .filter(({ type }) => type === FrameType.DATA)
    .reduce((sum, { payload }) => sum + payload.length, 0);
const NO_PREFIX = Buffer.alloc(0);

test('the request leaves when the connection is there, behind preface and settings', async () => {
  const connection = dial();
  connection.write(Buffer.from('ab'), Buffer.from('cd'));
  await sim.settle();
  expect(server.connection.written).toEqual([]);
  server.open();
  const bytes = Buffer.concat(server.connection.written);
  expect(bytes.subarray(0, CLIENT_PREFACE.length)).toEqual(CLIENT_PREFACE);
  expect(server.frames.map(({ type }) => type)).toEqual([
    FrameType.SETTINGS,
    FrameType.WINDOW_UPDATE,
    FrameType.HEADERS,
    FrameType.DATA,
  ]);
  expect(String(server.frames[3]?.payload)).toBe('abcd');
});

test('what is written in a turn leaves in one write', async () => {
  const connection = connected();
  const before = server.connection.written.length;
  for (let i = 0; i < 10; i++) connection.write(NO_PREFIX, Buffer.alloc(100));
  await sim.settle();
  expect(server.connection.written).toHaveLength(before + 1);
});

test('no more is sent than the server takes, of the stream and of the connection', async () => {
  const connection = connected([[Setting.INITIAL_WINDOW_SIZE, 1_000]]);
  expect(connection.write(NO_PREFIX, Buffer.alloc(100_000))).toBe(false);
  await sim.settle();
  expect(sentData()).toBe(1_000);
  server.send(frame(FrameType.WINDOW_UPDATE, 0, 1, uint32(80_000)));
  expect(sentData()).toBe(65_535);
  server.send(frame(FrameType.WINDOW_UPDATE, 0, 0, uint32(1_000_000)));
  expect(sentData()).toBe(81_000);
  server.send(settings([Setting.INITIAL_WINDOW_SIZE, 0]));
  server.send(frame(FrameType.WINDOW_UPDATE, 0, 1, uint32(500)));
  expect(sentData()).toBe(81_000);
  server.send(frame(FrameType.WINDOW_UPDATE, 0, 1, uint32(50_000)));
  expect(sentData()).toBe(100_000);
  expect(drains).toBe(1);
});

test('a socket that takes nothing stops what is sent, and goes on with it', async () => {
  const connection = connected([[Setting.INITIAL_WINDOW_SIZE, 1 << 30]]);
  server.send(frame(FrameType.WINDOW_UPDATE, 0, 0, uint32(1 << 30)));
  server.connection.stuck = true;
  let more = true;
  let written = 0;
  for (; more && written < 1_000; written++)
    more = connection.write(NO_PREFIX, Buffer.alloc(10_000));
  expect(more).toBe(false);
  await sim.settle();
  server.connection.drain();
  await sim.settle();
  expect(sentData()).toBe(written * 10_000);
});

test('more than may wait ends the stream instead of growing', () => {
  const connection = connected([[Setting.INITIAL_WINDOW_SIZE, 0]], {
    maxPendingStreamBytes: 50_000,
  });
  for (let i = 0; i < 7; i++) connection.write(NO_PREFIX, Buffer.alloc(10_000));
  expect(closed).toEqual(['more was written than the other side takes']);
});

test('windows are given back as the answer is used up', () => {
  const connection = connected([], { streamWindowBytes: 100_000, connectionWindowBytes: 200_000 });
  server.send(headers(0));
  const given = (streamId: number): number =>
    server.frames
      .slice(2)
      .filter((sent) => sent.type === FrameType.WINDOW_UPDATE && sent.streamId === streamId)
      .reduce((sum, { payload }) => sum + readUint32(payload, 0), 0);
  for (let i = 0; i < 6; i++) server.send(frame(FrameType.DATA, 0, 1, Buffer.alloc(16_000)));
  expect(given(1)).toBe(0);
  connection.take(50_000);
  server.send(ping());
  expect(given(1)).toBe(50_000);
  server.send(frame(FrameType.DATA, 0, 1, Buffer.alloc(16_000)));
  expect(given(0)).toBeGreaterThan(100_000 - 16_000);
  expect(closed).toEqual([]);
});

describe('what breaks a rule ends the connection with GOAWAY, and the caller is told', () => {
  const padded = frame(FrameType.DATA, Flag.PADDED, 1, Buffer.from([9, 1, 2]));
  test.each([
    [
      'data beyond the window',
      [
        headers(0),
        ...Array.from({ length: 8 }, () => frame(FrameType.DATA, 0, 1, Buffer.alloc(16_384))),
      ],
      ErrorCode.FLOW_CONTROL_ERROR,
    ],
    [
      'data on another stream',
      [frame(FrameType.DATA, 0, 3, Buffer.alloc(1))],
      ErrorCode.PROTOCOL_ERROR,
    ],
    ['fields of another stream', [headers(0, 2)], ErrorCode.PROTOCOL_ERROR],
    ['padding without room', [headers(0), padded], ErrorCode.PROTOCOL_ERROR],
    [
      'a window that grows by nothing',
      [frame(FrameType.WINDOW_UPDATE, 0, 1, uint32(0))],
      ErrorCode.PROTOCOL_ERROR,
    ],
    [
      'a window that grows too far',
      [frame(FrameType.WINDOW_UPDATE, 0, 1, uint32(0x7fff_ffff))],
      ErrorCode.FLOW_CONTROL_ERROR,
    ],
    [
      'a connection window that grows too far',
      [frame(FrameType.WINDOW_UPDATE, 0, 0, uint32(0x7fff_ffff))],
      ErrorCode.FLOW_CONTROL_ERROR,
    ],
    [
      'a push',
      [frame(FrameType.PUSH_PROMISE, Flag.END_HEADERS, 1, uint32(2))],
      ErrorCode.PROTOCOL_ERROR,
    ],
    [
      'settings of half a pair',
      [frame(FrameType.SETTINGS, 0, 0, Buffer.alloc(5))],
      ErrorCode.FRAME_SIZE_ERROR,
    ],
    ['settings on a stream', [frame(FrameType.SETTINGS, 0, 1)], ErrorCode.PROTOCOL_ERROR],
    [
      'a ping of seven bytes',
      [frame(FrameType.PING, 0, 0, Buffer.alloc(7))],
      ErrorCode.FRAME_SIZE_ERROR,
    ],
    [
      'a frame inside fields',
      [frame(FrameType.HEADERS, 0, 1, Buffer.from([0x88])), ping()],
      ErrorCode.PROTOCOL_ERROR,
    ],
    [
      'fields that cannot be read',
      [frame(FrameType.HEADERS, Flag.END_HEADERS, 1, Buffer.from([0xff, 0xff]))],
      ErrorCode.COMPRESSION_ERROR,
    ],
    [
      'a frame above the largest',
      [frame(FrameType.DATA, 0, 1, Buffer.alloc(16_385))],
      ErrorCode.FRAME_SIZE_ERROR,
    ],
    ['a flood of pings', Array.from({ length: 3_000 }, () => ping()), ErrorCode.ENHANCE_YOUR_CALM],
  ] as const)('%s', (_name, frames, code) => {
    connected([], { streamWindowBytes: 65_535, connectionWindowBytes: 131_072 });
    server.send(...frames);
    expect(closed).toHaveLength(1);
    expect(closed[0]).toMatch(/broke a rule/);
    const last = server.frames.at(-1);
    expect(last?.type).toBe(FrameType.GOAWAY);
    expect(readUint32(last?.payload ?? Buffer.alloc(8), 4)).toBe(code);
    expect(server.connection.closed).toBe(true);
  });

  test('a first frame that is not SETTINGS', () => {
    dial();
    server.open();
    server.send(ping());
    expect(closed).toEqual([expect.stringMatching(/first frame is not SETTINGS/)]);
  });
});

test('whatever bytes a server sends, the caller is told at most once and the process goes on', () => {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
    fc
      .record({
        type: fc.integer({ min: 0, max: 11 }),
        flags: fc.integer({ min: 0, max: 255 }),
        streamId: fc.constantFrom(0, 1, 1, 2, 3),
        payload: fc.uint8Array({ maxLength: 40 }),
      })
      .map((it) => frame(it.type, it.flags, it.streamId, it.payload)),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      server = new DialledMemory(sim);
      closed = [];
      const connection = connected();
      for (const bytes of pieces) server.send(bytes);
      expect(closed.length).toBeLessThanOrEqual(1);
      connection.abort('the test is over');
      expect(closed).toHaveLength(1);
    }),
    { seed: 7, numRuns: 1_000 },
  );
});

test('a server that resets the stream, or says that it was not taken, ends it', () => {
  connected();
  server.send(frame(FrameType.RST_STREAM, 0, 1, uint32(ErrorCode.REFUSED_STREAM)));
  expect(closed).toEqual(['the other side broke the stream (REFUSED_STREAM)']);
  server = new DialledMemory(sim);
  connected();
  server.send(goAway(0x7fff_ffff, ErrorCode.NO_ERROR), goAway(1, ErrorCode.NO_ERROR), headers(0));
  expect(closed).toHaveLength(1);
  server.send(goAway(0, ErrorCode.NO_ERROR));
  expect(closed[1]).toMatch(/ends the connection \(NO_ERROR\)/);
});

test('a ping is answered, with its own bytes', () => {
  connected();
  server.send(ping());
  const last = server.frames.at(-1);
  expect([last?.type, last?.flags, String(last?.payload)]).toEqual([
    FrameType.PING,
    Flag.ACK,
    '12345678',
  ]);
});

test('a silent server is asked for a sign of life, and given up when there is none', async () => {
  connected();
  const pings = (): number => server.frames.filter(({ type }) => type === FrameType.PING).length;
  await sim.advance(12_000);
  expect(pings()).toBe(1);
  server.send(ping(Flag.ACK));
  await sim.advance(9_000);
  expect([pings(), closed.length]).toEqual([1, 0]);
  await sim.advance(10_000);
  expect(closed).toEqual(['the other side does not answer']);
  expect(server.connection.closed).toBe(true);
  expect(sim.pending).toBe(0);
});

test('a connection that does not come to be is given up', async () => {
  dial();
  await sim.advance(12_000);
  expect(closed).toEqual(['no connection within its time']);
  expect(server.connection.closed).toBe(true);
  expect(sim.pending).toBe(0);
});

test.each(['behind', 'before'])(
  'a server that does not end its side within 2 s of ours is cut off, ended %s the connection',
  async (when) => {
    const connection = dial();
    if (when === 'before') connection.end();
    server.open();
    server.send(settings(), headers(0));
    connection.end();
    await sim.advance(1_500);
    expect([closed, server.connection.closed]).toEqual([[], false]);
    await sim.advance(2_000);
    expect(closed).toEqual(['not ended within its time']);
    expect(server.connection.closed).toBe(true);
    expect(sim.pending).toBe(0);
  },
);

test('a server that ends the stream ends the connection, and nothing is left behind', async () => {
  connected();
  server.send(headers(0), headers(Flag.END_STREAM));
  await sim.settle();
  expect(heads).toEqual([':status 200', ':status 200.']);
  expect(closed).toEqual(['']);
  expect(server.connection.closed).toBe(true);
  expect(sim.pending).toBe(0);
});
