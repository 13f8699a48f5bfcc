import { Metadata, status } from '@grpc/grpc-js';
import { deferred } from '../../../support/deferred';
import { EchoFixture } from './echo-fixture';
import { echoClient, echoDefinition } from './echo-service';

const echo = new EchoFixture();

afterEach(() => echo.stop());

test('a unary call is answered', async () => {
  await echo.start();
  expect(await echo.unary(Buffer.from('hello'))).toEqual(Buffer.from('hello'));
});

test('500 calls at once are all answered', async () => {
  await echo.start();
  const requests = Array.from({ length: 500 }, (_, index) => Buffer.from(`request ${index}`));
  const answers = await Promise.all(requests.map((request) => echo.unary(request)));
  expect(answers).toEqual(requests);
});

test('a message of 16 MiB goes both ways', async () => {
  await echo.start({}, { maxReceiveBytes: 32 * 1024 * 1024 });
  const large = Buffer.alloc(16 * 1024 * 1024, 'abcdefg');
  expect((await echo.unary(large)).equals(large)).toBe(true);
});

test('an error of a handler has its code and text at the client', async () => {
  await echo.start({
    Unary: (_call, callback) => callback({ code: status.NOT_FOUND, details: 'no täst 100%\n' }),
  });
  await expect(echo.unary(Buffer.alloc(1))).rejects.toMatchObject({
    code: status.NOT_FOUND,
    details: 'no täst 100%\n',
  });
});

test('a handler that throws ends its call UNKNOWN, and the server hears why', async () => {
  const failures: unknown[] = [];
  const broken = new Error('broken');
  await echo.start(
    {
      Unary: () => {
        throw broken;
      },
    },
    { onHandlerError: (path, error) => failures.push([path, error]) },
  );
  await expect(echo.unary(Buffer.alloc(1))).rejects.toMatchObject({ code: status.UNKNOWN });
  expect(failures).toEqual([['/test.Echo/Unary', broken]]);
});

test('a method that is not served is UNIMPLEMENTED', async () => {
  await echo.start();
  const { requestSerialize, responseDeserialize } = echoDefinition.Unary;
  const error = await new Promise((resolve) => {
    echo.client.makeUnaryRequest(
      '/test.Echo/Nothing',
      requestSerialize,
      responseDeserialize,
      Buffer.alloc(1),
      resolve,
    );
  });
  expect(error).toMatchObject({
    code: status.UNIMPLEMENTED,
    details: 'The server does not implement the method /test.Echo/Nothing',
  });
});

test('metadata goes both ways, text and binary, first and last', async () => {
  await echo.start({
    Unary: (call, callback) => {
      const first = new Metadata();
      first.add('twice', 'a');
      first.add('twice', 'b');
      call.sendMetadata(first);
      const last = new Metadata();
      last.set('seen-bin', call.metadata.get('sent-bin')[0] ?? Buffer.alloc(0));
      last.set('seen', String(call.metadata.get('sent')));
      callback(null, call.request, last);
    },
  });
  const sent = new Metadata();
  sent.set('sent-bin', Buffer.from([0, 1, 254, 255]));
  sent.set('sent', 'some text');
  const { path, requestSerialize, responseDeserialize } = echoDefinition.Unary;
  const [first, last] = await new Promise<[Metadata, Metadata]>((resolve, reject) => {
    let head = new Metadata();
    const call = echo.client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      Buffer.alloc(0),
      sent,
      (error) => {
        if (error !== null) reject(error);
      },
    );
    call.on('metadata', (metadata: Metadata) => (head = metadata));
    call.on('status', (ended) => resolve([head, ended.metadata]));
  });
  expect(first.get('twice')).toEqual(['a, b']);
  expect(last.get('seen-bin')).toEqual([Buffer.from([0, 1, 254, 255])]);
  expect(last.get('seen')).toEqual(['some text']);
});

test('a call knows its peer, path, host and deadline', async () => {
  let seen: unknown[] = [];
  await echo.start({
    Unary: (call, callback) => {
      seen = [call.getPeer().replace(/\d+$/, 'N'), call.getPath(), call.getHost()];
      const deadline = call.getDeadline();
      seen.push(Math.round((Number(deadline) - Date.now()) / 5000));
      callback(null, call.request);
    },
  });
  await echo.unary(Buffer.alloc(0), new Metadata(), { deadline: Date.now() + 20_000 });
  expect(seen).toEqual(['127.0.0.1:N', '/test.Echo/Unary', `127.0.0.1:${echo.port}`, 4]);
});

test('a call whose deadline passes is ended by the server, and its late answer is dropped', async () => {
  const cancelled = deferred<boolean>();
  await echo.start({
    Unary: (call, callback) => {
      call.on('cancelled', () => {
        callback(null, call.request);
        cancelled.resolve(call.cancelled);
      });
    },
  });
  const metadata = new Metadata();
  metadata.set('grpc-timeout', '50m'); // without the client's own clock
  await expect(echo.unary(Buffer.alloc(1), metadata)).rejects.toMatchObject({
    code: status.DEADLINE_EXCEEDED,
    details: 'Deadline exceeded',
  });
  expect(await cancelled.promise).toBe(true);
  expect(echo.server.runningCalls).toBe(0);
});

test('a timeout that is none is refused', async () => {
  await echo.start();
  const metadata = new Metadata();
  metadata.set('grpc-timeout', 'soon');
  await expect(echo.unary(Buffer.alloc(1), metadata)).rejects.toMatchObject({
    code: status.INTERNAL,
    details: 'Invalid grpc-timeout value "soon"',
  });
});

test('a handler hears that its client gave up', async () => {
  const called = deferred<void>();
  const cancelled = deferred<void>();
  await echo.start({
    Unary: (call) => {
      call.on('cancelled', () => cancelled.resolve());
      called.resolve();
    },
  });
  const { path, requestSerialize, responseDeserialize } = echoDefinition.Unary;
  const call = echo.client.makeUnaryRequest(
    path,
    requestSerialize,
    responseDeserialize,
    Buffer.alloc(1),
    () => undefined,
  );
  await called.promise;
  call.cancel();
  await cancelled.promise;
});

test('a request that is too large is refused, whole or in parts', async () => {
  await echo.start({}, { maxReceiveBytes: 100_000 });
  for (const bytes of [100_001, 10_000_000]) {
    await expect(echo.unary(Buffer.alloc(bytes))).rejects.toMatchObject({
      code: status.RESOURCE_EXHAUSTED,
      details: `Received message larger than max (${bytes} vs. 100000)`,
    });
  }
  expect(await echo.unary(Buffer.alloc(100_000))).toHaveLength(100_000);
});

test('an answer that is too large is not sent', async () => {
  await echo.start({}, { maxSendBytes: 10 });
  await expect(echo.unary(Buffer.alloc(11))).rejects.toMatchObject({
    code: status.RESOURCE_EXHAUSTED,
    details: 'Sent message larger than max (11 vs. 10)',
  });
  expect(await echo.unary(Buffer.alloc(10))).toHaveLength(10);
});

test('a client that compresses is understood, and answered in kind', async () => {
  await echo.start({}, { compressAnswers: true });
  echo.client.close();
  echo.client = echoClient(echo.port, { 'grpc.default_compression_algorithm': 2 });
  const request = Buffer.alloc(100_000, 'ab');
  expect((await echo.unary(request)).equals(request)).toBe(true);
  const { path, requestSerialize, responseDeserialize } = echoDefinition.Collect;
  const collected = await new Promise<Buffer | undefined>((resolve, reject) => {
    const call = echo.client.makeClientStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      (error, value) => (error === null ? resolve(value) : reject(error as Error)),
    );
    for (let part = 0; part < 50; part++) call.write(Buffer.alloc(part * 100, part));
    call.end();
  });
  const parts = Array.from({ length: 50 }, (_, part) => Buffer.alloc(part * 100, part));
  expect(collected?.equals(Buffer.concat(parts))).toBe(true);
});

test('a compressed request that unpacks to too much is refused', async () => {
  await echo.start({}, { maxReceiveBytes: 100_000 });
  echo.client.close();
  echo.client = echoClient(echo.port, { 'grpc.default_compression_algorithm': 2 });
  await expect(echo.unary(Buffer.alloc(1_000_000))).rejects.toMatchObject({
    code: status.RESOURCE_EXHAUSTED,
    details: 'Received message that decompresses to a size larger than 100000',
  });
});
