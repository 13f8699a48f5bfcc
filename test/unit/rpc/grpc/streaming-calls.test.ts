import { connect, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import { Metadata, status, type ServiceError } from '@grpc/grpc-js';
import { deferred } from '../../../support/deferred';
import { EchoFixture } from './echo-fixture';
import { echoDefinition } from './echo-service';

const echo = new EchoFixture();

afterEach(() => echo.stop());

test('handlers hear that their client is gone', async () => {
  const called = deferred<void>();
  const cancelled = deferred<void>();
  await echo.start({
    Chat: (call) => {
      call.on('cancelled', () => cancelled.resolve());
      called.resolve();
    },
  });
  const session = connect(`http://127.0.0.1:${echo.port}`);
  rawCall(session, 'Chat').on('error', () => undefined);
  await called.promise;
  session.destroy();
  await cancelled.promise;
});

test('requests are collected from a stream', async () => {
  await echo.start();
  const { path, requestSerialize, responseDeserialize } = echoDefinition.Collect;
  const answer = await new Promise<Buffer | undefined>((resolve, reject) => {
    const call = echo.client.makeClientStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      (error, value) => (error === null ? resolve(value) : reject(error as Error)),
    );
    for (const text of ['a', 'b', 'c']) call.write(Buffer.from(text));
    call.end();
  });
  expect(String(answer)).toBe('abc');
});

test('answers are spread over a stream', async () => {
  await echo.start();
  const { path, requestSerialize, responseDeserialize } = echoDefinition.Spread;
  const call = echo.client.makeServerStreamRequest(
    path,
    requestSerialize,
    responseDeserialize,
    Buffer.from([3, 7]),
  );
  const answers: Buffer[] = [];
  for await (const answer of call) answers.push(answer as Buffer);
  expect(answers).toEqual([Buffer.from([3, 7]), Buffer.from([3, 7]), Buffer.from([3, 7])]);
});

test('both sides talk in turn, then end', async () => {
  await echo.start();
  const call = echo.chat();
  const heard: string[] = [];
  const ended = new Promise<number>((resolve) => {
    call.on('status', (end: { code: number }) => resolve(end.code));
  });
  call.on('data', (message: Buffer) => {
    heard.push(String(message));
    if (heard.length < 5) call.write(Buffer.from(`message ${heard.length}`));
    else call.end();
  });
  call.write(Buffer.from('message 0'));
  expect(await ended).toBe(status.OK);
  expect(heard).toEqual([0, 1, 2, 3, 4].map((count) => `message ${count}`));
});

test('a stream ends with the status that its handler emits as an error', async () => {
  const trailers = new Metadata();
  trailers.set('why', 'told');
  await echo.start({
    Chat: (call) => {
      call.write(Buffer.from('one'));
      call.emit('error', { code: status.ABORTED, details: 'enough', metadata: trailers });
    },
  });
  const call = echo.chat();
  const messages: Buffer[] = [];
  call.on('data', (message: Buffer) => messages.push(message));
  const error = await new Promise<ServiceError>((resolve) => call.on('error', resolve));
  expect(error).toMatchObject({ code: status.ABORTED, details: 'enough' });
  expect(error.metadata.get('why')).toEqual(['told']);
  expect(messages).toEqual([Buffer.from('one')]);
});

test('a handler may end its call at once, and hears when that has left', async () => {
  const events: string[] = [];
  const closed = deferred<void>();
  await echo.start({
    Chat: (call) => {
      call.on('finish', () => events.push('finish'));
      call.on('close', () => closed.resolve());
      call.write(Buffer.from('only'), () => events.push('written'));
      call.end();
      events.push('returned');
    },
  });
  const call = echo.chat();
  const messages: string[] = [];
  call.on('data', (message: Buffer) => messages.push(String(message)));
  await new Promise((resolve) => call.on('status', resolve));
  await closed.promise;
  expect(messages).toEqual(['only']);
  expect(events).toEqual(['returned', 'written', 'finish']);
  expect(echo.server.runningCalls).toBe(0);
});

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

test('a handler may take its requests by iteration', async () => {
  await echo.start({
    Collect: (call, callback) => {
      void (async () => {
        let count = 0;
        for await (const part of call) count += (part as Buffer).length;
        callback(null, Buffer.from(String(count)));
      })();
    },
  });
  const { path, requestSerialize, responseDeserialize } = echoDefinition.Collect;
  const answer = await new Promise<Buffer | undefined>((resolve, reject) => {
    const call = echo.client.makeClientStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      (error, value) => (error === null ? resolve(value) : reject(error as Error)),
    );
    for (let part = 0; part < 100; part++) call.write(Buffer.alloc(1000));
    call.end();
  });
  expect(String(answer)).toBe('100000');
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

/** A call without a gRPC library, on a connection that the test holds. */
function rawCall(
  session: ClientHttp2Session,
  name: string,
  more: Readonly<Record<string, string>> = {},
): ClientHttp2Stream {
  return session.request({
    ':method': 'POST',
    ':path': `/test.Echo/${name}`,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...more,
  });
}
