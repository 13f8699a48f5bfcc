import { ErrorCode } from '../../../../src/rpc/http2/error-code';
import { Flag, FrameType } from '../../../../src/rpc/http2/frame';
import { frame, message, ping, request, settingsRead, uint32 } from './raw-client';
import { RawFixture } from './raw-fixture';

const raw = new RawFixture();

afterEach(() => raw.stop());

describe('streams', () => {
  test('one more than allowed is refused, and allowed when another has ended', async () => {
    await raw.start({ maxConcurrentStreams: 2 });
    const client = await raw.open();
    client.send(request(1, 0), request(3, 0), request(5, 0));
    expect(await client.reset(5)).toBe(ErrorCode.REFUSED_STREAM);
    client.send(message(1, Buffer.from('a')));
    await client.next(FrameType.DATA, 1);
    client.send(request(7, 0), message(7, Buffer.from('b')));
    await client.next(FrameType.DATA, 7);
  });

  test('requests that are opened and reset without end are not', async () => {
    let begun = 0;
    await raw.start({ maxUnansweredRequests: 50 }, { Chat: () => void begun++ });
    const client = await raw.open();
    const storm: Buffer[] = [];
    for (let id = 1; id < 2001; id += 2) {
      storm.push(request(id, 0), frame(FrameType.RST_STREAM, 0, id, uint32(ErrorCode.CANCEL)));
    }
    client.send(...storm);
    expect(await client.goAway()).toMatchObject({ code: ErrorCode.ENHANCE_YOUR_CALM });
    await client.untilClosed();
    expect(raw.server.runningCalls).toBe(0);
    await raw.expectServed();
  });

  test('requests that make the server reset them without end are not', async () => {
    await raw.start({ maxUnansweredRequests: 50 });
    const client = await raw.open();
    const storm: Buffer[] = [];
    for (let id = 1; id < 2001; id += 2) {
      storm.push(request(id, 0), frame(FrameType.WINDOW_UPDATE, 0, id, uint32(0)));
    }
    client.send(...storm);
    expect(await client.goAway()).toMatchObject({ code: ErrorCode.ENHANCE_YOUR_CALM });
    await raw.expectServed();
  });

  test('a client that cancels all its calls at once, having got answers before, may go on', async () => {
    await raw.start({ maxUnansweredRequests: 50, maxConcurrentStreams: 40 });
    const client = await raw.open();
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
    await raw.start({ maxHeaderListBytes: 2000 });
    const client = await raw.open();
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
    await raw.start({ maxIdleFrames: 100 });
    const client = await raw.open();
    const flood = Array.from({ length: 1000 }, () =>
      frame(FrameType.CONTINUATION, 0, 1, Buffer.alloc(bytes)),
    );
    client.send(frame(FrameType.HEADERS, 0, 1, Buffer.of(0x82)), ...flood);
    expect(await client.goAway()).toMatchObject({ code: ErrorCode.ENHANCE_YOUR_CALM });
    await raw.expectServed();
  });

  test('the memory for compression is bounded by the setting', async () => {
    await raw.start({ headerTableBytes: 100 });
    const client = await raw.open();
    const block = Buffer.from('3f46', 'hex'); // a table of 101 bytes
    client.send(settingsRead(), frame(FrameType.HEADERS, Flag.END_HEADERS, 1, block));
    expect(await client.goAway()).toMatchObject({ code: ErrorCode.COMPRESSION_ERROR });
  });

  test('a smaller table is for clients that know of it, and they have to say so', async () => {
    await raw.start({ headerTableBytes: 100 });
    const client = await raw.open();
    // Path and type take more than 100 bytes, and are named by their places while the client does not know better.
    const path = Buffer.concat([Buffer.of(0x44, 16), Buffer.from('/test.Echo/Unary')]);
    const type = Buffer.concat([Buffer.of(0x5f, 16), Buffer.from('application/grpc')]);
    const headers = (id: number, ...parts: Buffer[]): Buffer =>
      frame(FrameType.HEADERS, Flag.END_HEADERS, id, Buffer.concat(parts));
    const base = Buffer.of(0x83, 0x86);
    client.send(headers(1, base, path, type), message(1, Buffer.of(1)));
    client.send(headers(3, base, Buffer.of(0xbf, 0xbe)), message(3, Buffer.of(3)));
    expect((await client.next(FrameType.DATA, 3)).payload[5]).toBe(3);
    const smaller = Buffer.from('3f45', 'hex'); // 100 bytes
    client.send(settingsRead(), headers(5, smaller, base, path, type), message(5, Buffer.of(5)));
    // The type is all that the smaller table still has.
    const forgotten = Buffer.concat([Buffer.of(0x04), path.subarray(1)]);
    client.send(headers(7, base, forgotten, Buffer.of(0xbe)), message(7, Buffer.of(7)));
    expect((await client.next(FrameType.DATA, 7)).payload[5]).toBe(7);
    const silent = await raw.open();
    silent.send(settingsRead(), headers(1, base, path, type));
    expect(await silent.goAway()).toMatchObject({ code: ErrorCode.COMPRESSION_ERROR });
  });

  test('blocks that repeat are understood, also when the table changed between them', async () => {
    await raw.start();
    const client = await raw.open();
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
