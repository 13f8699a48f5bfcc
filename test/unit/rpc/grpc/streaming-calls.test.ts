import { connect } from 'node:http2';
import { Metadata, status, type ServiceError } from '@grpc/grpc-js';
import { deferred } from '../../../support/deferred';
import { EchoFixture } from './echo-fixture';
import { echoDefinition } from './echo-service';
import { rawCall } from './raw-call';

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
