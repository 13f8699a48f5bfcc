import type { Platform } from '../../../../src/platform/platform';
import { nodePlatform } from '../../../../src/platform/node-platform';
import { GrpcServer } from '../../../../src/rpc/grpc/grpc-server';
import { ErrorCode } from '../../../../src/rpc/http2/error-code';
import { Flag, FrameType, readUint32 } from '../../../../src/rpc/http2/frame';
import type { Http2Options } from '../../../../src/rpc/http2/options';
import { Setting } from '../../../../src/rpc/http2/settings';
import { SimClock } from '../../../support/sim-clock';
import { echoDefinition, echoHandlers, type EchoHandlers } from '../grpc/echo-service';
import { frame, message, ping, RawClient, request, settings, uint32 } from './raw-client';

let server: GrpcServer;
let port: number;
const clients: RawClient[] = [];

async function start(
  http2: Partial<Http2Options> = {},
  handlers: Partial<EchoHandlers> = {},
  platform: Platform = nodePlatform(),
): Promise<void> {
  server = new GrpcServer(platform, { http2 });
  server.addService(echoDefinition, { ...echoHandlers, ...handlers });
  port = await server.listen('127.0.0.1', 0);
}

async function open(greeting?: Buffer): Promise<RawClient> {
  const client = await RawClient.open(port, greeting);
  clients.push(client);
  return client;
}

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await server.close();
});

/** An echo call on a connection of its own, as another client would make it. */
async function expectServed(): Promise<void> {
  const honest = await open();
  honest.send(request(1, 0), message(1, Buffer.from('honest')));
  const data = await honest.next(FrameType.DATA);
  expect(data.payload.subarray(5).toString()).toBe('honest');
  honest.close();
}

describe('streams', () => {
  test('one more than allowed is refused, and allowed when another has ended', async () => {
    await start({ maxConcurrentStreams: 2 });
    const client = await open();
    client.send(request(1, 0), request(3, 0), request(5, 0));
    expect(await client.reset(5)).toBe(ErrorCode.REFUSED_STREAM);
    client.send(message(1, Buffer.from('a')));
    await client.next(FrameType.DATA, 1);
    client.send(request(7, 0), message(7, Buffer.from('b')));
    await client.next(FrameType.DATA, 7);
  });

  test('requests that are opened and reset without end are not', async () => {
    let begun = 0;
    await start({ maxUnansweredRequests: 50 }, { Chat: () => void begun++ });
    const client = await open();
    const storm: Buffer[] = [];
    for (let id = 1; id < 2001; id += 2) {
      storm.push(request(id, 0), frame(FrameType.RST_STREAM, 0, id, uint32(ErrorCode.CANCEL)));
    }
    client.send(...storm);
    expect(await client.goAway()).toMatchObject({ code: ErrorCode.ENHANCE_YOUR_CALM });
    await client.untilClosed();
    expect(server.runningCalls).toBe(0);
    await expectServed();
  });

  test('requests that make the server reset them without end are not', async () => {
    await start({ maxUnansweredRequests: 50 });
    const client = await open();
    const storm: Buffer[] = [];
    for (let id = 1; id < 2001; id += 2) {
      storm.push(request(id, 0), frame(FrameType.WINDOW_UPDATE, 0, id, uint32(0)));
    }
    client.send(...storm);
    expect(await client.goAway()).toMatchObject({ code: ErrorCode.ENHANCE_YOUR_CALM });
    await expectServed();
  });

  test('a client that cancels all its calls at once, having got answers before, may go on', async () => {
    await start({ maxUnansweredRequests: 50, maxConcurrentStreams: 40 });
    const client = await open();
    let id = 1;
    for (let round = 0; round < 10; round++) {
      for (let call = 0; call < 40; call++, id += 2) {
        client.send(request(id, 0), message(id, Buffer.of(1)));
        await client.next(FrameType.DATA, id);
      }
      const cancelled: Buffer[] = [];
      for (let call = 0; call < 40; call++, id += 2) {
        cancelled.push(request(id, 0), frame(FrameType.RST_STREAM, 0, id, uint32(8)));
      }
      client.send(...cancelled);
    }
    client.send(ping());
    await client.next(FrameType.PING);
  });
});

describe('headers', () => {
  test('a list of fields that is too large is answered 431', async () => {
    await start({ maxHeaderListBytes: 2000 });
    const client = await open();
    const bomb = Buffer.concat([
      Buffer.from('400161', 'hex'),
      Buffer.from([0x7f, 0x80 + ((500 - 127) & 127), (500 - 127) >> 7]),
      Buffer.alloc(500, 'x'),
      Buffer.alloc(50, 0xbe), // the same field fifty times
    ]);
    client.send(frame(FrameType.HEADERS, Flag.END_HEADERS | Flag.END_STREAM, 1, bomb));
    const answer = await client.next(FrameType.HEADERS);
    expect(client.fields(answer)).toEqual({ ':status': '431' });
    client.send(request(3, 0), message(3, Buffer.from('a')));
    await client.next(FrameType.DATA, 3); // the connection goes on
  });

  test.each([0, 100])('CONTINUATION of %d bytes without end is ended', async (bytes) => {
    await start({ maxIdleFrames: 100 });
    const client = await open();
    const flood = Array.from({ length: 1000 }, () =>
      frame(FrameType.CONTINUATION, 0, 1, Buffer.alloc(bytes)),
    );
    client.send(frame(FrameType.HEADERS, 0, 1, Buffer.of(0x82)), ...flood);
    expect(await client.goAway()).toMatchObject({ code: ErrorCode.ENHANCE_YOUR_CALM });
    await expectServed();
  });

  test('the memory for compression is bounded by the setting', async () => {
    await start({ headerTableBytes: 100 });
    const client = await open();
    const block = Buffer.from('3f46', 'hex'); // a table of 101 bytes
    client.send(frame(FrameType.HEADERS, Flag.END_HEADERS, 1, block));
    expect(await client.goAway()).toMatchObject({ code: ErrorCode.COMPRESSION_ERROR });
  });

  test('blocks that repeat are understood, also when the table changed between them', async () => {
    await start();
    const client = await open();
    // The path is remembered; later requests name it by its place, which another field moves.
    const path = Buffer.concat([Buffer.of(0x44, 16), Buffer.from('/test.Echo/Unary')]);
    const type = Buffer.concat([Buffer.of(0x5f, 16), Buffer.from('application/grpc')]);
    const other = Buffer.concat([Buffer.of(0x44, 18), Buffer.from('/test.Echo/Missing')]);
    const headers = (id: number, ...parts: Buffer[]): Buffer =>
      frame(FrameType.HEADERS, Flag.END_HEADERS, id, Buffer.concat(parts));
    const base = Buffer.of(0x83, 0x86);
    client.send(headers(1, base, path, type), message(1, Buffer.from('1')));
    await client.next(FrameType.DATA, 1);
    for (const id of [3, 5, 7]) {
      client.send(headers(id, base, Buffer.of(0xbf, 0xbe)), message(id, Buffer.of(id)));
      expect((await client.next(FrameType.DATA, id)).payload[5]).toBe(id);
    }
    // Another path and the type again: the same bytes name other entries now.
    client.send(headers(9, base, other, type), message(9, Buffer.of(9)));
    client.send(headers(11, base, Buffer.of(0xbf, 0xbe)), message(11, Buffer.of(11)));
    const missing = client.fields(await client.next(FrameType.HEADERS, 11));
    expect(missing).toMatchObject({ 'grpc-status': '12' });
    client.send(headers(13, base, Buffer.of(0xc1, 0xbe)), message(13, Buffer.of(13)));
    const found = client.fields(await client.next(FrameType.HEADERS, 13));
    expect(found['grpc-status']).toBeUndefined();
    expect((await client.next(FrameType.DATA, 13)).payload[5]).toBe(13);
  });
});

describe('frames that bring nothing on', () => {
  const floods: readonly (readonly [string, Buffer])[] = [
    ['PING', ping()],
    ['SETTINGS', settings([Setting.INITIAL_WINDOW_SIZE, 1])],
    ['SETTINGS acknowledgements', frame(FrameType.SETTINGS, Flag.ACK, 0)],
    ['PRIORITY', frame(FrameType.PRIORITY, 0, 1, Buffer.alloc(5))],
    ['empty DATA', frame(FrameType.DATA, 0, 1)],
    ['padding', frame(FrameType.DATA, Flag.PADDED, 1, Buffer.of(2, 0, 0))],
    ['WINDOW_UPDATE', frame(FrameType.WINDOW_UPDATE, 0, 0, uint32(1))],
    ['RST_STREAM of a closed stream', frame(FrameType.RST_STREAM, 0, 1, uint32(8))],
    ['unknown frames', frame(0x42, 0, 0, Buffer.alloc(10))],
  ];

  test.each(floods)('%s without end end the connection', async (_name, one) => {
    await start({ maxIdleFrames: 200 });
    const client = await open();
    client.send(request(1, 0), Buffer.concat(Array.from({ length: 2000 }, () => one)));
    expect(await client.goAway()).toMatchObject({
      code: ErrorCode.ENHANCE_YOUR_CALM,
      text: 'too many frames that bring nothing on',
    });
    await client.untilClosed();
    await expectServed();
  });

  test('a client that pings with every call is welcome', async () => {
    await start({ maxIdleFrames: 10 });
    const client = await open();
    for (let id = 1; id < 401; id += 2) {
      client.send(ping(), ping(), request(id, 0), ping(), message(id, Buffer.of(1)), ping());
      await client.next(FrameType.DATA, id);
    }
  });
});

describe('windows', () => {
  test('more data on a stream than allowed ends the stream, on a connection the connection', async () => {
    await start(
      { streamWindowBytes: 1000, connectionWindowBytes: 65_535 },
      { Chat: (call) => void call.on('cancelled', () => undefined) },
    );
    const client = await open();
    client.send(request(1, 0), frame(FrameType.DATA, 0, 1, Buffer.alloc(1001)));
    expect(await client.reset(1)).toBe(ErrorCode.FLOW_CONTROL_ERROR);
    expect(server.runningCalls).toBe(0);
  });

  test('windows are given back as data is taken', async () => {
    await start({ streamWindowBytes: 65_535, connectionWindowBytes: 65_535 });
    const client = await open();
    client.send(request(1, 0));
    const body = Buffer.alloc(16_384 - 5);
    let open1 = 65_535;
    let openAll = 65_535;
    let left = 100;
    const send = (): void => {
      while (left > 0 && open1 >= 16_384 && openAll >= 16_384) {
        left--;
        open1 -= 16_384;
        openAll -= 16_384;
        const bytes = 100 * 16_384 - 5;
        const first = Buffer.concat([Buffer.of(0), uint32(bytes), body]);
        const piece = left === 99 ? first : Buffer.alloc(16_384);
        client.send(frame(FrameType.DATA, left === 0 ? Flag.END_STREAM : 0, 1, piece));
      }
    };
    send();
    while (left > 0) {
      const { streamId, payload } = await client.next(FrameType.WINDOW_UPDATE);
      if (streamId === 0) openAll += readUint32(payload, 0);
      else open1 += readUint32(payload, 0);
      send();
    }
    await client.next(FrameType.DATA, 1);
  });

  test('an answer waits for the client’s window, and moves a byte at a time if need be', async () => {
    await start();
    const client = await open(settings([Setting.INITIAL_WINDOW_SIZE, 3]));
    client.send(request(1, 0), message(1, Buffer.from('abcdef')));
    let received = (await client.next(FrameType.DATA, 1)).payload;
    expect(received).toHaveLength(3);
    client.send(settings([Setting.INITIAL_WINDOW_SIZE, 0])); // the window is -3 now
    await client.next(FrameType.SETTINGS);
    client.send(frame(FrameType.WINDOW_UPDATE, 0, 1, uint32(3)), ping());
    await client.next(FrameType.PING);
    while (received.length < 11) {
      client.send(frame(FrameType.WINDOW_UPDATE, 0, 1, uint32(1)));
      const { payload } = await client.next(FrameType.DATA, 1);
      expect(payload).toHaveLength(1);
      received = Buffer.concat([received, payload]);
    }
    expect(received.subarray(5).toString()).toBe('abcdef');
    const trailers = client.fields(await client.next(FrameType.HEADERS, 1));
    expect(trailers).toEqual({ 'grpc-status': '0' });
  });

  test('streams that wait for the connection’s window take turns', async () => {
    await start();
    const client = await open(settings([Setting.INITIAL_WINDOW_SIZE, 10_000_000]));
    const body = Buffer.alloc(200_000);
    for (const id of [1, 3]) {
      client.send(request(id, 0));
      client.send(
        ...[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12].map((part) => {
          const all = Buffer.concat([Buffer.of(0), uint32(body.length), body]);
          const piece = all.subarray(part * 16_000, (part + 1) * 16_000);
          return frame(FrameType.DATA, part === 12 ? Flag.END_STREAM : 0, id, piece);
        }),
      );
    }
    client.send(ping());
    await client.next(FrameType.PING);
    client.send(frame(FrameType.WINDOW_UPDATE, 0, 0, uint32(10_000_000)));
    const order: number[] = [];
    let left = 2 * 200_005 - 65_535;
    while (left > 0) {
      const { streamId, payload } = await client.next(FrameType.DATA);
      order.push(streamId);
      left -= payload.length;
    }
    const alternations = order.filter((id, at) => at > 0 && id !== order[at - 1]).length;
    expect(alternations).toBeGreaterThan(10);
  });
});

describe('slow readers', () => {
  test('a stream whose client opens no window is reset when too much waits', async () => {
    let written = 0;
    await start(
      { maxPendingStreamBytes: 1_000_000 },
      {
        Spread: (call) => {
          const push = (): void => {
            // A handler that does not listen to what `write` answers.
            for (let count = 0; count < 10 && !call.cancelled; count++) {
              written += 100_000;
              call.write(Buffer.alloc(100_000));
            }
            if (!call.cancelled && written < 100_000_000) setImmediate(push);
          };
          push();
        },
      },
    );
    const client = await open(settings([Setting.INITIAL_WINDOW_SIZE, 0]));
    client.send(request(1, 0, [], '/test.Echo/Spread'), message(1, Buffer.of(1)));
    expect(await client.reset(1)).toBe(ErrorCode.ENHANCE_YOUR_CALM);
    expect(written).toBeLessThanOrEqual(1_200_000);
    expect(server.runningCalls).toBe(0);
  });

  test('no more is taken from a client that does not read', async () => {
    let served = 0;
    await start(
      { socketHighWaterBytes: 100_000 },
      {
        Unary: (call, callback) => {
          served++;
          callback(null, call.request);
        },
      },
    );
    const client = await open(settings([Setting.INITIAL_WINDOW_SIZE, 2 ** 31 - 1]));
    await client.next(FrameType.SETTINGS);
    client.send(frame(FrameType.WINDOW_UPDATE, 0, 0, uint32(2 ** 30)));
    client.socket.pause();
    const total = 20_000;
    const body = Buffer.alloc(10_000, 1);
    let sent = 0;
    const sending = (async () => {
      for (let call = 0; call < total; call++) {
        const id = call * 2 + 1;
        if (!(await client.sendAll(Buffer.concat([request(id, 0), message(id, body)])))) return;
        sent++;
      }
    })();
    // 200 MB of answers, far more than the kernels' buffers hold: it comes to rest.
    let seen = -1;
    for (let rest = 0; rest < 30; rest++) {
      await expectServed();
      if (served - 1 !== seen) rest = 0;
      seen = served;
    }
    expect(sent).toBeLessThan(total);
    expect(served * body.length).toBeLessThan(40_000_000);
    client.close();
    await sending;
  });
});

describe('connections', () => {
  test('one more than allowed is closed, and allowed when another has gone', async () => {
    await start({ maxConnections: 2 });
    const first = await open();
    const second = await open();
    await first.next(FrameType.SETTINGS);
    await second.next(FrameType.SETTINGS);
    const third = await open();
    await third.untilClosed();
    first.close();
    for (;;) {
      const next = await open();
      const answer = await Promise.race([
        next.untilClosed().then(() => 'closed'),
        next.next(FrameType.SETTINGS).then(
          () => 'served',
          () => 'closed',
        ),
      ]);
      if (answer === 'served') break;
    }
  });

  test('one more than allowed from an address is closed', async () => {
    await start({ maxConnectionsPerAddress: 1 });
    const first = await open();
    await first.next(FrameType.SETTINGS);
    await (await open()).untilClosed();
    first.send(request(1, 0), message(1, Buffer.of(1)));
    await first.next(FrameType.DATA);
  });

  test('what is no HTTP/2 is closed', async () => {
    await start();
    const client = await RawClient.open(port, 'nothing');
    clients.push(client);
    client.send(Buffer.from('BREW /pot HTCPCP/1.0\r\n\r\n'));
    client.socket.resume();
    await new Promise((resolve) => client.socket.once('end', resolve));
  });
});

describe('time', () => {
  let sim: SimClock;

  /** Real sockets under a clock that the test moves. */
  async function startAt(http2: Partial<Http2Options>): Promise<void> {
    sim = new SimClock();
    const node = nodePlatform();
    const timers = { ...sim.timers, nextTurn: node.timers.nextTurn };
    await start(http2, { Unary: () => undefined }, { ...node, clock: sim.clock, timers });
  }

  test('a client that does not greet in time is closed', async () => {
    await startAt({ handshakeMs: 5000 });
    const client = await RawClient.open(port, 'nothing');
    clients.push(client);
    client.send(Buffer.from('PRI * HTTP/2'));
    await untilConnected(1);
    await sim.advance(7000);
    await client.untilClosed();
  });

  test('a client that does not end what it began is closed', async () => {
    await startAt({ frameMs: 5000 });
    const trickle = await open();
    await trickle.next(FrameType.SETTINGS);
    trickle.send(ping().subarray(0, 12));
    const block = await open();
    await block.next(FrameType.SETTINGS);
    block.send(frame(FrameType.HEADERS, 0, 1, Buffer.of(0x82)));
    await pingPong(await open());
    await sim.advance(8000);
    expect(await trickle.goAway()).toMatchObject({ code: ErrorCode.ENHANCE_YOUR_CALM });
    expect(await block.goAway()).toMatchObject({ code: ErrorCode.ENHANCE_YOUR_CALM });
  });

  test('a silent client is pinged, and dropped when it does not answer', async () => {
    await startAt({ keepaliveMs: 10_000, keepaliveTimeoutMs: 5000 });
    const dead = await open();
    const alive = await open();
    await pingPong(dead);
    await pingPong(alive);
    for (let round = 0; round < 3; round++) {
      await sim.advance(12_000);
      if (alive.closed) break;
      const { payload } = await alive.next(FrameType.PING);
      alive.send(frame(FrameType.PING, Flag.ACK, 0, payload));
      await pingPong(alive);
    }
    await dead.untilClosed();
    expect(alive.closed).toBe(false);
  });

  test('a connection without calls is ended, one with a call is not', async () => {
    await startAt({ idleMs: 60_000, keepaliveMs: 0 });
    const idle = await open();
    const busy = await open();
    await pingPong(idle);
    busy.send(request(1, 0), message(1, Buffer.of(1)));
    await pingPong(busy);
    await sim.advance(70_000);
    expect(await idle.goAway()).toMatchObject({ code: ErrorCode.NO_ERROR });
    await pingPong(busy);
    expect(busy.closed).toBe(false);
  });

  test('an old connection is ended: its calls go on for the grace, then they are cut', async () => {
    await startAt({ maxAgeMs: 100_000, graceMs: 40_000, keepaliveMs: 0 });
    const client = await open();
    client.send(request(1, 0), message(1, Buffer.of(1)));
    await pingPong(client);
    await sim.advance(89_000);
    await pingPong(client);
    await sim.advance(22_500);
    expect(await client.goAway()).toMatchObject({ code: ErrorCode.NO_ERROR, text: '' });
    // Requests that cross the first GOAWAY are served; after its PING is answered, they are refused.
    client.send(request(3, 0), message(3, Buffer.of(1)));
    const drainPing = await client.next(FrameType.PING);
    await pingPong(client);
    expect(server.runningCalls).toBe(2);
    client.send(frame(FrameType.PING, Flag.ACK, 0, drainPing.payload));
    const second = await client.next(FrameType.GOAWAY);
    expect(readUint32(second.payload, 0)).toBe(3);
    client.send(request(5, 0));
    expect(await client.reset(5)).toBe(ErrorCode.REFUSED_STREAM);
    await sim.advance(45_000);
    await client.untilClosed();
    expect(server.runningCalls).toBe(0);
  });

  async function untilConnected(count: number): Promise<void> {
    while (server.connectionCount < count) await new Promise((resolve) => setImmediate(resolve));
  }

  /** After this the server has read all that was sent before. */
  async function pingPong(client: RawClient): Promise<void> {
    client.send(frame(FrameType.PING, 0, 0, Buffer.from('pingpong')));
    for (;;) {
      const { flags, payload } = await client.next(FrameType.PING);
      if (flags === Flag.ACK && payload.toString() === 'pingpong') return;
    }
  }
});
