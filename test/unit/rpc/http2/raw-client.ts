/** A client that sends what a test makes up, frame by frame, and tells what comes back. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import {
  CLIENT_PREFACE,
  Flag,
  FrameType,
  readUint32,
  writeFrameHeader,
  writeUint32,
} from '../../../../src/rpc/http2/frame';
import { FrameReader } from '../../../../src/rpc/http2/frame-reader';
import { HpackDecoder } from '../../../../src/rpc/http2/hpack-decoder';
import { HpackEncoder, type FieldPair } from '../../../../src/rpc/http2/hpack-encoder';
import { settingsPayload } from '../../../../src/rpc/http2/settings';

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

/** One frame's bytes. */
export function frame(
  type: number,
  flags: number,
  streamId: number,
  payload: Uint8Array = Buffer.alloc(0),
): Buffer {
  const bytes = Buffer.alloc(9 + payload.length);
  bytes.set(payload, writeFrameHeader(bytes, 0, payload.length, type, flags, streamId));
  return bytes;
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  writeUint32(bytes, 0, value);
  return bytes;
}

export const ping = (flags = 0): Buffer => frame(FrameType.PING, flags, 0, Buffer.from('12345678'));

export const settings = (...pairs: readonly (readonly [number, number])[]): Buffer =>
  frame(FrameType.SETTINGS, 0, 0, settingsPayload(pairs));

/** What a client says when it has read the server's SETTINGS. */
export const settingsRead = (): Buffer => frame(FrameType.SETTINGS, Flag.ACK, 0);

/** HEADERS of a request, in a block that touches no table. */
export function request(
  streamId: number,
  flags: number,
  more: readonly FieldPair[] = [],
  path = '/test.Echo/Unary',
): Buffer {
  const block = new HpackEncoder().once([
    [':method', 'POST'],
    [':scheme', 'http'],
    [':path', path],
    [':authority', 'test'],
    ['content-type', 'application/grpc'],
    ['te', 'trailers'],
    ...more,
  ]);
  return frame(FrameType.HEADERS, flags | Flag.END_HEADERS, streamId, block);
}

/** DATA with one gRPC message that ends the request. */
export function message(
  streamId: number,
  body: Uint8Array,
  flags: number = Flag.END_STREAM,
): Buffer {
  return frame(
    FrameType.DATA,
    flags,
    streamId,
    Buffer.concat([Buffer.of(0), uint32(body.length), body]),
  );
}

export class RawClient {
  private readonly frames: Frame[] = [];
  private wake: () => void = () => undefined;
  private readonly reader = new FrameReader(
    16_777_215,
    (type, flags, streamId, bytes, start, end) => {
      this.frames.push({ type, flags, streamId, payload: Buffer.from(bytes.subarray(start, end)) });
      return true;
    },
  );
  private readonly decoder = new HpackDecoder(4096, 65_536);
  closed = false;

  private constructor(readonly socket: Socket) {
    socket.on('data', (chunk: Buffer) => {
      this.reader.push(chunk);
      this.wake();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.closed = true;
      this.wake();
    });
  }

  /** Connects, and sends the preface and these SETTINGS, or nothing. */
  static async open(port: number, greeting: Buffer | 'nothing' = settings()): Promise<RawClient> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    socket.setNoDelay(true);
    const client = new RawClient(socket);
    if (greeting !== 'nothing') client.greet(greeting);
    return client;
  }

  /** Says that it speaks HTTP/2. */
  greet(greeting: Buffer = settings()): void {
    this.send(CLIENT_PREFACE, greeting);
  }

  send(...bytes: readonly Uint8Array[]): void {
    this.socket.write(Buffer.concat(bytes));
  }

  /** Sends and waits until the system has room for more; false when the connection is closed. */
  async sendAll(bytes: Uint8Array): Promise<boolean> {
    if (this.closed) return false;
    await new Promise<void>((resolve) => this.socket.write(bytes, () => resolve()));
    return !this.closed;
  }

  /** The next frame of this type; frames before it are passed over. Throws when the connection closes before. */
  async next(type: number, streamId?: number): Promise<Frame> {
    for (;;) {
      const found = this.frames.shift();
      if (found === undefined) {
        if (this.closed) throw new Error(`closed before a frame of type ${type}`);
        await new Promise<void>((resolve) => (this.wake = resolve));
      } else {
        if (found.type === FrameType.HEADERS && found.type !== type) this.fields(found);
        if (found.type === type && (streamId ?? found.streamId) === found.streamId) return found;
      }
    }
  }

  /** The fields of a HEADERS frame; each frame once, in order. */
  fields({ payload }: Frame): Record<string, string> {
    const fields = this.decoder.decode(payload, 0, payload.length);
    return Object.fromEntries(fields.map(({ name, value }) => [name, value]));
  }

  /** The code of the last GOAWAY before the connection closes. */
  async goAway(): Promise<{ readonly code: number; readonly text: string }> {
    const { payload } = await this.next(FrameType.GOAWAY);
    return { code: readUint32(payload, 4), text: payload.toString('latin1', 8) };
  }

  /** The code of the next RST_STREAM, of this stream. */
  async reset(streamId: number): Promise<number> {
    return readUint32((await this.next(FrameType.RST_STREAM, streamId)).payload, 0);
  }

  async untilClosed(): Promise<void> {
    while (!this.closed) await new Promise<void>((resolve) => (this.wake = resolve));
  }

  close(): void {
    this.socket.destroy();
  }
}
