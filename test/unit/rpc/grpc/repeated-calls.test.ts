import { once } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';
import { type ClientHttp2Session, connect } from 'node:http2';
import { status } from '@grpc/grpc-js';
import { headerOf } from '../../../../src/rpc/call-context';
import { EchoFixture } from './echo-fixture';
import { rawCall } from './raw-call';

const echo = new EchoFixture();
let session: ClientHttp2Session | undefined;

afterEach(async () => {
  session?.destroy();
  await echo.stop();
});

interface Seen {
  readonly peer: string;
  readonly id: string;
  readonly ids: readonly unknown[];
  readonly limited: boolean;
}

/** Serves calls that tell what the handler sees of each, over one connection. */
async function start(): Promise<(more?: Record<string, string>, path?: string) => Promise<Answer>> {
  await echo.start({
    Unary: (call, callback) => {
      const seen: Seen = {
        peer: call.getHost(),
        id: headerOf(call, 'x-id'),
        ids: call.metadata.get('x-id'),
        limited: Number.isFinite(call.getDeadline()),
      };
      callback(null, Buffer.from(JSON.stringify(seen)));
    },
  });
  const client = connect(`http://127.0.0.1:${echo.port}`);
  session = client;
  return (more = {}, name = 'Unary') => answer(client, name, more);
}

interface Answer {
  readonly httpStatus: number | undefined;
  readonly grpcStatus: number | undefined;
  readonly seen: Seen | undefined;
}

async function answer(
  client: ClientHttp2Session,
  name: string,
  more: Readonly<Record<string, string>>,
): Promise<Answer> {
  const call = rawCall(client, name, more);
  let httpStatus: number | undefined;
  let grpcStatus: number | undefined;
  const chunks: Buffer[] = [];
  call.on('response', (headers) => {
    httpStatus = headers[':status'];
    if (headers['grpc-status'] !== undefined) grpcStatus = Number(headers['grpc-status']);
  });
  call.on('trailers', (trailers: IncomingHttpHeaders) => {
    grpcStatus = Number(trailers['grpc-status']);
  });
  call.on('data', (chunk: Buffer) => chunks.push(chunk));
  call.on('error', () => undefined);
  call.end(Buffer.from([0, 0, 0, 0, 1, 7]));
  await once(call, 'close');
  const bytes = Buffer.concat(chunks).subarray(5);
  const seen = grpcStatus === 0 ? (JSON.parse(bytes.toString()) as Seen) : undefined;
  return { httpStatus, grpcStatus, seen };
}

test('calls that differ in an id and a time limit are each served with their own', async () => {
  const call = await start();
  for (let i = 0; i < 30; i++) {
    const id = i % 3 === 0 ? 'same' : `id-${i}`;
    const { seen, grpcStatus } = await call({ 'x-id': id, 'grpc-timeout': `${10_000 + i}m` });
    expect(grpcStatus).toBe(status.OK);
    expect(seen).toMatchObject({ id, ids: [id], limited: true });
  }
  const { seen } = await call({ 'x-id': 'last' });
  expect(seen).toMatchObject({ id: 'last', limited: false });
});

test('a call that is like earlier ones but for its path goes where it says', async () => {
  const call = await start();
  const more = { 'x-id': 'a' };
  expect((await call(more)).grpcStatus).toBe(status.OK);
  expect((await call(more, 'Nothing')).grpcStatus).toBe(status.UNIMPLEMENTED);
  expect((await call(more)).grpcStatus).toBe(status.OK);
});

test('a call that is like earlier ones but for a wrong time limit is refused', async () => {
  const call = await start();
  expect((await call({ 'grpc-timeout': '5S' })).grpcStatus).toBe(status.OK);
  expect((await call({ 'grpc-timeout': 'soon' })).grpcStatus).toBe(status.INTERNAL);
  expect((await call({ 'grpc-timeout': '6S' })).grpcStatus).toBe(status.OK);
});

test('a call that is like earlier ones but for its content type is no call', async () => {
  const call = await start();
  expect((await call({})).grpcStatus).toBe(status.OK);
  expect((await call({ 'content-type': 'application/json' })).httpStatus).toBe(415);
  expect((await call({})).grpcStatus).toBe(status.OK);
});

test('a call with another encoding than earlier ones is read by its own', async () => {
  const call = await start();
  expect((await call({ 'grpc-encoding': 'identity' })).grpcStatus).toBe(status.OK);
  const { grpcStatus } = await call({ 'grpc-encoding': 'snappy' });
  expect(grpcStatus).toBe(status.OK); // the message itself is not compressed
});
