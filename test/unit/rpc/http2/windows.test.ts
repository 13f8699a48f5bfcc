import { ErrorCode } from '../../../../src/rpc/http2/error-code';
import { Flag, FrameType, readUint32 } from '../../../../src/rpc/http2/frame';
import { Setting } from '../../../../src/rpc/http2/settings';
import { frame, message, ping, request, settings, settingsRead, uint32 } from './raw-client';
import { RawFixture } from './raw-fixture';

const raw = new RawFixture();

afterEach(() => raw.stop());

describe('windows', () => {
  test('more data on a stream than allowed ends the stream, on a connection the connection', async () => {
    await raw.start(
      { streamWindowBytes: 1000, connectionWindowBytes: 65_535 },
      { Chat: (call) => void call.on('cancelled', () => undefined) },
    );
    const client = await raw.open();
    client.send(settingsRead(), request(1, 0), frame(FrameType.DATA, 0, 1, Buffer.alloc(1001)));
    expect(await client.reset(1)).toBe(ErrorCode.FLOW_CONTROL_ERROR);
    expect(raw.server.runningCalls).toBe(0);
  });

  test('a window smaller than all begin with is for clients that know of it', async () => {
    await raw.start({ streamWindowBytes: 1000 });
    const client = await raw.open();
    client.send(request(1, 0), message(1, Buffer.alloc(2000)));
    expect((await client.next(FrameType.DATA, 1)).payload).toHaveLength(2005);
    // A stream that is open has the smaller window from then on, too.
    client.send(request(3, 0), settingsRead(), frame(FrameType.DATA, 0, 3, Buffer.alloc(1001)));
    expect(await client.reset(3)).toBe(ErrorCode.FLOW_CONTROL_ERROR);
  });

  test('windows are given back as data is taken', async () => {
    await raw.start({ streamWindowBytes: 65_535, connectionWindowBytes: 65_535 });
    const client = await raw.open();
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
    await raw.start();
    const client = await raw.open(settings([Setting.INITIAL_WINDOW_SIZE, 3]));
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

  test('a client with small windows gets a large answer, but none by windows of a byte', async () => {
    await raw.start(
      { maxIdleFrames: 100 },
      {
        Spread: (call) => {
          call.write(Buffer.alloc(8_000_000));
          call.end();
        },
      },
    );
    const client = await raw.open();
    client.send(request(1, 0, [], '/test.Echo/Spread'), message(1, Buffer.of(1)));
    let left = 8_000_005;
    while (left > 0) {
      const { payload } = await client.next(FrameType.DATA, 1);
      left -= payload.length;
      const opened = uint32(payload.length);
      client.send(frame(FrameType.WINDOW_UPDATE, 0, 0, opened));
      client.send(frame(FrameType.WINDOW_UPDATE, 0, 1, opened));
    }
    await client.next(FrameType.HEADERS, 1);

    const miser = await raw.open(settings([Setting.INITIAL_WINDOW_SIZE, 0]));
    miser.send(request(1, 0, [], '/test.Echo/Spread'), message(1, Buffer.of(1)));
    const one = frame(FrameType.WINDOW_UPDATE, 0, 1, uint32(1));
    miser.send(Buffer.concat(Array.from({ length: 1000 }, () => one)));
    expect(await miser.goAway()).toMatchObject({ code: ErrorCode.ENHANCE_YOUR_CALM });
  });

  test('streams that wait for the connection’s window take turns', async () => {
    await raw.start();
    const client = await raw.open(settings([Setting.INITIAL_WINDOW_SIZE, 10_000_000]));
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
    await raw.start(
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
    const client = await raw.open(settings([Setting.INITIAL_WINDOW_SIZE, 0]));
    client.send(request(1, 0, [], '/test.Echo/Spread'), message(1, Buffer.of(1)));
    expect(await client.reset(1)).toBe(ErrorCode.ENHANCE_YOUR_CALM);
    expect(written).toBeLessThanOrEqual(1_200_000);
    expect(raw.server.runningCalls).toBe(0);
  });

  test('no request is begun for a client that does not take what it asked for', async () => {
    await raw.start({ maxPendingConnectionBytes: 100_000 });
    const client = await raw.open(settings([Setting.INITIAL_WINDOW_SIZE, 0]));
    for (const id of [1, 3, 5, 7]) client.send(request(id, 0), message(id, Buffer.alloc(16_000)));
    client.send(request(9, 0));
    expect(await client.reset(9)).toBe(ErrorCode.REFUSED_STREAM);
    client.send(settings([Setting.INITIAL_WINDOW_SIZE, 16_005]));
    await client.next(FrameType.DATA, 7);
    client.send(request(11, 0), message(11, Buffer.from('again')));
    expect((await client.next(FrameType.DATA, 11)).payload.subarray(5).toString()).toBe('again');
  });

  test('no more is taken from a client that does not read', async () => {
    let served = 0;
    await raw.start(
      { socketHighWaterBytes: 100_000 },
      {
        Unary: (call, callback) => {
          served++;
          callback(null, call.request);
        },
      },
    );
    const client = await raw.open(settings([Setting.INITIAL_WINDOW_SIZE, 2 ** 31 - 1]));
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
      await raw.expectServed();
      if (served - 1 !== seen) rest = 0;
      seen = served;
    }
    expect(sent).toBeLessThan(total);
    expect(served * body.length).toBeLessThan(40_000_000);
    client.close();
    await sending;
  });
});
