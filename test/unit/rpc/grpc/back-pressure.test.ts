import { connect } from 'node:http2';
import { status } from '@grpc/grpc-js';
import { deferred } from '../../../support/deferred';
import { EchoFixture } from './echo-fixture';
import { echoDefinition } from './echo-service';
import { rawCall } from './raw-call';

const echo = new EchoFixture();

afterEach(() => echo.stop());

test('a handler hears of each answer when it has left, and of those that never will', async () => {
  const written: (string | undefined)[] = [];
  const closed = deferred<void>();
  await echo.start({
    Chat: (call) => {
      for (const size of [10, 70_000, 70_000, 70_000]) {
        call.write(Buffer.alloc(size), (error?: Error | null) => written.push(error?.message));
      }
      call.on('finish', () => written.push('finish'));
      call.on('close', () => closed.resolve());
      call.end();
    },
  });
  // The client's window is 65,535 bytes for the stream, and it does not read on.
  const session = connect(`http://127.0.0.1:${echo.port}`);
  const call = rawCall(session, 'Chat');
  call.on('error', () => undefined);
  call.pause();
  await new Promise((resolve) => call.once('response', resolve));
  await new Promise((resolve) => session.ping(resolve));
  expect(written).toEqual([undefined]);
  expect(echo.server.runningCalls).toBe(1); // its answer has ended, but has not left
  call.destroy();
  await closed.promise;
  const never = 'The call was cancelled';
  expect(written).toEqual([undefined, never, never, never]);
  expect(echo.server.runningCalls).toBe(0);
  session.close();
});

test('a deadline also ends an answer that the client does not read', async () => {
  const closed = deferred<boolean>();
  await echo.start({
    Chat: (call) => {
      call.write(Buffer.alloc(100_000));
      call.end();
      call.on('close', () => closed.resolve(call.cancelled));
    },
  });
  const session = connect(`http://127.0.0.1:${echo.port}`);
  const call = rawCall(session, 'Chat', { 'grpc-timeout': '100m' });
  call.on('error', () => undefined);
  call.pause();
  expect(await closed.promise).toBe(true);
  session.destroy();
});

test('a handler that writes faster than its client reads is told to wait, and to go on', async () => {
  const total = 200;
  let refused = 0;
  let drained = 0;
  await echo.start({
    Spread: (call) => {
      let sent = 0;
      const more = (): void => {
        while (sent < total) {
          sent++;
          if (!call.write(Buffer.alloc(64 * 1024, sent))) {
            refused++;
            return;
          }
        }
        call.end();
      };
      call.on('drain', () => {
        drained++;
        more();
      });
      more();
    },
  });
  const { path, requestSerialize, responseDeserialize } = echoDefinition.Spread;
  const call = echo.client.makeServerStreamRequest(
    path,
    requestSerialize,
    responseDeserialize,
    Buffer.from([1]),
  );
  let received = 0;
  for await (const answer of call) {
    received++;
    expect((answer as Buffer)[0]).toBe(received);
  }
  expect(received).toBe(total);
  expect(refused).toBeGreaterThan(10);
  expect(drained).toBe(refused);
});

test('a client that sends faster than its handler takes is stopped by its window', async () => {
  const window = 64 * 1024;
  const taking = deferred<void>();
  let take: () => void = () => undefined;
  let taken = 0;
  await echo.start(
    {
      Collect: (call, callback) => {
        call.on('data', (part: Buffer) => {
          taken += part.length;
          if (taken === part.length) {
            call.pause();
            taking.resolve();
          }
        });
        call.on('end', () => callback(null, Buffer.from(String(taken))));
        take = () => call.resume();
      },
    },
    { http2: { streamWindowBytes: window } },
  );
  const session = connect(`http://127.0.0.1:${echo.port}`);
  const call = rawCall(session, 'Collect');
  const answer: Buffer[] = [];
  call.on('data', (part: Buffer) => answer.push(part));
  let sent = 0;
  for (let part = 0; part < 200; part++) {
    const message = Buffer.alloc(10_005);
    message.writeUInt32BE(10_000, 1);
    call.write(message, () => (sent += message.length));
  }
  call.end();
  await taking.promise;
  // Calls of others, and on the same connection, go on meanwhile.
  for (let other = 0; other < 20; other++) await echo.unary(Buffer.alloc(1000));
  await new Promise((resolve) => session.ping(resolve));
  expect(taken).toBe(10_000);
  expect(sent).toBeLessThanOrEqual(2 * window);
  take();
  await new Promise((resolve) => call.on('end', resolve));
  expect(String(Buffer.concat(answer).subarray(5))).toBe('2000000');
  session.close();
});

test('what a handler leaves waiting is bounded', async () => {
  await echo.start(
    {
      Collect: (call) => {
        call.pause(); // for ever
        call.on('data', () => undefined);
        call.pause();
      },
    },
    { http2: { maxHeldConnectionBytes: 50_000 } },
  );
  const { path, requestSerialize, responseDeserialize } = echoDefinition.Collect;
  const error = await new Promise<unknown>((resolve) => {
    const call = echo.client.makeClientStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      resolve,
    );
    for (let part = 0; part < 10; part++) call.write(Buffer.alloc(10_000));
  });
  expect(error).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
});
