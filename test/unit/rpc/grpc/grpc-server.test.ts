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
        else reject(error as ServiceError);
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
