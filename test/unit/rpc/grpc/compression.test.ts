import { gzipSync } from 'node:zlib';
import { status as Status } from '@grpc/grpc-js';
import { Unpacker } from '../../../../src/rpc/grpc/compression';

const always = (): boolean => true;

test('messages are unpacked a few at a time, and all of them in the end', async () => {
  const unpacker = new Unpacker(2);
  const messages = Array.from({ length: 20 }, (_, at) => Buffer.alloc(10_000, at));
  let largest = 0;
  const unpacked = await Promise.all(
    messages.map(async (message) => {
      const answer = await unpacker.unpack(gzipSync(message), 'gzip', 10_000, always);
      largest = Math.max(largest, unpacker.underWay);
      return answer;
    }),
  );
  expect(unpacked).toEqual(messages);
  expect(largest).toBe(2);
  expect(unpacker.underWay).toBe(0);
});

test('a message whose call has ended meanwhile is not unpacked, and keeps no place', async () => {
  const unpacker = new Unpacker(1);
  const packed = gzipSync(Buffer.from('message'));
  const first = unpacker.unpack(packed, 'gzip', 100, always);
  const ended = unpacker.unpack(Buffer.from('no gzip'), 'gzip', 100, () => false);
  const last = unpacker.unpack(packed, 'gzip', 100, always);
  expect(await ended).toBeUndefined();
  expect([await first, await last]).toEqual([Buffer.from('message'), Buffer.from('message')]);
});

test('bytes that are no gzip, and messages that are too large, leave their place to others', async () => {
  const unpacker = new Unpacker(1);
  const large = unpacker.unpack(gzipSync(Buffer.alloc(101)), 'gzip', 100, always);
  const broken = unpacker.unpack(Buffer.from('no gzip'), 'gzip', 100, always);
  const fine = unpacker.unpack(gzipSync(Buffer.alloc(100)), 'gzip', 100, always);
  expect(await large).toMatchObject({ code: Status.RESOURCE_EXHAUSTED });
  expect(await broken).toMatchObject({ code: Status.INTERNAL });
  expect(await fine).toEqual(Buffer.alloc(100));
});

test('bytes behind a message say nothing about the room that it keeps', async () => {
  const pretending = Buffer.concat([gzipSync(Buffer.from('small')), Buffer.from([0, 0, 64, 0])]);
  const message = await new Unpacker().unpack(pretending, 'gzip', 4 << 20, always);
  expect(message).toEqual(Buffer.from('small'));
  expect((message as Buffer).buffer.byteLength).toBeLessThan(64 * 1024);
});

test('a message of several gzip members is whole', async () => {
  const parts = [Buffer.alloc(200_000, 1), Buffer.alloc(50_000, 2), Buffer.of(3)];
  const packed = Buffer.concat(parts.map((part) => gzipSync(part)));
  const message = await new Unpacker().unpack(packed, 'gzip', 4 << 20, always);
  expect(message).toEqual(Buffer.concat(parts));
});
