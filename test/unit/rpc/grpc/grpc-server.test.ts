import { connect, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import { Metadata, status, type Client, type ServiceError } from '@grpc/grpc-js';
import { nodePlatform } from '../../../../src/platform/node-platform';
import { GrpcServer } from '../../../../src/rpc/grpc/grpc-server';
import { echoClient, echoDefinition, echoHandlers, type EchoHandlers } from './echo-service';

let server: GrpcServer;
let client: Client;
let port: number;

async function start(
  handlers: Partial<EchoHandlers> = {},
  options: ConstructorParameters<typeof GrpcServer>[1] = {},
): Promise<void> {
  server = new GrpcServer(nodePlatform(), options);
  server.addService(echoDefinition, { ...echoHandlers, ...handlers });
  port = await server.listen('127.0.0.1', 0);
  client = echoClient(port);
}

afterEach(async () => {
  client.close();
  await server.close();
});

function unary(request: Buffer, metadata = new Metadata(), options = {}): Promise<Buffer> {
  const { path, requestSerialize, responseDeserialize } = echoDefinition.Unary;
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      metadata,
      options,
      (error, value) => {
        if (error === null && value !== undefined) resolve(value);
        else reject(error ?? new Error('no answer'));
      },
    );
  });
}

test('a unary call is answered', async () => {
  await start();
  expect(await unary(Buffer.from('hello'))).toEqual(Buffer.from('hello'));
});

test('500 calls at once are all answered', async () => {
  await start();
  const requests = Array.from({ length: 500 }, (_, index) => Buffer.from(`request ${index}`));
  const answers = await Promise.all(requests.map((request) => unary(request)));
  expect(answers).toEqual(requests);
});

test('a message of 16 MiB goes both ways', async () => {
  await start({}, { maxReceiveBytes: 32 * 1024 * 1024 });
  const large = Buffer.alloc(16 * 1024 * 1024, 'abcdefg');
  expect((await unary(large)).equals(large)).toBe(true);
});

test('an error of a handler has its code and text at the client', async () => {
  await start({
    Unary: (_call, callback) => callback({ code: status.NOT_FOUND, details: 'no täst 100%\n' }),
  });
  await expect(unary(Buffer.alloc(1))).rejects.toMatchObject({
    code: status.NOT_FOUND,
    details: 'no täst 100%\n',
  });
});

test('a handler that throws ends its call UNKNOWN, and the server hears why', async () => {
  const failures: unknown[] = [];
  const broken = new Error('broken');
  await start(
    {
      Unary: () => {
        throw broken;
      },
    },
    { onHandlerError: (path, error) => failures.push([path, error]) },
  );
  await expect(unary(Buffer.alloc(1))).rejects.toMatchObject({ code: status.UNKNOWN });
  expect(failures).toEqual([['/test.Echo/Unary', broken]]);
});

test('a method that is not served is UNIMPLEMENTED', async () => {
  await start();
  const { requestSerialize, responseDeserialize } = echoDefinition.Unary;
  const error = await new Promise((resolve) => {
    client.makeUnaryRequest(
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
  await start({
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
    const call = client.makeUnaryRequest(
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
  await start({
    Unary: (call, callback) => {
      seen = [call.getPeer().replace(/\d+$/, 'N'), call.getPath(), call.getHost()];
      const deadline = call.getDeadline();
      seen.push(Math.round((Number(deadline) - Date.now()) / 5000));
      callback(null, call.request);
    },
  });
  await unary(Buffer.alloc(0), new Metadata(), { deadline: Date.now() + 20_000 });
  expect(seen).toEqual(['127.0.0.1:N', '/test.Echo/Unary', `127.0.0.1:${port}`, 4]);
});

test('a call whose deadline passes is ended by the server, and its late answer is dropped', async () => {
  const cancelled = deferred<boolean>();
  await start({
    Unary: (call, callback) => {
      call.on('cancelled', () => {
        callback(null, call.request);
        cancelled.resolve(call.cancelled);
      });
    },
  });
  const metadata = new Metadata();
  metadata.set('grpc-timeout', '50m'); // without the client's own clock
  await expect(unary(Buffer.alloc(1), metadata)).rejects.toMatchObject({
    code: status.DEADLINE_EXCEEDED,
    details: 'Deadline exceeded',
  });
  expect(await cancelled.promise).toBe(true);
  expect(server.runningCalls).toBe(0);
});

test('a timeout that is none is refused', async () => {
  await start();
  const metadata = new Metadata();
  metadata.set('grpc-timeout', 'soon');
  await expect(unary(Buffer.alloc(1), metadata)).rejects.toMatchObject({
    code: status.INTERNAL,
    details: 'Invalid grpc-timeout value "soon"',
  });
});

test('a handler hears that its client gave up', async () => {
  const called = deferred<void>();
  const cancelled = deferred<void>();
  await start({
    Unary: (call) => {
      call.on('cancelled', () => cancelled.resolve());
      called.resolve();
    },
  });
  const { path, requestSerialize, responseDeserialize } = echoDefinition.Unary;
  const call = client.makeUnaryRequest(
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

test('handlers hear that their client is gone', async () => {
  const called = deferred<void>();
  const cancelled = deferred<void>();
  await start({
    Chat: (call) => {
      call.on('cancelled', () => cancelled.resolve());
      called.resolve();
    },
  });
  const session = connect(`http://127.0.0.1:${port}`);
  rawCall(session, 'Chat').on('error', () => undefined);
  await called.promise;
  session.destroy();
  await cancelled.promise;
});

test('a request that is too large is refused, whole or in parts', async () => {
  await start({}, { maxReceiveBytes: 100_000 });
  for (const bytes of [100_001, 10_000_000]) {
    await expect(unary(Buffer.alloc(bytes))).rejects.toMatchObject({
      code: status.RESOURCE_EXHAUSTED,
      details: `Received message larger than max (${bytes} vs. 100000)`,
    });
  }
  expect(await unary(Buffer.alloc(100_000))).toHaveLength(100_000);
});

test('an answer that is too large is not sent', async () => {
  await start({}, { maxSendBytes: 10 });
  await expect(unary(Buffer.alloc(11))).rejects.toMatchObject({
    code: status.RESOURCE_EXHAUSTED,
    details: 'Sent message larger than max (11 vs. 10)',
  });
  expect(await unary(Buffer.alloc(10))).toHaveLength(10);
});

test('a client that compresses is understood, and answered in kind', async () => {
  await start({}, { compressAnswers: true });
  client.close();
  client = echoClient(port, { 'grpc.default_compression_algorithm': 2 });
  const request = Buffer.alloc(100_000, 'ab');
  expect((await unary(request)).equals(request)).toBe(true);
  const { path, requestSerialize, responseDeserialize } = echoDefinition.Collect;
  const collected = await new Promise<Buffer | undefined>((resolve, reject) => {
    const call = client.makeClientStreamRequest(
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
  await start({}, { maxReceiveBytes: 100_000 });
  client.close();
  client = echoClient(port, { 'grpc.default_compression_algorithm': 2 });
  await expect(unary(Buffer.alloc(1_000_000))).rejects.toMatchObject({
    code: status.RESOURCE_EXHAUSTED,
    details: 'Received message that decompresses to a size larger than 100000',
  });
});

test('requests are collected from a stream', async () => {
  await start();
  const { path, requestSerialize, responseDeserialize } = echoDefinition.Collect;
  const answer = await new Promise<Buffer | undefined>((resolve, reject) => {
    const call = client.makeClientStreamRequest(
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
  await start();
  const { path, requestSerialize, responseDeserialize } = echoDefinition.Spread;
  const call = client.makeServerStreamRequest(
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
  await start();
  const call = chat();
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
  await start({
    Chat: (call) => {
      call.write(Buffer.from('one'));
      call.emit('error', { code: status.ABORTED, details: 'enough', metadata: trailers });
    },
  });
  const call = chat();
  const messages: Buffer[] = [];
  call.on('data', (message: Buffer) => messages.push(message));
  const error = await new Promise<ServiceError>((resolve) => call.on('error', resolve));
  expect(error).toMatchObject({ code: status.ABORTED, details: 'enough' });
  expect(error.metadata.get('why')).toEqual(['told']);
  expect(messages).toEqual([Buffer.from('one')]);
});

test('a handler may take its requests by iteration', async () => {
  await start({
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
    const call = client.makeClientStreamRequest(
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
  await start({
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
  const call = client.makeServerStreamRequest(
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
  await start(
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
  const session = connect(`http://127.0.0.1:${port}`);
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
  for (let other = 0; other < 20; other++) await unary(Buffer.alloc(1000));
  await new Promise((resolve) => session.ping(resolve));
  expect(taken).toBe(10_000);
  expect(sent).toBeLessThanOrEqual(2 * window);
  take();
  await new Promise((resolve) => call.on('end', resolve));
  expect(String(Buffer.concat(answer).subarray(5))).toBe('2000000');
  session.close();
});

test('what a handler leaves waiting is bounded', async () => {
  await start(
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
    const call = client.makeClientStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      resolve,
    );
    for (let part = 0; part < 10; part++) call.write(Buffer.alloc(10_000));
  });
  expect(error).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
});

test('a drained server finishes its calls, and clients come back to the next one', async () => {
  const called = deferred<void>();
  let answer: () => void = () => undefined;
  await start({
    Unary: (call, callback) => {
      answer = () => callback(null, call.request);
      called.resolve();
    },
  });
  const running = unary(Buffer.from('last'));
  await called.promise;
  const drained = server.drain(10_000);
  answer();
  expect(String(await running)).toBe('last');
  await drained;

  const next = new GrpcServer(nodePlatform());
  next.addService(echoDefinition, { ...echoHandlers });
  await next.listen('127.0.0.1', port);
  server = next;
  const metadata = new Metadata({ waitForReady: true });
  expect(String(await unary(Buffer.from('again'), metadata))).toBe('again');
});

test('a drain cuts what does not end in time', async () => {
  const called = deferred<void>();
  await start({ Unary: () => called.resolve() });
  const running = unary(Buffer.alloc(1));
  const failed = expect(running).rejects.toMatchObject({ code: status.UNAVAILABLE });
  await called.promise;
  await server.drain(1);
  await failed;
});

/** A call without a gRPC library, on a connection that the test holds. */
function rawCall(session: ClientHttp2Session, name: string): ClientHttp2Stream {
  return session.request({
    ':method': 'POST',
    ':path': `/test.Echo/${name}`,
    'content-type': 'application/grpc',
    te: 'trailers',
  });
}

function chat(): ReturnType<typeof client.makeBidiStreamRequest<Buffer, Buffer>> {
  const { path, requestSerialize, responseDeserialize } = echoDefinition.Chat;
  return client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
}

function deferred<T>(): {
  promise: Promise<T>;
  resolve: (value: T) => void;
  reject: (reason: Error) => void;
} {
  let resolve: (value: T) => void = () => undefined;
  let reject: (reason: Error) => void = () => undefined;
  const promise = new Promise<T>((done, fail) => {
    resolve = done;
    reject = fail;
  });
  return { promise, resolve, reject };
}
