import fc from 'fast-check';
import { ConnectionError, ErrorCode } from '../../../../src/rpc/http2/error-code';
import { FRAME_HEADER_BYTES, writeFrameHeader } from '../../../../src/rpc/http2/frame';
import { FrameReader } from '../../../../src/rpc/http2/frame-reader';

interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

function write({ type, flags, streamId, payload }: Frame): Buffer {
  const bytes = Buffer.alloc(FRAME_HEADER_BYTES + payload.length);
  payload.copy(bytes, writeFrameHeader(bytes, 0, payload.length, type, flags, streamId));
  return bytes;
}

const frame: fc.Arbitrary<Frame> = fc.record({
  type: fc.nat(255),
  flags: fc.nat(255),
  streamId: fc.nat(0x7fff_ffff),
  payload: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
});

function cutUp(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  let at = 0;
  for (let turn = 0; at < bytes.length; turn++) {
    const size = (sizes[turn % sizes.length] ?? 0) + 1;
    chunks.push(Buffer.from(bytes.subarray(at, at + size)));
    at += size;
  }
  return chunks;
}

test('frames come out as they went in, however the stream is cut', () => {
  fc.assert(
    fc.property(
      fc.array(frame, { maxLength: 20 }),
      fc.array(fc.nat(60), { minLength: 1, maxLength: 10 }),
      (frames, sizes) => {
        const read: Frame[] = [];
        const reader = new FrameReader(40, (type, flags, streamId, bytes, start, end) => {
          read.push({ type, flags, streamId, payload: bytes.subarray(start, end) });
          return true;
        });
        for (const chunk of cutUp(Buffer.concat(frames.map(write)), sizes)) reader.push(chunk);
        // Read after all has passed: ranges hold still.
        expect(read).toEqual(frames);
        expect(reader.midFrame).toBe(false);
      },
    ),
    { seed: 5, numRuns: 500 },
  );
});

test('a frame that lies in a chunk is not copied', () => {
  const chunk = write({ type: 0, flags: 0, streamId: 1, payload: Buffer.from('abc') });
  let seen: Buffer | undefined;
  new FrameReader(100, (_type, _flags, _id, bytes) => {
    seen = bytes;
    return true;
  }).push(chunk);
  expect(seen).toBe(chunk);
});

test.each([1, 4, 9, 100])('a frame above the limit is refused, in chunks of %d bytes', (size) => {
  const reader = new FrameReader(16, () => true);
  const bytes = write({ type: 0, flags: 0, streamId: 1, payload: Buffer.alloc(17) });
  const push = (): void => cutUp(bytes, [size - 1]).forEach((chunk) => reader.push(chunk));
  expect(push).toThrow(ConnectionError);
  expect(push).toThrow(expect.objectContaining({ code: ErrorCode.FRAME_SIZE_ERROR }) as Error);
});

test('nothing is read after the sink has had enough', () => {
  let count = 0;
  const reader = new FrameReader(16, () => ++count < 2);
  const ping = write({ type: 6, flags: 0, streamId: 0, payload: Buffer.alloc(8) });
  reader.push(Buffer.concat([ping, ping, ping, ping]));
  expect(count).toBe(2);
});
