import { Metadata, status } from '@grpc/grpc-js';
import { nodePlatform } from '../../../../src/platform/node-platform';
import { GrpcServer } from '../../../../src/rpc/grpc/grpc-server';
import { deferred } from '../../../support/deferred';
import { EchoFixture } from './echo-fixture';
import { echoDefinition, echoHandlers } from './echo-service';

const echo = new EchoFixture();

afterEach(() => echo.stop());

test('a drained server finishes its calls, and clients come back to the next one', async () => {
  const called = deferred<void>();
  let answer: () => void = () => undefined;
  await echo.start({
    Unary: (call, callback) => {
      answer = () => callback(null, call.request);
      called.resolve();
    },
  });
  const running = echo.unary(Buffer.from('last'));
  await called.promise;
  const drained = echo.server.drain(10_000);
  answer();
  expect(String(await running)).toBe('last');
  await drained;

  const next = new GrpcServer(nodePlatform());
  next.addService(echoDefinition, { ...echoHandlers });
  await next.listen('127.0.0.1', echo.port);
  echo.server = next;
  const metadata = new Metadata({ waitForReady: true });
  expect(String(await echo.unary(Buffer.from('again'), metadata))).toBe('again');
});

test('a drain cuts what does not end in time', async () => {
  const called = deferred<void>();
  await echo.start({ Unary: () => called.resolve() });
  const running = echo.unary(Buffer.alloc(1));
  const failed = expect(running).rejects.toMatchObject({ code: status.UNAVAILABLE });
  await called.promise;
  await echo.server.drain(1);
  await failed;
});
